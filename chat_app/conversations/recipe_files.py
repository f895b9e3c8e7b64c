"""Recipes as TOML: written, read, and checked entry by entry. docs/recipes.md shows one of everything.

TOML has no null: what is not to be sent stands in `not_sent`. JSON that may hold one (a schema, extra parameters)
stands as its text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tomli_w

from chat_app.conversations.changes import Change, applied
from chat_app.errors import Explained, ImportFailed, ValueRefused
from chat_app.messages import Json, storable
from chat_app.parameters import VARIABLE, Layer
from chat_app.store.recipes import Content
from chat_app.values import as_written

FORMAT = 1
MOST_ENTRIES = 1000
_MOST_NAME, _MOST_TEXT, _MOST_POINTS = 200, 2000, 12
_SHIPPED = Path(__file__).parents[1] / "recipes"
_LANGUAGES = ("en", "zh")
_LONG_NUMBER = re.compile(r"\d{4300}")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)$")
_KEYS = frozenset({"name", "description", "starting_points", "parameters", "variables"})
SHIPPED = "shipped:"
"""What the id of a recipe begins with that comes with the application."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A recipe that comes with the application, in one language; `number` grows when it changes."""

    id: str
    number: int
    content: Content


def checked_content(told: Json, what: str = "") -> Content:
    """What somebody gave as a recipe's content, as it is stored.

    Args:
        told: `{name, description, values, starting_points}`.
        what: What to call it in a sentence.

    Raises:
        ValueRefused: Something in it is wrong; `values["field"]` says what.
    """
    if not isinstance(told, dict):
        raise ValueRefused(f"{what or 'This'} is no recipe.", "recipe", field="name")
    name, description = told.get("name"), told.get("description", "")
    points, values = told.get("starting_points", []), told.get("values", {})
    if not isinstance(name, str) or not name.strip():
        raise ValueRefused("A recipe needs a name.", "recipe_name", field="name")
    if len(name) > _MOST_NAME:
        raise ValueRefused("The name is too long.", "long", field="name", most=_MOST_NAME)
    if not isinstance(description, str):
        raise ValueRefused("The description must be a text.", "text", field="description")
    if len(description) > _MOST_TEXT:
        raise ValueRefused("The description is too long.", "long", field="description", most=_MOST_TEXT)
    if not isinstance(points, list) or len(points) > _MOST_POINTS:
        sentence = f"A recipe has at most {_MOST_POINTS} starting points."
        raise ValueRefused(sentence, "points", field="starting_points", most=_MOST_POINTS)
    texts = [storable(point) for point in points if isinstance(point, str) and len(point) <= _MOST_TEXT]
    if len(texts) < len(points):
        raise ValueRefused("A starting point is a text.", "point", field="starting_points", most=_MOST_TEXT)
    if not isinstance(values, dict) or {"recipe", "documents"} & values.keys():
        raise ValueRefused("A recipe's parameters are a table.", "recipe", field="values")
    layer, refused = applied({}, Change(values), [])
    for field, error in refused.items():
        raise ValueRefused(str(error), error.reason, **error.values | {"field": field})
    said = tuple(" ".join(text.split()) for text in texts if text.strip())
    return Content(storable(name.strip()), storable(description.strip()), layer, said)


def written(contents: Iterable[Content]) -> str:
    """Recipes as a file."""
    return tomli_w.dumps({"format": FORMAT, "recipes": [_entry(each) for each in contents]}, multiline_strings=True)


def _entry(content: Content) -> dict[str, object]:
    parameters = {name: value for name, value in content.values.items() if not name.startswith(VARIABLE)}
    told = {name: value for name, value in as_written(parameters).items() if value is not None}
    variables = {
        name.removeprefix(VARIABLE): value or "" for name, value in content.values.items() if name.startswith(VARIABLE)
    }
    not_sent = [name for name, value in parameters.items() if value is None]
    return {
        "name": content.name,
        "description": content.description,
        "starting_points": list(content.starting_points),
        "parameters": told | ({"not_sent": not_sent} if not_sent else {}),
        **({"variables": variables} if variables else {}),
    }


def read_file(text: str) -> list[Content]:
    """The recipes of a file.

    Raises:
        ImportFailed: It is none, or one entry is wrong: nothing of it counts.
    """
    try:
        told: dict[str, Json] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of more digits than Python reads, which has no place
        raise _not_toml(text, error) from error
    entries = told.get("recipes")
    if told.get("format") != FORMAT or not isinstance(entries, list) or not 0 < len(entries) <= MOST_ENTRIES:
        raise ImportFailed("This is not a file of recipes.", "not_recipes", known=FORMAT)
    return [_read_entry(number, entry) for number, entry in enumerate(entries, start=1)]


def _not_toml(text: str, error: Exception) -> ImportFailed:
    """Where it goes wrong: the parser of Python 3.11 says so at the end of its sentence."""
    if place := _PLACE.search(str(error)):
        line, column = int(place[1]), int(place[2])
    else:
        number = _LONG_NUMBER.search(text)
        before = text[: number.start()] if number else text
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return ImportFailed(f"This is not a TOML file: {error}.", "not_toml", line=line, column=column)


def _read_entry(number: int, entry: Json) -> Content:
    title = str(entry.get("name", "")) if isinstance(entry, dict) else ""
    try:
        return checked_content(_values_of(entry))
    except Explained as error:
        values = error.values | {"entry": number, "title": title[:60], "why": error.reason}
        raise ImportFailed(f"Entry {number}: {error}", "recipe_entry", **values) from error


def _values_of(entry: Json) -> Json:
    if not isinstance(entry, dict):
        return entry
    parameters, variables = entry.get("parameters", {}), entry.get("variables", {})
    if not isinstance(parameters, dict) or not isinstance(variables, dict):
        return None
    not_sent = parameters.get("not_sent", [])
    if unknown := sorted(entry.keys() - _KEYS):
        raise ValueRefused(f"No recipe has {unknown[0]}.", "entry_key", field=unknown[0][:60])
    if not isinstance(not_sent, list):
        return None
    values: Layer = {name: value for name, value in parameters.items() if name != "not_sent"}
    values |= dict.fromkeys(str(name) for name in not_sent)
    values |= {f"{VARIABLE}{name}": value for name, value in variables.items()}
    known: dict[str, Json] = {"values": values}
    return known | {name: entry[name] for name in ("name", "description", "starting_points") if name in entry}


@cache
def shipped(language: str) -> dict[str, Shipped]:
    """The recipes that come with the application, by id, in a language that begins so; English where there is none."""
    folder = _SHIPPED / next((each for each in _LANGUAGES if language.startswith(each)), "en")
    found: dict[str, Shipped] = {}
    for file in sorted(folder.glob("*.toml")):
        text = file.read_text(encoding="utf-8")
        (content,) = read_file(text)
        found[SHIPPED + file.stem] = Shipped(SHIPPED + file.stem, int(tomllib.loads(text)["number"]), content)
    return found
