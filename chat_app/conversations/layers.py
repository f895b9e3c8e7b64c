"""What is asked of a model beside the words: the person's defaults, below a conversation's own values."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from chat_app.conversations.changes import NO_CHANGE, Change, applied
from chat_app.conversations.recipes import Listed, Recipes
from chat_app.conversations.template import given, rendered
from chat_app.errors import BadRequest, RecipeGone, ValueRefused
from chat_app.messages import Json
from chat_app.parameters import VARIABLE, Layer, merged, to_send
from chat_app.store.layers import LayerStore, Said
from chat_app.store.records import Asked

NOT_NAMED = "local"  # the name that the first person has until they give themselves one
RECIPE = "recipe"
_MOST_SYSTEM = 1_000_000
_NOTHING_ELSE: Layer = {}


@dataclass(frozen=True, slots=True)
class View:
    """The layers, each by its name, the lowest first, and why some values of a change were not taken.

    `recipe` is what the conversation is asked by; `is_recipe_gone` says that it names one that is not there.
    """

    layers: list[tuple[str, Layer]]
    refused: dict[str, ValueRefused]
    recipe: Listed | None = None
    is_recipe_gone: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an answer is asked with, and the layer and the last message of its conversation.

    `model` is the one that the recipe brings, where the conversation has none of its own.
    """

    asked: Asked
    layer: Layer
    leaf_message_id: str | None
    model: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The language of a person's page, such as "zh-CN", and their time zone, such as "Asia/Shanghai"."""

    locale: str = ""
    time_zone: str = ""


NOWHERE = Place()
"""Nobody says."""


class Layers:
    """Use cases."""

    def __init__(self, store: LayerStore, recipes: Recipes) -> None:
        self.store = store
        self.recipes = recipes

    async def view(self, user_id: str, conversation_id: str | None, language: str = "") -> View:
        """The layers of a conversation, or of a new one.

        Args:
            user_id: Whose.
            conversation_id: Which.
            language: Of the page that shows it; empty is that of the page that asked last.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        return await self._view(user_id, _read_in(await self._said(user_id, conversation_id), language), {})

    async def change(self, user_id: str, conversation_id: str | None, change: Change, language: str = "") -> View:
        """Change a conversation's own values, or a person's where none is named. Values that are none are left out.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        said, refused = await self._changed(user_id, conversation_id, change)
        return await self._view(user_id, _read_in(said, language), refused)

    async def look(self, user_id: str, change: Change, language: str = "") -> View:
        """What a conversation would say that begins with a change; nothing is kept."""
        said = _read_in(await self._said(user_id, None), language)
        own, refused = await self._applied(user_id, said, change)
        return await self._view(user_id, replace(said, conversation=own), refused)

    async def prepare(
        self,
        user_id: str,
        conversation_id: str | None,
        change: Change = NO_CHANGE,
        place: Place = NOWHERE,
        instead: Layer = _NOTHING_ELSE,
    ) -> Prepared:
        """What the next answer of a conversation is asked with, after a change that comes with its question.

        Args:
            user_id: Whose.
            conversation_id: Which; None begins one.
            change: Of its own values.
            place: Where the person is, as far as their page says.
            instead: What counts for this answer alone, over what the conversation says.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
            RecipeGone: It is asked by a recipe that is not there any more.
        """
        if change and conversation_id is not None:
            said, refused = await self._changed(user_id, conversation_id, change)
        else:
            said, refused = await self._said(user_id, conversation_id), {}
        if place != NOWHERE and place != Place(said.locale, said.time_zone):
            await self.store.place(user_id, locale=place.locale, time_zone=place.time_zone)
            said = replace(said, locale=place.locale, time_zone=place.time_zone)
        if change and conversation_id is None:
            own, refused = await self._applied(user_id, said, change)
            said = replace(said, conversation=own)
        if RECIPE in refused and refused[RECIPE].reason == "recipe_gone":
            raise RecipeGone("The chosen recipe is not there any more.")
        own = said.conversation
        said = replace(said, conversation=_with(own, instead))
        recipe = await self.recipes.chosen(user_id, said.conversation.get(RECIPE), said.locale)
        if RECIPE in instead and recipe is not None:  # what it says would be covered, and compared with nothing
            kept = {name: v for name, v in said.conversation.items() if name not in recipe.content.values}
            said = replace(said, conversation=kept | instead)
        asked = _asked(merged(_layers(said, recipe)), said)
        asked = replace(asked, recipe_version_id=recipe.version_id if recipe else None)
        model = _model_in(instead) or _brought(said.conversation, recipe)
        return Prepared(asked, own, said.leaf_message_id, model)

    async def model(self, user_id: str, conversation_id: str | None) -> str:
        """The model that a conversation says, its recipe, or for a new one the person; empty where nobody does.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        said = await self._said(user_id, conversation_id)
        recipe = await self._found(user_id, said.conversation.get(RECIPE), said.locale)
        below = said.person if conversation_id is None else {}
        return _model_in(said.conversation) or _brought(said.conversation, recipe) or _model_in(below)

    async def follow(self, user_id: str, conversation_id: str, model: str, version_id: str | None) -> None:
        """Let a conversation's next answers be asked as one of its answers was: by its model and its recipe.

        The recipe stays as it is named where that means the same version, and also where that version is gone. What
        another one says is not covered by the conversation's own values, as it was not for that answer (see `prepare`).

        Args:
            user_id: Whose.
            conversation_id: Which.
            model: That of the answer.
            version_id: The recipe's version that the answer was asked by; None where there was none.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        said = await self.store.read(user_id, conversation_id)
        named = said.conversation.get(RECIPE)
        now = await self._found(user_id, named, said.locale)
        wanted, recipe = named, now
        if (now.version_id if now else None) != version_id:
            wanted, recipe = await self._named(user_id, version_id, said.locale)
        if version_id is not None and recipe is None:
            wanted, recipe = named, now

        def apply(said: Said) -> Layer:
            own = {name: value for name, value in said.conversation.items() if name not in (RECIPE, "model")}
            if recipe is not None and recipe != now:
                own = {name: value for name, value in own.items() if name not in recipe.content.values}
            brought = _model_in(recipe.content.values) if recipe else ""
            own |= {} if wanted is None else {RECIPE: wanted}
            return own | ({"model": model} if brought not in ("", model) else {})

        await self.store.change(user_id, conversation_id, apply)

    async def _named(self, user_id: str, version_id: str | None, locale: str) -> tuple[Json, Listed | None]:
        """(what names a version of a recipe, that version); nothing where there is none, or it is gone."""
        recipe_id, _, number = (await self.recipes.place(version_id)).rpartition("@")
        names: list[dict[str, Json]] = [{"id": recipe_id}, {"id": recipe_id, "version": int(number or 0)}]
        for wanted in names:
            found = await self._found(user_id, wanted, locale) if recipe_id else None
            if found is not None and found.version_id == version_id:
                return wanted, found
        return None, None

    async def _found(self, user_id: str, wanted: Json, locale: str) -> Listed | None:
        with suppress(RecipeGone):
            return await self.recipes.chosen(user_id, wanted, locale)
        return None

    async def _said(self, user_id: str, conversation_id: str | None) -> Said:
        """What is said; a new conversation begins with the recipe that the person begins with."""
        said = await self.store.read(user_id, conversation_id)
        if conversation_id is None and (usual := said.person.get(RECIPE)) is not None:
            with suppress(RecipeGone):
                await self.recipes.chosen(user_id, usual, said.locale)
                return replace(said, conversation={RECIPE: usual})
        return said

    async def _view(self, user_id: str, said: Said, refused: dict[str, ValueRefused]) -> View:
        try:
            recipe = await self.recipes.chosen(user_id, said.conversation.get(RECIPE), said.locale)
        except RecipeGone:
            return View(_layers(said, None), refused, None, is_recipe_gone=True)
        return View(_layers(said, recipe), refused, recipe)

    async def _changed(
        self, user_id: str, conversation_id: str | None, change: Change
    ) -> tuple[Said, dict[str, ValueRefused]]:
        refused: dict[str, ValueRefused] = {}
        if conversation_id is None:
            below: list[tuple[str, Layer]] = []
        else:
            said = await self.store.read(user_id, conversation_id)
            change, below, refused = await self._above(user_id, said, change)

        def apply(said: Said) -> Layer:
            layer, because = applied(said.person if conversation_id is None else said.conversation, change, below)
            refused.update(because)
            return layer

        return await self.store.change(user_id, conversation_id, apply), refused

    async def _applied(self, user_id: str, said: Said, change: Change) -> tuple[Layer, dict[str, ValueRefused]]:
        change, below, refused = await self._above(user_id, said, change)
        layer, because = applied(said.conversation, change, below)
        return layer, refused | because

    async def _above(
        self, user_id: str, said: Said, change: Change
    ) -> tuple[Change, list[tuple[str, Layer]], dict[str, ValueRefused]]:
        """(a change without a recipe that is not there, the layers that it is to lie on, why that is not taken)."""
        refused: dict[str, ValueRefused] = {}
        wanted = change.set.get(RECIPE, None if RECIPE in change.reset else said.conversation.get(RECIPE))
        try:
            recipe = await self.recipes.chosen(user_id, wanted, said.locale)
        except RecipeGone as error:
            recipe = None
            if RECIPE in change.set:
                refused[RECIPE] = ValueRefused(str(error), "recipe_gone")
                change = Change({name: v for name, v in change.set.items() if name != RECIPE}, change.reset)
        return change, _layers(said, recipe)[:-1], refused


