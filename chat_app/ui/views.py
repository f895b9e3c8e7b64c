"""What the browser sees of conversations and messages: ids and labels, never the words.

A changed list travels whole, so views are small: what most messages do not have stands apart, by message id.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from chat_app.messages import ModelCard
from chat_app.store.records import ConversationRecord, Details, MessageRecord


@dataclass(frozen=True)
class MessageView:
    """A message's frame. `branch` of `branches`; `back` and `on` are the sibling answers, where there are any."""

    id: str
    role: str
    model: str
    branch: int
    branches: int
    back: str
    on: str


@dataclass(frozen=True)
class RowView:
    """A conversation in the sidebar. `heading` is set on the first of its group."""

    id: str
    title: str
    heading: str
    time: str


_TOKENS = re.compile(r"([\d,]+) of ([\d,]+) tokens")


@dataclass(frozen=True)
class ProblemView:
    """Why an answer failed or broke off. `used` of `budget` are tokens, where a message was too long."""

    code: str
    detail: str
    retry_after_s: int
    used: str
    budget: str


@dataclass(frozen=True)
class FactView:
    """A line of an answer's details: `name` is a key of the locale files, or a parameter by its API name."""

    name: str
    value: str


def problem_view(code: str, text: str, detail: str, server: str) -> ProblemView:
    """A failure as its card shows it; the vendor's own words stay under Details."""
    detail, _, wait = detail.partition("\nretry_after_s: ")
    tokens = _TOKENS.search(text)
    used, budget = tokens.groups() if tokens else ("—", "—")
    return ProblemView(code, f"{server}\n{detail}".strip(), math.ceil(float(wait)) if wait else 0, used, budget)


def message_view(record: MessageRecord) -> MessageView:
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
    )


def row_views(records: Iterable[ConversationRecord], zone: tzinfo, *, pinned: bool) -> list[RowView]:
    """Conversations as the sidebar shows them, grouped by the reader's own days."""
    now = datetime.fromtimestamp(time.time(), zone)
    rows: list[RowView] = []
    last_heading = ""
    for record in records:
        when = datetime.fromtimestamp(record.updated_at / 1000, zone)
        heading = "pinned" if pinned else _group(when, now)
        time_text = when.strftime("%H:%M") if heading == "today" else ""
        rows.append(RowView(record.id, record.title, heading if heading != last_heading else "", time_text))
        last_heading = heading
    return rows


def _group(when: datetime, now: datetime) -> str:
    days = (now.date() - when.date()) / timedelta(days=1)
    if days < 1:
        return "today"
    if days < 2:
        return "yesterday"
    return "week" if days < 7 else when.strftime("%Y-%m")


def model_items(cards: Iterable[ModelCard]) -> list[dict[str, str]]:
    """Models as the listbox shows them."""
    return [{"id": card.id, "text": card.id, "note": card.server} for card in cards]


def fact_views(details: Details) -> list[FactView]:
    """Everything that is known of how an answer came about; unknown is a dash, never 0."""
    usage = details.usage
    facts: list[tuple[str, object]] = [
        ("facts.model", details.model),
        ("facts.deployment", details.deployment),
        ("facts.status", details.status),
        ("facts.finish_reason", details.finish_reason),
        ("facts.input_tokens", usage.input_tokens),
        ("facts.output_tokens", usage.output_tokens),
        ("facts.cached_tokens", usage.cached_tokens),
        ("facts.reasoning_tokens", usage.reasoning_tokens),
        ("facts.first_token_ms", details.first_token_ms),
        ("facts.duration_ms", details.duration_ms),
        *((name, value) for name, value in details.sent.items()),
        ("facts.dropped", ", ".join(details.dropped)),
        *((f"facts.{name}", value) for name, value in details.notes.items()),
        ("facts.error", details.error_text),
        ("facts.error_detail", details.error_detail),
        ("facts.request_id", details.id),
    ]
    return [FactView(name, "—" if value in (None, "") else str(value)) for name, value in facts]
