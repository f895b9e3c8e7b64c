"""What calls took, what a conversation costs, and which servers work: the pages beside the conversation."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Chat
from tests.server import Server
from tests.upstream import Script, Upstream

PRICED = """
[models.priced]
provider = "vllm"
model = "echo"
price = {{ input = 1000.0, output = 2000.0 }}

[servers.strict]
base_url = "{strict}"
wire = "anthropic"

[models.tuned]
parameters = {{ top_k = 3, max_tokens = 9 }}
provider = "vllm"
model = "echo"

[models.bound]
parameters = {{ top_k = 3, max_tokens = 9 }}
provider = "strict"
model = "echo"
"""


@pytest.fixture
def priced(folder: Path, upstream: Upstream):
    """A server one of whose models costs 0.1 cents a token in, and 0.2 out; two others have parameters of their own."""
    folder.mkdir()
    (folder / "models.toml").write_text(PRICED.format(strict=upstream.url.removesuffix("/v1")))
    server = Server(folder, VLLM_BASE_URL=upstream.url, OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    yield server.start()
    server.stop()


def test_a_conversation_shows_what_it_costs_and_the_usage_page_what_all_did(
    new_page: Page, priced: Server, upstream: Upstream, tmp_path: Path
):
    page, chat = new_page, Chat(new_page)
    page.goto(priced.url)
    chat.button("Model").click()
    page.get_by_role("option", name="priced").click()
    chat.get("hello")  # 7 tokens in, 3 out, and as many for the title
    cost = page.locator("header .cost")
    expect(cost).to_have_text("$0.013")
    upstream.then(Script(["a"] * 10))
    chat.get("again")
    expect(cost).to_have_text("$0.04")
    page.reload()
    expect(cost).to_have_text("$0.04")

    page.goto(f"{priced.url}/settings")
    page.get_by_role("navigation", name="Settings pages").get_by_role("link", name="Usage").click()
    rows = page.locator(".usage tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first.locator("td").first).to_have_text("3")
    expect(page.locator(".chart figcaption")).to_have_text("Most in a day: 3 calls")
    page.get_by_label("Cost").check()
    expect(page.locator(".chart figcaption")).to_contain_text("$0.0")
    page.get_by_role("group", name="By").get_by_label("Model").check()
    expect(rows.first.locator("th")).to_have_text("priced")
    ranks = page.get_by_role("list", name="Cost by Model").get_by_role("listitem")
    expect(ranks).to_have_count(1)
    expect(ranks.first).to_contain_text("priced$0.0")
    page.get_by_role("group", name="By").get_by_label("Key").check()
    expect(rows.first.locator("th")).to_have_text("This page")
    expect(page.get_by_role("list", name="Cost by Key")).to_contain_text("This page")
    page.get_by_label("Tokens").check()
    expect(page.get_by_role("list", name="Tokens by Key").get_by_role("listitem")).to_contain_text("tokens")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Every call as CSV").click()
    saved.value.save_as(tmp_path / "usage.csv")
    lines = list(csv.DictReader((tmp_path / "usage.csv").read_text().splitlines()))

    assert sorted(line["purpose"] for line in lines) == ["chat", "chat", "title"]
    assert [line["dollars"] for line in lines if line["purpose"] == "chat"] == ["0.013000", "0.027000"]


def test_a_server_that_is_silent_says_so_and_a_test_says_when_it_works(
    new_page: Page, priced: Server, upstream: Upstream
):
    page = new_page
    page.goto(f"{priced.url}/models")
    silent = page.locator(".servers li").filter(has_text="127.0.0.1:9").first
    expect(silent).to_contain_text("No answer from 127.0.0.1:9.")
    expect(page.get_by_text("Set ANTHROPIC_API_KEY where")).to_be_visible()
    vllm = page.locator(".servers li").filter(has_text="vLLM").first
    vllm.get_by_role("button", name="Test").click()
    expect(vllm.get_by_role("status")).to_contain_text("It answers: ")
    vllm.locator("summary").click()
    expect(vllm).to_contain_text("8,192 tokens of context")
    upstream.models_status = 401
    try:
        vllm.get_by_role("button", name="Test").click()
        expect(vllm.get_by_role("status")).to_contain_text("refused the key.")
    finally:
        upstream.models_status = 200
    vllm.get_by_role("button", name="Test").click()
    expect(vllm.get_by_role("status")).to_contain_text("It answers: ")


def test_the_settings_page_tells_of_the_store_and_the_version(page: Page, server: Server):
    page.goto(f"{server.url}/settings")
    about = page.locator(".about")
    expect(about.locator('dt:text-is("Version") + dd')).to_contain_text("chat_app 0.1.0")
    expect(about.locator('dt:text-is("Database") + dd')).to_have_text(
        re.compile(r"SQLite 3\.\d+\.\d+ · \d+(\.\d+)? [kM]B")
    )
    expect(about.locator('dt:text-is("Index of the guide") + dd')).to_have_text(re.compile(r"\d+ passages"))


@pytest.mark.breaks
def test_what_cannot_be_read_is_said_on_the_page(page: Page, server: Server):
    page.route("**/api/usage?**", lambda route: route.abort())
    page.goto(f"{server.url}/usage")
    expect(page.get_by_role("alert").filter(has_text="The server cannot be reached.")).to_be_visible()
    page.unroute("**/api/usage?**")
    page.get_by_label("7 days").check()
    expect(page.locator(".usage [role=alert]")).to_have_count(0)
    page.route("**/api/servers", lambda route: route.fulfill(body="<html>of what stands before it"))
    page.goto(f"{server.url}/models")
    expect(page.locator(".servers [role=alert]")).to_have_text("Something failed here. Try again.")


def test_details_tell_which_parameters_were_sent_which_were_not_and_which_were_cut(
    new_page: Page, priced: Server, upstream: Upstream
):
    page, chat = new_page, Chat(new_page)
    page.goto(priced.url)
    facts = page.get_by_role("dialog", name="Details of the answer")
    told = {
        "tuned": {"top_k": "3", "max_tokens": "9", "Asked for, and cut to the limit": "max_tokens: 9"},
        "bound": {"max_tokens": "9", "Not sent": "top_k"},
    }
    for model, wanted in told.items():
        chat.button("Model").click()
        page.get_by_role("option", name=model).click()
        upstream.then(Script(["a"], ending="length" if model == "tuned" else "finish"))
        chat.get(f"ask {model}")
        chat.button("More").last.click()
        page.get_by_role("menuitem", name="Details").click()
        for name, value in wanted.items():
            expect(facts.locator(f'dt:text-is("{name}") + dd')).to_have_text(value)
        chat.button("Close").click()
    bodies = [call.body for call in upstream.chats]

    assert [body.get("top_k") for body in bodies] == [3, None]
    assert [body["max_tokens"] for body in bodies] == [9, 9]
