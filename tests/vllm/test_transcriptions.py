"""Speech becomes text by a real vLLM, which serves a Whisper that always hears the same sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import files
from tests.browser import Chat
from tests.server import Server
from tests.vllm.conftest import HERE, Vllm

HEARD = "The tiny model heard a recording."


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    folder = tmp_path_factory.mktemp("whisper")
    subprocess.run([HERE / "venv/bin/python", HERE / "whisper.py", folder / "model"], check=True, timeout=120)
    options = ("--served-model-name", "tiny-whisper", "--max-model-len", "448")
    server = Vllm(folder / "vllm.log", *options, model=folder / "model")
    yield server.start()
    server.kill()


@pytest.fixture
def chat(new_context, whisper: Vllm, vllm: Vllm, tmp_path) -> Iterator[Chat]:
    server = Server(tmp_path / "app", VLLM_BASE_URL=f"{vllm.url}/v1,{whisper.url}/v1").start()
    page = new_context().new_page()
    page.goto(server.url)
    chat = Chat(page)
    expect(chat.field).to_be_visible()
    yield chat
    page.close()
    server.stop()


@pytest.mark.breaks
def test_what_is_said_into_the_microphone_stands_in_the_field_behind_what_stands_there(chat: Chat):
    chat.button("Record audio").click()
    bar = chat.page.get_by_role("group", name="Recording")
    expect(bar.locator(".levels i").nth(12)).to_be_attached()
    bar.get_by_role("button", name="Turn into text").click()
    expect(chat.field).to_have_value(HEARD)

    chat.page.locator(".composer input[type=file]").set_input_files(
        [{"name": "talk.wav", "mimeType": "audio/wav", "buffer": files.sound()}]
    )
    chat.page.locator(".attached.here").get_by_role("button", name="Turn into text").click()
    expect(chat.field).to_have_value(f"{HEARD} {HEARD}")
    chat.button("Model").click()
    expect(chat.page.get_by_role("option")).to_have_count(2)  # the tiny model, and Passages
