"""Sets of prompts, and replays of them, as the page has them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.api.days import number
from chat_app.api.turns import Compared, first_model
from chat_app.conversations.replay import files
from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.replays import MOST_AT_ONCE, PAGE, Pair
from chat_app.conversations.replay.report import ONLY, Only, decode_outcomes
from chat_app.conversations.replay.sets import MOST_BYTES, Lines, Taken, checks_in, read_lines, said_in
from chat_app.conversations.replay.sides import decode_sides
from chat_app.errors import BadRequest, ValueRefused
from chat_app.messages import Json, Principal, Struct, storable
from chat_app.services import Services
from chat_app.store.prompts import Prompt, SetRecord
from chat_app.store.replays import PERSON, Answer, ReplayRecord

_ROOM_BYTES = 1_000_000
_MOST_POSITION = 10**6
_TOO_LARGE = ValueRefused(
    f"A file of prompts may have {MOST_BYTES // 1_000_000} MB.", "file_too_large", most=MOST_BYTES // 1_000_000
)
_Id = Annotated[str, msgspec.Meta(max_length=100)]
_Name = Annotated[str, msgspec.Meta(max_length=1_000)]


class _Picked(Struct, frozen=True):
    name: _Name
    ids: Annotated[tuple[_Id, ...], msgspec.Meta(max_length=1_000)]


class _Changed(Struct, frozen=True):
    name: _Name | None = None
    checks: Annotated[tuple[Check, ...], msgspec.Meta(max_length=100)] | None = None


class _Begun(Struct, frozen=True):
    """`most_micros` is what it may cost in micro-dollars; none is without limit. The same `key` begins one replay."""

    set_id: _Id
    sides: Annotated[tuple[Compared, ...], msgspec.Meta(max_length=10)]
    at_once: Annotated[int, msgspec.Meta(ge=1, le=MOST_AT_ONCE)] = 4
    most_micros: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None
    key: _Id = ""


class _Moved(Struct, frozen=True):
    """Where it goes `to`; `retry` asks again for what failed. Without `most_micros` the limit stays; null is none."""

    to: Literal["running", "cancelled"]
    most_micros: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | msgspec.UnsetType | None = msgspec.UNSET
    retry: bool = False


class _Vote(Struct, frozen=True):
    better: Literal["left", "right", "tie", ""]
    blind: bool = False


async def sets(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/prompt-sets`: a person's, the newest first."""
    del request
    return told({"sets": [_set(each) for each in await services.prompt_sets.store.sets(user_id)]})


