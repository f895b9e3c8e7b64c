"""What an open tab costs the server, however long its conversation is.

Run: `uv run python -m benchmarks.bench_tabs` (a minute).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.library import fill
from benchmarks.measure import memory_kb, table
from benchmarks.tab import Tab, first_visit
from tests.server import Server
from tests.upstream import Upstream

TABS = 1000
_WARM = 50  # what the first tabs bring with them, such as imported modules, is no tab's own


async def _opened(server: Server, path: str) -> float:
    """Private memory per open tab, in kB."""
    cookie = await first_visit(server.port)
    async with AsyncExitStack() as stack:
        for _ in range(_WARM):
            await stack.enter_async_context(Tab.open(server.port, cookie, path))
        before = memory_kb(server)
        for _ in range(TABS):
            await stack.enter_async_context(Tab.open(server.port, cookie, path))
        return (memory_kb(server) - before) / TABS


def rows() -> Iterator[tuple[str, ...]]:
    """A short conversation and a very long one."""
    for count in (2, 10_000):
        with Upstream(["echo"]).serve() as upstream, tempfile.TemporaryDirectory() as made:
            ids = fill(Path(made), {"it": ["A line, as most messages are."] * count})
            server = Server(Path(made), VLLM_BASE_URL=upstream.url).start()
            try:
                per_tab = asyncio.run(_opened(server, f"/c/{ids['it']}"))
                yield f"{count:,} messages", f"{per_tab:.0f}"
            finally:
                server.stop()


def main() -> None:
    """Print the table."""
    table((f"each of {TABS:,} tabs, its conversation", "kB"), rows())


if __name__ == "__main__":
    main()
