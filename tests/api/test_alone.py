"""The API by itself, as a server of one's own serves it; and other people's clients against it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server import free_port
from tests.upstream import Upstream
from tests.waiting import answers, until_now

BIN = Path(sys.executable).parent
WITHOUT_REFLEX = """
import sys
import chat_app.api.app
print([name for name in sys.modules if name.partition('.')[0].startswith('reflex')])
"""


def test_the_api_needs_no_reflex():
    done = subprocess.run([sys.executable, "-c", WITHOUT_REFLEX], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an API that two workers of granian serve, and `key`."""
    with Upstream().serve() as upstream:
        yield from _served(tmp_path_factory.mktemp("alone"), upstream)


def _served(tmp_path: Path, upstream: Upstream) -> Iterator[dict[str, str]]:
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("REDIS", "DATABASE", "PORT"))
    } | {
        "GRANIAN_PORT": str(port), "CHAT_APP_DATA": str(tmp_path / "data"), "DISCOVER_SERVERS": "false",
        "VLLM_BASE_URL": upstream.url, "LLM_USER_PATH": str(tmp_path / "llm"),
        "CORS_ORIGINS": "https://page.example", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "figures"),
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        command = [BIN / "granian", "--interface", "asgi", "--workers", "2", "chat_app.api.app:app"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until_now(lambda: answers(f"http://127.0.0.1:{port}/readyz"), within_s=120)
        made = subprocess.run(
            [sys.executable, "-m", "tests.make_key"], env=environment, capture_output=True, text=True, check=True
        )
        yield environment | {"key": made.stdout.strip().splitlines()[-1], "url": f"http://127.0.0.1:{port}/v1"}
    finally:
        process.terminate()
        assert process.wait(20) == 0, (tmp_path / "log").read_text()


def test_the_llm_command_asks_through_it(alone):
    settings = Path(alone["LLM_USER_PATH"])
    settings.mkdir()
    (settings / "extra-openai-models.yaml").write_text(
        f"- model_id: mine\n  model_name: echo\n  api_base: {alone['url']}\n  api_key_name: mine\n"
    )
    for more in ([], ["--no-stream"]):
        done = subprocess.run(
            [BIN / "llm", "-m", "mine", "--key", alone["key"], *more, "hi"],
            env=alone, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.stdout.strip() == "Hello there.", done.stderr
    told = httpx.get(alone["url"].replace("/v1", "/metrics")).text
    assert re.findall(r'chat_app_requests_total\{.*model="echo".*\} (.*)', told) == ["2.0"]  # of both workers


@pytest.mark.parametrize(("origin", "is_allowed"), [("https://page.example", True), ("https://other.example", False)])
def test_a_page_of_an_origin_that_is_set_may_ask_and_no_other(alone, origin, is_allowed):
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    before = httpx.options(f"{alone['url']}/chat/completions", headers=asked)
    headers = {"origin": origin, "authorization": f"Bearer {alone['key']}"}
    answer = httpx.get(f"{alone['url']}/models", headers=headers)

    for each in (before, answer):
        assert each.headers.get("access-control-allow-origin") == (origin if is_allowed else None)
