"""Reading while an answer grows, and waiting for one that does not begin."""

import re
import threading

from playwright.sync_api import BrowserContext, expect

from tests.browser import Chat, first_line_top, sift, stored_text, until_heard, until_seen
from tests.imported import conversation, take
from tests.server import Server
from tests.upstream import Script, words

LINES = [f"line {index}\n\n" for index in range(400)]


def _scrolled(chat: Chat) -> float:
    return chat.page.locator(".scroller").evaluate("s => s.scrollTop")


def test_the_question_rises_under_the_header_and_a_screenful_grows_without_moving_it(chat: Chat, upstream):
    upstream.then(Script(LINES[:3]), Script(LINES[:12], pace_s=0.02))
    chat.ask("first")
    chat.expect_status("complete")
    chat.ask("second")
    until_heard(chat, "line 0")
    header = chat.page.locator("main > header").bounding_box()
    assert header is not None

    def top() -> float:
        return chat.questions.last.evaluate("q => q.getBoundingClientRect().top")

    until_seen(chat.page, lambda: abs(top() - header["height"] - 16) < 1.5)
    chat.expect_status("complete")
    assert abs(top() - header["height"] - 16) < 1.5


def test_a_selection_lets_go_of_a_growing_answer_and_survives_it(chat: Chat, upstream):
    upstream.then(Script(LINES * 5, pace_s=0.01, ending="stall"))  # longer than anybody looks
    chat.ask("many lines")
    until_heard(chat, "line 60")
    # The browser tells of a selection a moment after it was made; the page's own listener hears it before this one.
    chat.answers.last.get_by_text("line 55", exact=True).evaluate(
        """p => new Promise((told) => {
          document.addEventListener("selectionchange", told, { once: true });
          getSelection().setBaseAndExtent(p.firstChild, 0, p.firstChild, 7);
        }).then(() => null)"""
    )
    before = first_line_top(chat)
    until_heard(chat, "line 150")

    assert abs(first_line_top(chat) - before) < 2
    assert chat.page.evaluate("getSelection().toString()") == "line 55"
    chat.button("To the end").click()
    until_heard(chat, "line 200")
    assert _scrolled(chat) > -2
    assert chat.page.evaluate("getSelection().toString()") == "line 55"
    chat.button("Stop").click()


def test_following_can_be_turned_off(new_context, server: Server, upstream):
    context: BrowserContext = new_context()
    page = context.new_page()
    page.goto(f"{server.url}/settings")
    page.get_by_role("group", name="The page follows an answer as it grows").get_by_label("No").check()
    page.goto(f"{server.url}/new")
    chat = Chat(page)
    upstream.then(Script(LINES, pace_s=0.01, ending="stall"))
    chat.ask("many lines")
    until_heard(chat, "line 40")
    before = first_line_top(chat)
    until_heard(chat, "line 100")

    assert abs(first_line_top(chat) - before) < 2
    chat.button("To the end").click()
    until_heard(chat, "line 150")
    assert _scrolled(chat) > -2
    chat.button("Stop").click()


def test_a_model_that_is_slow_to_start_is_said_and_another_can_be_asked(lone_chat: Chat, upstream, server: Server):
    upstream.then(Script(first_s=60), Script(["from the other"]))
    page = lone_chat.page
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() + 60_000"))
    lone_chat.ask("why")
    lone_chat.expect_status("streaming")
    expect(page.locator(".waiting")).to_have_count(0)  # what is quick needs no word
    lone_chat.conversation_id()  # the server has it
    until_seen(page, lambda: page.clock.run_for(200) or page.get_by_text("Waiting for echo").count())
    expect(page.locator(".waiting .count")).to_have_count(0)
    given_up = lone_chat.answers.last.get_attribute("data-message-id") or ""
    page.clock.fast_forward(4000)
    expect(page.locator(".waiting")).to_contain_text(re.compile("[3-9]\u00a0s"))
    page.clock.fast_forward(7000)
    expect(page.locator(".waiting")).to_contain_text("Slow to start; the model may be loading")
    page.clock.resume()
    page.locator(".waiting").get_by_role("button", name="Try another model").click()
    page.get_by_role("menuitem", name="other").click()
    until_heard(lone_chat, "from the other")

    assert upstream.chats[-1].body["model"] == "other"
    until_seen(page, lambda: stored_text(server, given_up)[0] == "stopped")


