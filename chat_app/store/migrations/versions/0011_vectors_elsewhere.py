"""Vectors that lie in another store than this database, and are to be deleted there."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "owed_deletions",
        sa.Column("ref", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("user_id", sa.Text, nullable=False),
    )
