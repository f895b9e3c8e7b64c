"""Users, conversations, messages; and the person `local`.

Revision ID: 0001
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    users = op.create_table(
        "users",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("password_hash", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("locale", sa.Text),
        sa.Column("preferences", sa.Text, nullable=False),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_source", sa.Text, nullable=False),
        sa.Column("leaf_message_id", sa.Text),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("pinned", sa.Boolean, nullable=False),
        sa.Column("archived_at", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("read_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("import_key", sa.Text),
        sa.UniqueConstraint("user_id", "import_key", name="uq_conversations_import_key"),
    )
    op.create_index(
        "ix_conversations_library",
        "conversations",
        ["user_id", "deleted_at", "archived_at", "updated_at", "id"],
    )
    _create_messages()
    op.bulk_insert(
        users,
        [
            {
                "id": "local",
                "created_at": time.time_ns() // 1_000_000,
                "name": "local",
                "role": "admin",
                "preferences": "{}",
            }
        ],
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("parent_id", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("deployment", sa.Text, nullable=False),
        sa.Column("request_sent", sa.Text, nullable=False),
        sa.Column("request_dropped", sa.Text, nullable=False),
        sa.Column("finish_reason", sa.Text),
        *(
            sa.Column(name, sa.Integer)
            for name in (
                "input_tokens",
                "output_tokens",
                "cached_tokens",
                "reasoning_tokens",
                "first_token_ms",
                "duration_ms",
            )
        ),
        sa.Column("error_code", sa.Text),
        sa.Column("error_text", sa.Text, nullable=False),
        sa.Column("error_detail", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("heartbeat_at", sa.BigInteger),
        sa.Column("generation_id", sa.Text),
        sa.UniqueConstraint("user_id", "idempotency_key", name="uq_messages_idempotency_key"),
    )
    op.create_index("ix_messages_siblings", "messages", ["conversation_id", "parent_id", "id"])
    op.create_index("ix_messages_running", "messages", ["status", "heartbeat_at"])
