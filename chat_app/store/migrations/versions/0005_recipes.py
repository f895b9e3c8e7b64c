"""Recipes, and every version of each."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "recipes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("published_version", sa.Integer),
        sa.Column("deleted_at", sa.BigInteger),
    )
    op.create_index("ix_recipes_user_id", "recipes", ["user_id"])
    op.create_table(
        "recipe_versions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("recipe_id", sa.Text, sa.ForeignKey("recipes.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("starting_points", sa.Text, nullable=False),
        sa.UniqueConstraint("recipe_id", "number", name="uq_recipe_versions_number"),
    )
