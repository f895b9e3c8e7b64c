"""Whether a value that a person gave is one: what it then is, or the one sentence that says why it is none."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from jsonschema_rs import Draft202012Validator, ValidationError

from chat_app.errors import ValueRefused
from chat_app.messages import Json, storable
from chat_app.parameters import GIVEN, OURS, SENT, SPEC, VARIABLE, Layer, Spec, named

_FORMAT_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VARIABLE_NAME = re.compile(r"[^\W\d]\w{0,39}")
_MOST_STOP_CHARS = 200
_MOST_VARIABLE_CHARS = 10_000
_MOST_DIGITS = 30
_MOST_SHOWN = 60  # characters of what is wrong in a schema
_MOST_ID = 100
MOST_VERSIONS = 1_000_000
_PLACED = frozenset({"model", "messages", "stream", "stream_options", "n", "tools", "tool_choice"})
"""What a request says elsewhere; among extra parameters it would undo that."""


def checked(name: str, value: Json) -> Json:
    """A value as it is stored; None, which is "not to be sent", is one of every parameter.

    Args:
        name: One of `parameters.SPECS`, or a variable's.
        value: What was given; JSON may come as its text.

    Raises:
        ValueRefused: It is none.
    """
    if name.startswith(VARIABLE):
        return _variable(name.removeprefix(VARIABLE), value)
    spec = SPEC.get(name)
    if spec is None:
        raise ValueRefused(f"There is no parameter {name}.", "unknown", name=name)
    return None if value is None else _CHECKS[spec.kind](spec, value)


def as_written(values: Mapping[str, Json]) -> Layer:
    """Values for a page and for a file: JSON that people write is a text there; a browser would round its numbers."""
    return {name: _written(name, value) for name, value in values.items()}


def _written(name: str, value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    if name == "extra":
        return _pretty(value)
    if name == "response_format" and isinstance(wanted := value.get("json_schema"), dict):
        text: dict[str, Json] = {"schema": _pretty(wanted["schema"])}
        as_text: dict[str, Json] = {"json_schema": wanted | text}
        return value | as_text
    return value


def _pretty(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _number(spec: Spec, value: Json) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise ValueRefused(f"{spec.name} must be a number.", "number")
    too_low = value <= spec.low if spec.above else value < spec.low
    if too_low or value > spec.high:
        words = "above {low:g} and at most {high:g}" if spec.above else "from {low:g} to {high:g}"
        sentence = f"{spec.name} must be {words.format(low=spec.low, high=spec.high)}."
        raise ValueRefused(sentence, "above" if spec.above else "range", low=spec.low, high=spec.high)
    return value


def _is_finite(value: float) -> bool:
    """Whole numbers are, of whatever size; `math.isfinite` fails where one is too large for a float."""
    return isinstance(value, int) or math.isfinite(value)


def _integer(spec: Spec, value: Json) -> Json:
    number = _number(spec, value)
    if isinstance(number, float) and not number.is_integer():
        raise ValueRefused(f"{spec.name} must be a whole number.", "whole")
    return int(number) if isinstance(number, int | float) else number


def _strings(spec: Spec, value: Json) -> Json:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueRefused(f"{spec.name} must be a list of texts.", "strings")
    texts = [storable(each) for each in value if isinstance(each, str)]
    if len(texts) > spec.high:
        raise ValueRefused(f"{spec.name} takes at most {spec.high:g}.", "many", most=spec.high)
    if any(not each or len(each) > _MOST_STOP_CHARS for each in texts):
        raise ValueRefused(
            f"Each of {spec.name} needs 1 to {_MOST_STOP_CHARS} characters.", "each", most=_MOST_STOP_CHARS
        )
    return list[Json](texts) or None


def _choice(spec: Spec, value: Json) -> Json:
    if value not in spec.choices:
        raise ValueRefused(f"{spec.name} must be one of {', '.join(spec.choices)}.", "choice")
    return value


def _text(spec: Spec, value: Json) -> Json:
    if not isinstance(value, str):
        raise ValueRefused(f"{spec.name} must be a text.", "text")
    if len(value) > spec.high:
        raise ValueRefused(f"{spec.name} may have {spec.high:,.0f} characters.", "long", most=spec.high)
    return storable(value.replace("\r\n", "\n"))


def _name(spec: Spec, value: Json) -> Json:
    text = _text(spec, value)
    return text.strip() if isinstance(text, str) and text.strip() else None


def _object(spec: Spec, value: Json) -> Json:
    found = _json_of(spec, value)
    if not isinstance(found, dict):
        raise ValueRefused(f"{spec.name} must be a JSON object.", "object")
    for name in named(found):
        if name in SENT or name in OURS:
            raise ValueRefused(f"{name} has a field of its own.", "own_field", name=name)
        if name in _PLACED:
            raise ValueRefused(f"{name} is not a parameter.", "placed", name=name)
    return found or None


def _format(spec: Spec, value: Json) -> Json:
    """Chat Completions' `response_format`, platform.openai.com/docs/api-reference/chat/create."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or kind not in spec.choices:
        raise ValueRefused(f"{spec.name} must be one of {', '.join(spec.choices)}.", "choice")
    if kind != "json_schema":
        return {"type": kind}
    wanted = value.get("json_schema")
    if not isinstance(wanted, dict):
        raise ValueRefused("A JSON schema is missing.", "schema_missing")
    name = wanted.get("name") or "answer"
    if not isinstance(name, str) or not _FORMAT_NAME.fullmatch(name):
        raise ValueRefused("A schema's name has 1 to 64 letters, digits, _ or -.", "schema_name")
    schema = _json_of(spec, wanted.get("schema"))
    if not isinstance(schema, dict):
        raise ValueRefused("A JSON schema must be an object.", "schema_object")
    validator_of(schema)
    more: dict[str, Json] = {}
    for key, of in (("description", str), ("strict", bool)):
        if (said := wanted.get(key)) is not None and not isinstance(said, of):
            raise ValueRefused(f"A schema's {key} is of another kind.", "schema_more", name=key)
        more |= {key: said} if said is not None else {}
    return {"type": kind, "json_schema": {"name": name, "schema": schema} | more}


