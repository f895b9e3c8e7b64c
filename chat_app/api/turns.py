"""Sends: what a person says goes in by HTTP with a key, and may come again and again until it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import read_body
from chat_app.api.parameters import Changed
from chat_app.conversations.attachments import Attached
from chat_app.conversations.layers import Place
from chat_app.conversations.trials import Column
from chat_app.errors import NOT_JSON, BadRequest, MessageTooLong
from chat_app.messages import Json, Principal, Struct, storable
from chat_app.services import Services
from chat_app.store.records import Turn

_BYTES_PER_CHARACTER = 12  # JSON's longest: a pair of \uXXXX escapes
_ROOM_BYTES = 1_000_000  # for the parameters
T = TypeVar("T")
_encode = msgspec.json.Encoder().encode


class _File(Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(max_length=100)]
    alt: str = ""


class _Send(Struct, frozen=True):
    """`conversation_id` is empty for a new conversation; an empty `model` asks the first on the list.

    `change` is of the conversation's own parameters, from this answer on. `edit` names a message that the words are to
    stand beside, `wish` one that is to be answered once more as they say. Without `files` an edited message keeps
    its own.
    """

    key: Annotated[str, msgspec.Meta(min_length=8, max_length=100)]
    text: str
    model: str = ""
    conversation_id: str = ""
    edit: str = ""
    wish: str = ""
    change: Changed = Changed()
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = ""
    files: tuple[_File, ...] | None = None


class _Recipe(Struct, frozen=True):
    """`version` is its number; without one it is the version that counts."""

    id: Annotated[str, msgspec.Meta(max_length=100)]
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


class Compared(Struct, frozen=True):
    """One of those who answer: a model, a recipe, or a recipe with another model than its own."""

    model: Annotated[str, msgspec.Meta(max_length=300)] = ""
    recipe: _Recipe | None = None

    def column(self) -> Column:
        """The same for the use cases."""
        if self.recipe is None:
            return Column(storable(self.model))
        version: dict[str, Json] = {} if self.recipe.version is None else {"version": self.recipe.version}
        return Column(storable(self.model), {"id": storable(self.recipe.id)} | version)


class _Compare(Struct, frozen=True):
    """A send that several answer; as `_Send`."""

    key: Annotated[str, msgspec.Meta(min_length=8, max_length=90)]
    text: str
    columns: Annotated[tuple[Compared, ...], msgspec.Meta(max_length=20)]
    model: str = ""
    conversation_id: str = ""
    change: Changed = Changed()
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = ""
    files: tuple[_File, ...] | None = None


class _Merge(Struct, frozen=True):
    key: Annotated[str, msgspec.Meta(min_length=8, max_length=100)]
    ids: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=100)], ...], msgspec.Meta(max_length=20)]
    model: str


class _Choice(Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(max_length=100)]


class _Stop(Struct, frozen=True):
    ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)]


_decode = msgspec.json.Decoder(_Send).decode
_decode_compare = msgspec.json.Decoder(_Compare).decode
_decode_merge = msgspec.json.Decoder(_Merge).decode
_decode_choice = msgspec.json.Decoder(_Choice).decode
_decode_stop = msgspec.json.Decoder(_Stop).decode


async def send(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/turns`: store what a person says and let the answer run; the same key gives the same turn.

    Raises:
        BadRequest: The body is no send, or its text is blank.
        MessageTooLong: The text is over the limit.
        NotFound: No such conversation or message, or someone else's.
        StoreUnavailable: Nothing was stored; it can be sent again.
    """
    sent = _decoded(await _body(request, services.settings.max_message_chars), _decode)
    who, talk, key = _who(request, user_id), services.conversations, sent.key
    change = sent.change.change()
    model = await first_model(services, sent.model)
    if sent.edit:
        turn = await talk.edit(
            who, sent.edit, text=sent.text, model=model, key=key, change=change,
            attached=None if sent.files is None else _attached(sent),
        )  # fmt: skip
    elif sent.wish:
        turn = await talk.regenerate(who, sent.wish, model=model, key=key, hint=sent.text, change=change)
    else:
        into = sent.conversation_id or None
        place = Place(sent.language, sent.time_zone)
        turn = await talk.send(
            who, text=sent.text, model=model, key=key, conversation_id=into, change=change, place=place,
            attached=_attached(sent),
        )  # fmt: skip
    return _told(turn)