def test_silence_in_mid_answer_is_said(lone_chat: Chat, upstream):
    upstream.then(Script(words(3), ending="stall"))
    lone_chat.page.clock.install()
    lone_chat.ask("why")
    until_heard(lone_chat, "word2")
    lone_chat.page.clock.fast_forward(11_000)
    expect(lone_chat.page.locator(".waiting")).to_contain_text(re.compile(r"No word for \d+\ss; still waiting"))
    lone_chat.button("Stop").click()
    lone_chat.expect_status("stopped")


def test_what_takes_long_to_load_has_a_sign_of_it_and_an_empty_list_has_none(chat: Chat, upstream, server: Server):
    chat.ask("why")
    chat.expect_status("complete")
    page = chat.page.context.new_page()
    page.route_web_socket("**/_event/**", lambda socket: None)  # a server that never answers
    page.goto(chat.page.url)
    drawn = "(place) => getComputedStyle(document.querySelector(place), '::before')"
    expect(page.locator(".column")).to_be_attached()
    for place in (".column", ".rows"):
        until_seen(page, lambda place=place: page.evaluate(f"({drawn})('{place}').opacity === '1'"))
        assert page.evaluate(f"({drawn})('{place}').content") == '""'
        assert chat.page.evaluate(f"({drawn})('{place}').content") == "none"


def test_a_first_visit_stands_at_the_last_question_and_a_later_one_where_reading_ended(chat: Chat, server: Server):
    turns = ((f"question {index}", f"answer {index}\n\n" + "words\n\n" * 20) for index in range(80))
    take(chat.page, conversation("read before", [text for turn in turns for text in turn]))
    chat.page.get_by_role("navigation").get_by_role("link", name="read before").click()
    header = chat.page.locator("main > header")
    top = "(q) => q.getBoundingClientRect().top"

    def stands_under_the_header(question: str) -> bool:
        at = chat.page.get_by_text(question, exact=True).evaluate(top)
        edge = header.evaluate("h => h.getBoundingClientRect().bottom")
        return bool(edge <= at < edge + 60)

    until_seen(chat.page, lambda: chat.page.get_by_text("question 79", exact=True).count())
    until_seen(chat.page, lambda: stands_under_the_header("question 79"))

    chat.page.mouse.move(700, 400)
    chat.page.mouse.wheel(0, -50)  # by hand: until then the question keeps its place
    for _ in range(2):  # two pages of messages above
        count = chat.page.locator("article").count()
        chat.page.locator(".scroller").evaluate("s => s.scrollTop = -s.scrollHeight")
        until_seen(chat.page, lambda count=count: chat.page.locator("article").count() > count)
    chat.page.get_by_text("question 20", exact=True).evaluate("q => q.scrollIntoView({ block: 'start' })")
    before = chat.page.get_by_text("question 20", exact=True).evaluate(top)
    # The place is noted a moment after the last movement.
    is_noted = """(id) => {
      const kept = JSON.parse(sessionStorage.getItem(`chat_app.place.${id}`) ?? "null");
      const [article, scroller] = [`[data-message-id="${kept?.id}"]`, ".scroller"].map((s) => document.querySelector(s)?.getBoundingClientRect());
      return Boolean(kept && article) && Math.abs(article.top - scroller.top - kept.off) < 1;
    }"""
    until_seen(chat.page, lambda: chat.page.evaluate(is_noted, chat.conversation_id()))

    def stands_as_before() -> bool:
        expect(chat.page.get_by_text("question 20", exact=True)).to_be_visible()
        return abs(chat.page.get_by_text("question 20", exact=True).evaluate(top) - before) < 3

    chat.page.reload()
    until_seen(chat.page, stands_as_before)
    chat.button("New chat").click()
    expect(chat.page.locator("article")).to_have_count(0)
    chat.page.go_back()
    until_seen(chat.page, stands_as_before)


def test_the_sign_of_loading_comes_after_a_fifth_of_a_second(chat: Chat):
    chat.page.route_web_socket("**/_event/**", lambda socket: None)  # a server that never answers
    chat.page.reload()
    expect(chat.page.locator('.column[data-loaded="false"]')).to_be_attached()
    shown = chat.page.evaluate(
        """() => {
          const sign = (a) => a.effect.pseudoElement === "::before" && a.effect.target.matches(".column");
          const appearing = document.getAnimations().find(sign);
          appearing.pause();
          return [0, 199, 400].map((ms) => {
            appearing.currentTime = ms;
            return getComputedStyle(appearing.effect.target, "::before").opacity;
          });
        }"""
    )
    assert shown == ["0", "0", "1"]


