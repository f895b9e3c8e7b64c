"""The answers to a question can be shown side by side."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add whether they are. Those of before are not."""
    op.add_column("messages", sa.Column("is_side_by_side", sa.Boolean, nullable=False, server_default=sa.false()))
