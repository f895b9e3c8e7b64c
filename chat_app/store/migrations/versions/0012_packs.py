"""Many chunks of a person in one row, for whoever reads all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the table; all chunks that are there are in no pack yet."""
    op.create_table(
        "chunk_packs",
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("space", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_chunk_packs_space", "chunk_packs", ["space"])
    op.add_column("chunk_versions", sa.Column("loose", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_chunk_versions_loose", "chunk_versions", ["loose"])
    op.execute(
        "UPDATE chunk_versions SET loose = (SELECT count(*) FROM chunks WHERE chunks.user_id = chunk_versions.user_id)"
    )
