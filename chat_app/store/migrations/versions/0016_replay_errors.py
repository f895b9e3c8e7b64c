"""What a server said of why it did not answer in a replay is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add it. Of what failed before nobody knows more than its code."""
    op.add_column("replay_answers", sa.Column("error_detail", sa.Text, nullable=False, server_default=""))
