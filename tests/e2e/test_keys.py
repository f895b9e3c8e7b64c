"""Keys for programs, on the settings page."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.server import Server


def test_a_key_is_made_copied_used_and_revoked(page: Page, server: Server):
    page.goto(f"{server.url}/settings")
    keys = page.locator(".api-keys")
    keys.get_by_label("What is it for?").fill("my script")
    keys.get_by_label("Which models").fill("echo, gpt-*")
    keys.get_by_text("Limits").click()
    keys.get_by_label("Requests a minute").fill("5")
    keys.get_by_label("Until when").select_option("30")
    keys.get_by_role("button", name="Make a key").click()
    shown = keys.locator(".made-key code")
    expect(shown).to_contain_text("sk-chat-")
    key = shown.inner_text()
    keys.get_by_role("button", name="Copy").click()
    expect(keys.get_by_role("button", name="Copied")).to_be_visible()
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": "echo", "messages": [{"role": "user", "content": "hi"}]}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, timeout=60)
    assert answer.json()["choices"][0]["message"]["content"] == "Hello there."
    assert answer.headers["x-ratelimit-remaining-requests"] == "4"

    keys.get_by_role("button", name="Close").click()
    expect(keys.get_by_label("What is it for?")).to_be_visible()
    page.reload()
    row = keys.get_by_role("listitem").filter(has_text="my script")
    expect(row).to_contain_text("echo, gpt-*")
    assert key not in page.content()
    row.get_by_role("button", name="Revoke my script").click()
    row.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="Revoke my script").click()
    row.get_by_role("button", name="Revoke for good").click()
    expect(row).to_have_count(0)
    assert httpx.get(f"{server.url}/v1/models", headers=headers).status_code == 401


@pytest.mark.breaks
def test_a_key_needs_a_name_and_what_goes_wrong_is_said_in_place(page: Page, server: Server):
    page.goto(f"{server.url}/settings")
    keys = page.locator(".api-keys")
    keys.get_by_role("button", name="Make a key").click()
    expect(keys.get_by_label("What is it for?")).to_be_focused()
    keys.get_by_label("What is it for?").fill("offline")
    page.route("**/api/keys", lambda route: route.abort())
    keys.get_by_role("button", name="Make a key").click()
    expect(keys.get_by_role("alert")).to_contain_text("server")
    expect(keys.get_by_label("What is it for?")).to_have_value("offline")
    page.unroute("**/api/keys")
    keys.get_by_role("button", name="Make a key").click()
    expect(keys.locator(".made-key code")).to_contain_text("sk-chat-")
