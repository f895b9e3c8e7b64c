"""A real vLLM that is added on the page."""

from playwright.sync_api import expect

from tests.browser import Chat
from tests.server import Server


def test_a_vllm_is_known_for_one_by_its_address_and_its_model_answers(new_context, vllm, tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        page = new_context().new_page()
        page.goto(f"{server.url}/models")
        page.get_by_role("button", name="Add a server").click()
        form = page.get_by_role("form", name="Add a server")
        form.get_by_role("textbox", name="Address").fill(vllm.url)
        form.get_by_role("button", name="Test").click()
        expect(form.get_by_role("status")).to_contain_text("vLLM answers in")
        expect(form.get_by_role("status")).to_contain_text("tiny")
        form.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator(".servers > ul > li").filter(has_text=f"vLLM {vllm.url[7:]}")).to_be_visible()
        chat = Chat(page)
        page.goto(server.url)
        expect(chat.button("Model")).to_contain_text("tiny")
        chat.get("What is the capital of France?")
        assert chat.words()
        chat.button("More").last.click()
        page.get_by_role("menuitem", name="Details").click()
        expect(page.get_by_role("dialog", name="Details of the answer")).to_contain_text(f"vLLM {vllm.url[7:]}/tiny")
        page.close()
    finally:
        server.stop()
