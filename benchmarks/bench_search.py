"""Search: in a million vectors, as one types in the browser, and what keeping its index costs and holds up.

Run: `uv run python -m benchmarks.bench_search` (20 minutes, 10 GB of disk). Queries of many vectors are asked in this
process, without the embedding; all else of the served application, whose embedder is the built-in one.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from random import Random
from urllib.parse import quote
from urllib.request import Request, urlopen

from playwright.sync_api import Page

from benchmarks import many_vectors
from benchmarks.bench_server import FIRST_S, PER_S, application, people, together
from benchmarks.measure import cpu_of, cpu_s, memory_kb, open_page, quantile, settle, table
from benchmarks.stamps import Stamps, lateness_ms
from benchmarks.tab import Tab, first_visit
from chat_app.search.embedder import LOCAL
from tests.server import Server
from tests.upstream import Script

_DEPTH = 5  # every so many of the thousand people are asked; the largest, too
_LARGEST = 10
_MESSAGES, _TYPED, _INDEXED, _BESIDE = 10_000, 60, 1_000, 500
_LONG_S = 1800
_LENGTH, _SHORT = 50, 15  # words of a message
_STREAMS, _TOKENS, _TURNS = 10, 300, 4


def quantiles(values: list[float]) -> str:
    """The middle, the twentieth from above, and the most."""
    return " / ".join(f"{quantile(values, share):.1f}" for share in (0.5, 0.95, 1))


def queries() -> Iterator[tuple[str, ...]]:
    """Of a million vectors: one person's queries, whether in memory or not; and the first after the system has forgotten."""
    for spread, sizes in (("1,000 each", many_vectors.even()), ("Zipf", many_vectors.zipf())):
        with tempfile.TemporaryDirectory() as made:
            yield from asyncio.run(_queries(spread, sizes, Path(made)))


async def _queries(spread: str, sizes: list[int], folder: Path) -> list[tuple[str, ...]]:
    everybody = range(0, len(sizes), _DEPTH)
    rows: list[tuple[str, ...]] = []
    async with many_vectors.filled(folder, sizes) as chunks:
        for by in ("meaning", "words", "both"):
            times = await many_vectors.ask(chunks, everybody, by=by)
            rows.append((spread, by, quantiles(times.cold), quantiles(times.warm)))
        times = await many_vectors.ask(chunks, everybody[:50], by="both", folder=folder)
        rows.append((spread, "both, from the disk", quantiles(times.cold), quantiles(times.warm)))
        if sizes[0] > sizes[-1]:
            times = await many_vectors.ask(chunks, range(_LARGEST), by="both")
            rows.append((spread, f"both, the {_LARGEST} largest", quantiles(times.cold), quantiles(times.warm)))
    return rows


