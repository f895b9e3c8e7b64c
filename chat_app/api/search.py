"""Search over a person's own texts, as the page asks it while one types; and the way from a hit to its message."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.conversations.finding import Result, Wanted
from chat_app.entries import Kind
from chat_app.errors import BadRequest
from chat_app.messages import Json, Principal, Struct
from chat_app.services import Services
from chat_app.store.backlog import Progress
from chat_app.store.hits import FoundChunk, TitleMatch

_MOST_BYTES, _MOST_TEXT_BYTES = 1000, 20_000
_SHOWN = 200
_ROLES = ("", "user", "assistant")
_KINDS: dict[str, Kind | None] = {"": None, "message": "message", "document": "document"}
_MILLISECONDS = re.compile(r"\d{1,15}", re.ASCII)


class _Text(Struct, frozen=True):
    text: str


class _Message(Struct, frozen=True):
    id: str


async def search(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/search?q=…&kind=document&role=user&model=…&after=…&before=…&pinned=1`: what is found, by title too.

    Times are milliseconds since the epoch. A hit's `pieces` are [some of its text, whether it was asked for].

    Raises:
        BadRequest: A filter is none.
    """
    asked = request.query_params
    role = asked.get("role", "")
    if role not in _ROLES:
        raise BadRequest("`role` is user or assistant.", detail="role")
    kind = asked.get("kind", "")
    if kind not in _KINDS:
        raise BadRequest("`kind` is message or document.", detail="kind")
    wanted = Wanted(
        asked.get("q", ""), _KINDS[kind], role, asked.get("model", ""), _time(request, "after"),
        _time(request, "before"), pinned=asked.get("pinned") == "1",
    )  # fmt: skip
    found = await services.finding.find(Principal(user_id), wanted)
    return told({
        "titles": [_title(each) for each in found.titles],
        "hits": [_hit(each) for each in found.hits],
        "lacking": found.lacking.code if found.lacking else "",
        "progress": _progress(found.progress),
    })  # fmt: skip


async def related(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/search/related?conversation=…`: other conversations that speak of the same."""
    asked = request.query_params.get("conversation", "")
    found = await services.finding.related(Principal(user_id), asked)
    return told({"conversations": [_named(chunk) for chunk in found]})


async def before(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/search/before`: the same question of one's own, if there was one, while another is being written."""
    raw = await read_body(request, _MOST_TEXT_BYTES, BadRequest("The text is too long."))
    _, written = decoded(raw, _Text)
    found = await services.finding.asked_before(Principal(user_id), written.text)
    return told({"question": found and _named(found)})


async def state(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/search/index`: how far the index of one's texts is, what finds meaning, empty for nothing, and where.

    `messages` and `documents` are how many can be found; `trouble` is the code of why the store of the vectors cannot
    be used, empty where it can.
    """
    progress = await services.finding.progress(Principal(user_id))
    messages, documents = await services.finding.contents(Principal(user_id))
    health = await services.finding.health()
    return told({
        "model": services.finding.space, "store": health.name, "trouble": health.trouble,
        "messages": messages, "documents": documents, "progress": _progress(progress),
    })  # fmt: skip


async def start_over(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/search/index`: index all of one's texts anew."""
    await services.finding.start_over(Principal(user_id))
    return await state(request, services, user_id)


async def show(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/messages/show`: bring the branch of a message into view, if it is not; says in which conversation.

    Raises:
        BadRequest: The body names no message.
        NotFound: No such message, someone else's, or a deleted one's.
    """
    raw = await read_body(request, _MOST_BYTES, BadRequest("The body is too long."))
    _, message = decoded(raw, _Message)
    conversation_id = await services.conversations.show(Principal(user_id), message.id)
    services.changes.tell(user_id)
    return told({"conversation": conversation_id})


def _time(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if not value:
        return None
    if not _MILLISECONDS.fullmatch(value):
        raise BadRequest(f"`{name}` is a time in milliseconds.", detail=name)
    return int(value)


def _title(match: TitleMatch) -> Json:
    of = "document" if match.is_document else "conversation"
    return {of: match.id, "title": match.title, "at": match.updated_at, "pinned": match.pinned}


def _hit(result: Result) -> Json:
    chunk = result.chunk
    where: dict[str, Json] = (
        {"document": chunk.group, "page": chunk.page, "chunk": chunk.ref}
        if chunk.kind == "document"
        else {"conversation": chunk.group, "message": chunk.source}
    )
    pieces: list[Json] = [[text, is_asked] for text, is_asked in result.pieces]
    shown: dict[str, Json] = {
        "title": chunk.title, "at": chunk.at, "role": chunk.role, "model": chunk.model, "pinned": chunk.pinned,
        "archived": chunk.archived, "pieces": pieces, "words": round(result.hit.words, 3),
        "meaning": round(result.hit.meaning, 3),
    }  # fmt: skip
    return where | shown


def _named(chunk: FoundChunk) -> Json:
    return {
        "conversation": chunk.group, "message": chunk.source, "title": chunk.title, "at": chunk.at,
        "text": chunk.text[:_SHOWN],
    }  # fmt: skip


def _progress(progress: Progress) -> Json:
    """Messages and chunks together, as one measure of what is done."""
    left = progress.unindexed + progress.unembedded
    return {"left": left, "all": progress.unindexed + progress.chunks, "unindexed": progress.unindexed}
