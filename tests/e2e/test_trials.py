"""The page of trials: sets of prompts, replays of them, and what they come to, in the browser."""

import csv
import io
import json
import re
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import Chat, findings
from tests.e2e.recipe_page import Recipes
from tests.server import Server
from tests.upstream import Script, Upstream

PRICES = """
[models.dear]
provider = "vllm"
model = "alto"
price = { input = 1.0, output = 10.0 }
"""


@pytest.fixture
def server(choir_server: Server) -> Server:
    return choir_server


class Trials:
    """The page by the names that assistive technology knows."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(f"{url}/trials")
        expect(page.get_by_role("heading", name="Sets of prompts")).to_be_visible()

    def give(self, *lines: str, name: str = "tides") -> None:
        """Import a file."""
        file = {"name": f"{name}.jsonl", "mimeType": "application/jsonl", "buffer": "\n".join(lines).encode()}
        self.page.locator(".prompt-sets input[type=file]").set_input_files([file])

    def row(self, name: str) -> Locator:
        return self.page.get_by_role("listitem", name=name, exact=True)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def begin(self, first: str, second: str, *, of: str = "tides", limit: str = "", at_once: str = "4") -> None:
        form = self.page.get_by_role("region", name="New replay")
        self.choose_set(form, of)
        for letter, side in (("A", first), ("B", second)):
            form.get_by_role("combobox", name=f"Side {letter}", exact=True).select_option(side)
        form.get_by_role("combobox", name="Calls at once").select_option(at_once)
        form.get_by_role("textbox", name="Cost limit in $").fill(limit)
        expect(form.get_by_role("status")).to_contain_text("calls and")
        form.get_by_role("button", name="Begin").click()
        expect(self.page).to_have_url(re.compile(r"\?replay="))

    def choose_set(self, form: Locator, name: str) -> None:
        prompts = form.get_by_role("combobox", name="Prompts")
        option = prompts.locator("option").filter(has_text=re.compile(rf"^{name} \(\d+\)$"))
        expect(option).to_have_count(1)
        prompts.select_option(option.get_attribute("value"))

    def expect_state(self, text: str) -> None:
        expect(self.page.locator(".report > .state")).to_have_text(text)

    def cells(self, name: str) -> list[str]:
        return (
            self.page.get_by_role("row")
            .filter(has=self.page.get_by_role("rowheader", name=name))
            .locator("td")
            .all_inner_texts()
        )


KINDS = {"contains": "Contains", "regex": "Matches the expression", "judge": "Judged by a model"}


def add_check(form: Locator, kind: str) -> None:
    form.get_by_role("group", name="Add a check").get_by_role("button", name=KINDS[kind]).click()


@pytest.fixture
def trials(new_page: Page, server: Server, released: threading.Event) -> Trials:
    return Trials(new_page, server.url)


def line(text: str, expected: str = "") -> str:
    return json.dumps({"prompt": text, "expected": expected})


@pytest.mark.breaks
def test_a_set_with_a_bad_line_is_taken_but_for_it_and_is_replayed_with_checks_and_a_judge(
    trials: Trials, choir: Upstream
):
    trials.give(line("why tides", "so"), "{bad", line("why winds", "no"), name="with a bad line")
    expect(trials.page.get_by_text("2 prompts were taken. 1 line was not: line 2 is not valid JSON.")).to_be_visible()
    trials.press("Checks of with a bad line")
    form = trials.page.get_by_role("form", name="Checks of with a bad line")
    for kind in ("contains", "regex", "judge"):
        add_check(form, kind)
    form.get_by_role("textbox", name="Matches the expression, check 2").fill("(")
    form.get_by_role("combobox", name="Judge of check 3").select_option("judge")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("This is no regular expression")
    form.get_by_role("textbox", name="Matches the expression, check 2").fill(r"^\w+ says")
    form.get_by_role("button", name="Save").click()
    expect(trials.row("with a bad line")).to_contain_text("3 checks")
    trials.begin("model:alto", "model:bass", of="with a bad line")
    trials.expect_state("Complete: 4 of 4 answers")
    wins = trials.page.get_by_role("list", name="Which is better")
    # The judge goes by the place alone, which both orders show for what it is.
    expect(wins.get_by_role("listitem").filter(has_text="Judged by judge")).to_contain_text(
        "A wins 0 · B wins 0 · ties 2"
    )
    expect(wins.get_by_role("listitem").filter(has_text="By checks")).to_contain_text("A wins 1 · B wins 1 · ties 0")
    assert [cell.split("\n")[0] for cell in trials.cells("Contains")] == ["50%", "50%"]
    assert [cell.split("\n")[0] for cell in trials.cells("Matches the expression")] == ["100%", "100%"]
    assert len([call for call in choir.chats if call.body["model"] == "judge"]) == 4
    # It is kept, and its address shows it to whoever has it.
    trials.page.reload()
    trials.expect_state("Complete: 4 of 4 answers")
    with trials.page.expect_download() as download:
        trials.page.get_by_role("link", name="Export CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert [(row["a text"], row["b text"]) for row in rows] == [("Alto says so.", "Bass says no.")] * 2


def test_blind_nobody_is_named_and_a_vote_counts_for_who_said_it(trials: Trials):
    trials.give(*(line(f"why {n}") for n in range(4)), name="blind ones")
    trials.begin("model:alto", "model:bass", of="blind ones")
    trials.expect_state("Complete: 8 of 8 answers")
    trials.page.get_by_role("checkbox", name="Blind").check()
    results = trials.page.get_by_role("region", name="Answers", exact=True)
    expect(results.get_by_role("article").first).to_contain_text("Left")
    expect(results).not_to_contain_text("alto")
    for number in range(4):
        pair = results.get_by_role("article", name=f"Prompt {number + 1}", exact=True)
        is_left = "Alto" in pair.locator(".answer").first.inner_text()
        pair.get_by_role("button", name="Left is better" if is_left else "Right is better").click()
        expect(pair.locator('[aria-pressed="true"]')).to_have_count(1)
    # Nor do the figures say who was who, as long as it is blind.
    expect(trials.page.get_by_text("4 votes so far.")).to_be_visible()
    wins = trials.page.get_by_role("list", name="Which is better")
    expect(wins).to_have_count(0)
    expect(trials.page.get_by_role("table")).to_have_count(0)
    results.get_by_role("article", name="Prompt 1", exact=True).locator('[aria-pressed="true"]').click()
    expect(trials.page.get_by_text("3 votes so far.")).to_be_visible()
    trials.page.get_by_role("checkbox", name="Blind").uncheck()
    expect(wins.get_by_role("listitem").filter(has_text="By votes")).to_contain_text("A wins 3 · B wins 0 · ties 0")


def test_a_look_that_was_begun_before_it_was_blind_shows_nobody_in_the_wrong_place(
    trials: Trials, released: threading.Event
):
    trials.give(*(line(f"why {n}") for n in range(6)), name="late blind")
    trials.begin("model:alto", "model:slow", of="late blind", at_once="1")
    results = trials.page.get_by_role("region", name="Answers", exact=True)
    expect(results.get_by_role("article", name="Prompt 1", exact=True)).to_contain_text("Alto says so.")
    seen: list[str] = []
    trials.page.on("request", lambda request: seen.append(request.url) if "/results?" in request.url else None)
    trials.page.get_by_role("checkbox", name="Blind").check()
    released.set()
    trials.expect_state("Complete: 12 of 12 answers")
    expect(results.get_by_role("button", name="Left is better")).to_have_count(6)
    assert seen
    assert all("blind=1" in url for url in seen)


def test_of_many_answers_those_are_shown_that_one_looks_for(trials: Trials, choir: Upstream):
    choir.of_model["bass"] = Script(["so it is"])
    trials.give(line("one", "Alto"), line("two", "so"), line("three", "so"), name="looked for")
    trials.press("Checks of looked for")
    form = trials.page.get_by_role("form", name="Checks of looked for")
    add_check(form, "contains")
    form.get_by_role("button", name="Save").click()
    expect(trials.row("looked for")).to_contain_text("1 check")
    trials.begin("model:alto", "model:bass", of="looked for")
    trials.expect_state("Complete: 6 of 6 answers")
    results = trials.page.get_by_role("region", name="Answers", exact=True)
    shown = results.get_by_role("combobox", name="Show")
    for only, names in {
        "A is better": ["Prompt 1"],
        "B is better": [],
        "Ties": ["Prompt 2", "Prompt 3"],
        "Checks not met": ["Prompt 1"],
        "Failed answers": [],
        "Not voted on": ["Prompt 1", "Prompt 2", "Prompt 3"],
    }.items():
        shown.select_option(label=only)
        expect(results.get_by_role("article")).to_have_count(len(names))
        for name in names:
            expect(results.get_by_role("article", name=name, exact=True)).to_be_visible()
        expect(results.get_by_text("No prompts match.")).to_have_count(0 if names else 1)


def test_what_was_written_of_checks_is_there_when_they_are_put_away_and_looked_at_again(trials: Trials):
    trials.give(line("one"), name="put away")
    trials.press("Checks of put away")
    form = trials.page.get_by_role("form", name="Checks of put away")
    add_check(form, "contains")
    field = form.get_by_role("textbox", name="Contains, check 1")
    expect(field).to_be_focused()
    field.fill("moon")
    trials.press("Checks of put away")
    expect(field).to_be_hidden()
    trials.press("Checks of put away")
    expect(field).to_have_value("moon")
    form.get_by_role("button", name="Cancel").click()
    expect(trials.page.get_by_role("button", name="Checks of put away")).to_be_focused()
    trials.press("Checks of put away")
    expect(form.get_by_role("textbox")).to_have_count(0)


def test_a_replay_is_cancelled_with_one_that_hangs_and_goes_on(trials: Trials, released: threading.Event):
    trials.give(line("one"), line("two"), name="hanging")
    trials.begin("model:alto", "model:slow", of="hanging")
    trials.expect_state("Running: 2 of 4 answers")
    trials.page.get_by_role("link", name="All trials").click()
    trials.begin("model:alto", "model:alto", of="hanging")
    trials.expect_state("Waiting for its turn: 0 of 4 answers")
    trials.page.go_back()
    trials.page.get_by_role("link", name="alto against slow").first.click()
    trials.press("Cancel")
    trials.expect_state("Cancelled after 2 of 4 answers")
    released.set()
    trials.press("Go on")
    trials.expect_state("Complete: 4 of 4 answers")


def test_what_failed_says_why_in_its_place_and_is_asked_again(trials: Trials, choir: Upstream):
    trials.give(line("one"), line("two"), name="failing")
    trials.begin("model:alto", "model:broken", of="failing")
    trials.expect_state("Complete: 4 of 4 answers")
    assert trials.cells("Failed") == ["0", "2"]
    expect(trials.page.get_by_role("article", name="Prompt 1", exact=True).locator(".answer").last).to_contain_text(
        "broken does not take this request."
    )
    failed = trials.page.get_by_role("article", name="Prompt 1", exact=True).locator(".answer").last
    failed.get_by_text("Details").click()
    expect(failed).to_contain_text("on purpose")
    choir.of_model["broken"] = Script(["Mended."])
    trials.press("Ask again for 2 that failed")
    expect(trials.page.get_by_role("article", name="Prompt 2", exact=True)).to_contain_text("Mended.")
    assert trials.cells("Failed") == ["0", "0"]


def test_a_judge_that_answers_nonsense_decides_nothing_and_is_told_of(trials: Trials, choir: Upstream):
    choir.of_model["judge"] = Script(["Both are lovely."])
    trials.give(line("one"), name="nonsense")
    trials.press("Checks of nonsense")
    form = trials.page.get_by_role("form", name="Checks of nonsense")
    add_check(form, "judge")
    form.get_by_role("combobox", name="Judge of check 1").select_option("judge")
    form.get_by_role("button", name="Save").click()
    expect(trials.row("nonsense")).to_contain_text("1 check")
    trials.begin("model:alto", "model:bass", of="nonsense")
    trials.expect_state("Complete: 2 of 2 answers")
    expect(trials.page.get_by_text("1 verdict could not be read and counts for neither.")).to_be_visible()


def test_an_expression_that_never_ends_is_given_up_and_said_where_it_stands(trials: Trials, choir: Upstream):
    choir.of_model["alto"] = Script(["a" * 3000, "!"])
    trials.give(line("one"), name="endless")
    trials.press("Checks of endless")
    form = trials.page.get_by_role("form", name="Checks of endless")
    add_check(form, "regex")
    form.get_by_role("textbox", name="Matches the expression, check 1").fill("^(a|a)*$")
    form.get_by_role("button", name="Save").click()
    expect(trials.row("endless")).to_contain_text("1 check")
    trials.begin("model:alto", "model:bass", of="endless")
    trials.expect_state("Complete: 2 of 2 answers")
    first = trials.page.get_by_role("article", name="Prompt 1", exact=True).locator(".answer").first
    expect(first).to_contain_text("Matches the expression: took too long")
    expect(trials.page.get_by_role("row").filter(has_text="Matches the expression")).to_contain_text("1 took too long")


def test_a_replay_over_its_cost_limit_stops_there_and_goes_on_without_one(
    new_page: Page, released: threading.Event, choir: Upstream, folder: Path
):
    folder.mkdir()
    (folder / "models.toml").write_text(PRICES)
    with Server(folder, VLLM_BASE_URL=choir.url) as server:
        trials = Trials(new_page, server.url)
        trials.give(*(line(f"p{n}") for n in range(10)))
        expect(trials.page.get_by_text("10 prompts were taken.")).to_be_visible()
        trials.begin("model:dear", "model:dear", limit="0.0043", at_once="1")
        expect(trials.page.locator(".report > .state")).to_contain_text("Stopped at its cost limit after")
        expect(trials.page.get_by_text("The next answer may go over the limit of $0.0043.")).to_be_visible()
        limit = trials.page.get_by_role("textbox", name="New limit in $, none if empty")
        expect(limit).to_have_value("0.0043")
        limit.fill("1,000")
        expect(trials.page.get_by_role("alert")).to_contain_text("The cost limit is a number of dollars")
        expect(trials.page.get_by_role("button", name="Go on")).to_be_disabled()
        limit.fill("")
        trials.press("Go on")
        trials.expect_state("Complete: 20 of 20 answers")


def test_past_questions_that_had_a_thumb_down_become_a_set_with_two_versions_of_a_recipe(
    clean: Server, new_page: Page, choir: Upstream, released: threading.Event
):
    recipes = Recipes(new_page, clean)
    recipes.make("Poet", system_prompt="Rhyme.")
    recipes.press("Edit", "Poet")
    recipes.write(system_prompt="Do not rhyme.")
    expect(recipes.row("Poet")).to_contain_text("v2")
    new_page.goto(f"{clean.url}/new")
    chat = Chat(new_page)
    chat.get("a poem of the sea")
    new_page.get_by_role("button", name="Bad answer", exact=True).click()
    expect(new_page.get_by_role("button", name="Bad answer", exact=True)).to_have_attribute("aria-pressed", "true")
    new_page.keyboard.press("Escape")
    chat.get("and of the land")
    trials = Trials(new_page, clean.url)
    trials.press("Pick past questions")
    form = new_page.get_by_role("form", name="Pick past questions")
    form.get_by_role("combobox", name="Thumb").select_option("down")
    expect(form.get_by_text("1 question", exact=True)).to_be_visible()
    form.get_by_role("checkbox", name="a poem of the sea").check()
    form.get_by_role("textbox", name="Name of the set").fill("Disliked")
    form.get_by_role("button", name="Save 1 as a set").click()
    expect(trials.row("Disliked")).to_contain_text("1 prompt")
    form = new_page.get_by_role("region", name="New replay")
    for at, letter in enumerate("AB"):
        form.get_by_role("combobox", name=f"Side {letter}", exact=True).select_option(label="Poet")
        form.get_by_role("combobox", name="Version of Poet").nth(at).select_option(str(at + 1))
    trials.choose_set(form, "Disliked")
    choir.calls.clear()
    form.get_by_role("button", name="Begin").click()
    trials.expect_state("Complete: 2 of 2 answers")
    asked = [[message["content"] for message in call.body["messages"]] for call in choir.chats]
    assert sorted(asked) == [["Do not rhyme.", "a poem of the sea"], ["Rhyme.", "a poem of the sea"]]


@pytest.mark.breaks
def test_a_file_without_a_prompt_and_a_set_that_goes_with_its_replays_say_so_in_place(trials: Trials):
    trials.give("", name="nothing")
    expect(trials.page.get_by_role("alert")).to_have_text("There is no prompt in this file.")
    trials.give(line("one"), name="to go")
    trials.begin("model:alto", "model:bass", of="to go")
    trials.expect_state("Complete: 2 of 2 answers")
    trials.page.get_by_role("link", name="All trials").click()
    trials.press("Delete to go")
    expect(trials.row("to go")).to_contain_text("Its replay goes with it, for good.")
    trials.row("to go").get_by_role("button", name="Cancel", exact=True).click()
    expect(trials.page.get_by_role("button", name="Delete to go")).to_be_focused()
    trials.press("Delete to go")
    trials.row("to go").get_by_role("button", name="Delete", exact=True).click()
    expect(trials.row("to go")).to_have_count(0)
    expect(trials.page.get_by_role("heading", name="Sets of prompts")).to_be_focused()


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [(1280, "light", "en-US"), (1280, "dark", "zh-CN"), (390, "light", "zh-CN"), (390, "dark", "en-US")],
)
def test_axe_finds_nothing_on_the_page_and_in_a_report(new_context, server: Server, released, width, scheme, locale):
    page: Page = new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, locale=locale).new_page()
    page.goto(f"{server.url}/trials")
    name = f"axe {width} {scheme}"
    file = {"name": f"{name}.jsonl", "mimeType": "application/jsonl", "buffer": line("why", "so").encode()}
    page.locator(".prompt-sets input[type=file]").set_input_files([file])
    page.get_by_role("listitem", name=name, exact=True).get_by_role("button").first.click()
    page.locator(".checks .kinds button").last.click()
    page.locator(".prompt-sets > .row > button").nth(1).click()
    expect(page.locator(".prompt-picker [role=status]")).not_to_be_empty()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for at, side in enumerate(("model:alto", "model:bass")):
        page.locator(".replay-form .side").nth(at).locator("select").first.select_option(side)
    page.locator(".replay-form .primary").click()
    expect(page.locator('.report progress[value="2"]')).to_be_visible()
    expect(page.locator(".votes")).to_have_count(1)
    page.locator(".votes .tag").first.click()
    expect(page.locator(".wins")).to_be_visible()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_where_no_model_was_found_it_says_so_and_the_search_is_no_side(new_page: Page, folder: Path):
    folder.mkdir()
    with Server(folder) as server:
        trials = Trials(new_page, server.url)
        trials.give(line("one"))
        form = new_page.get_by_role("region", name="New replay")
        expect(form.get_by_text("none was found yet")).to_be_visible()
        expect(form.get_by_role("combobox", name="Side A", exact=True)).to_have_value("")
        form.get_by_role("link", name="Add a server").click()
        expect(new_page).to_have_url(f"{server.url}/models")
