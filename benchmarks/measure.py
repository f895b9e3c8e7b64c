"""What the benchmarks share: readings of a process and a page, and the table they print."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.chromium import ARGUMENTS, find
from tests.server import Server

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(server: Server) -> float:
    """CPU seconds that the workers have used."""
    return cpu_of(server.workers())


def cpu_of(pids: Iterable[int]) -> float:
    """CPU seconds that processes have used (proc(5): utime and stime, fields 14 and 15)."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_S


def memory_kb(server: Server) -> int:
    """Private memory of the workers, in kB (proc(5): smaps_rollup)."""
    total = 0
    for pid in server.workers():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1])
    return total


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table, each row as soon as it is measured."""
    print(f"| {' | '.join(head)} |", flush=True)
    print(f"| {' | '.join('---' for _ in head)} |", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print(flush=True)


@contextmanager
def open_page(**options: object) -> Iterator[Page]:
    """A page in a browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        yield browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US", **options)
        browser.close()


class Meter:
    """A page's main thread and network, read through one DevTools session: a new one begins at zero."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable")
        self._session.send("Network.enable")
        self.http_bytes = self.socket_bytes = 0
        self._session.on("Network.dataReceived", self._http)
        self._session.on("Network.webSocketFrameReceived", self._socket)

    def _http(self, event: dict) -> None:
        self.http_bytes += event["encodedDataLength"]

    def _socket(self, event: dict) -> None:
        self.socket_bytes += len(event["response"]["payloadData"].encode())

    @property
    def all_bytes(self) -> int:
        """Bytes received so far: HTTP bodies as encoded, socket frames before compression."""
        return self.http_bytes + self.socket_bytes

    def busy_ms(self) -> float:
        """Busy time of the main thread so far: scripts, style, layout, everything."""
        metrics = {m["name"]: m["value"] for m in self._session.send("Performance.getMetrics")["metrics"]}
        return metrics["TaskDuration"] * 1000


def settle(page: Page) -> None:
    """Wait until the page has loaded what it loads on its own, so that a measurement sees none of it."""
    page.wait_for_load_state("networkidle")
    time.sleep(0.5)  # "networkidle" knows nothing of frames on the socket and of what the page does when it is idle
