"""Every parameter of the panel in the body that a model's server gets, on each wire, and what a wire does not take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.browser import Chat, until_seen
from tests.e2e.test_parameters import Panel, _asked
from tests.server import Server, measured
from tests.upstream import Upstream

SENT = {
    "temperature": 0.4, "top_p": 0.9, "min_p": 0.1, "presence_penalty": 0.5, "frequency_penalty": -0.5,
    "repetition_penalty": 1.1, "top_k": 20, "max_tokens": 700, "seed": 7,
}  # fmt: skip
SLIDERS = ("temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty")


@pytest.fixture(scope="module")
def wires() -> Iterator[dict[str, Upstream]]:
    """A scripted server of each kind."""
    with Upstream(["qwen-plus"]).serve() as qwen, Upstream(["claude-opus-5-5"]).serve() as claude:
        yield {"qwen": qwen, "claude": claude}


@pytest.fixture(scope="module")
def vendors(
    wires: dict[str, Upstream], shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    keys = {"ANTHROPIC_API_KEY": "sk-ant-fake-key", "DASHSCOPE_API_KEY": "sk-fake-key"}
    places = {
        "VLLM_BASE_URL": shared_upstream.url,
        "ANTHROPIC_BASE_URL": wires["claude"].url.removesuffix("/v1"),
        "DASHSCOPE_BASE_URL": wires["qwen"].url,
    }
    server = Server(tmp_path_factory.mktemp("vendors"), **keys, **places, **measured())
    yield server.start()
    server.stop()


@pytest.fixture
def asking(new_page, vendors: Server, upstream) -> tuple[Chat, Panel]:
    new_page.goto(f"{vendors.url}/new")
    chat = Chat(new_page)
    expect(chat.field).to_be_visible()
    return chat, Panel(new_page).open()


def _fill(panel: Panel, names: set[str]) -> None:
    for name in names:
        (panel.slider(name) if name in SLIDERS else panel.field(name)).fill(str(SENT[name]))


def _expect_off(panel: Panel, names: set[str]) -> None:
    """Wait until these parameters are disabled, and no others: what a model takes is read once it is chosen."""
    off = panel.root.locator('.parameter[data-off="true"] .parameter-head label')
    until_seen(panel.page, lambda: set(off.all_inner_texts()) == names)


def test_every_parameter_reaches_a_vllm_by_its_name_there(asking, upstream):
    chat, panel = asking
    panel.choose("echo")
    _expect_off(panel, set())
    _fill(panel, set(SENT))
    panel.field("thinking_budget").fill("2000")
    chat.get("hello")

    assert _asked(upstream) == SENT | {"thinking_token_budget": 2000}


def test_qwen_is_told_to_think_and_how_much_and_what_it_does_not_take_is_disabled(asking, wires):
    chat, panel = asking
    panel.choose("qwen-plus")
    _expect_off(panel, {"min_p", "frequency_penalty"})
    expect(panel.row("min_p")).to_contain_text("does not take min_p.")
    expect(panel.row("reasoning_effort")).to_contain_text("This model thinks or does not")
    _fill(panel, set(SENT) - {"min_p", "frequency_penalty"})
    panel.field("thinking_budget").fill("2000")
    chat.get("hello")
    sent = {name: value for name, value in SENT.items() if name not in ("min_p", "frequency_penalty")}
    assert _asked(wires["qwen"]) == sent | {"thinking_budget": 2000, "enable_thinking": True}

    panel.choice("reasoning_effort").select_option("none")
    chat.get("again")
    assert _asked(wires["qwen"]) == sent | {"enable_thinking": False}
    expect(panel.root.get_by_role("region", name="Last answer")).to_contain_text("thinking_budget")


def test_claude_takes_its_own_few_and_the_rest_is_disabled(asking, wires):
    chat, panel = asking
    panel.choose("claude-opus-5-5")
    _expect_off(panel, (set(SENT) - {"max_tokens"}) | {"thinking_budget"})
    expect(panel.choice("reasoning_effort").locator('option:text-is("none")')).to_be_disabled()
    expect(panel.choice("response_format").locator('option[value="json_object"]')).to_be_disabled()
    panel.field("max_tokens").fill("700")
    panel.field("stop").fill("END")
    panel.choice("reasoning_effort").select_option("low")
    chat.get("hello")
    body = wires["claude"].chats[0].body

    assert (body["max_tokens"], body["stop_sequences"], body["output_config"]["effort"]) == (700, ["END"], "low")
    assert body.keys().isdisjoint(set(SENT) - {"max_tokens"})


def test_the_forms_of_an_answer_are_asked_for_one_after_the_other(asking, upstream):
    chat, panel = asking
    panel.choose("echo")
    for form in ("text", "json_object", ""):
        panel.choice("response_format").select_option(form)
        chat.get(f"as {form}")
        assert _asked(upstream).get("response_format") == ({"type": form} if form else None)


def test_date_language_and_user_are_filled_in_where_the_question_is_asked(asking, upstream):
    chat, panel = asking
    panel.choose("echo")
    panel.field("system_prompt").fill("{{date}} | {{language}} | {{user}}")
    before = datetime.now(UTC).date()
    chat.get("hello")
    date, language, user = upstream.chats[0].body["messages"][0]["content"].split(" | ")

    assert (language, user) == ("English", "the user")
    assert date in {str(before), str(datetime.now(UTC).date())}


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("temperature", "2.5", "This must be from 0 to 2."), ("temperature", "NaN", "This is not a number."),
        ("top_p", "0", "This must be above 0 and at most 1."), ("min_p", "much", "This is not a number."),
        ("presence_penalty", "-3", "This must be from -2 to 2."), ("repetition_penalty", "1e999", "This is not a number."),
    ],
)  # fmt: skip
def test_what_is_out_of_range_or_no_number_beside_a_slider_is_said_and_not_sent(asking, upstream, name, text, sentence):
    chat, panel = asking
    panel.choose("echo")
    exact = panel.root.get_by_role("textbox", name=f"{name}, as a number")
    exact.fill(text)
    expect(panel.sentence(name)).to_have_text(f"{sentence} It is not used.")
    expect(exact).to_have_value(text)
    chat.get("hello")

    assert name not in _asked(upstream)


def test_what_a_model_does_not_take_is_disabled_to_its_last_field(asking):
    _, panel = asking
    panel.choose("echo")
    panel.choice("response_format").select_option("json_schema")
    panel.root.get_by_text("Variables").click()
    panel.field("New variable").fill("tone")
    panel.root.get_by_role("button", name="Add", exact=True).click()
    fields = [panel.field(name) for name in ("schema name", "JSON schema", "{{tone}}", "New variable")]
    for field in fields:
        expect(field).to_be_enabled()
    panel.choose("Passages")
    for field in fields:
        expect(field).to_be_disabled()


def test_the_values_of_variables_say_where_they_come_from_and_go_back_there(asking):
    _, panel = asking
    panel.root.get_by_text("Variables").click()
    panel.field("New variable").fill("tone")
    panel.field("New variable").press("Enter")
    panel.field("{{tone}}").fill("warm")
    row = panel.root.locator(".variable").first
    expect(row.locator(".source")).to_have_text("this conversation")
    panel.root.get_by_role("button", name="Make these my defaults").click()
    expect(row.locator(".source")).to_have_text("my default")
    panel.field("{{tone}}").fill("cool")
    expect(row).to_contain_text("Below it: my default: warm")
    row.get_by_role("button", name="Reset tone").click()
    expect(panel.field("{{tone}}")).to_have_value("warm")
    with panel.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        panel.page.evaluate(
            "fetch('/api/preferences', {method: 'PATCH', body: JSON.stringify({set: {}, reset: ['variables.tone']})})"
        )
