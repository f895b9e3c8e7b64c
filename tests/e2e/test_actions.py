"""What can be done with a message, by its buttons and by keys."""

import re
import threading

import pytest
from playwright.sync_api import Route, expect

from tests.browser import Chat, stored_text, until_heard, until_seen
from tests.server import Server
from tests.upstream import Script, words


def _pick(chat: Chat, button: str, item: str) -> None:
    chat.answers.last.get_by_role("button", name=button, exact=True).click()
    chat.page.get_by_role("menuitem", name=item, exact=True).click()


def _announced(chat: Chat, text: str) -> None:
    expect(chat.page.get_by_role("status").filter(has_text=text)).to_have_count(1)


def test_an_answer_shows_its_tokens_and_its_end_is_announced(chat: Chat, upstream):
    end = threading.Event()
    upstream.then(Script(["a "] * 9 + ["b"], pace_s=0.1, held=end))
    chat.ask("why")

    _announced(chat, "echo is answering")
    end.set()
    expect(chat.answers.last.locator(".figures")).to_have_text(re.compile(r"^10 tokens\d\.\d\ss to first\d+/s$"))
    _announced(chat, "Answer finished, 10 tokens")


def test_a_failure_is_announced_with_its_cause(chat: Chat, upstream):
    upstream.then(Script(status=500, body={"error": {"message": "on purpose"}}))
    chat.ask("why")

    expect(chat.card).to_be_visible()
    _announced(chat, f"Failed: {chat.card.locator('b').inner_text()}")
    assert "127.0.0.1" in chat.card.locator("b").inner_text()  # the server, not the model


@pytest.mark.parametrize(("ending", "sentence"), [("stop", "Stopped"), ("cut", "The answer broke off")])
def test_an_answer_that_did_not_end_by_itself_is_announced_and_marked(chat: Chat, upstream, ending, sentence):
    end = threading.Event()
    upstream.then(Script(words(10), held=end, ending="cut"))
    chat.ask("why")
    until_heard(chat, "word3 ")
    rule = "a => getComputedStyle(a.querySelector('.said'), '::before').background"
    running = chat.answers.last.evaluate(rule)
    if ending == "stop":
        chat.button("Stop").click()
    else:
        end.set()
    chat.expect_status("stopped" if ending == "stop" else "interrupted")
    _announced(chat, sentence)
    expect(chat.page.locator(".scroller")).to_have_attribute("aria-live", "off")
    until_seen(chat.page, lambda: chat.answers.last.evaluate(rule) != running)
    assert ("repeating-linear-gradient" in chat.answers.last.evaluate(rule)) == (ending == "cut")


def test_details_tell_the_request_id_the_deployment_and_what_was_sent(chat: Chat, upstream, shared_upstream):
    upstream.then(Script(["yes"], headers={"x-request-id": "req-7"}))
    chat.get("why")
    _pick(chat, "More", "Details")
    facts = chat.page.get_by_role("dialog", name="Details of the answer")
    for name, value in (("Request id", "req-7"), ("Finish reason", "stop"), ("Messages left out", "0")):
        expect(facts.locator(f'dt:text-is("{name}") + dd')).to_have_text(value)
    expect(facts.locator('dt:text-is("Deployment") + dd')).to_have_text(f"vLLM 127.0.0.1:{shared_upstream.port}/echo")


def test_a_double_click_on_continue_goes_on_once_and_says_nothing(chat: Chat, upstream):
    upstream.then(Script(["half "], ending="cut"), Script(["and ", "half"], pace_s=0.3))
    chat.get("why", status="interrupted")
    chat.button("Continue").dblclick()
    chat.expect_status("complete")

    until_seen(chat.page, lambda: chat.words() == "half and half")
    expect(chat.page.locator(".strip.danger")).to_have_count(0)
    assert len(upstream.chats) == 2


