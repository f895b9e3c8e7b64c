"""What the browser sees of conversations and messages: ids and labels, never the words.

A changed list travels whole, so views are small: what most messages do not have stands apart, by message id.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec import convert

from chat_app.errors import ModelError
from chat_app.gateway.server_card import said_of
from chat_app.messages import Json, ModelCard, SentFile
from chat_app.store.records import ConversationRecord, Details, MessageRecord


@dataclass(frozen=True)
class MessageView:
    """A message's frame. `branch` of `branches`; `back` and `on` are the sibling answers, where there are any.

    Of an answer that has siblings, `question` is whose answer it is, `recipe` what it was asked by, and `side_by_side`
    that they are shown so.
    """

    id: str
    role: str
    model: str
    branch: int
    branches: int
    back: str
    on: str
    question: str = ""
    recipe: str = ""
    side_by_side: bool = False


@dataclass(frozen=True)
class RowView:
    """A conversation in the sidebar. Its day and time are the browser's to say, which knows the reader's clock."""

    id: str
    title: str
    updated_at: int


@dataclass(frozen=True)
class ServerView:
    """A model server and the number of its models."""

    name: str
    models: int


@dataclass(frozen=True)
class SilentView:
    """A model server that does not list its models: it refuses the key, cannot be reached, or fails."""

    name: str
    code: str


_WAIT = re.compile(r"\nretry_after_s: ([\d.]+) until (\d+)$")
_TOKENS = re.compile(r"([\d,]+) of ([\d,]+) tokens")


@dataclass(frozen=True)
class ProblemView:
    """Why an answer failed or broke off.

    `retry_at` is when it may be tried again, in ms since the epoch, or 0; `retry_after_s` how long that was when it was
    said. `used` of `budget` are tokens, where a message was too long.
    """

    code: str
    server: str
    detail: str
    retry_at: int
    retry_after_s: int
    used: str
    budget: str


@dataclass(frozen=True)
class FactView:
    """A line of an answer's details: `name` is a key of the locale files, or a parameter by its API name.

    `kind` is "key" where the value is a key, too, "number" where it is written as the reader's region does; or "text".
    """

    name: str
    value: str
    kind: str = "text"


def problem_view(code: str, text: str, detail: str, server: str) -> ProblemView:
    """A failure as its card shows it; the vendor's own words stay under Details."""
    wait = _WAIT.search(detail)
    after_s, at_ms = (float(wait[1]), int(wait[2])) if wait else (0.0, 0)
    tokens = _TOKENS.search(text)
    used, budget = tokens.groups() if tokens else ("", "")
    if code == "prompt_too_long" and not used:
        code = "prompt_too_long_unknown"
    if code == "rate_limited" and not wait:
        code = "rate_limited_unknown"
    return ProblemView(code, server, _WAIT.sub("", detail).strip(), at_ms, math.ceil(after_s), used, budget)


def message_view(record: MessageRecord, recipe: str = "", *, side_by_side: bool = False) -> MessageView:
    """A message as the page shows it."""
    at, last = record.siblings.index(record.id), len(record.siblings) - 1
    return MessageView(
        id=record.id,
        role=record.role,
        model=record.model,
        branch=at + 1,
        branches=last + 1,
        back=record.siblings[at - 1] if at > 0 else "",
        on=record.siblings[at + 1] if at < last else "",
        question=(record.parent_id or "") if last else "",
        recipe=recipe,
        side_by_side=side_by_side,
    )


def row_views(records: Iterable[ConversationRecord]) -> list[RowView]:
    """Conversations as the sidebar shows them."""
    return [RowView(record.id, record.title, record.updated_at) for record in records]


def server_views(cards: Iterable[ModelCard]) -> list[ServerView]:
    """The servers that were found, with how many models each offers."""
    counts = Counter(card.server for card in cards if not card.is_built_in)
    return [ServerView(name, models) for name, models in sorted(counts.items())]


def silent_views(problems: Mapping[str, ModelError]) -> list[SilentView]:
    """The servers that do not list their models."""
    return [SilentView(server, said_of(problem)) for server, problem in sorted(problems.items())]


