"""Alembic's entry: runs on the connection it is given, inside the caller's transaction and lock."""

from alembic import context
from sqlmodel import SQLModel

import chat_app.store.replay_tables  # noqa: F401 # fills the metadata that autogenerate and tests compare with, as does what it imports

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
