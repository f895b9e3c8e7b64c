"""The models page: servers are added and changed, models arranged, and the open page of a conversation follows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import Chat, findings
from tests.conftest import KEY
from tests.server import Server
from tests.upstream import Script, Upstream


@pytest.fixture
def models(new_page: Page, server: Server) -> Iterator[Page]:
    """The page, which leaves nothing that others would find."""
    page = new_page
    page.goto(f"{server.url}/models")
    expect(page.get_by_role("button", name="Add a server")).to_be_visible()
    yield page
    page.evaluate(
        """async () => {
            const { servers } = await (await fetch("/api/servers")).json();
            for (const { added } of servers) if (added) await fetch(`/api/servers/${added.id}`, { method: "DELETE" });
            const { models } = await (await fetch("/api/models")).json();
            for (const { id, name, hidden } of models)
                if (name || hidden) await fetch("/api/models", { method: "PATCH", body: JSON.stringify({ model: id, name: "", hidden: false }) });
            await fetch("/api/models", { method: "PATCH", body: JSON.stringify({ model: "echo", before: models[0].id }) });
        }"""
    )


def _form(page: Page, name: str = "Add a server") -> Locator:
    return page.get_by_role("form", name=name)


def _field(form: Locator, name: str) -> Locator:
    return form.get_by_role("textbox", name=name, exact=True)


def _press(within: Locator | Page, name: str) -> None:
    within.get_by_role("button", name=name, exact=True).click()


def _row(page: Page, server: str) -> Locator:
    return page.locator(".servers > ul > li").filter(has_text=server)


@pytest.mark.breaks
def test_a_server_is_added_by_its_address_and_key_asked_renamed_and_removed(
    models: Page, server: Server, box: Upstream
):
    page, chat = models, Chat(models.context.new_page())
    chat.page.goto(server.url)
    _press(page, "Add a server")
    form = _form(page)
    assert findings(page) == []
    _field(form, "Address").fill(box.url.removesuffix("/v1"))
    _field(form, "Name").fill("箱子")
    _press(form, "Test")
    expect(form.get_by_role("status")).to_contain_text("refused the key.")
    _press(form, "Add")
    expect(form.get_by_role("button", name="Keep it all the same")).to_be_visible()
    _field(form, "Key").fill(KEY)
    expect(form.get_by_role("status")).to_have_text("")
    box.of_path = {"/models": 404}
    _press(form, "Test")
    expect(form.get_by_role("status")).to_contain_text("with 1 model: llama.")
    expect(_field(form, "Address")).to_have_value(box.url)
    _press(form, "Add")
    expect(_row(page, "箱子")).to_contain_text("offers 1 model")
    expect(page.locator(".servers").get_by_role("status").filter(has_text="vLLM answers in")).to_be_visible()
    page.reload()
    expect(_row(page, "箱子")).to_be_visible()
    expect(form).to_have_count(0)

    chat.button("Model").click()
    chat.page.get_by_role("option", name="llama").click()
    box.then(Script(["from the box"]))
    expect(chat.get("hello")).to_contain_text("from the box")
    assert box.chats[-1].headers["authorization"] == f"Bearer {KEY}"
    assert box.chats[-1].body["model"] == "llama"

    page.get_by_role("button", name="Change 箱子").click()
    form = _form(page, "Change")
    expect(_field(form, "Key")).to_have_attribute("placeholder", "The one that is kept")
    expect(_field(form, "Address")).to_have_value(box.url)
    _field(form, "Name").fill("Box")
    _field(form, "Address").fill(box.url.removesuffix("/v1"))
    _press(form, "Save")
    expect(_row(page, "Box")).to_contain_text("offers 1 model")
    page.reload()
    expect(_row(page, "Box")).to_be_visible()
    expect(form).to_have_count(0)  # also where its address was found to be another, after the last letter
    _press(page, "Remove Box")
    _press(page, "Remove it and forget its key")
    expect(page.get_by_text("The server was removed.")).to_be_visible()
    expect(_row(page, "Box")).to_have_count(0)
    expect(chat.page.get_by_role("status").filter(has_text="No server offers llama now.")).to_be_visible()
    assert KEY not in page.content() + chat.page.content()


@pytest.mark.breaks
def test_what_is_no_server_is_said_in_one_sentence_and_nothing_that_was_written_is_lost(
    models: Page, server: Server, box: Upstream
):
    page = models
    box.key = ""
    page.get_by_role("button", name="Add the key of OpenAI").click()
    form = _form(page)
    _press(form, "Add")
    expect(form.get_by_role("alert")).to_have_text("A vendor answers nobody without a key.")
    form.get_by_role("combobox").select_option("compatible")
    _field(form, "Name").fill("Mine")
    _field(form, "Key").fill("sk-fake")
    for address, sentence in (
        ("", "This is no address of a server."),
        ("my server", "This is no address of a server."),
        ("https://user:secret@models.example", "Keys have a field of their own."),
        ("http://models.example/v1?key=x", "no ? and no #"),
        (f"{server.url}/v1", "This is the address of this application itself."),
    ):
        _field(form, "Address").fill(address)
        for button in ("Test", "Add"):
            _press(form, button)
            expect(form.get_by_role("alert")).to_contain_text(sentence)
            expect(_field(form, "Address")).to_have_value(address)
    box.models_status = 404
    _answered(form, box.url, "has no list of models there. Most addresses of servers end in /v1.", can_be_kept=True)
    box.models_status, box.models_headers = 302, {"location": "http://169.254.169.254/latest/meta-data"}
    _answered(form, box.url, "leads to another address. http://169.254.169.254/latest/meta-data")
    for address in ("http://169.254.169.254/latest", "http://2852039166/v1"):
        _answered(form, address, "It is the address of a machine's metadata service.")
    _answered(form, "http://127.0.0.1:9/v1", "No answer from http://127.0.0.1:9/v1.", can_be_kept=True)
    expect(_field(form, "Name")).to_have_value("Mine")
    expect(_field(form, "Key")).to_have_value("sk-fake")
    _press(form, "Keep it all the same")
    expect(_row(page, "Mine")).to_contain_text("No answer from Mine.")


def _answered(form: Locator, address: str, sentence: str, *, can_be_kept: bool = False) -> None:
    _field(form, "Address").fill(address)
    for button in ("Test", "Add"):
        _press(form, button)
        expect(form.get_by_role("status")).to_contain_text(sentence)
        expect(form.get_by_role("button", name="Keep it all the same")).to_have_count(int(can_be_kept))


@pytest.mark.breaks
def test_models_are_moved_named_and_hidden_and_open_conversations_follow(
    models: Page, server: Server, upstream: Upstream
):
    page, chat = models, Chat(models.context.new_page())
    chat.page.goto(server.url)
    chat.button("Model").click()
    chat.page.get_by_role("option", name="echo").click()
    chat.get("hello")

    _press(page, "Move other up")
    rows = page.locator(".arranged")
    expect(rows.first).to_contain_text("other")
    name = page.get_by_role("textbox", name="Name of echo")
    name.fill("回声 model")
    name.press("Enter")
    expect(chat.button("Model")).to_contain_text("回声 model")
    expect(chat.answers.last.locator(".speaker")).to_have_text("回声 model")
    _press(page, "Hide 回声 model")
    expect(page.get_by_role("button", name="Show 回声 model")).to_be_visible()
    assert findings(page) == []

    chat.button("Model").click()
    options = chat.page.get_by_role("option")
    expect(options).to_have_count(2)
    expect(options.first).to_contain_text("other")
    chat.page.keyboard.press("Escape")
    expect(chat.page.locator(".strip")).to_have_count(0)
    chat.get("again")
    assert upstream.chats[-1].body["model"] == "echo"

    fresh = Chat(models.context.new_page())
    fresh.page.goto(server.url)
    expect(fresh.button("Model")).to_contain_text("other")
    chat.button("New chat").click()
    expect(chat.button("Model")).to_contain_text("other")  # what is hidden is carried into no new conversation
    _press(page, "Show 回声 model")
    page.get_by_role("textbox", name="Name of other").fill("回声 model")
    page.get_by_role("textbox", name="Name of other").press("Enter")
    expect(page.locator(".servers [role=alert]").filter(has_text="Another model is called 回声 model.")).to_be_visible()


def test_new_conversations_begin_with_a_persons_own_model(lone_chat: Chat, server: Server):
    chat = lone_chat
    chat.button("Model").click()
    chat.page.get_by_role("option", name="other").click()
    chat.button("Parameters").click()
    panel = chat.page.get_by_role("complementary", name="Parameters")
    panel.get_by_role("button", name="Begin new conversations with it").click()
    expect(panel).to_contain_text("my default")
    chat.page.goto(f"{server.url}/settings")
    chosen = chat.page.get_by_text("model: other")
    chat.page.get_by_text("for every conversation").click()
    expect(chosen).to_be_visible()

    chat.page.goto(f"{server.url}/new")
    expect(chat.button("Model")).to_contain_text("other")
    chat.button("Model").click()
    chat.page.get_by_role("option", name="echo").click()
    chat.get("hello")
    chat.button("New chat").click()
    expect(chat.button("Model")).to_contain_text("other")
    chat.page.goto(f"{server.url}/settings")
    chat.page.get_by_text("for every conversation").click()
    with chat.page.expect_response(lambda response: response.request.method == "PATCH"):  # the new tab asks the server
        chat.page.get_by_role("button", name="Reset model").click()
    expect(chosen).to_have_count(0)
    fresh = Chat(chat.page.context.new_page())
    fresh.page.goto(server.url)
    expect(fresh.button("Model")).to_contain_text("echo")


@pytest.mark.breaks
def test_the_page_of_models_is_good_on_a_phone_in_the_dark_and_in_chinese(new_context, server: Server):
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "zh-CN"}
    page = new_context(**phone).new_page()
    page.goto(f"{server.url}/models")
    page.get_by_role("button", name="添加服务器").click()
    form = _form(page, "添加服务器")
    _press(form, "添加")
    expect(form.get_by_role("alert")).to_contain_text("这不是服务器地址。")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Server]:
    """A server whose models are as many as some vendors'."""
    with Upstream([f"model-{number:04}" for number in range(1500)] + ["zebra 2 mini"]).serve() as upstream:
        server = Server(tmp_path / "many", VLLM_BASE_URL=upstream.url).start()
        yield server
        server.stop()


def test_of_very_many_models_a_hundred_are_drawn_and_any_is_found_by_its_letters(many: Server, new_context):
    page = new_context().new_page()
    page.goto(f"{many.url}/models")
    expect(page.locator(".arranged")).to_have_count(100)
    assert page.locator(".servers details li").count() == 0
    page.get_by_text("1,501 models", exact=True).click()
    expect(page.locator(".servers details li")).to_have_count(1501)
    page.get_by_role("searchbox").fill("0777")
    expect(page.locator(".arranged")).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Show 1,402 more models").click()
    expect(page.locator(".arranged")).to_have_count(1502)

    page.goto(f"{many.url}/new")
    chat = Chat(page)
    for letters, model in (("zebra 2", "zebra 2 mini"), ("0042", "model-0042"), ("mmm", "model-0003")):
        chat.button("Model").click()
        page.keyboard.press("Home")
        page.keyboard.type(letters)
        page.keyboard.press("Enter")
        expect(chat.button("Model")).to_contain_text(model)
