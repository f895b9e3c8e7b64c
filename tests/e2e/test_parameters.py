"""The panel beside the conversation: what is set there is what the model's server gets."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import Chat, findings, unfold
from tests.server import Server, measured
from tests.upstream import Script, Upstream, words

TOML = """
[models.tuned]
parameters = { min_p = 0.1 }
deployments = [{ provider = "vllm", model = "echo", parameters = { top_k = 3, min_p = 0.2 } }]

[models.thinker]
provider = "vllm"
model = "other"
refuses = ["seed", "reasoning_effort=minimal", "response_format=json_object"]
refuses_thinking = ["temperature"]

[models.plain]
provider = "vllm"
model = "other"
capabilities = ["tools"]
"""


@pytest.fixture(scope="module")
def tuned(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tuned")
    (folder / "models.toml").write_text(TOML)
    with Server(folder, VLLM_BASE_URL=shared_upstream.url, **measured()) as server:
        yield server


class Panel:
    """The panel by the names that assistive technology knows."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.get_by_role("complementary", name="Parameters")

    def show(self) -> Panel:
        self.page.get_by_role("button", name="Parameters", exact=True).click()
        expect(self.field("top_k")).to_be_visible()
        return self

    def open(self) -> Panel:
        """With what is folded away."""
        self.show()
        unfold(self.root)
        return self

    def field(self, name: str) -> Locator:
        return self.root.get_by_role("textbox", name=name, exact=True)

    def slider(self, name: str) -> Locator:
        return self.root.get_by_role("slider", name=name, exact=True)

    def choice(self, name: str) -> Locator:
        return self.root.get_by_role("combobox", name=name, exact=True)

    def choose(self, model: str) -> None:
        value = self.field("model")
        self.root.get_by_role("button", name=f"Change {value.input_value()}", exact=True).click()
        self.page.get_by_role("option", name=re.compile(f"^{model}")).click()
        expect(value).to_have_value(model)

    def row(self, name: str) -> Locator:
        return self.root.locator(".parameter").filter(has=self.page.locator(f'label:text-is("{name}")'))

    def source(self, name: str) -> Locator:
        return self.row(name).locator(".source")

    def sentence(self, name: str) -> Locator:
        return self.row(name).get_by_role("alert")

    def reset(self, name: str) -> None:
        self.root.get_by_role("button", name=f"Reset {name}", exact=True).click()


@pytest.fixture
def chat(new_page: Page, tuned: Server) -> Chat:
    new_page.goto(tuned.url)
    opened = Chat(new_page)
    expect(opened.field).to_be_visible()
    opened.button("Model").click()
    new_page.get_by_role("option", name=re.compile("^echo")).click()
    return opened


@pytest.fixture
def panel(chat: Chat) -> Panel:
    return Panel(chat.page).open()


PLACED = {"model", "messages", "stream", "stream_options"}


def _asked(upstream: Upstream, at: int = -1) -> dict:
    body = [call.body for call in upstream.chats if "title" not in str(call.body["messages"][-1]["content"])][at]
    return {name: value for name, value in body.items() if name not in PLACED}


def test_what_is_set_counts_from_the_next_message_and_what_is_unset_is_not_sent(chat: Chat, panel: Panel, upstream):
    chat.get("before")
    panel.slider("temperature").fill("0.4")
    panel.root.get_by_role("textbox", name="top_p, as a number").fill("0.9")
    panel.field("top_k").fill("20")
    panel.field("max_tokens").fill("77")
    panel.field("seed").fill("0")
    panel.field("stop").fill("END\n\\n\\n")
    panel.choice("reasoning_effort").select_option("low")
    panel.slider("repetition_penalty").fill("1.1")
    panel.field("extra").fill('{"priority": 2}')
    panel.field("system_prompt").fill("Be brief.")
    chat.get("after")

    assert _asked(upstream, 0) == {}
    assert _asked(upstream) == {
        "temperature": 0.4, "top_p": 0.9, "top_k": 20, "max_tokens": 77, "seed": 0, "stop": ["END", "\n\n"],
        "reasoning_effort": "low", "repetition_penalty": 1.1, "priority": 2,
    }  # fmt: skip
    assert upstream.chats[-1].body["messages"][0] == {"role": "system", "content": "Be brief."}

    panel.reset("temperature")
    panel.field("seed").fill("")
    chat.get("again")
    assert _asked(upstream).keys().isdisjoint({"temperature", "seed"})


