"""Documents that answers can stand on, and the collections that they are kept in."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables, and let the chunks of a document be counted without reading them."""
    op.create_table(
        "collections",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.UniqueConstraint("user_id", "name", name="uq_collections_name"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("collection_id", sa.Text, sa.ForeignKey("collections.id", ondelete="SET NULL"), index=True),
        sa.Column("blob_id", sa.Text, sa.ForeignKey("blobs.id"), index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.Text, nullable=False),
        sa.Column("is_indexed", sa.Boolean, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.UniqueConstraint("user_id", "key", name="uq_documents_key"),
    )
    op.create_index("ix_documents_library", "documents", ["user_id", "created_at"])
    op.create_index("ix_documents_unindexed", "documents", ["is_indexed", "created_at"])
    op.drop_index("ix_chunks_group", "chunks")
    op.create_index("ix_chunks_group", "chunks", ["group_id", "space"])
