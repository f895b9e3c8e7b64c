"""Recipes: each save is a new version, and none ever changes. Every query goes through who may see what."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Select, Subquery, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import NotFound, SavedMeanwhile
from chat_app.messages import Json
from chat_app.parameters import Layer
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.tables import recipe_versions, recipes, users

_MISSING = "There is no such recipe here."


@dataclass(frozen=True, slots=True)
class Content:
    """What a version says: `values` by the names of parameters, with the model and its variables' defaults."""

    name: str
    description: str = ""
    values: Layer = field(default_factory=dict[str, Json])
    starting_points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version; `author` is the name of who saved it."""

    id: str
    recipe_id: str
    number: int
    created_at: int
    author: str
    note: str
    content: Content


@dataclass(frozen=True, slots=True)
class RecipeRecord:
    """A recipe; `version` is the published one, or else the newest, and `newest` the number of that."""

    id: str
    user_id: str
    shared: bool
    published: int | None
    newest: int
    version: VersionRecord


class RecipeStore:
    """The tables `recipes` and `recipe_versions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def visible(self, user_id: str) -> list[RecipeRecord]:
        """A person's own and the shared ones, by name."""
        newest = _newest()
        query = (
            _versions(newest)
            .where(_visible(user_id), recipes.c.deleted_at.is_(None))
            .where(recipe_versions.c.number == func.coalesce(recipes.c.published_version, newest.c.newest))
        )
        async with self._database.read() as connection:
            found = [_recipe(row) for row in (await connection.execute(query)).mappings()]
        return sorted(found, key=lambda record: (record.version.content.name.lower(), record.id))

    async def deleted(self, user_id: str) -> list[RecipeRecord]:
        """A person's own that they have deleted, the last one first."""
        newest = _newest()
        query = (
            _versions(newest)
            .where(recipes.c.user_id == user_id, recipes.c.deleted_at.is_not(None))
            .where(recipe_versions.c.number == newest.c.newest)
            .order_by(recipes.c.deleted_at.desc(), recipes.c.id)
        )
        async with self._database.read() as connection:
            return [_recipe(row) for row in (await connection.execute(query)).mappings()]

    async def one(self, user_id: str, recipe_id: str, number: int | None = None) -> RecipeRecord:
        """A recipe with one of its versions; None is the published one, or else the newest.

        A deleted recipe of one's own is still found: conversations go on with it.

        Raises:
            NotFound: No such recipe or version, or someone else's that is not shared.
        """
        newest = _newest()
        wanted = func.coalesce(recipes.c.published_version, newest.c.newest) if number is None else number
        query = _versions(newest).where(
            _visible(user_id), recipes.c.id == recipe_id, recipe_versions.c.number == wanted
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise NotFound(_MISSING)
        return _recipe(row)

    async def versions(self, user_id: str, recipe_id: str) -> list[VersionRecord]:
        """Every version, the newest first.

        Raises:
            NotFound: No such recipe, or someone else's that is not shared.
        """
        query = _versions(_newest()).where(_visible(user_id), recipes.c.id == recipe_id)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(recipe_versions.c.number.desc()))).mappings().all()
        if not rows:
            raise NotFound(_MISSING)
        return [_version(row) for row in rows]

    async def called(self, version_id: str) -> tuple[str, str, int] | None:
        """(recipe, name, number) of a version, whoever's, that an answer was asked by; None where it is gone."""
        of = recipe_versions.c
        query = select(of.recipe_id, of.name, of.number).where(of.id == version_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else (row.recipe_id, row.name, row.number)

    async def add(self, user_id: str, contents: list[Content], note: str = "") -> list[str]:
        """Store new recipes of a person, all or none, each with its first version.

        Returns:
            Their ids.
        """
        made = [(new_id(), content) for content in contents]
        rows = [
            {"id": recipe_id, "created_at": now_ms(), "user_id": user_id, "shared": False, "published_version": None}
            for recipe_id, _ in made
        ]
        async with self._database.write() as connection:
            if rows:
                await connection.execute(insert(recipes), rows)
                versions = [_row(recipe_id, 1, user_id, note, content) for recipe_id, content in made]
                await connection.execute(insert(recipe_versions), versions)
        return [recipe_id for recipe_id, _ in made]

    async def save(self, user_id: str, recipe_id: str, base: int, content: Content, note: str) -> int:
        """Store a new version above the one that it was made from.

        Returns:
            Its number.

        Raises:
            NotFound: No such recipe, or someone else's that is not shared.
            SavedMeanwhile: Somebody else has saved one meanwhile.
        """
        try:
            async with self._database.write() as connection:
                newest = await self._newest(connection, user_id, recipe_id)
                if newest == base:
                    await connection.execute(
                        insert(recipe_versions), [_row(recipe_id, newest + 1, user_id, note, content)]
                    )
                    return newest + 1
        except IntegrityError:  # another worker's, at the same moment
            pass
        raise SavedMeanwhile("Somebody else has saved this recipe meanwhile.")

    async def publish(self, user_id: str, recipe_id: str, number: int | None) -> None:
        """Let a version be the one that everybody gets; None is none.

        Raises:
            NotFound: No such recipe or version, or someone else's that is not shared.
        """
        async with self._database.write() as connection:
            newest = await self._newest(connection, user_id, recipe_id)
            if number is not None and not 1 <= number <= newest:
                raise NotFound("There is no such version.")
            statement = update(recipes).where(recipes.c.id == recipe_id)
            await connection.execute(statement.values(published_version=number))

    async def set_shared(self, user_id: str, recipe_id: str, *, shared: bool) -> None:
        """Let everybody use and change it, or nobody else any more; its owner's to say.

        Raises:
            NotFound: No such recipe, or someone else's.
        """
        await self._own(user_id, recipe_id, shared=shared)

    async def set_deleted(self, user_id: str, recipe_id: str, *, deleted: bool) -> None:
        """Take it out of sight, or back; its owner's to say.

        Raises:
            NotFound: No such recipe, or someone else's.
        """
        await self._own(user_id, recipe_id, deleted_at=now_ms() if deleted else None)

    async def _own(self, user_id: str, recipe_id: str, **values: object) -> None:
        where = (recipes.c.id == recipe_id, recipes.c.user_id == user_id)
        async with self._database.write() as connection:
            if (await connection.execute(update(recipes).where(*where).values(**values))).rowcount != 1:
                raise NotFound(_MISSING)

    async def _newest(self, connection: AsyncConnection, user_id: str, recipe_id: str) -> int:
        query = (
            select(func.max(recipe_versions.c.number))
            .join(recipes, recipes.c.id == recipe_versions.c.recipe_id)
            .where(_visible(user_id), recipes.c.id == recipe_id, recipes.c.deleted_at.is_(None))
        )
        newest = await connection.scalar(query)
        if newest is None:
            raise NotFound(_MISSING)
        return int(newest)


def _visible(user_id: str) -> ColumnElement[bool]:
    return or_(recipes.c.user_id == user_id, recipes.c.shared.is_(True) & recipes.c.deleted_at.is_(None))


def _newest() -> Subquery:
    numbers = select(recipe_versions.c.recipe_id, func.max(recipe_versions.c.number).label("newest"))
    return numbers.group_by(recipe_versions.c.recipe_id).subquery()


def _versions(newest: Subquery) -> Select[tuple[object, ...]]:
    """Every version with its recipe, to be narrowed."""
    return select(
        recipe_versions, recipes.c.user_id, recipes.c.shared, recipes.c.published_version, newest.c.newest,
        func.coalesce(users.c.name, "").label("author"),
    ).select_from(
        recipe_versions.join(recipes, recipes.c.id == recipe_versions.c.recipe_id)
        .join(newest, newest.c.recipe_id == recipes.c.id)
        .outerjoin(users, users.c.id == recipe_versions.c.author_id)
    )  # fmt: skip


def _row(recipe_id: str, number: int, author_id: str, note: str, content: Content) -> dict[str, object]:
    return {
        "id": new_id(), "created_at": now_ms(), "recipe_id": recipe_id, "number": number, "author_id": author_id,
        "note": note, "name": content.name, "description": content.description,
        "parameters": msgspec.json.encode(content.values).decode(),
        "starting_points": msgspec.json.encode(content.starting_points).decode(),
    }  # fmt: skip


def _version(row: RowMapping) -> VersionRecord:
    content = Content(
        row["name"], row["description"], msgspec.json.decode(row["parameters"]),
        tuple(msgspec.json.decode(row["starting_points"])),
    )  # fmt: skip
    return VersionRecord(
        row["id"], row["recipe_id"], row["number"], row["created_at"], row["author"], row["note"], content
    )


def _recipe(row: RowMapping) -> RecipeRecord:
    return RecipeRecord(
        row["recipe_id"], row["user_id"], row["shared"], row["published_version"], row["newest"], _version(row)
    )