def model_items(cards: Iterable[ModelCard]) -> list[dict[str, str]]:
    """Models as the listbox shows them.

    Each has its server's name or a key of the locale files, and `tags`: what it takes and does, by such keys. `lacks`
    names what it turned out not to take.
    """
    return [
        {"id": card.id, "text": card.name or card.id}
        | ({"note_key": "model.built_in"} if card.is_built_in else {"note": card.server})
        | ({"tags": " ".join(_tags(card.capabilities))} if card.capabilities else {})
        | ({"lacks": " ".join(sorted(card.lacks))} if card.lacks else {})
        for card in cards
    ]


def _tags(capabilities: frozenset[str]) -> list[str]:
    return [f"models.{name}" for name in sorted(capabilities - {"text"})]  # which goes without saying


def _noted(name: str, value: Json) -> Json:
    """A note as it is read: of the seams, after how many characters they are and how it went on there."""
    match name, value:
        case "seams", list():
            return ", ".join(f"{seam['at']} ({seam['how']})" for seam in value if isinstance(seam, dict))
        case "retrieved", dict():
            return _passages(value)
        case "clamped", dict():
            return ", ".join(f"{parameter}: {asked}" for parameter, asked in value.items())
        case _:
            return value


def _passages(retrieved: dict[str, Json]) -> str:
    """A line for each passage: its number, title and page, how well its words match, and how near its meaning is."""
    listed = retrieved.get("passages")
    passages = [each for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)]
    return "\n".join(
        " · ".join(str(each[name] or "—") for name in ("number", "title", "page", "words", "meaning"))
        for each in passages
    )


def _sent_files(notes: Mapping[str, Json]) -> list[tuple[str, str]]:
    """(how files were sent, which): a line for each way, in which one may stand more than once."""
    ways: dict[str, list[str]] = {}
    for file in convert(notes.get("files", []), list[SentFile]):
        if "/" in file.form:
            ways.setdefault("whole", []).append(f"{file.name} ({file.form})")
        elif file.form != "pages":
            ways.setdefault("none" if file.form == "—" else file.form, []).append(file.name)
        if file.shown:
            ways.setdefault("pages", []).append(f"{file.name}: {file.shown}")
        if file.wordless > file.shown:
            ways.setdefault("lost", []).append(f"{file.name}: {file.wordless - file.shown}")
    return [(f"facts.sent.{way}", ", ".join(names)) for way, names in ways.items()]


def _dollars(micros: int | None) -> str | None:
    return None if micros is None else f"${micros / 1_000_000:.6f}"


def fact_views(details: Details, recipe: str = "") -> list[FactView]:
    """Everything that is known of how an answer came about, by which recipe, too; unknown is a dash, never 0."""
    usage = details.usage
    asked = [("facts.recipe", recipe)] if recipe else []
    asked += [("facts.system_prompt", details.asked.system)] if details.asked.system else []
    facts: list[tuple[str, object]] = [
        ("facts.model", details.model),
        ("facts.deployment", details.deployment),
        ("facts.finish_reason", details.finish_reason),
        ("facts.input_tokens", usage.input_tokens),
        ("facts.output_tokens", usage.output_tokens),
        ("facts.cached_tokens", usage.cached_tokens),
        ("facts.reasoning_tokens", usage.reasoning_tokens),
        ("facts.cost", _dollars(details.cost_micros)),
        ("facts.first_token_ms", details.first_token_ms),
        ("facts.duration_ms", details.duration_ms),
        *asked,
        *((name, value) for name, value in details.sent.items()),
        ("facts.dropped", ", ".join(details.dropped)),
        *_sent_files(details.notes),
        *((f"facts.{name}", _noted(name, value)) for name, value in details.notes.items() if name != "files"),
        ("facts.error", details.error_code),
        ("facts.error_detail", details.error_detail),
        ("facts.message_id", details.id),
    ]
    own = details.sent.keys()
    lines = [
        FactView(name, str(value), "number" if type(value) is int and name not in own else "text")
        if value not in (None, "")
        else FactView(name, "—")
        for name, value in facts
    ]
    return [*lines[:2], FactView("facts.status", f"state.{details.status}", "key"), *lines[2:]]
