"""What is given on the page goes over each vendor's wire as that vendor takes it, byte for byte."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests import files
from tests.browser import Chat
from tests.e2e.tray import Tray
from tests.server import Server
from tests.upstream import Upstream, is_title

PHOTO, TALK, PDF, REPORT = files.photo(), files.sound(), files.pdf("The ferry leaves at 07:10"), files.word()
WIRES = {
    "vllm": lambda url: {"VLLM_BASE_URL": url},
    "openai": lambda url: {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-fake-key"},
    "qwen": lambda url: {"DASHSCOPE_BASE_URL": url, "DASHSCOPE_API_KEY": "sk-fake-key"},
    "anthropic": lambda url: {"ANTHROPIC_BASE_URL": url.removesuffix("/v1"), "ANTHROPIC_API_KEY": "sk-ant-fake-key"},
}


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, Upstream]]:
    """One of each wire, whose model is called by its name."""
    with ExitStack() as stack:
        yield {wire: stack.enter_context(Upstream([f"of-{wire}"]).serve()) for wire in WIRES}


@pytest.fixture(scope="module")
def server(upstreams, tmp_path_factory) -> Iterator[Server]:
    addresses: dict[str, str] = {}
    for wire, upstream in upstreams.items():
        addresses |= WIRES[wire](upstream.url)
    with Server(tmp_path_factory.mktemp("wires"), **addresses) as server:
        yield server


def _data(url: str, kind: str) -> bytes:
    head, _, data = url.partition(",")
    assert head == f"data:{kind};base64"
    return base64.b64decode(data)


def _is_bare_and_upright(content: bytes) -> None:
    picture = Image.open(io.BytesIO(content))
    assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", (480, 640), {})
    assert b"Secret street" not in content


def _chat_wire(content: list[dict], sound_head: str = "") -> None:
    """Of servers but OpenAI's own, which alone gets a PDF as a file (tests/providers/test_openai.py)."""
    picture, sound, pdf, report, words = content
    _is_bare_and_upright(_data(picture["image_url"]["url"], "image/jpeg"))
    assert sound["input_audio"] == {"data": sound_head + base64.b64encode(TALK).decode(), "format": "wav"}
    assert pdf["text"] == '<document name="times.pdf">\nThe ferry leaves at 07:10\n</document>\n\n'
    assert report["text"].startswith('<document name="plan.docx">\n# Report\n')
    assert words == {"type": "text", "text": "What is it all?"}


def _messages_wire(content: list[dict]) -> None:
    picture, sound, pdf, report, words = content
    assert (picture["type"], picture["source"]["media_type"]) == ("image", "image/jpeg")
    _is_bare_and_upright(base64.b64decode(picture["source"]["data"]))
    assert sound["text"] == "[talk.wav: 2 s of sound]\n\n"
    assert (pdf["type"], base64.b64decode(pdf["source"]["data"])) == ("document", PDF)
    assert report["text"].startswith('<document name="plan.docx">\n# Report\n')
    assert words["text"] == "What is it all?"


LOOKS: dict[str, Callable[[list[dict]], None]] = {
    "vllm": _chat_wire,
    "openai": _chat_wire,
    "qwen": lambda content: _chat_wire(content, sound_head="data:;base64,"),
    "anthropic": _messages_wire,
}


@pytest.mark.breaks
def test_a_wire_without_a_place_for_sound_is_grey_and_says_so_before_it_is_sent(chat: Chat, tray: Tray):
    chat.button("Model").click()
    chat.page.get_by_role("option", name="of-anthropic").click()
    tray.choose(talk_wav=TALK)
    tray.expect_here("talk.wav")
    expect(chat.page.locator(".unable")).to_contain_text("of-anthropic cannot hear sound")
    chat.button("Model").click()
    expect(chat.page.get_by_role("option", name="of-anthropic")).to_contain_text("cannot hear sound")
    expect(chat.page.get_by_role("option", name="of-vllm")).not_to_contain_text("cannot hear sound")
    chat.page.keyboard.press("Escape")
    tray.button("Remove talk.wav").click()


@pytest.mark.parametrize("wire", LOOKS)
def test_each_vendor_gets_the_bytes_in_the_shape_it_takes(chat: Chat, tray: Tray, upstreams, wire):
    chat.button("Model").click()
    chat.page.get_by_role("option", name=f"of-{wire}").click()
    tray.choose(harbour_jpg=PHOTO, talk_wav=TALK, times_pdf=PDF, plan_docx=REPORT)
    tray.expect_here("harbour.jpg", "talk.wav", "times.pdf", "plan.docx")
    chat.field.fill("What is it all?")
    chat.field.press("Enter")
    chat.expect_status("complete")

    (asked,) = [call.body for call in upstreams[wire].chats if not is_title(call.body)]
    LOOKS[wire](asked["messages"][-1]["content"])
    expect(chat.questions.last.get_by_role("button", name="Open harbour.jpg")).to_be_visible()
