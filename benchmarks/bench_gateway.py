"""What the gateway adds to a call: CPU, time to the first token, memory; beside LiteLLM's proxy in the same run.

Run: `uv run python -m benchmarks.bench_gateway` (ten minutes; LiteLLM is installed into an environment of its own the
first time; `--alone` leaves it out, `--short` the memory over 10,000 streams). Both are asked in turns. Key, limit, ledger and figures are on. The model server and the callers are
processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.measure import cpu_of, quantile, table
from tests.server import free_port
from tests.upstream import Script, Upstream, words
from tests.waiting import answers, until_now

BIN = Path(sys.executable).parent
LITELLM = Path(tempfile.gettempdir()) / "chat_app_bench_litellm"
TOKENS = 200
TURNS = 5
AT_ONCE = "echo"
"""A model that says all it has to say as fast as it can be sent."""
PACED = "paced"
"""One that takes its time for each token, as all that compute do: what the first one takes is not the others' doing."""


@dataclass
class Proxy:
    """A running gateway: `pids` are the processes whose CPU and memory count."""

    name: str
    url: str
    key: str
    pids: list[int]

    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        return cpu_of(self.pids)

    def memory_mb(self) -> float:
        """Resident memory."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _serve(port: int) -> None:
    upstream = Upstream([AT_ONCE, PACED], port)
    upstream.default = Script(words(TOKENS))
    upstream.of_model[PACED] = Script(words(TOKENS), pace_s=0.004)
    with upstream.serve():
        signal.pause()


@contextmanager
def model_server() -> Iterator[str]:
    """A model server in a process of its own, by its base URL."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{port}/v1"
    try:
        until_now(lambda: answers(f"{url}/models"))
        yield url
    finally:
        process.terminate()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


