"""Sets of prompts, and what two answer to them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def _of(table: str, name: str, *, is_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        name, sa.Text, sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False, primary_key=is_key
    )


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "prompt_sets",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        _of("users", "user_id"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("checks", sa.Text, nullable=False),
    )
    op.create_index("ix_prompt_sets_user", "prompt_sets", ["user_id", "created_at"])
    op.create_table(
        "prompts",
        _of("prompt_sets", "set_id", is_key=True),
        sa.Column("position", sa.Integer, primary_key=True, nullable=False),
        sa.Column("messages", sa.Text, nullable=False),
        sa.Column("expected", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text),
    )
    op.create_table(
        "replays",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        _of("users", "user_id"),
        _of("prompt_sets", "set_id"),
        sa.Column("sides", sa.Text, nullable=False),
        sa.Column("checks", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("at_once", sa.Integer, nullable=False),
        sa.Column("most_micros", sa.BigInteger),
        sa.Column("spent_micros", sa.BigInteger, nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.UniqueConstraint("user_id", "key", name="uq_replays_key"),
    )
    op.create_index("ix_replays_user", "replays", ["user_id", "created_at"])
    op.create_index("ix_replays_status", "replays", ["status"])
    op.create_index("ix_replays_set", "replays", ["set_id"])
    op.create_table(
        "replay_answers",
        _of("replays", "replay_id", is_key=True),
        sa.Column("position", sa.Integer, primary_key=True, nullable=False),
        sa.Column("side", sa.Integer, primary_key=True, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text),
        *(sa.Column(name, sa.BigInteger) for name in ("input_tokens", "output_tokens")),
        sa.Column("cost_micros", sa.BigInteger),
        sa.Column("first_token_ms", sa.Integer),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.Column("checks", sa.Text, nullable=False),
    )
    op.create_table(
        "replay_verdicts",
        _of("replays", "replay_id", is_key=True),
        sa.Column("position", sa.Integer, primary_key=True, nullable=False),
        sa.Column("judge", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("cost_micros", sa.BigInteger),
    )