def test_words_sent_right_after_a_change_are_asked_with_it_also_while_the_server_has_not_heard_of_it(
    chat: Chat, panel: Panel, upstream
):
    chat.get("first")
    chat.page.route(
        "**/api/parameters?**", lambda route: None if route.request.method == "PATCH" else route.continue_()
    )
    panel.field("top_k").fill("5")
    chat.get("second")
    chat.button("Try again").last.click()
    chat.page.get_by_role("menuitem", name="Same model").click()
    expect(chat.answers.last.get_by_text("2/2")).to_be_visible()
    chat.expect_status("complete")

    assert [_asked(upstream, at).get("top_k") for at in (0, 1, 2)] == [None, 5, 5]


def test_nothing_typed_is_lost_by_a_reload_neither_good_nor_bad_nor_before_the_first_message(
    chat: Chat, panel: Panel, upstream
):
    panel.field("system_prompt").fill("Be brief.")
    panel.field("top_k").fill("many")
    panel.field("extra").fill('{"a": ')
    expect(panel.sentence("top_k")).to_have_text("This is not a number. It is not used.")
    expect(panel.sentence("extra")).to_have_text("This is not valid JSON: line 1, column 7. It is not used.")
    chat.page.reload()
    for _ in range(2):
        expect(panel.field("system_prompt")).to_have_value("Be brief.")
        expect(panel.field("top_k")).to_have_value("many")
        expect(panel.field("extra")).to_have_value('{"a": ')
        expect(panel.sentence("top_k")).to_be_visible()
        chat.get("hello")
        chat.page.reload()

    assert _asked(upstream) == {}
    assert upstream.chats[-1].body["messages"][0]["content"] == "Be brief."
    chat.button("New chat").click()
    expect(panel.field("system_prompt")).to_have_value("")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("top_k", "-1", "This must be from 0 to 1,000,000."),
        ("max_tokens", "1.5", "This must be a whole number."),
        ("seed", "NaN", "This is not a number."),
        ("stop", "a\nb\nc\nd\ne", "At most 4 are taken."),
        ("extra", "[]", 'This must be a JSON object, as {"name": "value"}.'),
        ("extra", '{"temperature": 1}', "temperature has a field of its own above."),
        (
            "system_prompt",
            "Be {{tone}}.",
            "There is no variable tone. Known are date, user, language, and those that you add.",
        ),
    ],
)
def test_bad_input_has_one_sentence_in_its_place_and_changes_nothing(
    chat: Chat, panel: Panel, upstream, name, text, sentence
):
    panel.field(name).fill(text)
    expect(panel.sentence(name)).to_have_text(f"{sentence} It is not used.")
    expect(panel.field(name)).to_have_value(text)
    chat.get("hello")

    assert _asked(upstream) == {}
    expect(panel.sentence(name)).to_be_visible()
    panel.reset(name)
    expect(panel.root.get_by_role("alert")).to_have_count(0)


def test_a_schema_is_checked_while_it_is_written_and_goes_to_the_server_as_an_object(
    chat: Chat, panel: Panel, upstream
):
    panel.choice("response_format").select_option("json_schema")
    schema = panel.field("JSON schema")
    schema.fill('{"type": "nonsense"}')
    expect(panel.sentence("response_format")).to_contain_text('This is not a JSON schema: "nonsense" at /type')
    schema.fill('{"type": "object"')
    expect(panel.sentence("response_format")).to_contain_text("not valid JSON: line 1, column 18")
    schema.fill('{"type": "object"}')
    expect(panel.sentence("response_format")).to_have_count(0)
    panel.field("schema name").fill("thing")
    chat.get("hello")

    wanted = {"type": "json_schema", "json_schema": {"name": "thing", "schema": {"type": "object"}}}
    assert _asked(upstream) == {"response_format": wanted}