def test_shorter_is_asked_for_in_the_readers_language_and_so_are_the_labels_of_an_export(new_context, server, upstream):
    chat = Chat(new_context(locale="zh-CN").new_page())
    chat.page.goto(server.url)
    field = chat.page.locator("#composer")
    field.fill("为什么")
    field.press("Enter")
    chat.expect_status("complete")
    chat.answers.last.get_by_role("button", name="重试").click()
    chat.page.get_by_role("menuitem", name="更简短").click()
    until_seen(chat.page, lambda: len(upstream.chats) == 2)
    assert upstream.chats[1].body["messages"][-1]["content"] == "为什么\n\n(请回答得更简短一些。)"
    expect(chat.answers.last).to_contain_text("2/2")  # the new answer, which takes an open menu of the old one away
    chat.expect_status("complete")
    chat.answers.last.locator(".actions .picker > button").last.click()
    with chat.page.expect_download() as saved:
        chat.page.locator(".popover [data-item]").nth(2).click()
    assert re.findall("^## (.*?) ·", saved.value.path().read_text(), re.MULTILINE) == ["你", "echo"]


def test_a_deleted_answer_comes_back_by_undo_and_a_question_without_one_is_answered_anew(chat: Chat, upstream):
    upstream.then(Script(["first"]), Script(["second"]))
    chat.ask("why")
    chat.expect_status("complete")
    _pick(chat, "More", "Delete message")
    expect(chat.answers).to_have_count(0)
    chat.button("Undo").click()
    until_heard(chat, "first")

    _pick(chat, "More", "Delete message")
    expect(chat.answers).to_have_count(0)
    chat.page.reload()
    expect(chat.questions).to_have_count(1)
    chat.questions.last.get_by_role("button", name="Try again").click()
    chat.page.get_by_role("menuitem", name="Same model").click()
    until_heard(chat, "second")


def test_deleting_the_first_question_deletes_the_conversation_and_undo_brings_it_back(chat: Chat, upstream):
    chat.ask("a question to be deleted")
    chat.expect_status("complete")
    chat.conversation_id()
    address = chat.page.url
    chat.questions.last.hover()
    chat.questions.last.get_by_role("button", name="Delete message").click()
    expect(chat.page).to_have_url(re.compile("/new$"))
    chat.button("Undo").click()
    expect(chat.button("Undo")).to_have_count(0)  # the server has taken it
    chat.page.goto(address)
    expect(chat.questions.last).to_contain_text("a question to be deleted")


def test_an_answer_in_a_persons_own_words_is_a_version_and_the_model_goes_on_from_it(chat: Chat, upstream):
    upstream.then(Script(["theirs"]))
    chat.ask("why")
    chat.expect_status("complete")
    _pick(chat, "More", "Edit")
    editor = chat.page.get_by_role("textbox", name="Edit message")
    expect(editor).to_have_value("theirs")
    editor.fill("mine")
    chat.button("Save").click()
    until_heard(chat, "mine")
    expect(chat.answers.last.locator(".branches")).to_contain_text("2/2")
    chat.ask("and then?")
    expect(chat.answers).to_have_count(2)
    chat.expect_status("complete")

    assert [message["content"] for message in upstream.chats[-1].body["messages"]] == ["why", "mine", "and then?"]


def test_a_wish_in_ones_own_words_goes_with_the_question(chat: Chat, upstream):
    chat.ask("why")
    chat.expect_status("complete")
    _pick(chat, "Try again", "As I say…")
    wish = chat.page.get_by_role("textbox", name="What should be different?")
    wish.fill("in French")
    wish.press("Control+Enter")
    expect(chat.answers.last.locator(".branches")).to_contain_text("2/2")
    chat.expect_status("complete")

    assert upstream.chats[-1].body["messages"][-1]["content"] == "why\n\n(in French)"


