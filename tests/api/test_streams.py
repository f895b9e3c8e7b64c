"""The events of running answers: wherever the connection is cut, nothing is lost and nothing is told twice."""

import asyncio
import json

import pytest

from chat_app.api.streams import FollowAnswers
from chat_app.messages import TextPart
from chat_app.providers.fake import FakeProvider
from chat_app.services import Services
from chat_app.streams.base import Began, Ended, Grew
from tests.conftest import services_with

Event = tuple[str, str, object]
"""(position, name, data)"""


@pytest.fixture
async def services(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as opened:
        yield opened


async def follow(services: Services, conversation: str, after: str | None, until: int) -> list[Event]:
    """So many events of one connection, read as a browser does: an event without a position leaves that as it was."""
    sent = bytearray()

    class Cut(Exception):
        pass

    async def send(message) -> None:
        sent.extend(message.get("body", b""))
        if sent.count(b"\n\n") >= until:
            raise Cut

    async def receive():
        raise AssertionError("not asked")

    with pytest.raises(Cut):
        async with asyncio.timeout(5):
            await FollowAnswers(services, "local", conversation, after)._pump(send)
    position, events = after or "", []
    for block in sent.decode().split("\n\n")[:until]:
        fields = dict(line.split(":", 1) for line in block.split("\n"))
        position = fields.get("id", position)
        events.append((position, fields.get("event", "message"), json.loads(fields["data"])))
    return events


async def test_a_connection_cut_after_any_event_of_many_sent_at_once_goes_on_there(services):
    log = services.streams
    log.append("c", Began("m-1a2b"))
    [(begun, *_)] = await follow(services, "c", None, 1)
    for at in range(6):
        log.append("c", Grew("m-1a2b", at, str(at)))
    whole = await follow(services, "c", begun, 6)
    assert [data for _, _, data in whole] == [["1a2b", str(at)] for at in range(6)]
    for cut in range(1, 6):
        first = await follow(services, "c", begun, cut)
        rest = await follow(services, "c", first[-1][0], 6 - cut)
        assert first + rest == whole


async def test_a_connection_cut_between_two_answers_of_the_beginning_begins_anew(services):
    log = services.streams
    for message_id in ("m-1a2b", "n-3c4d"):
        log.append("c", Began(message_id, (TextPart("was "),)))
        log.append("c", Grew(message_id, 4, "here"))
    both = await follow(services, "c", None, 2)
    [(position, name, first)] = await follow(services, "c", None, 1)
    assert (position, name, first["id"]) == ("", "set", "m-1a2b")
    assert await follow(services, "c", position, 2) == both
    log.append("c", Ended("m-1a2b", "complete"))
    [(_, name, data)] = await follow(services, "c", both[-1][0], 1)
    assert (name, data) == ("end", {"id": "m-1a2b", "status": "complete"})
