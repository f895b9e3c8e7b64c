"""What a person thinks of an answer, as the page says it, and the examples that come of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from chat_app.api.bodies import decoded, read_body, told
from chat_app.api.days import DAY_MS, MOST_DAYS, days_of, number
from chat_app.api.messages import rating_of
from chat_app.conversations.examples import FORMATS, WHATS
from chat_app.conversations.feedback import MOST_COMMENT
from chat_app.conversations.figures import Counted, Figures
from chat_app.conversations.redaction import SECRETS, Secret
from chat_app.errors import BadRequest, MessageTooLong
from chat_app.messages import Json, Principal, Struct, storable
from chat_app.services import Services
from chat_app.store.feedback import Rating, Thumb
from chat_app.store.figures import FIGURES, Behind, Slice

T = TypeVar("T")
_SHOWN = 20  # lines of a preview
_MOST_BYTES = 12 * MOST_COMMENT + 1000  # JSON's longest character: a pair of \uXXXX escapes


class _Rating(Struct, frozen=True):
    thumb: Thumb
    tags: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] | None = None
    comment: str | None = None


class _Preference(Struct, frozen=True):
    others: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=100)], ...], msgspec.Meta(max_length=20)]


async def rated(request: Request, services: Services, user_id: str) -> Response:
    """`PUT /api/messages/{id}/rating`: a thumb with its reasons and a comment, instead of the one there was.

    Without `tags` or `comment` those stay that were given with the same thumb.

    Raises:
        BadRequest: A reason is none, or more is said than may be.
        NotFound: No such answer.
        Conflict: It is still running.
    """
    _, asked = decoded(await read_body(request, _MOST_BYTES, MessageTooLong("A comment is shorter.")), _Rating)
    rating = Rating(asked.thumb, asked.tags, asked.comment)
    kept = await services.feedback.rate(Principal(user_id), request.path_params["message_id"], rating)
    return told({"rating": rating_of(kept.thumb, kept.tags, kept.comment)})


async def withdrawn(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/messages/{id}/rating`: nothing is thought of it any more.

    Raises:
        NotFound: No such answer.
    """
    await services.feedback.withdraw(Principal(user_id), request.path_params["message_id"])
    return Response(status_code=204)


async def preferred(request: Request, services: Services, user_id: str) -> Response:
    """`PUT /api/messages/{id}/preference`: it is better than the `others`, which answer the same question.

    Raises:
        BadRequest: None are named, or it is among them.
        NotFound: No such answers to one question.
        Conflict: It is still running.
    """
    _, asked = decoded(await read_body(request, _MOST_BYTES, MessageTooLong("These are too many.")), _Preference)
    await services.feedback.prefer(Principal(user_id), request.path_params["message_id"], asked.others)
    return Response(status_code=204)


async def preferred_no_more(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/messages/{id}/preference`: it is no better than others.

    Raises:
        NotFound: No such answer.
    """
    await services.feedback.prefer_none(Principal(user_id), request.path_params["message_id"])
    return Response(status_code=204)


async def figures(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/feedback?days=30&offset=-480&every=5`: what was counted of answers, by model and version of a recipe.

    In all, and by periods of so many days, each named by the first of them.

    Raises:
        BadRequest: As for `days_of`.
    """
    of = days_of(request)
    every = _every(request)
    found = await services.figures.of(user_id, of.since_ms, of.offset_ms, today=of.today, every=every)
    return told({"today": of.today, "days": of.days, "every": every, "lines": [_figures(each) for each in found]})


def _figures(of: Figures) -> Json:
    return {
        "model": of.model, "recipe_version_id": of.recipe_version_id, "recipe": of.recipe, **_counted(of),
        "periods": [{"day": each.day, **_counted(each)} for each in of.periods],
    }  # fmt: skip


def _counted(of: Counted) -> dict[str, Json]:
    return {
        "counts": dict(of.counts), "liked": list(of.liked) if of.liked else None, "first_token_ms": of.first_token_ms,
        "tokens_per_s": of.tokens_per_s, "cost_micros": of.cost_micros,
    }  # fmt: skip


def _every(request: Request) -> int:
    return number(request, "every", 1, 1, MOST_DAYS)


async def answers(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/feedback/answers?what=down&model=…&version=…&days=30&offset=-480&today=20003&day=20000&every=5`.

    The answers that a figure of `GET /api/feedback` counts, the newest first: of all its days, or of a period. `today`
    is the last of the days, which a page that is left open knows from before; `before` is the last one seen.

    Raises:
        BadRequest: There is no such figure; as for `days_of`.
    """
    asked = request.query_params
    of = days_of(request)
    every = _every(request)
    today = number(request, "today", of.today, of.today - MOST_DAYS, of.today)
    since_ms = of.since_ms - (of.today - today) * DAY_MS
    until_ms = since_ms + of.days * DAY_MS
    if "day" in asked:  # the first period may begin before the first day
        begins_ms = number(request, "day", 0, today - of.days - every + 2, today) * DAY_MS - of.offset_ms
        since_ms, until_ms = max(since_ms, begins_ms), begins_ms + every * DAY_MS
    what = _one(asked, "what", tuple(FIGURES))
    model, version, before = (storable(asked.get(name, "")) for name in ("model", "version", "before"))
    found, has_more = await services.figures.behind(user_id, Slice(what, model, version, since_ms, until_ms), before)
    return told({"answers": [_answer(each) for each in found], "has_more": has_more})


def _answer(of: Behind) -> dict[str, Json]:
    """As the page has it: the thumb as under the answer itself."""
    said: dict[str, Json] = {n: value for n, value in asdict(of).items() if n not in ("thumb", "tags", "comment")}
    tags = msgspec.json.decode(of.tags or "[]", type=tuple[str, ...])
    said["tokens_per_s"] = of.tokens_per_s
    return {**said, "rating": rating_of(of.thumb, tags, of.comment) if of.thumb else None}


async def examples(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/feedback/examples?what=answers&form=chat&redact=email,phone&consent=yes`: lines of JSON.

    `what` is answers, preferences or conversations, `form` chat or alpaca. With `preview=1` instead how many lines
    there are, and the first of them.

    Raises:
        BadRequest: What is asked for is none, or nobody has said that these texts may be given away.
    """
    asked = request.query_params
    what, form = _one(asked, "what", WHATS), _one(asked, "form", FORMATS)
    secrets: list[Secret] = [
        _one({"redact": each}, "redact", SECRETS) for each in asked.get("redact", "").split(",") if each
    ]
    if asked.get("preview"):
        count, shown = await services.examples.preview(user_id, what, form, secrets, _SHOWN)
        return told({"count": count, "lines": list[Json](shown)})
    if asked.get("consent") != "yes":
        raise BadRequest("Say that these texts may be given away: `consent=yes`.", detail="consent")
    disposition = f'attachment; filename="{what}.{form}.jsonl"'
    headers = {"content-disposition": disposition, "cache-control": "no-store"}
    return StreamingResponse(
        _file(services.examples.lines(user_id, what, form, secrets)), media_type="application/jsonl", headers=headers
    )


def _one(asked: Mapping[str, str], name: str, known: Sequence[T]) -> T:
    """The value of a parameter, the first of what it may be where it is not given."""
    wanted = asked.get(name, known[0])
    for each in known:
        if each == wanted:
            return each
    raise BadRequest(f"`{name}` is one of {', '.join(map(str, known))}.", detail=name)


async def _file(lines: AsyncGenerator[dict[str, Json]]) -> AsyncGenerator[bytes]:
    async with aclosing(lines):
        async for line in lines:
            yield msgspec.json.encode(line) + b"\n"
