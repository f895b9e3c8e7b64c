"""Recipes, as the page lists, makes, saves, compares and publishes them; and their files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.conversations.diffs import Difference, differences
from chat_app.conversations.layers import NOT_NAMED
from chat_app.conversations.recipe_files import checked_content
from chat_app.conversations.recipes import Listed
from chat_app.errors import BadRequest, ImportFailed, SavedMeanwhile
from chat_app.messages import Json, Struct
from chat_app.services import Services
from chat_app.store.recipes import Content, VersionRecord
from chat_app.values import as_written

_MOST_BYTES = 1_000_000
_MOST_FILE_BYTES = 5_000_000
_MOST_DIGITS = 6
_TOML = "application/toml"


class _Saved(Struct, frozen=True):
    """A recipe as a page sends it; `base` is the version that it was made from, where it is not a new one."""

    content: dict[str, Any]
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    base: int = 0


class _Moved(Struct, frozen=True):
    """What is to be other of a recipe as a whole; what is unset stays. `published` 0 is none."""

    published: int | msgspec.UnsetType = msgspec.UNSET
    shared: bool | msgspec.UnsetType = msgspec.UNSET
    deleted: bool | msgspec.UnsetType = msgspec.UNSET


async def listed(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/recipes?language=…`: those that a person may choose; with `deleted=1` those that they have deleted."""
    if request.query_params.get("deleted"):
        found = await services.recipes.deleted(user_id)
    else:
        found = await services.recipes.listed(user_id, _language(request))
    return told([_listed(each) for each in found])


async def made(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/recipes`: a new one of a person's own.

    Raises:
        ValueRefused: Something in it is wrong.
    """
    asked = await _saved(request)
    recipe_id = await services.recipes.make(user_id, checked_content(asked.content), asked.note)
    return told({"id": recipe_id, "number": 1}, status=201)


async def versions(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/recipes/{id}`: every version, the newest first.

    Raises:
        NotFound: No such recipe, or someone else's that is not shared.
    """
    language = _language(request)
    found = await services.recipes.versions(user_id, request.path_params["recipe_id"], language)
    return told([_version(each) for each in found])


async def saved(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/recipes/{id}`: a new version; where somebody else was quicker, 409 with what differs from theirs.

    Raises:
        ValueRefused: Something in it is wrong.
        NotFound: No such recipe, or someone else's that is not shared, or one that nobody can change.
    """
    asked, recipe_id = await _saved(request), str(request.path_params["recipe_id"])
    content = checked_content(asked.content)
    try:
        number = await services.recipes.save(user_id, recipe_id, asked.base, content, asked.note)
    except SavedMeanwhile as error:
        newest = (await services.recipes.versions(user_id, recipe_id, ""))[0]
        why: dict[str, Json] = {"code": error.code, "message": str(error)}
        differs = _differences(differences(newest.content, content))
        return told({"error": why, "newest": _version(newest), "differences": differs}, status=error.status)
    return told({"id": recipe_id, "number": number}, status=201)


async def moved(request: Request, services: Services, user_id: str) -> Response:
    """`PATCH /api/recipes/{id}`: publish a version, share it, delete it, or take any of it back.

    Raises:
        NotFound: No such recipe or version, or someone else's.
    """
    recipe_id = str(request.path_params["recipe_id"])
    body = await read_body(request, _MOST_BYTES, BadRequest("This is no change of a recipe."))
    (told_of, asked), store = decoded(body, _Moved), services.recipes.store
    if len(told_of) != 1:
        raise BadRequest("One thing is changed at a time.")
    if isinstance(asked.published, int):
        await store.publish(user_id, recipe_id, asked.published or None)
    if isinstance(asked.shared, bool):
        await store.set_shared(user_id, recipe_id, shared=asked.shared)
    if isinstance(asked.deleted, bool):
        await store.set_deleted(user_id, recipe_id, deleted=asked.deleted)
    return Response(status_code=204)


async def compared(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/recipes/{id}/diff?old=1&new=2`: what differs between two versions.

    Raises:
        BadRequest: These are no numbers.
        NotFound: No such recipe or version, or someone else's that is not shared.
    """
    old, new = (_number(request.query_params.get(name, "")) for name in ("old", "new"))
    found = await services.recipes.compared(user_id, request.path_params["recipe_id"], old or 0, new or 0)
    return told(_differences(found))


async def exported(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/recipes/{id}/export?version=…`: one as TOML.

    Raises:
        NotFound: No such recipe or version, or someone else's that is not shared.
    """
    language = _language(request)
    number = _number(request.query_params.get("version", ""))
    text = await services.recipes.exported(user_id, request.path_params["recipe_id"], number, language)
    return _file(text, "recipe.toml")


async def exported_all(_: Request, services: Services, user_id: str) -> Response:
    """`GET /api/recipes.toml`: all of a person's own and the shared ones."""
    return _file(await services.recipes.exported_all(user_id), "recipes.toml")


async def imported(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/recipes/import`: add those of a TOML file, all or none.

    Raises:
        ImportFailed: It is none, or one entry is wrong; the sentence names it.
    """
    too_large = ImportFailed("The file is too large.", "too_large", most=_MOST_FILE_BYTES)
    body = await read_body(request, _MOST_FILE_BYTES, too_large)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise ImportFailed(f"This is not a TOML file: {error}.", "not_toml", line=line, column=column) from error
    return told({"added": await services.recipes.imported(user_id, text)}, status=201)


async def _saved(request: Request) -> _Saved:
    body = await read_body(request, _MOST_BYTES, BadRequest("This is more than a recipe can be."))
    return decoded(body, _Saved)[1]


def _language(request: Request) -> str:
    return request.query_params.get("language", "")


def _number(text: str) -> int | None:
    if text and not (text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise BadRequest("A version is a number.")
    return int(text) if text else None


def _file(text: str, name: str) -> Response:
    headers = {"content-disposition": f"attachment; filename*=utf-8''{quote(name)}", "cache-control": "no-store"}
    return Response(text, media_type=_TOML, headers=headers)


def _content(content: Content) -> dict[str, Json]:
    return {
        "name": content.name,
        "description": content.description,
        "values": as_written(content.values),
        "starting_points": list[Json](content.starting_points),
    }


def _listed(each: Listed) -> dict[str, Json]:
    return {
        "id": each.id, "number": each.number, "newest": each.newest, "published": each.published,
        "is_shared": each.is_shared, "is_mine": each.is_mine, "is_shipped": each.is_shipped,
        "content": _content(each.content),
    }  # fmt: skip


def _version(each: VersionRecord) -> dict[str, Json]:
    return {
        "id": each.id, "number": each.number, "created_at": each.created_at, "note": each.note,
        "author": "" if each.author == NOT_NAMED else each.author,
        "content": _content(each.content),
    }  # fmt: skip


def _differences(found: Sequence[Difference]) -> list[Json]:
    return [
        {"field": each.field, "old": each.old, "new": each.new, "lines": [[op, line] for op, line in each.lines]}
        for each in found
    ]
