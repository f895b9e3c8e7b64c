"""What is said in recordings, where somebody had it turned into text."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    op.add_column("attachments", sa.Column("transcript", sa.Text, nullable=False, server_default=""))
