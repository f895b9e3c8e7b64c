"""A real vLLM does what the panel says."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import Chat, unfold
from tests.server import Server
from tests.vllm.conftest import choose

SURE = "What is the capital of France?"  # the model has no doubt here, whatever runs beside it


@pytest.fixture
def panel(chat: Chat) -> Locator:
    choose(chat, "tiny")
    chat.page.keyboard.press("Control+Shift+Period")
    found = chat.page.get_by_role("complementary", name="Parameters")
    expect(found.get_by_role("textbox", name="top_k", exact=True)).to_be_visible()
    return found


def _again(chat: Chat) -> str:
    before = chat.answers.last.get_attribute("data-message-id") or ""
    chat.button("Try again").last.click()
    chat.page.get_by_role("menuitem", name="Same model").click()
    expect(chat.answers.last).not_to_have_attribute("data-message-id", before)
    chat.expect_status("complete")
    return chat.words()


def _first(chat: Chat, text: str = SURE) -> str:
    chat.get(text)
    return chat.words()


def _write(panel: Locator, name: str, text: str) -> None:
    panel.get_by_role("textbox", name=name, exact=True).fill(text)


def _exactly(panel: Locator, name: str, text: str) -> None:
    _write(panel, f"{name}, as a number", text)


def test_temperature_0_says_the_same_each_time_and_a_high_one_does_not(chat: Chat, panel: Locator):
    _exactly(panel, "temperature", "0")
    _write(panel, "max_tokens", "40")
    greedy = _first(chat)
    assert _again(chat) == greedy
    _exactly(panel, "temperature", "2")
    assert len({_again(chat) for _ in range(3)} - {greedy}) >= 2


def test_a_seed_repeats_what_chance_said_and_another_does_not(chat: Chat, panel: Locator):
    _exactly(panel, "temperature", "1.8")
    _write(panel, "max_tokens", "40")
    _write(panel, "seed", "7")
    seventh = _first(chat)
    assert _again(chat) == seventh
    _write(panel, "seed", "8")
    assert _again(chat) != seventh


def test_top_k_1_leaves_nothing_to_chance(chat: Chat, panel: Locator):
    _exactly(panel, "temperature", "0")
    _write(panel, "max_tokens", "40")
    greedy = _first(chat)
    _exactly(panel, "temperature", "2")
    _write(panel, "top_k", "1")
    assert _again(chat) == greedy


def test_an_answer_ends_before_a_stop_and_at_its_most_tokens(chat: Chat, panel: Locator):
    _exactly(panel, "temperature", "0")
    _write(panel, "max_tokens", "60")
    whole = _first(chat)
    assert "Paris" in whole
    _write(panel, "stop", "Paris")
    stopped = _again(chat)
    assert whole.startswith(stopped.rstrip("*").strip())
    assert "Paris" not in stopped
    _write(panel, "stop", "")
    _write(panel, "max_tokens", "5")
    cut = _again(chat)
    assert (whole.startswith(cut.replace("*", "").strip()), len(cut) < len(whole)) == (True, True)
    last = panel.get_by_role("region", name="Last answer")
    expect(last.locator('dt:text-is("max_tokens") + dd')).to_have_text("5")


def test_a_schema_binds_even_a_model_that_has_never_heard_of_json(chat: Chat, panel: Locator, server: Server):
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    _exactly(panel, "temperature", "0")
    _write(panel, "max_tokens", "60")
    unfold(panel)
    panel.get_by_role("combobox", name="response_format", exact=True).select_option("json_schema")
    _write(panel, "JSON schema", json.dumps(schema))
    answer = _first(chat)

    assert json.loads(answer)["city"] in ("Paris", "Rome")


def test_a_recipe_of_two_parameters_is_kept_by_the_server_it_was_tuned_on(chat: Chat, panel: Locator):
    _exactly(panel, "temperature", "0")
    _write(panel, "max_tokens", "6")
    panel.get_by_role("button", name="Save as a recipe…").click()
    panel.get_by_role("textbox", name="Name").fill("Short and sure")
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(chat.button("Recipe")).to_have_text("Short and sure ▾")
    short = _first(chat)
    chat.button("New chat").click()
    expect(chat.field).to_be_visible()
    chat.button("Recipe").click()
    chat.page.get_by_role("option", name=re.compile("^Short and sure")).click()
    assert _first(chat) == short
