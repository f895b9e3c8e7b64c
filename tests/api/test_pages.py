from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from chat_app.api.identity import Identity
from chat_app.api.pages import PageStatus
from chat_app.providers.fake import FakeProvider
from tests.conftest import LOCAL, services_with

IDENTITY = Identity("not-a-secret", 3000)


@pytest.fixture
async def api(tmp_path) -> AsyncIterator[Starlette]:
    """With one conversation, of `local`; its id is in `state.mine`."""
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await services.conversations.send(LOCAL, text="hi", model="fake", key="k")
        made = Starlette()
        made.state.services, made.state.identity, made.state.mine = services, IDENTITY, turn.conversation_id
        yield made


async def _status(api: Starlette, path: str, *, user: str = "local", kind: str = "text/html", status: int = 200) -> int:
    sent: list[dict] = []

    async def page(scope, receive, send) -> None:
        assert "\0" not in scope["path"]
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]})

    async def send(message) -> None:
        sent.append(message)

    cookie = IDENTITY.cookie(user).encode() if user else b""
    scope = {"type": "http", "path": path, "raw_path": path.encode(), "headers": [(b"cookie", cookie)]}
    await PageStatus(page, api)(scope, None, send)
    return sent[0]["status"]


@pytest.mark.parametrize(
    "path", ["/new", "/new/", "/settings", "/models", "/usage", "/feedback", "/trials", "/c/{mine}", "/c/{mine}/"]
)
async def test_a_page_of_something_is_200(api, path):
    assert await _status(api, path.format(mine=api.state.mine)) == 200


@pytest.mark.parametrize("path", ["/c/unknown", "/c/", "/c/{mine}/more", "/nothing", "/c/\0", "/c/{mine}\0"])
async def test_a_page_of_nothing_is_404(api, path):
    assert await _status(api, path.format(mine=api.state.mine)) == 404


async def test_someone_elses_conversation_is_404_like_any_unknown_one(api):
    assert await _status(api, f"/c/{api.state.mine}", user="other") == 404


async def test_who_is_not_signed_in_yet_learns_nothing_from_the_status(api):
    assert await _status(api, f"/c/{api.state.mine}", user="") == await _status(api, "/c/unknown", user="") == 200


async def test_what_is_no_page_keeps_its_status(api):
    assert await _status(api, "/assets/x.js", kind="text/javascript") == 200
    assert await _status(api, "/c/unknown", status=304) == 304
