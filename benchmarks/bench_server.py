"""What one worker bears: CPU per token, how many streams before words come late, and memory over many answers.

Run: `uv run python -m benchmarks.bench_server` (six minutes). The model server and the watching tabs are processes of
their own but share this machine with the worker: CPU and memory are the worker's alone, lateness is everybody's.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, closing, contextmanager
from pathlib import Path

from benchmarks.library import fill
from benchmarks.measure import cpu_s, memory_kb, quantile, table
from benchmarks.stamps import Stamps, lateness_ms
from benchmarks.tab import Tab, first_visit
from chat_app.api.identity import Identity
from tests.server import Server, free_port
from tests.upstream import Script, Upstream
from tests.waiting import answers, until_now

PER_S, TOKENS = 50, 400
LATE_MS = 100
FIRST_S = 0.3


def _serve(port: int, script: Script) -> None:
    upstream = Upstream(["echo"], port)
    upstream.default = script
    with upstream.serve():
        signal.pause()  # until it is terminated


@contextmanager
def application(script: Script, library: dict[str, list[str]] | None = None, **settings: str) -> Iterator[Server]:
    """The application, with conversations (as `fill` takes them), over a model server that always answers so.

    The model server is a process of its own.
    """
    port = free_port()
    model = multiprocessing.get_context("spawn").Process(target=_serve, args=(port, script), daemon=True)
    model.start()
    with tempfile.TemporaryDirectory() as made:
        if library:
            fill(Path(made), library)
        server = Server(Path(made), VLLM_BASE_URL=f"http://127.0.0.1:{port}/v1", **settings)
        try:
            until_now(lambda: answers(f"http://127.0.0.1:{port}/v1/models"))
            yield server.start()
        finally:
            server.stop()
            model.terminate()


def people(server: Server, count: int) -> list[str]:
    """The cookies of so many people. There are no accounts yet: they are put into the database by hand."""
    identity = Identity((server.folder / "secret_key").read_text(), server.port)
    names = [f"person {number}" for number in range(count)]
    with closing(sqlite3.connect(server.folder / "chat.db", timeout=10)) as database, database:
        row = "INSERT OR IGNORE INTO users (id, created_at, name, role, preferences) VALUES (?, 0, '', 'user', '{}')"
        database.executemany(row, [(name,) for name in names])
    return [identity.cookie(name) for name in names]


async def together(
    port: int, cookies: Sequence[str], ask: Callable[[Tab], Awaitable[None]], ready: Callable[[], None]
) -> None:
    """Let people ask at once, each in a tab; `ready` is called when all are open."""
    async with AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(Tab.open(port, cookie)) for cookie in cookies]
        ready()
        async with asyncio.TaskGroup() as group:
            for tab in tabs:
                group.create_task(ask(tab))


def load(streams: int) -> tuple[str, ...]:
    """So many answers at once, each of `TOKENS` at `PER_S`; a row of the table."""
    late: list[int] = []
    marks: list[float] = []
    asked = ended = 0

    async def ask(tab: Tab) -> None:
        nonlocal asked, ended
        await tab.send("go")
        asked += 1
        if asked == streams:
            marks.append(cpu_s(server))
        async with aclosing(tab.follow()) as words:
            async for text in words:
                late.extend(lateness_ms(text))
        ended += 1
        if ended == 1:
            marks.append(cpu_s(server))

    # The first word waits until all have asked: a send takes the server 50 ms, and only the streams are to be measured.
    with application(Script(Stamps(TOKENS), pace_s=1 / PER_S, first_s=FIRST_S + streams / 15)) as server:
        asyncio.run(together(server.port, people(server, streams), ask, lambda: marks.append(cpu_s(server))))
        opened, sent, streamed, settled = *marks, cpu_s(server)
    per_token = (streamed - sent) * 1000 / (streams * TOKENS)
    around = (sent - opened + settled - streamed) * 1000 / streams
    return (
        str(streams),
        f"{per_token:.3f}",
        f"{around:.0f}",
        f"{quantile(late, 0.5):.0f}",
        f"{quantile(late, 0.95):.0f}",
    )


def limit() -> Iterator[tuple[str, ...]]:
    """More and more streams, until the words come too late."""
    for streams in (1, 100, 200, 225, 250, 275, 300, 400, 500, 600):
        row = load(streams)
        yield row
        if float(row[-1]) > LATE_MS:
            return


def first_words(times: int = 60) -> tuple[float, float]:
    """Time from the send of a first question to its first word, less the model server's own, in ms: p50 and p95."""
    added: list[float] = []

    async def ask_often(port: int) -> None:
        cookie = await first_visit(port)
        for _ in range(times):
            async with Tab.open(port, cookie) as tab:
                began = time.monotonic()
                await tab.send("go")
                async with aclosing(tab.follow()) as words:
                    async for text in words:
                        if text:
                            added.append((time.monotonic() - began - FIRST_S) * 1000)
                            break
                await asyncio.sleep(
                    0.2
                )  # the title is asked for after the answer; it is not to be in the next one's way

    with application(Script(["word"], first_s=FIRST_S)) as server:
        asyncio.run(ask_often(server.port))
    return quantile(added, 0.5), quantile(added, 0.95)


def memory(answers: int = 10_000, step: int = 1000) -> Iterator[tuple[str, ...]]:
    """The worker's private memory after each thousand answers; four tabs ask without pause."""

    async def ask(tab: Tab) -> None:
        for _ in range(step // 4):
            await tab.send("go")
            async with aclosing(tab.follow()) as words:
                async for _ in words:
                    pass

    with application(Script(["word "] * 50)) as server:
        base = 0
        for done in range(step, answers + 1, step):
            asyncio.run(together(server.port, people(server, 4), ask, lambda: None))
            now = memory_kb(server)
            base = base or now
            yield f"{done:,}", f"{now / 1024:.0f}", f"{(now - base) / 1024:+.1f}"


def main() -> None:
    """Print the tables."""
    p50, p95 = first_words()
    table(("send to first word, less the upstream's own, ms", "p50", "p95"), [("one tab", f"{p50:.1f}", f"{p95:.1f}")])
    table((f"streams of {PER_S}/s", "server CPU, ms per token", "ms per send and end", "late, ms, p50", "p95"), limit())
    table(("answers", "private memory, MB", "since the first thousand, MB"), memory())


if __name__ == "__main__":
    main()