def _with(own: Layer, instead: Layer) -> Layer:
    """A conversation's own values below others; another recipe brings its own model."""
    below = {name: value for name, value in own.items() if name != "model"} if RECIPE in instead else own
    return below | instead


def _model_in(layer: Layer) -> str:
    model = layer.get("model")
    return model if isinstance(model, str) else ""


def _brought(own: Layer, recipe: Listed | None) -> str:
    """The model that comes with a recipe; one that was chosen by hand counts over it."""
    return "" if recipe is None or _model_in(own) else _model_in(recipe.content.values)


def _read_in(said: Said, language: str) -> Said:
    return replace(said, locale=language or said.locale)


def _layers(said: Said, recipe: Listed | None) -> list[tuple[str, Layer]]:
    middle = [("recipe", recipe.content.values)] if recipe else []
    return [("person", said.person), *middle, ("conversation", said.conversation)]


def _asked(values: Mapping[str, Json], said: Said) -> Asked:
    text, told = values.get("system_prompt"), values.get("documents")
    documents = tuple(map(str, told)) if isinstance(told, list) else ()
    if not isinstance(text, str) or not text.strip():
        return Asked(parameters=to_send(values), documents=documents)
    own = {name.removeprefix(VARIABLE): str(value or "") for name, value in values.items() if name.startswith(VARIABLE)}
    name = "" if said.name == NOT_NAMED else said.name
    known = given(name=name, locale=said.locale, time_zone=said.time_zone)
    system = rendered(text, own | known)
    if len(system) > _MOST_SYSTEM:
        raise BadRequest(f"With its variables the system prompt has more than {_MOST_SYSTEM:,} characters.")
    return Asked(system, to_send(values), documents=documents)