@pytest.mark.breaks
def test_words_of_an_open_edit_survive_a_reload_and_a_refusal(chat: Chat, upstream):
    chat.ask("why")
    chat.expect_status("complete")
    chat.field.press("ArrowUp")
    editor = chat.page.get_by_role("textbox", name="Edit message")
    editor.fill("half a thought")
    chat.page.reload()
    expect(chat.questions.last).to_contain_text("why")
    chat.field.press("ArrowUp")
    expect(editor).to_have_value("half a thought")
    editor.fill("x" * 200_001)
    expect(chat.page.get_by_role("alert")).to_contain_text("A message may have 200,000 characters; this has 200,001.")
    expect(chat.questions.last.get_by_role("button", name="Send")).to_be_disabled()
    editor.fill("a whole thought")
    chat.page.route(
        "**/api/turns", lambda route: route.fulfill(status=400, json={"error": {"code": "not_found"}}), times=1
    )
    chat.questions.last.get_by_role("button", name="Send").click()
    expect(chat.page.get_by_role("alert")).to_contain_text("it may have been deleted")
    expect(editor).to_have_value("a whole thought")
    expect(editor).to_be_editable()
    chat.questions.last.get_by_role("button", name="Send").click()
    expect(chat.questions.last).to_contain_text("a whole thought")
    expect(chat.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.breaks
def test_an_edit_on_its_way_outlives_a_reload_and_is_asked_once(chat: Chat, upstream):
    chat.ask("the first version")
    chat.expect_status("complete")
    asked = len(upstream.chats)
    chat.field.press("ArrowUp")
    editor = chat.page.get_by_role("textbox", name="Edit message")
    editor.fill("the second version")
    chat.page.route("**/api/turns", lambda route: route.abort())
    chat.questions.last.get_by_role("button", name="Send").click()
    expect(chat.questions.last.get_by_role("status")).to_contain_text("The server cannot be reached")
    chat.page.reload()
    expect(editor).to_have_value("the second version")
    chat.page.unroute("**/api/turns")
    expect(editor).to_have_count(0)
    expect(chat.questions).to_contain_text("the second version")
    expect(chat.questions.last.locator(".branches")).to_contain_text("2/2")
    chat.expect_status("complete")

    assert len(upstream.chats) == asked + 1


@pytest.mark.breaks
def test_an_edit_on_its_way_can_be_taken_back(chat: Chat, upstream):
    chat.ask("the first version")
    chat.expect_status("complete")
    chat.field.press("ArrowUp")
    chat.page.get_by_role("textbox", name="Edit message").fill("never mind")
    chat.page.route("**/api/turns", lambda route: route.abort())
    chat.questions.last.get_by_role("button", name="Send").click()
    expect(chat.questions.last.get_by_role("status")).to_contain_text("The server cannot be reached")
    chat.button("Cancel").click()
    chat.page.unroute("**/api/turns")
    chat.page.reload()

    expect(chat.questions).to_have_text("the first version")
    chat.ask("and then?")
    expect(chat.answers).to_have_count(2)
    chat.expect_status("complete")
    assert all("never mind" not in str(call.body) for call in upstream.chats)


def test_words_of_an_edit_that_was_sent_do_not_come_back(chat: Chat, upstream):
    chat.ask("the first version")
    chat.expect_status("complete")
    chat.field.press("ArrowUp")
    chat.page.get_by_role("textbox", name="Edit message").fill("the second version")
    chat.questions.last.get_by_role("button", name="Send").click()
    expect(chat.questions.last).to_contain_text("the second version")
    chat.expect_status("complete")
    chat.questions.last.hover()
    chat.questions.last.get_by_role("button", name="Previous version").click()
    expect(chat.questions.last).to_contain_text("the first version")
    chat.field.press("ArrowUp")
    expect(chat.page.get_by_role("textbox", name="Edit message")).to_have_value("the first version")


@pytest.mark.breaks
def test_an_edit_that_is_taken_back_and_made_again_is_the_same_send(chat: Chat, upstream):
    """The server may have had it the first time: by its key it is asked once."""
    chat.get("first")
    keys: list[str] = []

    def lose(route: Route) -> None:
        keys.append(route.request.post_data_json["key"])
        route.abort()

    chat.page.route("**/api/turns", lose)
    for words_ in ("second", "second", "third"):
        chat.field.press("ArrowUp")
        chat.page.get_by_role("textbox", name="Edit message").fill(words_)
        chat.questions.last.get_by_role("button", name="Send").click()
        expect(chat.page.get_by_text("The server cannot be reached")).to_be_visible()
        chat.button("Cancel").click()
        keys.append("")
    chat.page.unroute("**/api/turns")

    first, again, other = (set(sent.split()) for sent in " ".join(key or "|" for key in keys).split("|")[:3])
    assert len(first) == 1
    assert first == again != other


@pytest.mark.breaks
def test_what_an_edit_began_in_a_tab_that_is_gone_another_finishes(chat: Chat, upstream):
    chat.get("why")
    chat.conversation_id()
    _pick(chat, "More", "Edit")
    chat.page.get_by_role("textbox", name="Edit message").fill("in my own words")
    chat.page.route("**/api/turns", lambda route: route.abort())
    chat.button("Save").click()
    expect(chat.page.get_by_text("The server cannot be reached")).to_be_visible()
    _pick(chat, "Try again", "As I say…")
    expect(chat.page.get_by_role("textbox", name="What should be different?")).to_have_value("")
    address = chat.page.url
    other = Chat(chat.page.context.new_page())
    chat.page.close()
    other.page.goto(address)

    expect(other.answers.last.locator(".branches")).to_contain_text("2/2", timeout=20_000)
    expect(other.answers.last).to_contain_text("in my own words")
    expect(other.page.get_by_role("textbox", name="Edit message")).to_have_count(0)


@pytest.mark.breaks
def test_a_question_waits_for_the_edit_that_was_made_before_it(chat: Chat, upstream):
    chat.get("first")
    upstream.then(Script(["to the edit"]), Script(["to the next"]))
    chat.field.press("ArrowUp")
    chat.page.get_by_role("textbox", name="Edit message").fill("second")
    chat.page.route("**/api/turns", lambda route: route.abort())
    chat.questions.last.get_by_role("button", name="Send").click()
    expect(chat.page.get_by_text("The server cannot be reached")).to_be_visible()
    chat.ask("third")
    expect(chat.page.get_by_text("Sends next")).to_be_visible()
    chat.page.unroute("**/api/turns")
    until_heard(chat, "to the next")

    assert [m["content"] for m in upstream.chats[-1].body["messages"]] == ["second", "to the edit", "third"]


def test_escape_closes_what_is_open_before_it_stops_the_answer(chat: Chat, upstream, server: Server):
    upstream.then(Script(words(3000), pace_s=0.02))
    chat.ask("count")
    until_heard(chat, "word3 ")
    answer_id = chat.answers.last.get_attribute("data-message-id") or ""
    chat.button("Model").click()
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("listbox")).to_have_count(0)
    chat.page.keyboard.press("Control+/")
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("dialog")).to_be_hidden()
    chat.field.press("ArrowUp")
    chat.page.get_by_role("textbox", name="Edit message").press("Escape")
    expect(chat.page.get_by_role("textbox", name="Edit message")).to_have_count(0)
    chat.field.press("ArrowUp")
    chat.field.press("Escape")  # not where the edit is: nothing of it is thrown away, and the answer goes on
    expect(chat.page.get_by_role("textbox", name="Edit message")).to_be_focused()
    chat.page.keyboard.press("Escape")
    assert stored_text(server, answer_id)[0] == "streaming"
    chat.page.keyboard.press("Escape")
    chat.expect_status("stopped")


def test_a_menu_is_whole_wherever_its_button_stands(chat: Chat, upstream):
    chat.page.set_viewport_size({"width": 390, "height": 420})
    chat.ask("why")
    chat.expect_status("complete")
    for name in ("More", "Try again", "Model"):
        chat.button(name).click()
        box = chat.page.locator(".popover").bounding_box()
        assert box is not None
        assert box["x"] >= 0, name
        assert box["y"] >= 0, name
        assert box["x"] + box["width"] <= 390, name
        assert box["y"] + box["height"] <= 420, name
        chat.page.keyboard.press("Escape")
