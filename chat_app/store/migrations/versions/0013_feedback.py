"""What people think of answers."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
_THUMBS = sa.text("kind IN ('up', 'down')")


def upgrade() -> None:
    """Make the table. What was edited and asked anew before is not told apart from what was imported so."""
    op.create_table(
        "feedback_events",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("others", sa.Text, nullable=False),
    )
    op.create_index("ix_feedback_events_user", "feedback_events", ["user_id", "created_at"])
    op.create_index("ix_feedback_events_message", "feedback_events", ["message_id"])
    op.create_index(
        "uq_feedback_events_thumb", "feedback_events", ["message_id"],
        unique=True, sqlite_where=_THUMBS, postgresql_where=_THUMBS,
    )  # fmt: skip