async def taken(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/prompt-sets?name=…` with a file of JSON lines as its body, or `{"name": …, "ids": […]}` of questions.

    Raises:
        BadRequest: One of `ids` is no question.
        ValueRefused: The file is too large, or has no prompt or too many; or there are no `ids`, or the name is none.
        NotFound: No such question, or someone else's.
    """
    who, name = Principal(user_id), request.query_params.get("name")
    body = await read_body(request, MOST_BYTES, _TOO_LARGE)
    if name is None:
        _, asked = decoded(body, _Picked)
        made = await services.prompt_sets.pick(who, asked.name, [storable(each) for each in asked.ids])
    else:
        made = await services.prompt_sets.take(who, name, await asyncio.to_thread(_lines, body))
    return told(_taken(made), status=201)


async def one_set(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/prompt-sets/{set_id}?first=0`: a set, and some of its prompts.

    Raises:
        NotFound: No such set, or someone else's.
    """
    first = number(request, "first", 0, 0, _MOST_POSITION)
    record, prompts = await services.prompt_sets.page(Principal(user_id), _id(request, "set_id"), first, PAGE)
    return told({"set": _set(record), "shown": [_prompt(prompt) for prompt in prompts]})


async def changed_set(request: Request, services: Services, user_id: str) -> Response:
    """`PATCH /api/prompt-sets/{set_id}`: another name, or other checks, which count for later replays.

    Raises:
        NotFound: No such set, or someone else's.
        ValueRefused: The name is none, or a check is, or there are too many.
    """
    _, asked = decoded(await read_body(request, _ROOM_BYTES, _TOO_LARGE), _Changed)
    who, set_id = Principal(user_id), _id(request, "set_id")
    return told({"set": _set(await services.prompt_sets.change(who, set_id, name=asked.name, checks=asked.checks))})


async def removed_set(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/prompt-sets/{set_id}`: it goes with its replays.

    Raises:
        NotFound: No such set, or someone else's.
    """
    await services.prompt_sets.store.remove(user_id, _id(request, "set_id"))
    return Response(status_code=204)


async def asked_before(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/prompts?words=…&recipe=…&thumb=down`: questions of before to make a set of, the newest first.

    Raises:
        BadRequest: There is no such thumb.
    """
    query = request.query_params
    thumb = query.get("thumb", "")
    if thumb not in ("", "up", "down"):
        raise BadRequest("A thumb is up or down.", detail="thumb")
    found, has_more = await services.prompt_sets.asked(
        Principal(user_id), words=query.get("words", ""), recipe_id=storable(query.get("recipe", "")), thumb=thumb
    )
    return told({"prompts": [asdict(each) for each in found], "has_more": has_more})


async def estimated(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/replays/estimate`: what a replay would take, in calls, tokens and micro-dollars.

    Raises:
        BadRequest: There are not two sides, or one is a search.
        NotFound: No such set, or someone else's.
        ModelUnknown: Nobody serves a model.
        RecipeGone: A recipe is not there any more.
    """
    _, asked = decoded(await read_body(request, _ROOM_BYTES, _TOO_LARGE), _Begun)
    columns = [side.column() for side in asked.sides]
    who, model = Principal(user_id), await first_model(services, "")
    found = await services.replays.estimate(who, storable(asked.set_id), columns, model)
    return told(asdict(found) | {"unpriced": list[Json](found.unpriced)})


async def listed(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/replays`: a person's, the newest first."""
    del request
    return told({"replays": [_replay(each) for each in await services.replays.store.of(user_id)]})


async def begun(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/replays`: begin one; answers with its `id`.

    Raises:
        BadRequest: As for an estimate.
    """
    _, asked = decoded(await read_body(request, _ROOM_BYTES, _TOO_LARGE), _Begun)
    replay_id = await services.replays.begin(
        Principal(user_id), storable(asked.set_id), [side.column() for side in asked.sides],
        await first_model(services, ""), at_once=asked.at_once, most_micros=asked.most_micros, key=storable(asked.key),
    )  # fmt: skip
    return told({"id": replay_id}, status=201)


async def report(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/replays/{replay_id}`: how far it has come, and what it has come to.

    Raises:
        NotFound: No such replay, or someone else's.
    """
    found = await services.replays.report(Principal(user_id), _id(request, "replay_id"))
    body = files.told(found)
    body["servers"] = [services.catalogue.server_of(side.model) for side in found.sides]  # of whom a failure speaks
    return told(body)


async def moved(request: Request, services: Services, user_id: str) -> Response:
    """`PATCH /api/replays/{replay_id}`: cancel it, or let it go on.

    Raises:
        Conflict: It is to go on, and runs.
        NotFound: No such replay, or someone else's.
    """
    _, asked = decoded(await read_body(request, _ROOM_BYTES, _TOO_LARGE), _Moved)
    replay_id = _id(request, "replay_id")
    if asked.to == "cancelled":
        await services.replays.store.cancel(user_id, replay_id)
    else:
        who = Principal(user_id)
        await services.replays.go_on(who, replay_id, most_micros=asked.most_micros, retry=asked.retry)
    return Response(status_code=204)


async def removed(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/replays/{replay_id}`: for good.

    Raises:
        NotFound: No such replay, or someone else's.
    """
    await services.replays.store.remove(user_id, _id(request, "replay_id"))
    return Response(status_code=204)


async def results(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/replays/{replay_id}/results?first=0&only=failed&blind=1`: the answers to some prompts, side by side.

    `only` is one of `report.ONLY`; `total` says how many prompts these are. Blind, the two sides change places by
    chance and tell nothing of who they are.

    Raises:
        BadRequest: There is no such choice.
        NotFound: No such replay, or someone else's.
    """
    is_blind = request.query_params.get("blind") == "1"
    first = number(request, "first", 0, 0, _MOST_POSITION)
    wanted = request.query_params.get("only", "")
    only: Only | None = next((each for each in ONLY if each == wanted), None)
    if wanted and only is None:
        raise BadRequest("There is no such choice of prompts.", detail="only")
    who, replay_id = Principal(user_id), _id(request, "replay_id")
    pairs, total = await services.replays.page(who, replay_id, first=first, only=only, is_blind=is_blind)
    return told({"results": [_pair(pair, is_blind=is_blind) for pair in pairs], "total": total})


async def voted(request: Request, services: Services, user_id: str) -> Response:
    """`PUT /api/replays/{replay_id}/votes/{position}`: `{"better": "left", "blind": true}`; "" takes it back.

    Raises:
        BadRequest: There are no two answers to that prompt.
        NotFound: No such replay, or someone else's.
    """
    _, asked = decoded(await read_body(request, _ROOM_BYTES, _TOO_LARGE), _Vote)
    position = request.path_params["position"]
    if position > _MOST_POSITION:
        raise BadRequest("There is no such prompt.", detail="position")
    who, replay_id = Principal(user_id), _id(request, "replay_id")
    await services.replays.vote(who, replay_id, position, asked.better, is_blind=asked.blind)
    return Response(status_code=204)


async def exported(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/replays/{replay_id}/export?format=csv`: all of it as a file, `csv` or `json`.

    Raises:
        BadRequest: There is no such format.
        NotFound: No such replay, or someone else's.
    """
    form = request.query_params.get("format", "json")
    if form not in ("csv", "json"):
        raise BadRequest("A replay is exported as csv or json.", detail="format")
    who, replay_id = Principal(user_id), _id(request, "replay_id")
    found = await services.replays.report(who, replay_id)
    pairs = await services.replays.pairs(who, replay_id)
    body = await asyncio.to_thread(files.as_csv if form == "csv" else files.as_json, found, pairs)
    headers = {"content-disposition": f'attachment; filename="replay-{found.record.id}.{form}"'}
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    return Response(body, headers=headers | {"cache-control": "no-store"}, media_type=kind)


def _id(request: Request, name: str) -> str:
    return storable(request.path_params[name])


def _lines(body: bytes) -> Lines:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise ValueRefused("The file is not UTF-8 text.", "not_utf8") from error
    return read_lines(text)


def _taken(made: Taken) -> Json:
    lines: list[Json] = [{"number": each.number, "reason": each.reason} for each in made.lines]
    return {"id": made.set_id, "prompts": made.prompts, "bad": made.bad, "lines": lines}


def _set(record: SetRecord) -> Json:
    return {
        "id": record.id, "created_at": record.created_at, "name": record.name, "prompts": record.prompts,
        "replays": record.replays, "checks": msgspec.to_builtins(checks_in(record.checks)),
    }  # fmt: skip


def _prompt(prompt: Prompt) -> dict[str, Json]:
    return {
        "position": prompt.position, "messages": msgspec.to_builtins(said_in(prompt)), "expected": prompt.expected,
        "message_id": prompt.message_id,
    }  # fmt: skip


def _replay(record: ReplayRecord) -> Json:
    return {
        "id": record.id, "created_at": record.created_at, "ended_at": record.ended_at, "set_id": record.set_id,
        "set": record.set_name, "status": record.status, "is_waiting": record.is_waiting, "prompts": record.prompts,
        "answers": record.answers,
        "sides": [{"model": side.model, "recipe": side.recipe} for side in decode_sides(record.sides)],
    }  # fmt: skip


def _pair(pair: Pair, *, is_blind: bool) -> Json:
    verdicts = {each.judge: each for each in pair.verdicts}
    mine = verdicts.pop(PERSON, None)
    vote = None if mine is None or mine.score is None else (1 - mine.score if pair.is_flipped else mine.score)
    judges: dict[str, Json] = {judge: {"score": each.score, "note": each.note} for judge, each in verdicts.items()}
    answers: list[Json] = [each and _answer(each, is_blind=is_blind) for each in pair.answers]
    more: dict[str, Json] = {"answers": answers, "vote": vote, "verdicts": {} if is_blind else judges}
    return _prompt(pair.prompt) | more


def _answer(answer: Answer, *, is_blind: bool) -> dict[str, Json]:
    said: dict[str, Json] = {"text": answer.text, "error_code": answer.error_code}
    if is_blind:
        return said
    more: dict[str, Json] = {
        "error_detail": answer.error_detail,
        "checks": list[Json](decode_outcomes(answer.checks)), "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens, "cost_micros": answer.cost_micros,
        "first_token_ms": answer.first_token_ms, "duration_ms": answer.duration_ms,
    }  # fmt: skip
    return said | more
