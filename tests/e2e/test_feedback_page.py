"""The page of feedback: figures over time, the answers behind each, and files of examples, in the browser."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import Chat, findings
from tests.e2e.conftest import measured
from tests.judged import judge
from tests.server import Server
from tests.upstream import Upstream


@pytest.fixture(scope="module")
def judged(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of weeks of use, in the last eight days of which nobody was there."""
    folder = tmp_path_factory.mktemp("judged")
    judge(folder, days=range(8, 20), each=2)
    with Server(folder, VLLM_BASE_URL=shared_upstream.url, **measured()) as server:
        yield server


@pytest.fixture
def page(new_page: Page, judged: Server) -> Page:
    new_page.goto(f"{judged.url}/feedback")
    expect(writer(new_page)).to_be_visible()
    return new_page


def writer(page: Page) -> Locator:
    """Its row of the table."""
    return page.get_by_role("row").filter(has_text="Writer v1")


def figure(page: Page, what: str) -> Locator:
    """What opens its answers behind a figure."""
    return page.get_by_role("button", name=re.compile(rf"^{what} \d+, Writer v1 · echo: show the answers$"))


def test_each_figure_opens_the_answers_that_it_counts_and_each_answer_its_place(page: Page):
    for what in ("Answers", "Thumbs up", "Thumbs down", "Stopped"):
        button = figure(page, what)
        count = int(button.inner_text())
        button.click()
        dialog = page.get_by_role("dialog", name=f"{what}: Writer v1 · echo")
        expect(dialog.get_by_role("link")).to_have_count(count)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()
    figure(page, "Thumbs down").click()
    answer = page.get_by_role("dialog").get_by_role("link").first
    expect(answer).to_contain_text("Not correct · Too long · It repeats itself.")
    said = answer.locator(".title").inner_text()
    answer.click()
    chat = Chat(page)
    expect(chat.questions.last).to_contain_text(said)
    expect(chat.answers.last).to_be_focused()
    expect(chat.answers.last.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")


def test_a_recipe_is_followed_over_time_in_the_table_and_in_the_chart(page: Page):
    writer(page).get_by_role("button", name="over time").click()
    periods = page.locator(".of-period")
    expect(periods).to_have_count(3)
    counts = [int(periods.nth(index).get_by_role("button").first.inner_text()) for index in range(3)]
    assert sum(counts) == int(figure(page, "Answers").inner_text())
    periods.last.get_by_role("button").first.click()
    expect(page.get_by_role("dialog").get_by_role("link")).to_have_count(counts[-1])
    page.keyboard.press("Escape")
    chart = page.get_by_role("img", name="Thumbs up, share per 5 days")
    expect(chart.locator(".line").first).to_be_visible()
    expect(chart.locator(".interval").first).to_be_attached()
    page.get_by_label("Chart of").select_option("Answers")
    chart = page.get_by_role("img", name="Answers per 5 days")
    expect(chart.locator(".interval")).to_have_count(0)
    chart.hover(position={"x": chart.bounding_box()["width"] * 0.6, "y": 50})
    expect(page.locator(".legend li").filter(has_text="Writer v1")).to_contain_text("10")


def test_a_time_without_answers_says_so(page: Page):
    page.get_by_label("7 days").check()
    expect(page.get_by_text("No model has answered in this time.")).to_be_visible()
    page.get_by_label("90 days").check()
    expect(writer(page)).to_be_visible()


def test_examples_are_looked_at_agreed_to_and_saved(page: Page):
    examples = page.get_by_role("region", name="Examples to train with")
    examples.get_by_label("All conversations").check()
    examples.get_by_label("Alpaca").check()
    examples.get_by_role("button", name="Preview").click()
    expect(examples.get_by_role("status")).to_have_text(re.compile(r"^\d+ lines, of which these are the first 20$"))
    count = int(examples.get_by_role("status").inner_text().split()[0])
    expect(examples.get_by_role("region", name="Preview")).to_contain_text('"instruction": "')
    expect(examples.get_by_role("button", name="Download the file")).to_be_disabled()
    examples.get_by_label("agree that it is given away").check()
    with page.expect_download() as saved:
        examples.get_by_role("link", name="Download the file").click()
    assert saved.value.suggested_filename == "conversations.alpaca.jsonl"
    lines = saved.value.path().read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == count > 20
    examples.get_by_label("Phone numbers").uncheck()  # other texts, to which nobody has agreed yet
    expect(examples.get_by_role("link", name="Download the file")).to_have_count(0)
    expect(examples.get_by_role("region", name="Preview")).to_have_count(0)
    examples.get_by_label("Pairs of a better and a worse answer").check()
    examples.get_by_role("button", name="Preview").click()
    expect(examples.get_by_role("status")).to_have_text("There are none yet: thumbs, edits and votes make them.")


@pytest.mark.breaks
def test_what_cannot_be_read_is_said_where_one_looks_and_asked_for_again(page: Page):
    page.route("**/api/feedback/**", lambda route: route.abort())
    figure(page, "Answers").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.unroute("**/api/feedback/**")
    dialog.get_by_role("button", name="Show more").click()
    expect(dialog.get_by_role("link").first).to_be_visible()
    expect(dialog.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_it_and_it_stays_within_the_page(new_context, judged: Server, scheme, width):
    page: Page = new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, locale="zh-CN").new_page()
    page.goto(f"{judged.url}/feedback")
    page.locator(".unfold-row").first.click()
    page.get_by_role("button", name="预览").click()
    expect(page.locator(".examples .preview")).to_be_visible()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".feedback td .link").first.click()
    expect(page.get_by_role("dialog").get_by_role("link").first).to_be_visible()
    assert findings(page) == [], "the answers"
