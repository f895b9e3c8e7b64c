"""A real vLLM with a tiny model that really answers, and the application in front of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser import Chat, browser, new_context  # noqa: F401 # fixtures
from tests.server import Server, free_port
from tests.waiting import answers, until_now

HERE = Path(__file__).parent
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "TORCH_COMPILE_DISABLE": "1",  # the first request would compile C++ for many seconds
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
OPTIONS = [
    "--served-model-name",
    "tiny",
    "--host",
    "127.0.0.1",
    "--enforce-eager",
    "--max-model-len",
    "32768",
    "--max-num-seqs",
    "16",
    "--kv-cache-memory-bytes",
    "256M",
    "--distributed-executor-backend",
    "uni",
    "--reasoning-parser",
    "qwen3",
    "--enable-log-requests",
    "--structured-outputs-config",
    '{"backend": "xgrammar", "disable_any_whitespace": true}',  # a model this small may fill JSON with white space up to its limit
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if "/vllm/" in item.nodeid]
    for item in ours:
        item.add_marker(pytest.mark.vllm)
    # While the browser is open its loop runs here, and no other can: who needs one comes before.
    late = [item for item in ours if "browser" in item.fixturenames]
    items[:] = [item for item in items if item not in late] + late


class Vllm:
    """`vllm serve` on a port of its own.

    Args:
        log: Where it writes.
        options: Further ones, or others for `OPTIONS`.
        model: The folder of the model.
    """

    def __init__(self, log: Path, *options: str, model: Path = HERE / "model") -> None:
        self._options, self._model = options, model
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Vllm:
        """Start it and wait until it is healthy."""
        command = [str(HERE / "venv/bin/vllm"), "serve", str(self._model), "--port", str(self.port), *OPTIONS]
        command += self._options
        command += ["--hf-overrides", '{"max_position_embeddings": 32768}']  # room for an answer of many seconds
        command += ["--default-chat-template-kwargs", '{"enable_thinking": false}']
        with self._log.open("ab") as log:
            environment = {"PATH": "/usr/bin:/bin", "HOME": str(self._log.parent), **ENVIRONMENT}
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=HERE
            )
        until_now(self._is_healthy, within_s=180)
        return self

    def _is_healthy(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-3000:]
        return answers(f"{self.url}/health")

    def kill(self) -> None:
        """kill -9, of its engine too, which would outlive it."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)

    def aborted(self) -> int:
        """How many requests it ended because their caller had left, by its log."""
        return len(re.findall(r"Request \S+ aborted\.", self._log.read_text()))

    def generated(self) -> float:
        """How many tokens it has made."""
        return self._sum(r"vllm:generation_tokens_total\{[^}]*\}")

    def running(self) -> float:
        """How many requests run now."""
        return self._sum(r"vllm:num_requests_running\{[^}]*\}")

    def _sum(self, sample: str) -> float:
        metrics = httpx.get(f"{self.url}/metrics", timeout=5).text
        return sum(float(value) for value in re.findall(sample + r" ([\d.e+]+)", metrics))


@pytest.fixture(scope="package")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    server = Vllm(tmp_path_factory.mktemp("vllm") / "vllm.log")
    yield server.start()
    server.kill()


CAP = 24_000
ENDLESS = f"""
[models.storyteller]
provider = "vLLM 127.0.0.1:{{port}}"
model = "tiny"
parameters = {{{{ ignore_eos = true, max_tokens = {CAP}, temperature = 0 }}}}
"""


@pytest.fixture(scope="package")
def server(vllm: Vllm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The application; its model `storyteller` is the same one, made to talk up to its cap."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "models.toml").write_text(ENDLESS.format(port=vllm.port))
    server = Server(folder, VLLM_BASE_URL=f"{vllm.url}/v1")
    yield server.start()
    server.stop()


@pytest.fixture
def chat(new_context, server: Server) -> Chat:  # noqa: F811
    page = new_context().new_page()
    page.goto(server.url)
    chat = Chat(page)
    expect(chat.field).to_be_visible()
    return chat


def choose(chat: Chat, model: str) -> None:
    """Choose a model under the message field."""
    chat.page.get_by_role("button", name="Model", exact=True).click()
    chat.page.get_by_role("option", name=model).click()