def test_where_motion_is_unwanted_a_question_stands_in_its_place_at_once(new_context, server: Server, upstream):
    lowest = []
    for motion in ("no-preference", "reduce"):
        chat = Chat(new_context(reduced_motion=motion).new_page())
        chat.page.goto(server.url)
        upstream.then(Script(LINES[:100]))
        chat.get("first")
        chat.page.evaluate(
            """() => {
              globalThis.lowest = 0;
              const look = () => {
                globalThis.lowest = Math.min(globalThis.lowest, document.querySelector(".scroller").scrollTop);
                requestAnimationFrame(look);
              };
              look();
            }"""
        )
        chat.get("second")
        lowest.append(chat.page.evaluate("globalThis.lowest"))

    assert lowest[0] < -10
    assert lowest[1] > -2


def test_thoughts_are_folded_and_say_how_long_they_took(chat: Chat, upstream):
    end = threading.Event()
    upstream.then(Script(["let me see, ", "well"], field_name="reasoning_content", pace_s=0.6, held=end))
    chat.ask("why")
    thoughts = chat.answers.last.locator("details.reasoning")
    expect(thoughts.locator("summary")).to_have_text("Thinking…")
    end.set()
    expect(thoughts.locator("summary")).to_have_text(re.compile("^Thought for \\d+\u00a0s$"))
    expect(thoughts.locator(".plain")).to_be_hidden()
    thoughts.locator("summary").click()
    expect(thoughts.locator(".plain")).to_have_text("let me see, well")


def test_details_say_which_turns_did_not_fit(chat: Chat, upstream):
    for index in range(4):
        chat.get(f"{index} " + "many words " * 900)
    chat.get("and now?")
    chat.answers.last.get_by_role("button", name="More").click()
    chat.page.get_by_role("menuitem", name="Details").click()
    facts = chat.page.get_by_role("dialog", name="Details of the answer")
    left_out = facts.locator("dt:has-text('Messages left out') + dd")

    sent = len(upstream.chats[-1].body["messages"])
    assert 1 <= sent < 9
    expect(left_out).to_have_text(str(9 - sent))


def test_what_the_server_finds_too_long_goes_again_with_fewer_turns(chat: Chat, upstream):
    for index in range(3):
        chat.get(f"turn {index}")
    too_long = {"error": {"message": "This model's maximum context length is 10 tokens."}}
    upstream.then(Script(status=400, body=too_long), Script(status=400, body=too_long), Script(["it fits"]))
    chat.get("and now?")
    until_heard(chat, "it fits")

    sent = [[message["content"] for message in call.body["messages"]] for call in upstream.chats[3:]]
    assert [len(messages) for messages in sent] == [7, 5, 3]
    assert [messages[-1] for messages in sent] == ["and now?"] * 3

    upstream.then(*(Script(status=400, body=too_long) for _ in range(9)))
    chat.get("x " * 40, "failed")
    expect(chat.card).to_contain_text("too long")
    assert upstream.chats[-1].body["messages"][-1]["content"] == "x " * 40
    assert len(upstream.chats[-1].body["messages"]) == 1
    upstream.scripts.clear()


def test_what_is_far_from_view_is_not_laid_out_until_it_comes_near(chat: Chat, server: Server):
    turns = (["\n".join([f"question {index}"] + ["more of it"] * 30), "words\n\n" * 60] for index in range(20))
    take(chat.page, conversation("much to lay out", [text for turn in turns for text in turn]))
    chat.page.get_by_role("navigation").get_by_role("link", name="much to lay out").click()
    expect(chat.questions).to_have_count(20)
    question, answer = chat.questions.first.locator(".folded"), chat.answers.first.locator(".far")
    expect(question).to_have_count(1)  # it has the height of its fold without being measured
    expect(answer).to_have_count(1)
    is_laid_out = "e => e.firstElementChild.checkVisibility({ contentVisibilityAuto: true })"
    assert not question.evaluate(is_laid_out)
    assert not answer.evaluate(is_laid_out)
    chat.page.locator(".scroller").hover()
    chat.page.mouse.wheel(0, -100_000)
    until_seen(chat.page, lambda: question.evaluate(is_laid_out))
    expect(chat.questions.first.get_by_role("button", name="Show all 31 lines")).to_be_visible()
    expect(answer).to_have_count(0)  # as Markdown now


