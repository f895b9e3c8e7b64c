"""Saving what works from the panel: into the right recipe, whole, whatever is under way; and asking with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from chat_app.api.identity import Identity
from tests.browser import Chat
from tests.e2e.recipe_page import Recipes, choose_recipe
from tests.e2e.test_parameters import Panel, _asked
from tests.server import Server
from tests.upstream import Upstream


def _prompt(upstream: Upstream) -> str:
    call = [each for each in upstream.chats if "title" not in str(each.body["messages"][-1]["content"])][-1]
    first = call.body["messages"][0]
    return first["content"] if first["role"] == "system" else ""


def _contents(page: Page, server: Server) -> dict[str, dict]:
    recipes = page.request.get(f"{server.url}/api/recipes?language=en").json()
    return {each["content"]["name"]: each["content"]["values"] for each in recipes if not each["is_shipped"]}


@pytest.fixture
def begin(new_page: Page, clean: Server) -> Callable[[], tuple[Chat, Panel]]:
    """A new chat with the panel open."""

    def open_new() -> tuple[Chat, Panel]:
        new_page.goto(f"{clean.url}/new")
        chat, panel = Chat(new_page), Panel(new_page)
        expect(chat.button("Recipe")).to_be_visible()
        if not panel.root.count():
            panel.show()
        return chat, panel

    return open_new


def test_the_form_of_one_conversation_saves_nothing_into_the_recipe_of_another(new_page: Page, clean: Server, begin):
    recipes = Recipes(new_page, clean)
    for name in ("Alpha", "Beta"):
        recipes.make(name, system_prompt=f"Be {name}.")
        expect(recipes.row(name)).to_be_visible()
    chat, panel = begin()
    addresses = []
    for name in ("Beta", "Alpha"):
        choose_recipe(chat, name)
        chat.get(f"hello {name}")
        chat.conversation_id()
        addresses.append(new_page.url)
        if name == "Beta":
            chat.button("New chat").click()
            expect(chat.button("Recipe")).to_have_text("Recipe ▾")
    panel.slider("temperature").fill("0.3")
    panel.root.get_by_role("button", name="Save as v2…").click()
    panel.field("Note for this version").fill("half a no")
    new_page.goto(addresses[0])
    expect(panel.field("recipe")).to_have_value("Beta")
    expect(panel.field("Note for this version")).to_have_count(0)
    panel.slider("temperature").fill("0.9")
    panel.root.get_by_role("button", name="Save as v2…").click()
    expect(panel.field("Name")).to_have_value("Beta")
    new_page.go_back()
    expect(panel.field("Note for this version")).to_have_value("half a no")
    panel.root.get_by_role("button", name="Save", exact=True).click()
    expect(panel.source("recipe")).to_contain_text("v2")

    contents = _contents(new_page, clean)
    assert contents["Alpha"] | {"model": ""} == {"system_prompt": "Be Alpha.", "temperature": 0.3, "model": ""}
    assert contents["Beta"] == {"system_prompt": "Be Beta."}


def test_one_recipes_form_is_not_anothers_in_the_same_conversation_and_is_kept_with_its_ticks(
    new_page: Page, clean: Server, begin
):
    recipes = Recipes(new_page, clean)
    for name in ("Alpha", "Beta"):
        recipes.make(name, system_prompt=f"Be {name}.")
        expect(recipes.row(name)).to_be_visible()
    chat, panel = begin()
    choose_recipe(chat, "Alpha")
    panel.slider("temperature").fill("0.3")
    panel.root.get_by_role("button", name="Save as v2…").click()
    panel.field("Note for this version").fill("of alpha")
    panel.root.get_by_role("checkbox", name="With the model").check()
    choose_recipe(chat, "Beta")
    panel.slider("temperature").fill("0.9")
    panel.root.get_by_role("button", name="Save as v2…").click()
    expect(panel.field("Name")).to_have_value("Beta")
    expect(panel.field("Note for this version")).to_have_value("")
    panel.root.get_by_role("button", name="Cancel").click()
    choose_recipe(chat, "Alpha")
    new_page.reload()
    expect(panel.field("Note for this version")).to_have_value("of alpha")
    expect(panel.root.get_by_role("checkbox", name="With the model")).to_be_checked()
    panel.root.get_by_role("button", name="Save", exact=True).dblclick()
    expect(panel.source("recipe")).to_contain_text("v2")
    assert [len(new_page.request.get(f"{clean.url}/api/recipes/{each['id']}?language=en").json())
            for each in new_page.request.get(f"{clean.url}/api/recipes?language=en").json() if not each["is_shipped"]] == [2, 1]  # fmt: skip


@pytest.mark.breaks
def test_who_reloads_before_saving_still_sees_what_somebody_else_saved_meanwhile(new_page: Page, clean: Server, begin):
    recipes = Recipes(new_page, clean)
    recipes.make("Base", system_prompt="One.")
    expect(recipes.row("Base")).to_be_visible()
    chat, panel = begin()
    choose_recipe(chat, "Base")
    panel.slider("temperature").fill("0.3")
    panel.root.get_by_role("button", name="Save as v2…").click()
    panel.field("Note for this version").fill("mine")
    elsewhere = Recipes(new_page.context.new_page(), clean)
    elsewhere.press("Edit", "Base")
    elsewhere.write(name="Base of theirs")
    expect(elsewhere.row("Base of theirs")).to_be_visible()
    new_page.reload()
    panel.root.get_by_role("button", name="Save", exact=True).click()
    expect(panel.root.get_by_role("alert").first).to_contain_text("Somebody else has saved this recipe meanwhile.")
    panel.root.get_by_role("button", name="Save mine above v2").click()
    expect(panel.source("recipe")).to_contain_text("v3")


def test_a_version_that_a_conversation_stays_with_is_what_its_next_version_is_made_of(
    new_page: Page, clean: Server, begin
):
    recipes = Recipes(new_page, clean)
    recipes.make("Pin", system_prompt="One.")
    recipes.publish("Pin", 1)
    chat, panel = begin()
    choose_recipe(chat, "Pin")
    for number, temperature in ((2, "0.5"), (3, "0.9")):
        panel.slider("temperature").fill(temperature)
        panel.root.get_by_role("button", name=f"Save as v{number}…").click()
        if number == 2:
            panel.field("Name").fill("Pin renamed")
            panel.root.get_by_role("checkbox", name="With the model").check()
        expect(panel.field("Name")).to_have_value("Pin renamed")
        panel.root.get_by_role("button", name="Save", exact=True).click()
        expect(panel.source("recipe")).to_contain_text(f"v{number}")
    (recipe,) = [e for e in new_page.request.get(f"{clean.url}/api/recipes").json() if not e["is_shipped"]]
    newest = new_page.request.get(f"{clean.url}/api/recipes/{recipe['id']}").json()[0]["content"]

    assert (newest["name"], newest["values"]) == (
        "Pin renamed", {"system_prompt": "One.", "temperature": 0.9, "model": "echo"},
    )  # fmt: skip


def test_a_recipe_without_a_model_is_not_asked_with_the_one_before_its(new_page: Page, clean: Server, upstream, begin):
    recipes = Recipes(new_page, clean)
    new_page.get_by_role("button", name="New recipe").click()
    new_page.get_by_role("combobox", name="model").fill("other")
    recipes.write(name="With other")
    expect(recipes.row("With other")).to_be_visible()
    recipes.make("Plain", system_prompt="Plainly.")
    expect(recipes.row("Plain")).to_be_visible()
    chat, _ = begin()
    choose_recipe(chat, "With other")
    expect(chat.button("Model")).to_have_text("other ▾")
    chat.page.get_by_role("link", name="All recipes").click()
    recipes.press("Ask with it", "Plain")
    expect(chat.button("Recipe")).to_have_text("Plain ▾")
    expect(chat.button("Model")).to_have_text("echo ▾")
    chat.get("hello")
    assert upstream.chats[0].body["model"] == "echo"


@pytest.mark.breaks
def test_what_is_saved_before_the_server_knows_which_recipe_was_chosen_loses_none_of_it(
    new_page: Page, clean: Server, begin
):
    recipes = Recipes(new_page, clean)
    recipes.make("Cold", system_prompt="Be cold.", temperature="0.1")
    expect(recipes.row("Cold")).to_be_visible()
    chat, panel = begin()
    chat.get("hello")
    chat.conversation_id()

    def refuse(route: Route) -> None:
        if route.request.method == "PATCH":
            route.abort()
        else:
            route.fallback()

    new_page.route("**/api/parameters?**", refuse)
    choose_recipe(chat, "Cold")
    panel.field("top_k").fill("5")
    expect(panel.root.get_by_role("status").filter(has_text="cannot be reached")).to_be_visible()
    panel.root.get_by_role("button", name="Save as a recipe…").click()
    panel.field("Name").fill("Copy")
    panel.root.get_by_role("checkbox", name="With the model").uncheck()
    panel.root.get_by_role("button", name="Save", exact=True).click()
    expect(panel.root.locator(".save-form [role=alert]")).to_have_text("The server cannot be reached. Try again.")
    new_page.unroute("**/api/parameters?**")
    panel.root.get_by_role("button", name="Save", exact=True).click()
    expect(panel.field("recipe")).to_have_value("Copy")

    assert _contents(new_page, clean)["Copy"] == {"system_prompt": "Be cold.", "temperature": 0.1, "top_k": 5}
    expect(panel.root.get_by_role("status").filter(has_text="cannot be reached")).to_have_count(0)


def test_a_version_above_one_that_is_not_published_is_saved_without_a_quarrel_and_can_be_left_again(
    new_page: Page, clean: Server, upstream, begin
):
    recipes = Recipes(new_page, clean)
    recipes.make("Mine", system_prompt="One.")
    recipes.publish("Mine", 1)
    recipes.press("Edit", "Mine")
    recipes.write(system_prompt="Two.")
    expect(recipes.row("Mine")).to_contain_text("v1 · published · v2 is newer")
    chat, panel = begin()
    choose_recipe(chat, "Mine")
    panel.slider("temperature").fill("0.3")
    panel.root.get_by_role("button", name="Save as v3…").click()
    expect(panel.root).to_contain_text("This conversation is asked by v1; what v2 changed is not in it.")
    panel.root.get_by_role("button", name="Save", exact=True).click()
    expect(panel.source("recipe")).to_have_text("v3 · this conversation")
    chat.get("hello")
    assert (_prompt(upstream), _asked(upstream)) == ("One.", {"temperature": 0.3})

    expect(panel.root).to_contain_text("This conversation stays with v3; v1 is published.")
    panel.root.get_by_role("button", name="Use what is published").click()
    expect(panel.source("recipe")).to_have_text("v1 · this conversation")
    chat.get("again")
    assert (_prompt(upstream), _asked(upstream)) == ("One.", {})


def test_a_recipe_takes_along_ones_own_defaults_and_the_model_as_far_as_one_wants(new_page: Page, clean: Server, begin):
    _, panel = begin()
    panel.field("seed").fill("5")
    panel.root.get_by_role("button", name="Make these my defaults").click()
    expect(panel.source("seed")).to_have_text("my default")
    for name, untick in (("Whole", ()), ("Lean", ("With my own defaults: seed", "With the model echo"))):
        _, panel = begin()
        expect(panel.source("seed")).to_have_text("my default")
        panel.field("top_k").fill("3")
        panel.root.get_by_role("button", name="Save as a recipe…").click()
        panel.field("Name").fill(name)
        for label in untick:
            panel.root.get_by_role("checkbox", name=label).uncheck()
        panel.root.get_by_role("button", name="Save", exact=True).click()
        expect(panel.field("recipe")).to_have_value(name)
        panel.reset("recipe")
        expect(panel.field("recipe")).to_have_value("No recipe")
        expect(panel.source("recipe")).to_have_count(0)

    contents = _contents(new_page, clean)
    assert contents["Whole"] == {"top_k": 3, "seed": 5, "model": "echo"}
    assert contents["Lean"] == {"top_k": 3}


def test_what_is_restored_and_what_is_published_is_what_the_next_message_is_asked_with(
    new_page: Page, clean: Server, upstream, begin
):
    recipes = Recipes(new_page, clean)
    recipes.make("Mine", system_prompt="One.")
    recipes.press("Edit", "Mine")
    recipes.write(system_prompt="Two.")
    expect(recipes.row("Mine")).to_contain_text("v2")
    chat, _ = begin()
    choose_recipe(chat, "Mine")
    chat.get("first")
    chat.conversation_id()
    address = new_page.url
    asked = [_prompt(upstream)]
    for version, act, sign in ((1, "Restore", "Restored v1"), (2, "Publish", "published")):
        recipes = Recipes(new_page, clean)
        recipes.press("History", "Mine")
        recipes.version(version).get_by_role("button", name=act).click()
        expect(recipes.row("Mine").locator(".history")).to_contain_text(sign)
        new_page.goto(address)
        chat.get(act)
        asked.append(_prompt(upstream))

    assert asked == ["Two.", "One.", "Two."]


def test_a_recipe_that_is_shared_is_asked_with_and_changed_by_somebody_else(new_context, clean: Server, upstream):
    with sqlite3.connect(clean.folder / "chat.db", timeout=10) as database:
        row = "INSERT OR IGNORE INTO users (id, created_at, name, role, preferences) VALUES ('colleague', 1, 'Lin', 'user', '{}')"
        database.execute(row)
    database.close()
    identity = Identity((clean.folder / "secret_key").read_text(), clean.port)
    pages = []
    for user in ("local", "colleague"):
        context = new_context()
        name, _, value = identity.cookie(user).partition("=")
        context.add_cookies([{"name": name, "value": value, "url": clean.url}])
        pages.append(context.new_page())
    mine, theirs = pages
    recipes = Recipes(mine, clean)
    recipes.make("Ours", system_prompt="Together.")
    expect(recipes.row("Ours")).to_be_visible()
    other = Recipes(theirs, clean)
    expect(other.row("Ours")).to_have_count(0)
    recipes.press("Share", "Ours")
    expect(recipes.row("Ours")).to_contain_text("shared")
    theirs.reload()
    other.press("Edit", "Ours")
    other.write(system_prompt="Better together.", note="better")
    expect(other.row("Ours")).to_contain_text("v2")
    expect(other.row("Ours").get_by_role("button", name="Delete: Ours")).to_have_count(0)
    other.press("Ask with it", "Ours")
    chat = Chat(theirs)
    expect(chat.button("Recipe")).to_have_text("Ours ▾")
    chat.get("hello")
    assert _prompt(upstream) == "Better together."

    mine.reload()
    recipes.press("History", "Ours")
    expect(recipes.version(2)).to_contain_text("better")
    recipes.press("Stop sharing", "Ours")
    expect(recipes.row("Ours")).not_to_contain_text("shared")
    theirs.goto(f"{clean.url}/recipes")
    expect(other.row("Assistant")).to_be_visible()
    expect(other.row("Ours")).to_have_count(0)