def test_the_panel_shows_where_each_value_comes_from(chat: Chat, panel: Panel, upstream):
    panel.choose("tuned")
    expect(panel.field("top_k")).to_have_value("3")
    expect(panel.source("top_k")).to_have_text("deployment default")
    expect(panel.source("min_p")).to_have_text("model default")
    panel.field("seed").fill("5")
    expect(panel.source("seed")).to_have_text("this conversation")
    panel.root.get_by_role("button", name="Make these my defaults").click()
    expect(panel.source("seed")).to_have_text("my default")
    panel.field("top_k").fill("")
    expect(panel.source("top_k")).to_have_text("not sent · this conversation")
    chat.get("hello")
    assert _asked(upstream) == {"seed": 5, "min_p": 0.1}

    chat.button("New chat").click()
    expect(panel.source("seed")).to_have_text("my default")
    expect(panel.source("top_k")).to_have_text("deployment default")
    chat.page.goto(f"{chat.page.url.rpartition('/')[0]}/settings")
    defaults = chat.page.get_by_role("group", name="My defaults")
    defaults.locator("summary").first.click()
    with chat.page.expect_response("**/api/preferences**"):
        defaults.get_by_role("button", name="Reset seed").click()
    expect(defaults.get_by_role("textbox", name="seed", exact=True)).to_have_value("")
    chat.page.reload()
    defaults.locator("summary").first.click()
    expect(defaults.get_by_role("textbox", name="seed", exact=True)).to_have_value("")


def test_only_what_the_model_takes_is_enabled_with_the_reason_for_the_rest(chat: Chat, panel: Panel):
    expect(panel.field("seed")).to_be_enabled()
    panel.choose("thinker")
    expect(panel.field("seed")).to_be_disabled()
    expect(panel.row("seed")).to_contain_text("This model does not take seed.")
    expect(panel.slider("temperature")).to_be_disabled()
    expect(panel.row("temperature")).to_contain_text("only with reasoning_effort none")
    for name, choice, label in (
        ("reasoning_effort", "minimal", "minimal"),
        ("response_format", "json_object", "json_object"),
    ):
        expect(panel.choice(name).locator(f'option[value="{choice}"], option:text-is("{choice}")')).to_be_disabled()
        expect(panel.row(name)).to_contain_text(f"This model does not take {label}.")
    panel.choice("reasoning_effort").select_option("none")
    expect(panel.slider("temperature")).to_be_enabled()
    panel.choose("plain")
    expect(panel.choice("reasoning_effort")).to_be_disabled()
    expect(panel.row("reasoning_effort")).to_contain_text("This model does not reason.")
    panel.row("reasoning_effort").get_by_role(
        "button", name="Reset reasoning_effort"
    ).click()  # a value can be taken away
    expect(panel.row("reasoning_effort").get_by_role("button")).to_have_count(0)
    panel.choose("Passages")
    expect(panel.field("system_prompt")).to_be_disabled()
    expect(panel.row("system_prompt")).to_contain_text("Passages does not take system_prompt.")


def test_after_an_answer_the_panel_says_what_was_sent_left_out_and_cut(chat: Chat, panel: Panel, upstream):
    panel.choose("thinker")
    panel.field("max_tokens").fill("9")
    panel.choice("reasoning_effort").select_option("none")
    panel.slider("temperature").fill("1.5")
    panel.choice("reasoning_effort").select_option("low")
    upstream.then(Script(["a"], ending="length"))
    chat.get("hello")
    last = panel.root.get_by_role("region", name="Last answer")

    assert _asked(upstream) == {"max_tokens": 9, "reasoning_effort": "low"}
    expect(last.locator('dt:text-is("reasoning_effort") + dd')).to_have_text("low")
    expect(last.locator('dt:text-is("Not sent") + dd')).to_have_text("temperature")
    expect(last.locator('dt:text-is("Asked for, and cut to the limit") + dd')).to_have_text("max_tokens: 9")


