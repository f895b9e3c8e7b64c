"""From the upstream's token to the page's text, one tab: latency, bytes and CPU per token, and what a long answer costs.

Run: `uv run python -m benchmarks.bench_stream` (three minutes). The model server, the application and the browser share
this machine: trust bytes, CPU and main-thread time, and the latency only on a quiet machine.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Meter, cpu_s, open_page, quantile, settle, table
from benchmarks.stamps import Stamps
from tests.browser import Chat
from tests.server import Server
from tests.upstream import Script, Upstream
from tests.waiting import until_now

REPEATS = 3
_WATCH = """() => {
  window.late = [];
  let seen = '';
  new MutationObserver(() => {
    const now = Date.now() % 10000000;
    let node = document.querySelector('article:last-of-type .body');
    while (node?.lastChild) node = node.lastChild;
    const all = (node?.data ?? '').slice(-400).match(/\\d{7}/g) ?? [];
    const fresh = all.slice(all.indexOf(seen) + 1);
    if (!fresh.length) return;
    fresh.forEach((stamp) => window.late.push((now - Number(stamp) + 10000000) % 10000000));
    seen = fresh.at(-1);
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""

_MIXED = """## Step {n}

The index of a page is found by **halving**: compare with `keys[{n}]`, then go *left* or right, as in [a tree](https://example.org).

```python
def find_{n}(keys, wanted):
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if keys[middle] < wanted else (low, middle)
    return low
```

| depth | keys | bytes |
| --- | ---: | ---: |
| {n} | 1,024 | 16,384 |
| 2 | 1,048,576 | 16,777,216 |

The cost is $O(\\log_2 {n})$, since

$$\\sum_{{i=0}}^{{{n}}} 2^i = 2^{{{n}+1}} - 1$$

"""
_PIECE = 8  # characters that come together
_TOKEN = 4  # characters of such text to a token, as tokenizers of English and code have it


_CONTINUED = 1_000_000  # the number of the first section after an answer's head, the same for every head


def mixed(tokens: int, after: int = 0) -> str:
    """Code, tables and formulas of about so many tokens, in whole sections numbered from `after` on."""
    text, n = "", after
    while len(text) < tokens * _TOKEN:
        n += 1
        text += _MIXED.format(n=n)
    return text


@contextmanager
def running(upstream: Upstream) -> Iterator[tuple[Server, Chat, Meter]]:
    """The application, and a page of it that has answered once and has loaded everything."""
    with tempfile.TemporaryDirectory() as made, open_page() as page:
        server = Server(Path(made), VLLM_BASE_URL=upstream.url).start()
        try:
            chat = Chat(page)
            meter = Meter(page)
            page.goto(server.url)
            upstream.then(Script([mixed(100)]))
            chat.ask("warm up")
            chat.expect_status("complete")
            settle(page)
            yield server, chat, meter
        finally:
            server.stop()


def streamed(count: int, per_s: int) -> tuple[str, ...]:
    """One answer of `count` tokens at `per_s`."""
    with Upstream(["echo"]).serve() as upstream, running(upstream) as (server, chat, meter):
        upstream.then(Script(Stamps(count), pace_s=1 / per_s))
        chat.page.evaluate(_WATCH)
        cpu, busy, received = cpu_s(server), meter.busy_ms(), meter.all_bytes
        chat.ask("go")
        time.sleep(count / per_s)  # a look at the page costs its main thread
        until_now(lambda: chat.answers.last.get_attribute("data-status") == "complete", within_s=60)
        cpu, busy, received = cpu_s(server) - cpu, meter.busy_ms() - busy, meter.all_bytes - received
        late = chat.page.evaluate("window.late")
    shown = f"{quantile(late, 0.5):.0f} / {quantile(late, 0.95):.0f}"
    on_time = f"{len(late)} of {count}"
    return f"{count} at {per_s}/s", shown, on_time, *(f"{x / count:.2f}" for x in (received, cpu * 1000, busy))


def update_ms(tokens: int, updates: int = 300) -> float:
    """Main-thread time per update of code, tables and formulas, at the end of an answer of so many tokens of them."""
    with Upstream(["echo"]).serve() as upstream, running(upstream) as (_, chat, meter):

        def pieces() -> Iterator[str]:
            yield mixed(tokens)
            more = mixed(updates * _PIECE // _TOKEN, _CONTINUED)
            yield from (more[at : at + _PIECE] for at in range(0, updates * _PIECE, _PIECE))

        upstream.then(Script(pieces(), pace_s=1 / 50, first_s=0.1))
        chat.ask("go")
        until_now(lambda: chat.page.locator("article:last-of-type pre").count() > 0, within_s=30)
        time.sleep(1.5)  # the head is drawn, and one and a half seconds of updates with it
        busy, begun = meter.busy_ms(), time.monotonic()
        time.sleep(3)  # the span that is measured
        return (meter.busy_ms() - busy) / ((time.monotonic() - begun) * 50)


def main() -> None:
    """Print the tables."""
    table(
        ("answer", "late, ms, p50 / p95", "seen as they came", "bytes per token", "server CPU, ms per token",
         "main thread, ms per token"),
        (streamed(count, per_s) for count, per_s in ((600, 50), (2000, 100))),
    )  # fmt: skip
    # In turns: the machine is not the same for long.
    pairs = [(update_ms(500), update_ms(8000)) for _ in range(REPEATS)]
    short, long = (statistics.median(times) for times in zip(*pairs, strict=True))
    table(
        ("main thread per update", "at 500 tokens, ms", "at 8,000 tokens, ms", "ratio"),
        [("code, tables, formulas", f"{short:.2f}", f"{long:.2f}", f"{long / short:.2f}")],
    )


if __name__ == "__main__":
    main()