def test_the_end_of_long_code_moves_nothing_and_a_later_look_folds_it(chat: Chat, upstream):
    lines = [f"print({index})\n" for index in range(80)]
    upstream.then(Script(["```python\n", *lines, "```\n"], pace_s=0.01))
    chat.ask("long code")
    until_heard(chat, "print(79)")
    chat.page.evaluate(
        """() => { window.tops = []; const look = () => { const pre = document.querySelector("pre");
            if (pre) window.tops.push([pre.offsetHeight, document.querySelector("article[data-role=assistant]").dataset.status]); requestAnimationFrame(look); }; look(); }"""
    )
    chat.expect_status("complete")
    expect(chat.answers.last.locator("pre")).to_have_attribute("data-folded", "false")
    until_seen(chat.page, lambda: chat.page.evaluate("window.tops.filter(([, s]) => s === 'complete').length") > 5)
    heights = [height for height, _ in chat.page.evaluate("window.tops")]
    assert heights == sorted(heights)
    chat.page.reload()
    expect(chat.answers.last.locator("pre")).to_have_attribute("data-folded", "true")
    chat.page.get_by_role("button", name="Show all 80 lines").click()
    expect(chat.answers.last.locator("pre")).to_have_attribute("data-folded", "false")


def test_older_pages_that_did_not_come_are_asked_for_again(new_context, server: Server):
    page = new_context().new_page()
    lost: list[str] = []

    def passes(frame: str) -> bool:
        if lost or "older" not in frame:
            return True
        lost.append(frame)
        return False

    sift(page, passes)
    page.goto(server.url)
    take(page, conversation("long", [f"said {index}" for index in range(160)], key="older-again"))
    page.reload()
    page.get_by_role("link", name="long").first.click()
    chat = Chat(page)
    expect(chat.questions.last).to_have_text("said 158")
    page.locator(".scroller").hover()

    def up() -> bool:
        page.mouse.wheel(0, -20_000)
        return page.get_by_text("said 0", exact=True).count() == 1

    until_seen(page, up)
    assert len(lost) == 1


def test_whoever_reads_before_a_new_conversation_has_its_address_keeps_the_keys(chat: Chat, upstream):
    upstream.then(Script(LINES[:80], pace_s=0.01))
    chat.field.fill("long")
    chat.page.keyboard.press("Enter")
    expect(chat.questions.last).to_be_visible()
    chat.page.locator(".scroller").focus()
    chat.page.wait_for_url("**/c/*")
    chat.expect_status("complete")
    expect(chat.page.locator(".scroller")).to_be_focused()
    chat.button("New chat").first.click()
    expect(chat.field).to_be_focused()


def test_page_up_lets_go_of_a_growing_answer_and_end_follows_it_again(chat: Chat, upstream):
    upstream.then(
        Script(LINES[:300], pace_s=0.01, ending="stall")
    )  # it runs until it is stopped, however slow the page is
    chat.ask("long")
    until_heard(chat, "line 60")
    chat.page.locator(".scroller").focus()
    chat.page.keyboard.press("PageUp")
    until_seen(chat.page, lambda: _scrolled(chat) < -100)
    before = first_line_top(chat)
    until_heard(chat, "line 120")
    assert abs(first_line_top(chat) - before) < 2
    chat.page.keyboard.press("End")
    until_seen(chat.page, lambda: _scrolled(chat) > -1)
    until_heard(chat, "line 160")
    assert _scrolled(chat) > -1
    chat.button("Stop").click()


def test_prose_keeps_its_measure_and_code_and_tables_have_the_whole_column_while_they_grow_and_after(
    chat: Chat, upstream
):
    chat.page.set_viewport_size({"width": 1280, "height": 800})
    upstream.then(
        Script(
            ["words " * 60, "\n\n```text\n" + "x " * 80, *("\nmore" for _ in range(100)), "\n```\n\nend"], pace_s=0.02
        )
    )
    chat.ask("why")
    code = chat.answers.last.locator(".code").first
    expect(code).to_be_visible()
    growing = (code.bounding_box() or {})["width"]
    chat.expect_status("complete")

    assert (growing, (code.bounding_box() or {})["width"]) == (760, 760)
    assert (chat.answers.last.locator(".prose p").first.bounding_box() or {})["width"] == 680
