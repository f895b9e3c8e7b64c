"""The tables of replays: sets of prompts, and what two answer to each. As `tables.py`, whose metadata they share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

import chat_app.store.tables  # noqa: F401 # pyright: ignore[reportUnusedImport] # whose tables these refer to


def _ref(table: str, *, is_key: bool = False) -> Column[str]:
    return Column(Text, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False, primary_key=is_key)


class PromptSet(SQLModel, table=True):
    """Prompts under one name. `checks` is the JSON of what each answer to them is held to."""

    __tablename__ = "prompt_sets"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (Index("ix_prompt_sets_user", "user_id", "created_at"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users"))
    name: str = Field(sa_type=Text)
    checks: str = Field(sa_type=Text)


class PromptRow(SQLModel, table=True):
    """A prompt, as it was when it came into its set: `messages` is JSON. `message_id` is where it was asked, if so."""

    __tablename__ = "prompts"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    set_id: str = Field(sa_column=_ref("prompt_sets", is_key=True))
    position: int = Field(primary_key=True)
    messages: str = Field(sa_type=Text)
    expected: str = Field(sa_type=Text)
    message_id: str | None = Field(default=None, sa_type=Text)


class ReplayRow(SQLModel, table=True):
    """A set that two answer. `sides` is the JSON of what they are asked with, `checks` what they are held to.

    `run` counts how often it went on, `spent_micros` all that it has cost, also what was asked for once more. `key` is
    the idempotency key of its beginning.
    """

    __tablename__ = "replays"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (
        Index("ix_replays_user", "user_id", "created_at"),
        Index("ix_replays_status", "status"),
        Index("ix_replays_set", "set_id"),
        UniqueConstraint("user_id", "key", name="uq_replays_key"),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users"))
    set_id: str = Field(sa_column=_ref("prompt_sets"))
    sides: str = Field(sa_type=Text)
    checks: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    at_once: int
    most_micros: int | None = Field(default=None, sa_type=BigInteger)
    spent_micros: int = Field(sa_type=BigInteger)
    run: int
    key: str = Field(sa_type=Text)
    ended_at: int | None = Field(default=None, sa_type=BigInteger)


class ReplayAnswer(SQLModel, table=True):
    """What one of the two, `side` 0 or 1, answered to a prompt. `checks` is the JSON of what the checks say."""

    __tablename__ = "replay_answers"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    replay_id: str = Field(sa_column=_ref("replays", is_key=True))
    position: int = Field(primary_key=True)
    side: int = Field(primary_key=True)
    created_at: int = Field(sa_type=BigInteger)
    text: str = Field(sa_type=Text)
    error_code: str | None = Field(default=None, sa_type=Text)
    error_detail: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    input_tokens: int | None = Field(default=None, sa_type=BigInteger)
    output_tokens: int | None = Field(default=None, sa_type=BigInteger)
    cost_micros: int | None = Field(default=None, sa_type=BigInteger)
    first_token_ms: int | None = Field(default=None)
    duration_ms: int
    checks: str = Field(sa_type=Text)


class ReplayVerdict(SQLModel, table=True):
    """Which answer to a prompt is better: `score` is 1 for the second, 0 for the first, None where nobody can say.

    `judge` is "person", or "0", "1" for the judging checks by their number among the checks.
    """

    __tablename__ = "replay_verdicts"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    replay_id: str = Field(sa_column=_ref("replays", is_key=True))
    position: int = Field(primary_key=True)
    judge: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    score: float | None = Field(default=None)
    note: str = Field(sa_type=Text)
    cost_micros: int | None = Field(default=None, sa_type=BigInteger)


prompt_sets = SQLModel.metadata.tables["prompt_sets"]
prompts = SQLModel.metadata.tables["prompts"]
replays = SQLModel.metadata.tables["replays"]
replay_answers = SQLModel.metadata.tables["replay_answers"]
replay_verdicts = SQLModel.metadata.tables["replay_verdicts"]
