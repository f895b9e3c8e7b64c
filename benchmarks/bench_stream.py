"""From the upstream's token to the page's text, one tab: latency, bytes and CPU per token.

Run: `uv run python -m benchmarks.bench_stream` (a minute). The model server, the application and the browser share
this machine: trust bytes, CPU and main-thread time, and the latency only with a quiet machine.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import Chat
from tests.chromium import ARGUMENTS, find
from tests.server import Server
from tests.upstream import Script, Upstream
from tests.waiting import until_now

WATCH = """() => {
  window.shown = []; window.seen = 0;
  new MutationObserver(() => requestAnimationFrame(() => {
    const text = document.querySelector('article[data-role="assistant"]:last-of-type .body')?.textContent ?? '';
    const count = (text.match(/\\.{3}\\d/g) ?? []).length;
    if (count > window.seen) { for (let i = window.seen; i < count; i++) window.shown[i] = Date.now(); window.seen = count; }
  })).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


class Stamped(list[str]):
    """Tokens of eight characters that note when they were sent."""

    def __init__(self, count: int) -> None:
        super().__init__(f"...{index:04} " for index in range(count))
        self.sent: list[float] = []

    def __iter__(self):
        for piece in super().__iter__():
            self.sent.append(time.time() * 1000)
            yield piece


def cpu_s(server: Server) -> float:
    """CPU seconds that the workers have used."""
    ticks = 0
    for pid in server.workers():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def main_thread_ms(page: Page) -> float:
    """Main-thread time of the page so far."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"] * 1000


def measure(count: int, per_s: int) -> str:
    """One answer of `count` tokens at `per_s`; a row of the table."""
    with Upstream(["echo"]).serve() as upstream, sync_playwright() as playwright, tempfile.TemporaryDirectory() as made:
        server = Server(Path(made), VLLM_BASE_URL=upstream.url).start()
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        chat = Chat(browser.new_page())
        received = {"bytes": 0}
        session = chat.page.context.new_cdp_session(chat.page)
        session.send("Network.enable")
        session.on("Network.dataReceived", lambda e: received.update(bytes=received["bytes"] + e["encodedDataLength"]))
        chat.page.goto(server.url)
        chat.ask("warm up")
        chat.expect_status("complete")
        tokens = Stamped(count)
        upstream.then(Script(tokens, pace_s=1 / per_s))
        chat.page.evaluate(WATCH)
        cpu, busy, before = cpu_s(server), main_thread_ms(chat.page), received["bytes"]
        chat.ask("go")
        until_now(lambda: chat.page.evaluate("window.seen") >= count, within_s=120)
        cpu, busy = cpu_s(server) - cpu, main_thread_ms(chat.page) - busy
        shown = chat.page.evaluate("window.shown")
        late = sorted(b - a for a, b in zip(tokens.sent, shown, strict=False))
        browser.close()
        server.stop()
    p50, p95 = statistics.median(late), late[int(len(late) * 0.95)]
    return (
        f"| {count} at {per_s}/s | {p50:.0f} / {p95:.0f} | {(received['bytes'] - before) / count:.0f} "
        f"| {cpu / count * 1000:.2f} | {busy / count:.2f} |"
    )


def main() -> None:
    """Print the table."""
    print(
        "| tokens | token to text, ms, p50 / p95 | bytes per token | server CPU, ms per token | page main thread, ms per token |"
    )
    print("| --- | --- | --- | --- | --- |")
    for count, per_s in ((600, 50), (2000, 100)):
        print(measure(count, per_s), flush=True)


if __name__ == "__main__":
    main()