@contextmanager
def ours(upstream: str) -> Iterator[Proxy]:
    """This application's API, alone."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "PORT": str(port), "CHAT_APP_DATA": folder, "DISCOVER_SERVERS": "false", "VLLM_BASE_URL": upstream,
            "LOG_LEVEL": "warning", "LIMIT_REQUESTS": "10000000",
        }  # fmt: skip
        command = [BIN / "granian", "--interface", "asgi", "--port", str(port), "chat_app.api.app:app"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            until_now(lambda: answers(f"http://127.0.0.1:{port}/readyz"), within_s=60)
            made = subprocess.run(
                [sys.executable, "-m", "tests.make_key"], env=environment, capture_output=True, check=True
            )
            key = made.stdout.decode().split()[-1]
            yield Proxy("chat_app", f"http://127.0.0.1:{port}/v1", key, _family(process.pid))
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def litellm(upstream: str) -> Iterator[Proxy]:
    """LiteLLM's proxy with its key on. Its limits and its ledger need a database of its own, and are left out."""
    port = free_port()
    if not (LITELLM / "bin" / "litellm").exists():
        print("Installing LiteLLM …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", LITELLM], check=True)
        subprocess.run([LITELLM / "bin" / "pip", "install", "-q", "litellm[proxy]"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        served = [
            {"model_name": model, "litellm_params": {"model": f"openai/{model}", "api_base": upstream, "api_key": "x"}}
            for model in (AT_ONCE, PACED)
        ]
        config.write_text(json.dumps({"model_list": served, "general_settings": {"master_key": "sk-fake-master"}}))
        command = [LITELLM / "bin" / "litellm", "--config", config, "--port", str(port), "--host", "127.0.0.1"]
        environment = os.environ | {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until_now(lambda: answers(f"http://127.0.0.1:{port}/health/liveliness"), within_s=180)
            version = subprocess.run(
                [LITELLM / "bin" / "python", "-c", "from importlib.metadata import version; print(version('litellm'))"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            yield Proxy(
                f"LiteLLM {version.stdout.strip()}",
                f"http://127.0.0.1:{port}/v1",
                "sk-fake-master",
                _family(process.pid),
            )
        finally:
            process.terminate()
            process.wait(30)


async def _call(client: httpx.AsyncClient, model: str, *, stream: bool) -> float:
    """Ask once; the time to the first words, in s.

    Raises:
        AssertionError: The answer is not whole.
    """
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    began, first = time.monotonic(), 0.0
    async with client.stream("POST", "/chat/completions", json=body) as response:
        assert response.status_code == 200, await response.aread()
        text = b""
        async for piece in response.aiter_bytes():
            if not first and b"word0" in piece:
                first = time.monotonic() - began
            text += piece
    assert b"word199" in text
    assert not stream or b"[DONE]" in text
    return first


async def _calls(url: str, key: str, count: int, at_once: int, model: str, *, stream: bool) -> list[float]:
    headers = {"authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60) as client:
        left = iter(range(count))
        times: list[float] = []

        async def caller() -> None:
            for _ in left:
                times.append(await _call(client, model, stream=stream))  # noqa: PERF401 # several callers share the list

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(caller())
        return times


def calls(url: str, key: str, count: int, at_once: int, *, stream: bool, model: str = AT_ONCE) -> list[float]:
    """So many calls, so many at once; their times to the first words, in s."""
    return asyncio.run(_calls(url, key, count, at_once, model, stream=stream))


def cpu_ms(proxies: Sequence[Proxy], count: int, at_once: int, *, stream: bool) -> list[float]:
    """CPU of each gateway for a call, in ms, after some that warm it up; in turns, as the machine has other things to do."""
    for proxy in proxies:
        calls(proxy.url, proxy.key, at_once * 2, at_once, stream=stream)
    used = dict.fromkeys(range(len(proxies)), 0.0)
    for number in [*used] * TURNS:
        proxy = proxies[number]
        before = proxy.cpu_s()
        calls(proxy.url, proxy.key, count // TURNS, at_once, stream=stream)
        used[number] += proxy.cpu_s() - before
    return [seconds * 1000 / count for seconds in used.values()]


def added_ms(proxies: Sequence[Proxy], upstream: str) -> list[float]:
    """What each adds to the time to the first token, one call after the other: the median, in ms."""
    direct: list[float] = []
    through: list[list[float]] = [[] for _ in proxies]
    for _ in range(TURNS):
        direct += calls(upstream, "x", 10, 1, stream=True, model=PACED)
        for proxy, times in zip(proxies, through, strict=True):
            times += calls(proxy.url, proxy.key, 10, 1, stream=True, model=PACED)
    return [(quantile(times, 0.5) - quantile(direct, 0.5)) * 1000 for times in through]


def rows(proxies: Sequence[Proxy], upstream: str) -> Iterator[tuple[str, ...]]:
    """The lines of the table, and of the first its part of the last."""
    figures = [
        (f"{whole:.2f}", f"{streamed:.1f}", f"{added:.1f}", f"{proxy.memory_mb():.0f}")
        for whole, streamed, added, proxy in zip(
            cpu_ms(proxies, 400, 16, stream=False),
            cpu_ms(proxies, 200, 16, stream=True),
            added_ms(proxies, upstream),
            proxies,
            strict=True,
        )
    ]
    for proxy, each in zip(proxies, figures, strict=True):
        yield proxy.name, *each
    if len(proxies) > 1:
        yield "ratio", *(f"1/{float(other) / float(own):.1f}" for own, other in zip(*figures, strict=True))


def memory(proxy: Proxy, streams: int = 10_000, step: int = 2000) -> Iterator[tuple[str, ...]]:
    """Resident memory over many streams."""
    for done in range(step, streams + 1, step):
        calls(proxy.url, proxy.key, step, 16, stream=True)
        yield f"{done:,}", f"{proxy.memory_mb():.0f}"


def main() -> None:
    """Print the tables."""
    doors = [ours] if "--alone" in sys.argv else [ours, litellm]
    head = (
        "gateway",
        "CPU of a JSON call, ms",
        f"of {TOKENS} tokens streamed, ms",
        "added to the first token, p50, ms",
        "MB",
    )
    with model_server() as upstream, ExitStack() as stack:
        proxies = [stack.enter_context(door(upstream)) for door in doors]
        table(head, rows(proxies, upstream))
        for stream in (False, True):
            calls(proxies[0].url, proxies[0].key, 256, 64, stream=stream)  # each must be whole
        print(f"{proxies[0].name}: 256 calls and 256 streams were whole, 64 at once.\n")
    if "--short" not in sys.argv:
        with model_server() as upstream, ours(upstream) as proxy:
            table(("streams", "resident, MB"), memory(proxy))


if __name__ == "__main__":
    main()
