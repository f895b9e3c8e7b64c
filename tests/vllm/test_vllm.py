"""The main job on a real model server. The model is tiny; what it says is checked where it is sure of it."""

import time

import pytest
from playwright.sync_api import expect

from tests import files
from tests.browser import Chat, stored_text, until_heard
from tests.server import Server
from tests.vllm.conftest import CAP, Vllm, choose
from tests.waiting import until_now

pytestmark = pytest.mark.breaks  # servers are killed, and ended before the page that looks at them


def _id(chat: Chat) -> str:
    return chat.answers.last.get_attribute("data-message-id") or ""


def test_the_browser_asks_for_the_capital_of_france_and_reads_paris(chat: Chat, server: Server):
    choose(chat, "tiny")
    chat.ask("What is the capital of France?")
    chat.expect_status("complete")

    assert "Paris" in chat.words()
    assert "Paris" in stored_text(server, _id(chat))[1]


def test_details_show_the_servers_own_count_of_tokens(chat: Chat):
    choose(chat, "tiny")
    chat.ask("What is the capital of Italy?")
    chat.expect_status("complete")
    chat.button("More").click()
    chat.page.get_by_role("menuitem", name="Details").click()
    count = (
        chat.page.get_by_role("dialog")
        .locator("dt", has_text="Answer tokens")
        .locator("xpath=following-sibling::dd[1]")
    )

    assert int(count.inner_text()) > 3


def test_a_picture_that_it_cannot_see_is_refused_once_and_then_told_in_words(chat: Chat):
    choose(chat, "tiny")
    given = {"name": "flag.png", "mimeType": "image/png", "buffer": files.image("PNG")}
    chat.page.locator(".composer input[type=file]").set_input_files([given])
    expect(chat.page.locator(".attached.here")).to_be_visible()
    chat.ask("What is the capital of France?")
    card = chat.answers.last.locator(".card")
    expect(card).to_contain_text("tiny does not take all of these files.")
    card.get_by_role("button", name="Retry").click()
    chat.expect_status("complete")
    assert chat.words()


def test_stopping_a_long_story_reaches_the_engine(chat: Chat, server: Server, vllm: Vllm):
    # vLLM 0.32 counts no abort in `request_success_total` when a caller leaves; its log and its counters tell instead.
    generated, aborted = vllm.generated(), vllm.aborted()
    choose(chat, "storyteller")
    began = time.monotonic()
    chat.ask("Tell me a story.")
    until_heard(chat, "the")
    until_now(lambda: time.monotonic() - began > 10, within_s=12)  # the story is told for ten seconds at least
    chat.expect_status("streaming")
    assert vllm.running() == 1
    chat.button("Stop").click()
    until_now(lambda: vllm.running() == 0 and vllm.aborted() == aborted + 1, within_s=5)
    chat.expect_status("stopped")

    assert 0 < vllm.generated() - generated < CAP
    status, text = stored_text(server, _id(chat))
    assert status == "stopped"
    assert 0 < len(text.split()) < CAP


def test_vllm_killed_in_mid_answer_leaves_it_interrupted_and_continue_finishes_it(
    chat: Chat, server: Server, vllm: Vllm
):
    choose(chat, "storyteller")
    chat.ask("Tell me a story.")
    until_heard(chat, "the")
    vllm.kill()
    chat.expect_status("interrupted")
    _, kept = stored_text(server, _id(chat))
    assert kept
    expect(chat.answers.last).to_contain_text("What came is kept.")

    # Once it is back, and made to end by itself, the same message goes on from its last character.
    (server.folder / "models.toml").write_text("")
    vllm.start()
    server.stop()
    aliases = f'[models.storyteller]\nprovider = "vLLM 127.0.0.1:{vllm.port}"\nmodel = "tiny"\nparameters = {{ max_tokens = 40 }}\n'
    (server.folder / "models.toml").write_text(aliases)
    server.start()
    chat.page.reload()
    chat.button("Continue").click()
    chat.expect_status("complete")

    status, whole = stored_text(server, _id(chat))
    assert status == "complete"
    assert whole.startswith(kept)
    assert len(whole) > len(kept)