def library(messages: int, length: int = _LENGTH) -> dict[str, list[str]]:
    """Conversations of fifty messages; each message has a word of its own, by which it can be told: `code_of` its number."""
    chance = Random(3)
    words = Path(__file__).with_name("bench_search.py").read_text().split()
    vocabulary = sorted({word.strip(".,:;()\"'`").lower() for word in words if word.strip(".,:;()\"'`").isalpha()})
    texts = [
        " ".join([*chance.choices(vocabulary, k=length), code_of(number), *chance.choices(vocabulary, k=length // 5)])
        for number in range(messages)
    ]
    return {f"About {chance.choice(vocabulary)} {at}": texts[at : at + 50] for at in range(0, messages, 50)}


def code_of(number: int) -> str:
    """A word that stands in one message alone, and that no other begins with."""
    return "".join("bdfgklmnpr"[int(digit)] + "aeiouaeiou"[int(digit)] for digit in f"{number:05}")


class Person:
    """Whoever visits the application first, over HTTP."""

    def __init__(self, server: Server) -> None:
        self._server, self._cookie = server, asyncio.run(first_visit(server.port))

    def ask(self, path: str, method: str = "GET") -> dict:
        """What a route under `/api` tells."""
        headers = {"Cookie": self._cookie, "Origin": self._server.url}
        with urlopen(Request(f"{self._server.url}/api{path}", headers=headers, method=method), timeout=60) as told:
            return json.load(told)

    def until_indexed(self) -> None:
        """Wait until all is, within half an hour."""
        deadline = time.monotonic() + _LONG_S
        while left := self.ask("/search/index")["progress"]["left"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left} are still left to be indexed.")
            time.sleep(0.5)  # each look counts in the server: asked more often, it would be most of what is measured

    def index_anew(self) -> float:
        """Index all of it anew; how long that took, in seconds."""
        began = time.monotonic()
        self.ask("/search/index", "POST")
        self.until_indexed()
        return time.monotonic() - began


_WATCH = """(word) => {
  let began = 0;
  addEventListener("input", () => { began = performance.now(); }, { capture: true, once: true });
  window.took = new Promise((shown) => {
    const look = () => {
      const is_shown = document.querySelector("dialog[open] .hits")?.innerText.includes(word);
      began && is_shown ? shown(performance.now() - began) : requestAnimationFrame(look);
    };
    look();
  });
}"""


def typed() -> Iterator[tuple[str, ...]]:
    """In the browser: from the last change of what is written until the painted list has the message that is meant."""
    with application(Script(), library(_MESSAGES, _SHORT), EMBEDDING_MODEL=LOCAL) as server:
        before = memory_kb(server)
        Person(server).until_indexed()
        with open_page() as page:
            page.goto(server.url)
            settle(page)
            page.keyboard.press("Control+k")
            took = [_typed(page, code_of(number)) for number in Random(4).sample(range(_MESSAGES), _TYPED)]
        [embedder] = _embedders(server)
        yield (
            quantiles(took), f"{(memory_kb(server) - before) / 1024:.0f}", f"{_memory_mb(embedder):.0f}",
        )  # fmt: skip


def _typed(page: Page, word: str) -> float:
    page.evaluate(_WATCH, word)
    page.get_by_role("dialog").get_by_role("textbox").fill(word)
    return page.evaluate("window.took")


def fresh(times: int = 30) -> list[float]:
    """From the end of an answer until its last word is found, in ms."""
    took: list[float] = []

    async def ask_often(person: Person, port: int) -> None:
        cookie = await first_visit(port)
        for _ in range(times):
            async with Tab.open(port, cookie) as tab:
                await tab.send("go")
                text = ""
                async with aclosing(tab.follow()) as words:
                    async for some in words:
                        text += some
                ended, query = time.monotonic(), f"/search?q={quote(text.split()[-1])}"
                while not (await asyncio.to_thread(person.ask, query))["hits"]:
                    await asyncio.sleep(0.01)
                took.append((time.monotonic() - ended) * 1000)

    with application(Script(Stamps(3), pace_s=0.01), library(1000)) as server:
        person = Person(server)
        person.until_indexed()
        asyncio.run(ask_often(person, server.port))
    return took


def indexed() -> Iterator[tuple[str, ...]]:
    """A thousand messages, all anew: how many a second, and the CPU of each."""
    for named, model in (("words alone", "none"), ("words and vectors", LOCAL)):
        with application(Script(), library(_INDEXED), EMBEDDING_MODEL=model) as server:
            person = Person(server)
            person.until_indexed()
            helpers = _embedders(server)
            before, helped = cpu_s(server), cpu_of(helpers)
            took = person.index_anew()
            used, helped = cpu_s(server) - before, cpu_of(helpers) - helped
            yield (
                named, f"{_INDEXED / took:.0f}", f"{used * 1000 / _INDEXED:.1f}", f"{helped * 1000 / _INDEXED:.1f}",
            )  # fmt: skip


def beside() -> Iterator[tuple[str, ...]]:
    """How late the words of running answers are while all of another's messages are indexed anew, and while nothing is."""
    late: dict[bool, list[int]] = {False: [], True: []}

    async def ask(tab: Tab) -> None:
        await tab.send("go")
        async with aclosing(tab.follow()) as words:
            async for text in words:
                late[is_busy].extend(lateness_ms(text))

    script = Script(Stamps(_TOKENS), pace_s=1 / PER_S, first_s=FIRST_S + _STREAMS / 15)
    with application(script, library(_BESIDE), EMBEDDING_MODEL=LOCAL) as server:
        person = Person(server)
        for turn in range(2 * _TURNS):
            is_busy = bool(turn % 2)
            person.until_indexed()
            begin = (lambda: person.ask("/search/index", "POST")) if is_busy else (lambda: None)
            asyncio.run(together(server.port, people(server, _STREAMS), ask, begin))
            if is_busy and not person.ask("/search/index")["progress"]["left"]:
                raise RuntimeError("The index was ready before the answers were: there is to be more in it.")
    for share in (0.5, 0.95):
        quiet, busy = (quantile(late[which], share) for which in (False, True))
        yield f"p{share * 100:.0f}", f"{quiet:.0f}", f"{busy:.0f}", f"{busy / quiet:.2f}"


def _embedders(server: Server) -> list[int]:
    """The processes that embed."""
    [worker] = server.workers()
    children = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
    return [int(pid) for pid in children if b"embedding_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _memory_mb(pid: int) -> float:
    """The most memory that a process has had (proc(5): VmHWM, in kB)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


TABLES = {
    "queries": lambda: table(("a million vectors", "found by", "not in memory, ms, p50 / p95 / most", "in memory, ms"), queries()),
    "typed": lambda: table((f"typed among {_MESSAGES:,} messages, ms, p50 / p95 / most", "the index in memory, MB", "the embedder, MB"), typed()),
    "fresh": lambda: table(("from an answer's end until it is found, ms, p50 / p95 / most",), [(quantiles(fresh()),)]),
    "indexed": lambda: table((f"{_INDEXED:,} messages", "a second", "server CPU, ms each", "embedder CPU, ms each"), indexed()),
    "beside": lambda: table((f"{_STREAMS} answers at {PER_S}/s, late, ms", "nothing is indexed", "all is", "ratio"), beside()),
}  # fmt: skip


def main() -> None:
    """Print the tables, or those that are named."""
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()


if __name__ == "__main__":
    main()