async def compare(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/trials`: store what a person says and let several answer it; the same key gives the same turns.

    As `POST /api/turns`, with the ids of all `replies` in the order of the `columns`, each a model, a recipe, or both.

    Raises:
        BadRequest: The body is no send, its text is blank, or there are too few columns or too many.
        MessageTooLong: The text is over the limit.
        NotFound: No such conversation or file, or someone else's.
        RecipeGone: A recipe is not there any more.
        StoreUnavailable: Not all was stored; it can be sent again.
    """
    sent = _decoded(await _body(request, services.settings.max_message_chars), _decode_compare)
    turns = await services.trials.compare(
        _who(request, user_id), [column.column() for column in sent.columns], text=sent.text,
        model=await first_model(services, sent.model), key=sent.key, conversation_id=sent.conversation_id or None,
        change=sent.change.change(), place=Place(sent.language, sent.time_zone), attached=_attached(sent),
    )  # fmt: skip
    return _told(turns[0], replies=[turn.reply_id for turn in turns])


async def merge(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/trials/merge`: let a model make one answer of some to the same question; as `POST /api/turns`.

    Raises:
        BadRequest: There are too few or too many, they are no answers to one question, or one has no words.
        NotFound: No such message, or someone else's.
    """
    sent = _decoded(await _body(request, 0), _decode_merge)
    model = await first_model(services, sent.model)
    ids = [storable(message_id) for message_id in sent.ids]
    return _told(await services.trials.merge(_who(request, user_id), ids, model=model, key=sent.key))


async def go_on(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/trials/go-on` with `{"id": …}`: its conversation goes on with an answer, its model and its recipe.

    Raises:
        BadRequest: The body names none.
        NotFound: No such answer, or someone else's.
    """
    sent = _decoded(await _body(request, 0), _decode_choice)
    await services.trials.go_on(_who(request, user_id), storable(sent.id))
    return Response(status_code=204)


def _who(request: Request, user_id: str) -> Principal:
    return Principal(user_id, request.client.host if request.client else "")


async def first_model(services: Services, wanted: str) -> str:
    """The model that is asked: the first on the list, where none is named."""
    if wanted:
        return wanted
    await services.catalogue.looked()
    return next((card.id for card in services.catalogue.offered()), "")


def _told(turn: Turn, **more: list[str]) -> Response:
    told = {
        "conversation_id": turn.conversation_id,
        "question_id": turn.question_id,
        "reply_id": turn.reply_id,
        "is_new": turn.is_new,
    }
    return Response(_encode(told | more), status_code=201 if turn.is_new else 200, media_type="application/json")


def _attached(sent: _Send | _Compare) -> list[Attached]:
    return [Attached(file.id, file.alt) for file in sent.files or ()]


async def stop(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/messages/stop`: stop these answers, on whichever worker they run; what has ended stays as it is.

    Raises:
        BadRequest: The body is no list of ids.
        NotFound: One of them is unknown, or someone else's.
        StoreUnavailable: It is not known whose they are.
    """
    for message_id in _decoded(await _body(request, 0), _decode_stop).ids:
        await services.conversations.stop(Principal(user_id), message_id)
    return Response(status_code=204)


async def _body(request: Request, most_chars: int) -> bytes:
    too_long = MessageTooLong(f"A message may have {most_chars:,} characters; this is longer.")
    return await read_body(request, most_chars * _BYTES_PER_CHARACTER + _ROOM_BYTES, too_long)


def _decoded(body: bytes, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(body)
    except NOT_JSON as error:
        raise BadRequest("This is no message.", detail=str(error)) from error
