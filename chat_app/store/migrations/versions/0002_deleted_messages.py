"""A message can be deleted, and brought back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the time of its deletion."""
    op.add_column("messages", sa.Column("deleted_at", sa.BigInteger))