def test_a_variable_that_is_missing_can_be_added_where_it_is_missed(chat: Chat, panel: Panel, upstream):
    panel.field("system_prompt").fill("Be {{tone}}.")
    panel.root.get_by_role("button", name="Add the variable tone").click()
    expect(panel.sentence("system_prompt")).to_have_count(0)
    panel.field("{{tone}}").fill("warm")
    chat.get("hello")
    assert upstream.chats[0].body["messages"][0]["content"] == "Be warm."

    panel.root.get_by_role("button", name="Remove tone").click()
    expect(panel.root.get_by_role("alert")).to_have_text("The system prompt uses tone.")


def test_every_layer_that_says_something_of_a_parameter_is_seen(lone_chat: Chat):
    chat = lone_chat
    panel = Panel(chat.page).open()
    panel.field("top_k").fill("7")
    panel.root.get_by_role("button", name="Make these my defaults").click()
    expect(panel.row("top_k")).to_contain_text("my default")
    panel.field("top_k").fill("3")
    expect(panel.row("top_k")).to_contain_text("this conversation")
    expect(panel.row("top_k")).to_contain_text("Below it: my default: 7")
    panel.field("top_k").fill("")
    expect(panel.row("top_k")).to_contain_text("not sent")
    panel.row("top_k").get_by_role("button", name="Reset top_k").click()
    chat.page.goto(chat.page.url.partition("/new")[0] + "/settings")
    chat.page.locator(".defaults summary").first.click()
    with chat.page.expect_response("**/api/preferences?**"):  # other tests share the server
        chat.page.get_by_role("button", name="Reset top_k").click()


def test_a_key_shows_and_hides_the_panel_and_it_stays_as_it_was_left(chat: Chat):
    panel = Panel(chat.page)
    expect(panel.root).to_have_count(0)
    chat.page.keyboard.press("Control+Shift+Period")
    expect(panel.root).to_be_visible()
    chat.page.reload()
    expect(panel.root).to_be_visible()
    chat.page.keyboard.press("Control+Shift+Period")
    expect(panel.root).to_have_count(0)
    expect(chat.button("Parameters")).to_have_attribute("aria-expanded", "false")


def test_on_a_narrow_page_the_panel_is_a_sheet_that_escape_closes(new_context, tuned: Server):
    page = new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto(tuned.url)
    panel = Panel(page).show()
    box = panel.root.bounding_box()
    assert box is not None
    assert (box["x"] + box["width"], box["height"]) == (390, 844)
    expect(panel.root).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel.root).to_have_count(0)
    expect(page.get_by_role("button", name="Parameters")).to_be_focused()
    panel.show().root.get_by_role("button", name="Change No recipe").tap()
    page.get_by_role("option", name="Code").tap()
    expect(page.get_by_role("button", name="Recipe", exact=True)).to_have_text("Code ▾")
    page.reload()
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_visible()
    expect(panel.root).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_axe_finds_nothing_in_the_panel(new_context, tuned: Server, scheme, width):
    page = new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.goto(tuned.url)
    panel = Panel(page).open()
    panel.field("top_k").fill("many")
    panel.field("system_prompt").fill("{{tone}}")
    panel.choice("response_format").select_option("json_schema")
    expect(panel.sentence("top_k")).to_be_visible()
    assert findings(page) == []


def test_the_panel_speaks_chinese(new_context, tuned: Server):
    page = new_context(locale="zh-CN").new_page()
    page.goto(tuned.url)
    page.get_by_role("button", name="参数").click()
    panel = page.get_by_role("complementary", name="参数")
    panel.get_by_role("textbox", name="top_k", exact=True).fill("很多")
    expect(panel.get_by_role("alert")).to_have_text("这不是数字。 此值不会生效。")
    expect(panel.get_by_text("不发送").first).to_be_visible()


def test_a_queued_message_is_asked_with_what_counts_when_it_goes(chat: Chat, panel: Panel, upstream):
    end = threading.Event()
    upstream.then(Script(words(10), held=end))
    chat.ask("first")
    chat.expect_status("streaming")
    panel.field("top_k").fill("3")
    chat.ask("second")
    panel.field("top_k").fill("4")
    end.set()
    expect(chat.answers).to_have_count(2)
    chat.expect_status("complete")

    assert _asked(upstream)["top_k"] == 4
    expect(panel.field("top_k")).to_have_value("4")
