"""What an answer was asked with, and by which version of which recipe; where a person's clock is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add them; what was answered before was asked with nothing."""
    op.add_column("users", sa.Column("time_zone", sa.Text))
    op.add_column("messages", sa.Column("parameters", sa.Text, nullable=False, server_default="{}"))
    op.add_column("messages", sa.Column("recipe_version_id", sa.Text))
