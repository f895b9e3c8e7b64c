"""Recipes: chosen, kept, compared, shared between people, exchanged as files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Chat, findings
from tests.e2e.recipe_page import Recipes, choose_recipe
from tests.server import Server
from tests.upstream import Upstream


@pytest.fixture
def chat(clean: Server, new_page: Page, upstream: Upstream) -> Chat:
    new_page.goto(clean.url)
    opened = Chat(new_page)
    expect(opened.button("Recipe")).to_be_visible()
    return opened


def _asked(upstream: Upstream) -> tuple[str, float | None]:
    """(system prompt, temperature) of the last question."""
    body = next(
        call.body for call in reversed(upstream.chats) if "title" not in str(call.body["messages"][-1]["content"])
    )
    first = body["messages"][0]
    return (first["content"] if first["role"] == "system" else ""), body.get("temperature")


def test_a_recipe_chosen_at_the_composer_asks_and_proposes_how_to_begin(chat: Chat, upstream):
    choose_recipe(chat, "Code")
    expect(chat.button("Recipe")).to_have_text("Code ▾")
    chat.page.get_by_role("button", name="Explain what this regular expression matches.").click()
    expect(chat.field).to_have_value("Explain what this regular expression matches.")
    chat.field.press("Enter")
    chat.expect_status("complete")
    chat.conversation_id()

    prompt, temperature = _asked(upstream)
    assert (prompt.startswith("You are an experienced programmer."), temperature) == (True, 0.2)
    chat.page.reload()
    expect(chat.button("Recipe")).to_have_text("Code ▾")
    chat.button("More").last.click()
    chat.page.get_by_role("menuitem", name="Details").click()
    facts = chat.page.get_by_role("dialog", name="Details of the answer")
    expect(facts.locator('dt:text-is("Recipe") + dd')).to_have_text("Code v1")
    expect(facts.locator('dt:text-is("System prompt") + dd')).to_contain_text("experienced programmer")
    chat.button("Close").click()
    choose_recipe(chat, "No recipe")
    chat.get("and now")
    assert _asked(upstream) == ("", None)


def test_what_works_is_kept_as_a_recipe_and_then_as_its_next_version(chat: Chat, upstream):
    chat.page.keyboard.press("Control+Shift+Period")
    panel = chat.page.get_by_role("complementary", name="Parameters")
    panel.get_by_role("textbox", name="system_prompt", exact=True).fill("Be {{tone}}.")
    panel.get_by_role("button", name="Add the variable tone").click()
    panel.get_by_role("textbox", name="{{tone}}").fill("warm")
    panel.get_by_role("slider", name="temperature").fill("0.4")
    panel.get_by_role("button", name="Save as a recipe…").click()
    panel.get_by_role("textbox", name="Name").fill("Mine")
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel.get_by_role("textbox", name="recipe", exact=True)).to_have_value("Mine")
    expect(chat.button("Recipe")).to_have_text("Mine ▾")
    chat.get("hello")
    assert _asked(upstream) == ("Be warm.", 0.4)

    panel.get_by_role("textbox", name="{{tone}}").fill("cool")
    panel.get_by_role("button", name="Save as v2…").click()
    panel.get_by_role("textbox", name="Note for this version").fill("cooler")
    panel.get_by_role("button", name="Save", exact=True).click()
    expect(panel.locator(".parameter").first.locator(".source")).to_have_text("v2 · this conversation")
    chat.get("again")
    assert _asked(upstream) == ("Be cool.", 0.4)


def test_versions_are_compared_restored_and_published(new_page: Page, clean: Server):
    page = Recipes(new_page, clean)
    page.make("Mine", system_prompt="One.\nTwo.", temperature="0.4")
    page.press("Edit", "Mine")
    page.write(system_prompt="One.\nThree.", note="third")
    page.press("History", "Mine")
    expect(page.version(2)).to_contain_text("third")
    page.version(2).get_by_role("button", name="Compare with v1").click()
    lines = page.page.get_by_role("region", name="Differences").locator(".line")
    expect(lines).to_have_text([re.compile("One."), re.compile("− Two."), re.compile(r"\+ Three.")])
    page.version(1).get_by_role("button", name="Restore").click()
    expect(page.version(3)).to_contain_text("Restored v1")
    page.version(1).get_by_role("button", name="Publish").click()
    expect(page.version(1)).to_contain_text("published")
    page.version(2).get_by_role("button", name="Publish").click()
    expect(page.version(2)).to_contain_text("published")
    expect(page.version(1)).not_to_contain_text("published")
    expect(page.row("Mine").locator(".recipe")).to_contain_text("v2")


@pytest.mark.breaks
def test_of_two_who_save_one_recipe_the_second_sees_the_difference_and_loses_nothing(new_context, clean: Server):
    first, second = (Recipes(new_context().new_page(), clean) for _ in range(2))
    first.make("Ours", system_prompt="One.")
    expect(first.row("Ours")).to_be_visible()
    second.page.reload()
    for page in (first, second):
        page.press("Edit", "Ours")
    first.write(system_prompt="Theirs.")
    expect(first.row("Ours")).to_contain_text("v2")
    second.write(system_prompt="Mine.")
    form = second.page.get_by_role("form")
    expect(form.get_by_role("alert")).to_contain_text("Somebody else has saved this recipe meanwhile.")
    expect(form.locator(".differences td")).to_have_text(["Theirs.", "Mine."])
    expect(form.get_by_role("textbox", name="system_prompt", exact=True)).to_have_value("Mine.")
    form.get_by_role("button", name="Save mine above v2").click()
    expect(second.row("Ours")).to_contain_text("v3")


@pytest.mark.breaks
def test_of_two_who_restore_at_once_the_second_sees_the_difference_and_can_still_restore(new_context, clean: Server):
    context = new_context()
    one = Recipes(context.new_page(), clean)
    one.make("Notes", temperature="0.3")
    one.press("Edit", "Notes")
    one.write(temperature="0.9", note="hotter")
    expect(one.row("Notes")).to_contain_text("v2")
    two = Recipes(context.new_page(), clean)
    for page in (one, two):
        page.press("History", "Notes")
        expect(page.version(2)).to_contain_text("hotter")
    two.press("Restore", "v1")
    expect(two.version(3)).to_contain_text("Restored v1")
    one.press("Edit", "v2")
    one.page.get_by_role("button", name="Cancel").click()
    one.press("Restore", "v1")
    expect(one.page.get_by_role("alert")).to_contain_text("v3")
    assert findings(one.page) == []
    one.press("Restore", "v1")
    expect(one.version(4)).to_contain_text("Restored v1")


def test_what_was_begun_from_one_version_is_not_taken_for_another_and_is_marked_until_it_is_saved(
    new_page: Page, clean: Server
):
    page = Recipes(new_page, clean)
    page.make("Notes", temperature="0.3")
    page.press("Edit", "Notes")
    page.write(temperature="0.9")
    page.press("Edit", "Notes")
    temperature = new_page.get_by_role("form").get_by_role("textbox", name="temperature, as a number")
    temperature.fill("0.5")
    new_page.reload()
    expect(page.row("Notes")).to_contain_text("not saved yet")
    page.press("History", "Notes")
    page.press("Edit", "v1")
    expect(temperature).to_have_value("0.3")
    new_page.reload()
    page.press("Edit", "Notes")
    expect(temperature).to_have_value("0.5")
    new_page.get_by_role("button", name="Begin anew").click()
    expect(temperature).to_have_value("0.9")
    new_page.get_by_role("button", name="Cancel").click()
    expect(page.row("Notes")).not_to_contain_text("not saved yet")


def test_what_is_being_kept_as_a_recipe_outlives_a_reload(chat: Chat):
    chat.page.keyboard.press("Control+Shift+Period")
    panel = chat.page.get_by_role("complementary", name="Parameters")
    panel.get_by_role("button", name="Save as a recipe…").click()
    panel.get_by_role("textbox", name="Name", exact=True).fill("Mine")
    panel.get_by_role("textbox", name="Note for this version").fill("first")
    chat.page.reload()
    expect(panel.get_by_role("textbox", name="Name", exact=True)).to_have_value("Mine")
    expect(panel.get_by_role("textbox", name="Note for this version")).to_have_value("first")
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_role("button", name="Save as a recipe…").click()
    expect(panel.get_by_role("textbox", name="Name", exact=True)).to_have_value("")


@pytest.mark.breaks
def test_a_recipe_with_a_bad_value_says_where_and_what_is_typed_outlives_a_reload(new_page: Page, clean: Server):
    page = Recipes(new_page, clean)
    page.make("Mine", top_k="many")
    form = new_page.get_by_role("form")
    expect(form.locator(".parameter [role=alert]")).to_have_text("This is not a number. It is not used.")
    expect(form.get_by_text("Not saved: look at top_k.")).to_be_visible()
    new_page.reload()
    new_page.get_by_role("button", name="New recipe").click()
    expect(form.get_by_role("textbox", name="Name")).to_have_value("Mine")
    expect(form.get_by_role("textbox", name="top_k", exact=True)).to_have_value("many")
    page.write(top_k="5")
    expect(page.row("Mine")).to_be_visible()


@pytest.mark.breaks
def test_recipes_are_duplicated_deleted_brought_back_exported_and_imported(
    new_page: Page, clean: Server, tmp_path: Path
):
    page = Recipes(new_page, clean)
    page.press("Duplicate", "Writer")
    expect(page.row("Copy of Writer")).to_be_visible()
    with new_page.expect_download() as download:
        new_page.get_by_role("link", name="Export: Copy of Writer").click()
    text = Path(download.value.path()).read_text()
    assert tomllib.loads(text)["recipes"][0]["variables"] == {"tone": "friendly and clear"}
    page.press("Delete", "Copy of Writer")
    expect(page.row("Copy of Writer")).to_have_count(0)
    new_page.get_by_role("button", name="Undo").click()
    expect(page.row("Copy of Writer")).to_be_visible()
    page.press("Delete", "Copy of Writer")
    expect(page.row("Copy of Writer")).to_have_count(0)
    new_page.reload()
    new_page.get_by_text("1 deleted recipe").click()
    page.press("Bring back", "Copy of Writer")
    expect(page.row("Copy of Writer")).to_be_visible()
    expect(new_page.get_by_text("1 deleted recipe")).to_have_count(0)

    for content, said in (
        (text.replace("0.8", "8.0"), "Entry 1 (“Copy of Writer”): temperature: This must be from 0 to 2."),
        ("nonsense", "This is not a TOML file: line 1, column 9."),
        (text.replace("Copy of Writer", "From a file"), "1 recipe was added."),
    ):
        (tmp_path / "recipes.toml").write_text(content)
        new_page.get_by_label("Import").set_input_files(tmp_path / "recipes.toml")
        expect(new_page.locator(".recipes > p").first).to_contain_text(said)
    expect(page.row("From a file")).to_be_visible()


@pytest.mark.breaks
def test_what_is_wrong_in_a_recipe_is_said_beside_its_field_and_what_was_put_away_comes_back(
    new_page: Page, clean: Server
):
    page = Recipes(new_page, clean)
    new_page.get_by_role("button", name="New recipe").click()
    form = new_page.get_by_role("form")
    for label, text, sentence in (
        ("Name", "x" * 201, "This is longer than 200 characters."),
        ("Description", "x" * 2001, "This is longer than 2,000 characters."),
        ("Starting points, one a line", "a\n" * 13, "A recipe has at most 12 starting points."),
        ("model", "x" * 301, "This is longer than 300 characters."),
    ):
        if label != "Name":
            form.get_by_role("textbox", name="Name", exact=True).fill("Mine")
        place = form.get_by_role("combobox" if label == "model" else "textbox", name=label, exact=True)
        place.fill(text)
        form.get_by_role("button", name="Save", exact=True).click()
        expect(place).to_be_focused()
        expect(place).to_have_accessible_description(sentence)
        place.fill("nobodys" if label == "model" else "a")
    expect(form.get_by_text("No server offers nobodys now.")).to_be_visible()
    form.get_by_role("button", name="Cancel").click()
    new_page.get_by_role("button", name="Undo").click()
    expect(form.get_by_role("textbox", name="Description")).to_have_value("a")
    new_page.reload()
    expect(new_page.get_by_text("not saved yet")).to_be_visible()
    page.make("Mine")
    expect(page.row("Mine")).to_be_visible()
    expect(new_page.get_by_text("not saved yet")).to_have_count(0)


def test_the_editor_knows_what_its_model_takes(new_page: Page, clean: Server):
    Recipes(new_page, clean)
    new_page.get_by_role("button", name="New recipe").click()
    form = new_page.get_by_role("form")
    expect(form.get_by_role("textbox", name="system_prompt", exact=True)).to_be_enabled()
    form.get_by_role("combobox", name="model").fill("Passages")
    expect(form.get_by_role("textbox", name="system_prompt", exact=True)).to_be_disabled()
    expect(form.get_by_text("Passages does not take system_prompt.")).to_be_visible()
    form.get_by_role("combobox", name="model").fill("echo")
    expect(form.get_by_role("textbox", name="system_prompt", exact=True)).to_be_enabled()


def test_a_recipe_set_as_default_asks_every_new_conversation_and_no_old_one(new_page: Page, clean: Server, upstream):
    chat = Chat(new_page)
    new_page.goto(clean.url)
    chat.get("old")
    old = new_page.url
    Recipes(new_page, clean).press("Use for new conversations", "Summary")
    expect(new_page.get_by_role("button", name="Do not use for new conversations: Summary")).to_be_visible()
    new_page.goto(f"{clean.url}/new")
    expect(chat.button("Recipe")).to_have_text("Summary ▾")
    chat.get("new")
    assert _asked(upstream)[0].startswith("Summarise what you are given")
    new_page.goto(old)
    expect(chat.button("Recipe")).to_have_text("Recipe ▾")
    chat.get("old again")
    assert _asked(upstream)[0] == ""


def test_a_recipe_brings_its_model(new_page: Page, clean: Server, upstream):
    page = Recipes(new_page, clean)
    new_page.get_by_role("button", name="New recipe").click()
    new_page.get_by_role("combobox", name="model").fill("other")
    page.write(name="With other")
    expect(page.row("With other")).to_be_visible()
    new_page.goto(f"{clean.url}/new")
    chat = Chat(new_page)
    choose_recipe(chat, "With other")
    expect(chat.button("Model")).to_have_text("other ▾")
    chat.get("hello")
    assert upstream.chats[0].body["model"] == "other"


def test_a_persons_name_stands_in_prompts_and_beside_the_versions_that_they_save(
    new_page: Page, clean: Server, upstream
):
    new_page.goto(f"{clean.url}/settings")
    new_page.get_by_role("textbox", name="Your name").fill("Wei")
    new_page.get_by_role("textbox", name="Your name").press("Tab")
    expect(new_page.get_by_text("Kept.")).to_be_visible()
    page = Recipes(new_page, clean)
    page.make("Mine", system_prompt="For {{user}}.")
    page.press("History", "Mine")
    expect(page.version(1)).to_contain_text("Wei")
    new_page.goto(f"{clean.url}/new")
    chat = Chat(new_page)
    choose_recipe(chat, "Mine")
    chat.get("hello")
    assert _asked(upstream)[0] == "For Wei."


def test_passages_shows_the_pictures_of_the_guide(chat: Chat):
    chat.button("Model").click()
    chat.page.get_by_role("option", name="Passages").click()
    chat.get("Versions of a recipe: history, difference, restore, publish")
    picture = chat.answers.last.get_by_role("img", name="The history of a recipe with the difference of two versions")
    expect(picture).to_be_visible()
    assert picture.evaluate("async (i) => { await i.decode(); return i.naturalWidth; }") == 1280


def test_an_edit_goes_on_from_the_newest_version_whichever_is_published(new_page: Page, clean: Server):
    page = Recipes(new_page, clean)
    page.make("Mine", system_prompt="One.")
    page.publish("Mine", 1)
    page.press("Edit", "Mine")
    page.write(system_prompt="Two.")
    expect(page.version(2)).to_be_visible()
    page.press("Edit", "Mine")
    form = new_page.get_by_role("form")
    expect(form.get_by_role("textbox", name="system_prompt", exact=True)).to_have_value("Two.")


def test_a_default_recipe_brings_its_model_and_can_be_taken_back_once_it_is_deleted(
    new_page: Page, clean: Server, upstream
):
    page = Recipes(new_page, clean)
    new_page.get_by_role("button", name="New recipe").click()
    new_page.get_by_role("combobox", name="model").fill("other")
    page.write(name="With other")
    page.press("Use for new conversations", "With other")
    expect(page.row("With other")).to_contain_text("used for new conversations")
    new_page.goto(f"{clean.url}/new")
    chat = Chat(new_page)
    expect(chat.button("Model")).to_have_text("other ▾")
    chat.get("hello")
    assert upstream.chats[0].body["model"] == "other"

    page = Recipes(new_page, clean)
    page.press("Delete", "With other")
    expect(page.row("With other")).to_have_count(0)
    new_page.goto(f"{clean.url}/settings")
    defaults = new_page.get_by_role("group", name="My defaults")
    defaults.locator("summary").first.click()
    defaults.get_by_role("button", name="Reset recipe").click()
    expect(defaults.get_by_role("button", name="Reset recipe")).to_have_count(0)
    new_page.goto(f"{clean.url}/new")
    expect(chat.button("Recipe")).to_have_text("Recipe ▾")
