"""What is asked of a model beside the words: the person's defaults, below a conversation's own values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from chat_app.conversations.template import GIVEN, given, rendered, variables_in
from chat_app.errors import ValueRefused
from chat_app.messages import Json, Struct
from chat_app.parameters import VARIABLE, Layer, Merged, merged, to_send
from chat_app.store.layers import LayerStore, Said
from chat_app.store.records import Asked
from chat_app.values import checked

_NOT_NAMED = "local"  # the name that the first person has until they give themselves one
MOST_NAMES = 100


class Change(Struct, frozen=True):
    """Values to set, and names that are to say nothing any more."""

    set: dict[str, Json] = msgspec.field(default_factory=dict[str, Json])
    reset: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.set or self.reset)


NO_CHANGE = Change()
"""Nothing changes."""


@dataclass(frozen=True, slots=True)
class View:
    """The layers, each by its name, the lowest first, and why some values of a change were not taken."""

    layers: list[tuple[str, Layer]]
    refused: dict[str, ValueRefused]

    @property
    def merged(self) -> Merged:
        """The values that count."""
        return merged(self.layers)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an answer is asked with, and the layer and the last message of its conversation."""

    asked: Asked
    layer: Layer
    leaf_message_id: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """The language of a person's page, such as "zh-CN", and their time zone, such as "Asia/Shanghai"."""

    locale: str = ""
    time_zone: str = ""


NOWHERE = Place()
"""Nobody says."""


class Layers:
    """Use cases."""

    def __init__(self, store: LayerStore) -> None:
        self.store = store

    async def view(self, user_id: str, conversation_id: str | None) -> View:
        """The layers of a conversation, or of a new one.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        return View(_layers(await self.store.read(user_id, conversation_id)), {})

    async def change(self, user_id: str, conversation_id: str | None, change: Change) -> View:
        """Change a conversation's own values, or a person's where none is named. Values that are none are left out.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        said, refused = await self._changed(user_id, conversation_id, change)
        return View(_layers(said), refused)

    async def look(self, user_id: str, change: Change) -> View:
        """What a conversation would say that begins with a change; nothing is kept."""
        said = await self.store.read(user_id, None)
        own, refused = applied({}, change, _layers(said)[:-1])
        return View([*_layers(said)[:-1], ("conversation", own)], refused)

    async def prepare(
        self, user_id: str, conversation_id: str | None, change: Change = NO_CHANGE, place: Place = NOWHERE
    ) -> Prepared:
        """What the next answer of a conversation is asked with, after a change that comes with its question.

        Args:
            user_id: Whose.
            conversation_id: Which; None begins one.
            change: Of its own values.
            place: Where the person is, as far as their page says.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        if change and conversation_id is not None:
            said, _ = await self._changed(user_id, conversation_id, change)
        else:
            said = await self.store.read(user_id, conversation_id)
        if place != NOWHERE and place != Place(said.locale, said.time_zone):
            await self.store.place(user_id, locale=place.locale, time_zone=place.time_zone)
            said = replace(said, locale=place.locale, time_zone=place.time_zone)
        own = said.conversation
        if change and conversation_id is None:
            own, _ = applied(own, change, _layers(said)[:-1])
        values = merged([*_layers(said)[:-1], ("conversation", own)]).values
        return Prepared(_asked(values, said), own, said.leaf_message_id)

    async def _changed(
        self, user_id: str, conversation_id: str | None, change: Change
    ) -> tuple[Said, dict[str, ValueRefused]]:
        refused: dict[str, ValueRefused] = {}

        def apply(said: Said) -> Layer:
            below = [] if conversation_id is None else _layers(said)[:-1]
            layer, because = applied(said.person if conversation_id is None else said.conversation, change, below)
            refused.update(because)
            return layer

        return await self.store.change(user_id, conversation_id, apply), refused


def applied(
    layer: Mapping[str, Json], change: Change, below: list[tuple[str, Layer]]
) -> tuple[Layer, dict[str, ValueRefused]]:
    """(a layer after a change, why some of its values were not taken).

    Args:
        layer: As it was.
        change: What is to be other.
        below: The layers under it, which may have variables for its system prompt.
    """
    refused: dict[str, ValueRefused] = {}
    changed: Layer = {name: value for name, value in layer.items() if name not in change.reset}
    for name, value in change.set.items():
        try:
            changed[name] = checked(name, value)
        except ValueRefused as error:
            refused[name] = error
    for name in [name for name in changed if name not in layer][::-1][: max(0, len(changed) - MOST_NAMES)]:
        del changed[name]
        refused[name] = ValueRefused(f"At most {MOST_NAMES} values are kept.", "too_many", most=MOST_NAMES)
    unknown = _unknown(merged([*below, ("own", changed)]).values)
    if unknown and "system_prompt" in change.set:
        known = ", ".join(GIVEN)
        refused["system_prompt"] = ValueRefused(
            f"There is no variable {unknown}; known are {known}.", "variable", name=unknown, known=known
        )
        _put_back("system_prompt", layer, changed)
    elif unknown and (variable := f"{VARIABLE}{unknown}") in change.reset:
        refused[variable] = ValueRefused(f"The system prompt uses {unknown}.", "used", name=unknown)
        _put_back(variable, layer, changed)
    return changed, refused


def _put_back(name: str, before: Mapping[str, Json], layer: Layer) -> None:
    layer.pop(name, None)
    if name in before:
        layer[name] = before[name]


def _unknown(values: Mapping[str, Json]) -> str:
    """The first variable of a system prompt that nobody has a value for."""
    text = values.get("system_prompt")
    names = variables_in(text) if isinstance(text, str) else []
    return next((name for name in names if name not in GIVEN and f"{VARIABLE}{name}" not in values), "")


def _layers(said: Said) -> list[tuple[str, Layer]]:
    return [("person", said.person), ("conversation", said.conversation)]


def _asked(values: Mapping[str, Json], said: Said) -> Asked:
    text = values.get("system_prompt")
    if not isinstance(text, str) or not text.strip():
        return Asked(parameters=to_send(values))
    own = {name.removeprefix(VARIABLE): str(value or "") for name, value in values.items() if name.startswith(VARIABLE)}
    name = "" if said.name == _NOT_NAMED else said.name
    known = given(name=name, locale=said.locale, time_zone=said.time_zone)
    return Asked(rendered(text, own | known), to_send(values))
