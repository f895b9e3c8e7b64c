"""What messages are found by: chunks with their words and vectors, and which messages are not among them yet."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
_UNINDEXED = sa.text("status <> 'streaming' AND indexed_revision IS DISTINCT FROM revision")


def upgrade() -> None:
    """Make the tables; of what is there already nothing is indexed."""
    op.add_column("messages", sa.Column("indexed_revision", sa.Integer))
    op.create_index("ix_messages_unindexed", "messages", ["id"], sqlite_where=_UNINDEXED, postgresql_where=_UNINDEXED)
    op.create_table(
        "chunks",
        sa.Column("ref", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("group_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id", ondelete="CASCADE")),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("heading", sa.Text, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("begins", sa.Integer, nullable=False),
        sa.Column("ends", sa.Integer, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.Column("space", sa.Text, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_chunks_version", "chunks", ["user_id", "version"])
    op.create_index("ix_chunks_space", "chunks", ["space", "at"])
    op.create_index("ix_chunks_progress", "chunks", ["user_id", "space"])
    op.create_index("ix_chunks_message", "chunks", ["message_id"])
    op.create_index("ix_chunks_group", "chunks", ["group_id"])
    op.create_table(
        "chunk_versions",
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("deleted_version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("kind", "key", name="uq_jobs_key"),
    )
