"""The files that go with the next message, as a person handles them."""

from __future__ import annotations

import base64
import io

from PIL import Image
from playwright.sync_api import FilePayload, Locator, expect

from tests.browser import Chat
from tests.upstream import Upstream, is_title


def _payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


class Tray:
    """What goes with the next message."""

    def __init__(self, chat: Chat) -> None:
        self.page = chat.page

    def choose(self, **given: bytes) -> None:
        """By the button; a name's last underscore is its dot."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Attach files").click()
        chooser.value.set_files(
            [_payload(name[::-1].replace("_", ".", 1)[::-1], content) for name, content in given.items()]
        )

    def row(self, name: str) -> Locator:
        return self.page.get_by_role("list", name="Files of this message").get_by_role(
            "listitem", name=name, exact=True
        )

    def expect_here(self, *names: str) -> None:
        for name in names:
            expect(self.row(name)).to_have_class("attached here")

    @property
    def rows(self) -> Locator:
        return self.page.locator(".attached")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)


def sent_pictures(upstream: Upstream) -> list[Image.Image]:
    """The pictures of the last question, as the model got them."""
    body = next(call.body for call in reversed(upstream.chats) if not is_title(call.body))
    content = body["messages"][-1]["content"]
    urls = (
        [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
        if isinstance(content, list)
        else []
    )
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]
