"""The settings page: what is taken along, brought in and deleted, how the page looks, and how the store is."""

from __future__ import annotations

import json
import re
import sqlite3
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import files
from tests.browser import Chat, findings, unfold, until_seen
from tests.e2e.recipe_page import Recipes
from tests.server import Server, measured
from tests.upstream import Upstream


@pytest.fixture
def alone(shared_upstream: Upstream, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, which may lose everything."""
    with Server(tmp_path / "alone", VLLM_BASE_URL=shared_upstream.url, **measured()) as server:
        yield server


def _settings(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/settings")
    expect(page.locator(".about")).to_be_visible()


def test_everything_is_exported_deleted_and_imported_again(new_page: Page, alone: Server, upstream, tmp_path: Path):
    (tmp_path / "flag.png").write_bytes(files.image("PNG"))
    recipes = Recipes(new_page, alone)
    recipes.make("Mine", system_prompt="Be brief.")
    expect(recipes.row("Mine")).to_be_visible()
    chat = Chat(new_page)
    for question in ("first of all", "second of all"):
        new_page.goto(f"{alone.url}/new")
        if question.startswith("first"):
            new_page.locator(".composer input[type=file]").set_input_files(tmp_path / "flag.png")
            expect(new_page.locator(".attached.here")).to_be_visible()
        chat.get(question)
        chat.conversation_id()
    _settings(new_page, alone)
    expect(new_page.locator('dt:text-is("Stored") + dd')).to_have_text("2 conversations · 4 messages")
    with new_page.expect_download() as saved:
        new_page.get_by_role("link", name="Export all conversations").click()
    assert saved.value.suggested_filename == "conversations.zip"
    saved.value.save_as(tmp_path / "all.zip")
    with new_page.expect_download() as taken:
        new_page.get_by_role("link", name="Export my recipes").click()
    assert [each["name"] for each in tomllib.loads(Path(taken.value.path()).read_text())["recipes"]] == ["Mine"]
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len(json.loads(archive.read("conversations.json"))["conversations"]) == 2
        assert archive.read("files/0001-flag.png") == files.image("PNG")

    new_page.get_by_role("button", name="Delete all conversations").click()
    asked = new_page.get_by_role("dialog", name="Delete all conversations")
    expect(asked).to_contain_text("Every conversation is deleted for good.")
    asked.get_by_role("button", name="Cancel").click()
    expect(asked).to_have_count(0)
    new_page.get_by_role("button", name="Delete all conversations").click()
    asked.get_by_role("button", name="Delete everything").click()
    expect(new_page.get_by_text("Your conversations will be listed here.")).to_be_visible()
    _settings(new_page, alone)
    expect(new_page.locator('dt:text-is("Stored") + dd')).to_have_text("0 conversations · 0 messages")
    with sqlite3.connect(alone.folder / "chat.db", timeout=10) as database:
        assert database.execute("SELECT count(*) FROM messages").fetchone() == (0,)
    database.close()

    for said in ("2 conversations were added.", "0 conversations were added. 2 were here already."):
        new_page.get_by_label("Import conversations").set_input_files(tmp_path / "all.zip")
        expect(new_page.locator(".import").get_by_role("status")).to_have_text(said)
    new_page.goto(f"{alone.url}/new")
    new_page.get_by_role("link", name=re.compile("^A title from the model")).last.click()
    expect(chat.questions).to_have_text(re.compile("first of all"))
    shown = new_page.get_by_role("button", name="Open flag.png").locator("img")
    until_seen(new_page, lambda: shown.evaluate("image => image.complete && image.naturalWidth") > 0)


def test_letters_grow_and_shrink_and_the_conversation_is_as_wide_as_one_wants(chat: Chat, server: Server, upstream):
    chat.get("hello")
    address = chat.page.url
    sizes = []
    for size in ("Small", "Medium", "Large"):
        _settings(chat.page, server)
        chat.page.get_by_role("group", name="Text size").get_by_label(size).check()
        chat.page.goto(address)
        expect(chat.answers.locator(".prose p")).to_be_visible()
        sizes.append(
            chat.answers.evaluate("answer => parseFloat(getComputedStyle(answer.querySelector('.prose p')).fontSize)")
        )

    assert sizes == sorted(set(sizes))


def test_the_store_says_how_it_is_and_is_read_through_on_request(new_page: Page, alone: Server):
    _settings(new_page, alone)
    expect(new_page.locator('dt:text-is("Free on the disk") + dd')).to_have_text(re.compile(r"^\d+(\.\d+)? [GT]B$"))
    expect(new_page.locator('dt:text-is("Running answers are kept in") + dd')).to_have_text("memory")
    new_page.get_by_role("button", name="Check the database").click()
    said = new_page.locator(".about ~ p")
    expect(said).to_have_text(re.compile(r"^The database is sound\. Read in [\d,]+ ms\.$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_the_settings_page_unfolds(new_context, server: Server, scheme):
    page = new_context(color_scheme=scheme, viewport={"width": 390, "height": 844}).new_page()
    _settings(page, server)
    page.locator(".defaults > summary").click()
    unfold(page)
    page.locator(".api-keys summary").click()
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator(".api-keys").get_by_role("alert").first).to_have_text("A key needs a name.")
    assert findings(page) == [], "what is folded, and a key without a name"
    page.get_by_label("What is it for?").fill("looked at")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator(".made-key code")).to_be_visible()
    assert findings(page) == [], "a key that was made"
    page.get_by_role("button", name="Delete all conversations").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert findings(page) == [], "the question before everything is deleted"
