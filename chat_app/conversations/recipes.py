"""Recipes: a model, a system prompt and parameters with a history, that conversations are asked by."""

from __future__ import annotations

from dataclasses import dataclass

from chat_app.conversations.diffs import Difference, differences
from chat_app.conversations.recipe_files import SHIPPED, Shipped, read_file, shipped, written
from chat_app.errors import NotFound, RecipeGone
from chat_app.messages import Json
from chat_app.store.recipes import Content, RecipeRecord, RecipeStore, VersionRecord

_MOST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """A recipe as it may be chosen: the version that counts, and what else there is to know.

    `published` is None where no version is, and `newest` then the one that counts.
    """

    id: str
    number: int
    newest: int
    published: int | None
    content: Content
    version_id: str
    is_shared: bool = False
    is_mine: bool = False

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with the application, and nobody can change it."""
        return self.id.startswith(SHIPPED)


class Recipes:
    """Use cases."""

    def __init__(self, store: RecipeStore) -> None:
        self.store = store

    async def listed(self, user_id: str, language: str) -> list[Listed]:
        """Those that a person may choose, their own and shared ones first.

        Args:
            user_id: Whose.
            language: Of those that come with the application.
        """
        kept = [_listed(record, user_id) for record in await self.store.visible(user_id)]
        return [*kept, *(_of_application(each) for each in shipped(language).values())]

    async def deleted(self, user_id: str) -> list[Listed]:
        """A person's own that they have deleted, the last one first."""
        return [_listed(record, user_id) for record in await self.store.deleted(user_id)]

    async def chosen(self, user_id: str, wanted: Json, language: str) -> Listed | None:
        """The recipe that a layer names, at the version it names or else the one that counts; None where it names none.

        Raises:
            RecipeGone: It is not there any more.
        """
        if not isinstance(wanted, dict):
            return None
        recipe_id, version = str(wanted.get("id")), wanted.get("version")
        if (found := shipped(language).get(recipe_id)) is not None:
            return _of_application(found)
        try:
            number = version if isinstance(version, int) else None
            return _listed(await self.store.one(user_id, recipe_id, number), user_id)
        except NotFound as error:
            raise RecipeGone("The recipe of this conversation is not there any more.") from error

    async def called(self, version_id: str | None) -> str:
        """What the version is called that an answer was asked by, such as "Writer v3"; empty where there was none."""
        if not version_id:
            return ""
        recipe_id, _, number = version_id.partition("@")
        if (found := shipped("en").get(recipe_id)) is not None:
            return f"{found.content.name} v{number}"
        known = await self.store.called(version_id)
        return version_id if known is None else f"{known[1]} v{known[2]}"

    async def place(self, version_id: str | None) -> str:
        """Its recipe's id and its number, such as "writer@3"; empty where there was none, or it is gone."""
        if not version_id or "@" in version_id:
            return version_id or ""
        known = await self.store.called(version_id)
        return "" if known is None else f"{known[0]}@{known[2]}"

    async def versions(self, user_id: str, recipe_id: str, language: str) -> list[VersionRecord]:
        """Every version, the newest first.

        Raises:
            NotFound: No such recipe, or someone else's that is not shared.
        """
        if (found := shipped(language).get(recipe_id)) is not None:
            return [VersionRecord(_of_application(found).version_id, found.id, found.number, 0, "", "", found.content)]
        return await self.store.versions(user_id, recipe_id)

    async def make(self, user_id: str, content: Content, note: str) -> str:
        """Store a new recipe of a person's own; returns its id."""
        return (await self.store.add(user_id, [content], note[:_MOST_NOTE]))[0]

    async def save(self, user_id: str, recipe_id: str, base: int, content: Content, note: str) -> int:
        """Store a new version of a recipe; returns its number.

        Raises:
            NotFound: No such recipe, or someone else's that is not shared, or one that nobody can change.
            SavedMeanwhile: Somebody else has saved one since the version `base`.
        """
        return await self.store.save(user_id, recipe_id, base, content, note[:_MOST_NOTE])

    async def compared(self, user_id: str, recipe_id: str, old: int, new: int) -> list[Difference]:
        """What differs between two versions.

        Raises:
            NotFound: No such recipe or version, or someone else's that is not shared.
        """
        before, after = await self.store.one(user_id, recipe_id, old), await self.store.one(user_id, recipe_id, new)
        return differences(before.version.content, after.version.content)

    async def exported(self, user_id: str, recipe_id: str, number: int | None, language: str) -> str:
        """A recipe as a file; the version that counts where none is named.

        Raises:
            NotFound: No such recipe or version, or someone else's that is not shared.
        """
        if (found := shipped(language).get(recipe_id)) is not None:
            return written([found.content])
        return written([(await self.store.one(user_id, recipe_id, number)).version.content])

    async def exported_all(self, user_id: str) -> str:
        """Every recipe that a person sees but the application's, as one file."""
        return written([record.version.content for record in await self.store.visible(user_id)])

    async def imported(self, user_id: str, text: str) -> int:
        """Add the recipes of a file, all or none; returns how many.

        Raises:
            ImportFailed: It is none, or one entry is wrong.
        """
        return len(await self.store.add(user_id, read_file(text)))


def _listed(record: RecipeRecord, user_id: str) -> Listed:
    version = record.version
    return Listed(
        record.id, version.number, record.newest, record.published, version.content, version.id,
        is_shared=record.shared, is_mine=record.user_id == user_id,
    )  # fmt: skip


def _of_application(found: Shipped) -> Listed:
    version_id = f"{found.id}@{found.number}"
    return Listed(found.id, found.number, found.number, found.number, found.content, version_id, is_shared=True)