def validator_of(schema: dict[str, Json]) -> Draft202012Validator:
    """What says whether a value is of a form; it looks for no form elsewhere, and no expression in it runs for ever.

    Raises:
        ValueRefused: It is no JSON schema.
    """
    try:
        return Draft202012Validator(schema, retriever=_nowhere)
    except ValidationError as error:
        where = "".join(f"/{step}" for step in error.instance_path) or "/"
        what = json.dumps(error.instance, ensure_ascii=False)[:_MOST_SHOWN]
        raise ValueRefused(
            f"This is no JSON schema: {error.message[:300]}.", "schema", where=where, what=what
        ) from None
    except (RecursionError, ValueError):
        raise ValueRefused("This JSON schema is nested too deep.", "deep") from None


def _nowhere(address: str) -> Json:
    raise ValueError(f"{address} is elsewhere.")


def _json_of(spec: Spec, value: Json) -> Json:
    """What a JSON text says; what is no text is JSON already. Every text in it is one that can be stored."""
    if not isinstance(value, str):
        return _plain(value)
    if len(value) > spec.high:
        raise ValueRefused(f"{spec.name} may have {spec.high:,.0f} characters.", "long", most=spec.high)
    try:
        return _plain(json.loads(storable(value), parse_constant=_no_constant, parse_int=_whole))
    except json.JSONDecodeError as error:
        sentence = f"This is not valid JSON: line {error.lineno}, column {error.colno}."
        raise ValueRefused(sentence, "json", line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise ValueRefused("This JSON is nested too deep.", "deep") from None


def _whole(digits: str) -> int:
    return int(digits) if len(digits) <= _MOST_DIGITS else _no_constant(f"{digits[:_MOST_DIGITS]}…")


def _plain(value: Json) -> Json:
    """A value as JSON has it: a file of another kind may have dates, and numbers that are none."""
    match value:
        case dict():
            return {storable(key): _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case str():
            return storable(value)
        case bool() | None:
            return value
        case int() if abs(value) < 10**_MOST_DIGITS:
            return value
        case float() if math.isfinite(value):
            return value
        case _:
            return _no_constant("a number that long" if isinstance(value, int) else str(value))


def _no_constant(name: str) -> NoReturn:
    raise ValueRefused(f"JSON has no {name}.", "constant", name=name)


def _documents(spec: Spec, value: Json) -> Json:
    """Ids of documents and of collections."""
    if not isinstance(value, list) or not all(isinstance(each, str) and 0 < len(each) <= _MOST_ID for each in value):
        raise ValueRefused("These are no documents.", "documents")
    if len(value) > spec.high:
        raise ValueRefused(f"{spec.name} takes at most {spec.high:g}.", "many", most=spec.high)
    return [storable(str(each)) for each in value] or None


def _recipe(_: Spec, value: Json) -> Json:
    told = value if isinstance(value, dict) else {}
    recipe_id, number = told.get("id"), told.get("version")
    is_version = number is None or (type(number) is int and 0 < number <= MOST_VERSIONS)
    if not isinstance(recipe_id, str) or not is_version:
        raise ValueRefused("This is no recipe.", "recipe")
    chosen: dict[str, Json] = {"id": recipe_id}
    return chosen if number is None else chosen | {"version": number}


def _variable(name: str, value: Json) -> Json:
    if not _VARIABLE_NAME.fullmatch(name):
        raise ValueRefused(
            "A variable's name has letters, digits and _, at most 40, and begins with a letter.", "variable_name"
        )
    if name in GIVEN:
        raise ValueRefused(f"{name} is filled in by the application.", "given", name=name)
    if value is not None and not isinstance(value, str):
        raise ValueRefused(f"{name} must be a text.", "text")
    if value is not None and len(value) > _MOST_VARIABLE_CHARS:
        raise ValueRefused(f"{name} may have {_MOST_VARIABLE_CHARS:,} characters.", "long", most=_MOST_VARIABLE_CHARS)
    return storable(value or "")


_CHECKS: dict[str, Callable[[Spec, Json], Json]] = {
    "number": _number,
    "integer": _integer,
    "strings": _strings,
    "choice": _choice,
    "format": _format,
    "object": _object,
    "text": _text,
    "model": _name,
    "recipe": _recipe,
    "documents": _documents,
}
