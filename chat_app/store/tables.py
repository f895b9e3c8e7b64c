"""The tables, as SQLModel classes: the one description that queries and migrations are checked against.

Times are milliseconds since the epoch in UTC, which both databases keep exactly; ids are UUIDv7 in text, so that they
sort by the time they were made. Later work adds columns and tables and renames none.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

UNINDEXED = "status <> 'streaming' AND indexed_revision IS DISTINCT FROM revision"
"""Of a message: it has ended, and is not searched as it is now. An index holds those alone."""


def _ref(table: str, *, nullable: bool = False, index: bool = False) -> Column[str]:
    return Column(Text, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=nullable, index=index)


def _partial(name: str, column: str, condition: str, *, unique: bool = False) -> Index:
    """An index that holds only rows of which a condition is true."""
    return Index(name, column, unique=unique, sqlite_where=text(condition), postgresql_where=text(condition))


class User(SQLModel, table=True):
    """A person. The first migration creates `local`, the only one until accounts exist."""

    __tablename__ = "users"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    name: str = Field(sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text)
    role: str = Field(default="user", sa_type=Text)
    locale: str | None = Field(default=None, sa_type=Text)
    preferences: str = Field(default="{}", sa_type=Text)
    time_zone: str | None = Field(default=None, sa_type=Text)


class Conversation(SQLModel, table=True):
    """A tree of messages with one branch in view: the path from `leaf_message_id` up to the root."""

    __tablename__ = "conversations"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (
        Index("ix_conversations_library", "user_id", "deleted_at", "archived_at", "updated_at", "id"),
        UniqueConstraint("user_id", "import_key", name="uq_conversations_import_key"),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users"))
    title: str = Field(default="", sa_type=Text)
    title_source: str = Field(default="question", sa_type=Text)
    leaf_message_id: str | None = Field(default=None, sa_type=Text)
    model: str = Field(default="", sa_type=Text)
    parameters: str = Field(default="{}", sa_type=Text)
    pinned: bool = Field(default=False)
    archived_at: int | None = Field(default=None, sa_type=BigInteger)
    deleted_at: int | None = Field(default=None, sa_type=BigInteger)
    read_at: int = Field(default=0, sa_type=BigInteger)
    updated_at: int = Field(default=0, sa_type=BigInteger)
    import_key: str | None = Field(default=None, sa_type=Text)


class MessageRow(SQLModel, table=True):
    """One message. `parts` is the JSON of `messages.Parts`, `parameters` of what an answer was asked with."""

    __tablename__ = "messages"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (
        Index("ix_messages_siblings", "conversation_id", "parent_id", "id"),
        Index("ix_messages_running", "status", "heartbeat_at"),
        UniqueConstraint("user_id", "idempotency_key", name="uq_messages_idempotency_key"),
        _partial("ix_messages_unindexed", "id", UNINDEXED),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    conversation_id: str = Field(sa_column=_ref("conversations"))
    user_id: str = Field(sa_column=_ref("users"))
    parent_id: str | None = Field(default=None, sa_type=Text)
    role: str = Field(sa_type=Text)
    parts: str = Field(default="[]", sa_type=Text)
    search_text: str = Field(default="", sa_type=Text)
    status: str = Field(default="complete", sa_type=Text)
    revision: int = Field(default=0)
    model: str = Field(default="", sa_type=Text)
    deployment: str = Field(default="", sa_type=Text)
    request_sent: str = Field(default="{}", sa_type=Text)
    request_dropped: str = Field(default="[]", sa_type=Text)
    finish_reason: str | None = Field(default=None, sa_type=Text)
    input_tokens: int | None = Field(default=None)
    output_tokens: int | None = Field(default=None)
    cached_tokens: int | None = Field(default=None)
    reasoning_tokens: int | None = Field(default=None)
    cost_micros: int | None = Field(default=None, sa_type=BigInteger)
    first_token_ms: int | None = Field(default=None)
    duration_ms: int | None = Field(default=None)
    error_code: str | None = Field(default=None, sa_type=Text)
    error_text: str = Field(default="", sa_type=Text)
    error_detail: str = Field(default="", sa_type=Text)
    notes: str = Field(default="{}", sa_type=Text)
    idempotency_key: str | None = Field(default=None, sa_type=Text)
    heartbeat_at: int | None = Field(default=None, sa_type=BigInteger)
    generation_id: str | None = Field(default=None, sa_type=Text)
    deleted_at: int | None = Field(default=None, sa_type=BigInteger)
    parameters: str = Field(sa_column=Column(Text, nullable=False, server_default="{}"))
    recipe_version_id: str | None = Field(default=None, sa_type=Text)
    indexed_revision: int | None = Field(default=None)
    is_side_by_side: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()))


class UsageRow(SQLModel, table=True):
    """One attempt to get an answer from one deployment. It outlives the people and keys it names."""

    __tablename__ = "usage"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (
        Index("ix_usage_person", "user_id", "created_at"),
        Index("ix_usage_key", "key_id", "created_at"),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    request_id: str = Field(sa_type=Text)
    attempt: int
    user_id: str = Field(sa_type=Text)
    key_id: str | None = Field(default=None, sa_type=Text)
    purpose: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    deployment: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    is_cached: bool
    is_estimated: bool
    input_tokens: int | None = Field(default=None)
    output_tokens: int | None = Field(default=None)
    cached_tokens: int | None = Field(default=None)
    reasoning_tokens: int | None = Field(default=None)
    cache_write_tokens: int | None = Field(default=None)
    cost_micros: int | None = Field(default=None, sa_type=BigInteger)
    first_token_ms: int | None = Field(default=None)
    duration_ms: int


class ApiKey(SQLModel, table=True):
    """A program's key: its hash, never itself. `models` and `limits` are JSON."""

    __tablename__ = "api_keys"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users", index=True))
    name: str = Field(sa_type=Text)
    prefix: str = Field(sa_type=Text)
    sha256: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    models: str = Field(default="[]", sa_type=Text)
    limits: str = Field(default="{}", sa_type=Text)
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)
    last_used_at: int | None = Field(default=None, sa_type=BigInteger)


class Recipe(SQLModel, table=True):
    """A recipe, which its versions tell all about. `published_version` is the number of the one that others get."""

    __tablename__ = "recipes"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users", index=True))
    shared: bool
    published_version: int | None = Field(default=None)
    deleted_at: int | None = Field(default=None, sa_type=BigInteger)


class RecipeVersion(SQLModel, table=True):
    """One version, which never changes. `parameters` is a layer and `starting_points` a list, as JSON."""

    __tablename__ = "recipe_versions"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (UniqueConstraint("recipe_id", "number", name="uq_recipe_versions_number"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    recipe_id: str = Field(sa_column=_ref("recipes"))
    number: int
    author_id: str = Field(sa_type=Text)
    note: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    description: str = Field(sa_type=Text)
    parameters: str = Field(sa_type=Text)
    starting_points: str = Field(sa_type=Text)


class ServerRow(SQLModel, table=True):
    """A server of models that was added on the page. `sealed_key` is its key as nobody can read it; empty is none."""

    __tablename__ = "servers"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    name: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    kind: str = Field(sa_type=Text)
    base_url: str = Field(sa_type=Text)
    sealed_key: str = Field(sa_type=Text)


class Setting(SQLModel, table=True):
    """What was set on the page for everybody, as JSON."""

    __tablename__ = "settings"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    key: str = Field(sa_column=Column(Text, primary_key=True))
    value: str = Field(sa_type=Text)


class Blob(SQLModel, table=True):
    """A content that somebody gave, once; its file is named by `id`. `facts` is the JSON of `messages.FileFacts`."""

    __tablename__ = "blobs"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    size_bytes: int = Field(sa_type=BigInteger)
    facts: str = Field(sa_type=Text)


class Attachment(SQLModel, table=True):
    """A person's file, sent with a message or not yet. `transcript` is what is said in it, where that was asked for."""

    __tablename__ = "attachments"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (Index("ix_attachments_unsent", "message_id", "created_at"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users", index=True))
    message_id: str | None = Field(default=None, sa_column=_ref("messages", nullable=True))
    blob_id: str = Field(sa_column=Column(Text, ForeignKey("blobs.id"), nullable=False, index=True))
    name: str = Field(sa_type=Text)
    media_type: str = Field(sa_type=Text)
    transcript: str = Field(default="", sa_type=Text)


class CollectionRow(SQLModel, table=True):
    """Documents of a person's under one name."""

    __tablename__ = "collections"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (UniqueConstraint("user_id", "name", name="uq_collections_name"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users"))
    name: str = Field(sa_type=Text)


class DocumentRow(SQLModel, table=True):
    """A file that answers can stand on. One that was `refused`, the JSON of why, has no content."""

    __tablename__ = "documents"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (
        Index("ix_documents_library", "user_id", "created_at"),
        Index("ix_documents_unindexed", "is_indexed", "created_at"),
        UniqueConstraint("user_id", "key", name="uq_documents_key"),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users"))
    collection_id: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("collections.id", ondelete="SET NULL"), index=True)
    )
    blob_id: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("blobs.id"), index=True))
    name: str = Field(sa_type=Text)
    media_type: str = Field(sa_type=Text)
    size_bytes: int = Field(sa_type=BigInteger)
    refused: str = Field(sa_type=Text)
    is_indexed: bool
    key: str = Field(sa_type=Text)


class ChunkRow(SQLModel, table=True):
    """A stretch of a message, or of a document, with what it is found by: an `entries.Entry` and its words."""

    __tablename__ = "chunks"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (
        Index("ix_chunks_version", "user_id", "version"),
        Index("ix_chunks_space", "space", "at"),
        Index("ix_chunks_progress", "user_id", "space"),
        Index("ix_chunks_message", "message_id"),
        Index("ix_chunks_group", "group_id", "space"),
    )

    ref: str = Field(sa_column=Column(Text, primary_key=True))
    user_id: str = Field(sa_column=_ref("users"))
    version: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    group_id: str = Field(sa_type=Text)
    message_id: str | None = Field(default=None, sa_column=_ref("messages", nullable=True))
    text: str = Field(sa_type=Text)
    heading: str = Field(sa_type=Text)
    page: int
    begins: int
    ends: int
    role: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    at: int = Field(sa_type=BigInteger)
    words: bytes = Field(sa_type=LargeBinary)
    space: str = Field(sa_type=Text)
    vector: bytes = Field(sa_type=LargeBinary)


class OwedDeletion(SQLModel, table=True):
    """A vector that may lie in another store, and is to be deleted there, whether its person is still here or not."""

    __tablename__ = "owed_deletions"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    ref: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    user_id: str = Field(sa_type=Text)


class ChunkVersion(SQLModel, table=True):
    """How often a person's chunks have changed, at which of these times some went, and how many may be in no pack."""

    __tablename__ = "chunk_versions"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function

    user_id: str = Field(sa_column=Column(Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True))
    version: int = Field(sa_type=BigInteger)
    deleted_version: int = Field(sa_type=BigInteger)
    loose: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class ChunkPack(SQLModel, table=True):
    """A person's chunks with a range of versions, in one value."""

    __tablename__ = "chunk_packs"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (Index("ix_chunk_packs_space", "space"),)

    user_id: str = Field(sa_column=Column(Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True))
    first: int = Field(sa_column=Column(BigInteger, primary_key=True))
    last: int = Field(sa_type=BigInteger)
    space: str = Field(sa_type=Text)
    data: bytes = Field(sa_type=LargeBinary)


class FeedbackEvent(SQLModel, table=True):
    """What a person did or said about an answer. `tags` is a JSON list of reasons, `others` one of messages' ids."""

    __tablename__ = "feedback_events"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (
        Index("ix_feedback_events_user", "user_id", "created_at"),
        Index("ix_feedback_events_message", "message_id"),
        _partial("uq_feedback_events_thumb", "message_id", "kind IN ('up', 'down')", unique=True),
    )

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    user_id: str = Field(sa_column=_ref("users"))
    message_id: str = Field(sa_column=_ref("messages"))
    kind: str = Field(sa_type=Text)
    tags: str = Field(sa_type=Text)
    comment: str = Field(sa_type=Text)
    others: str = Field(sa_type=Text)


class JobRow(SQLModel, table=True):
    """Work in the background, which one worker holds until its lease ends."""

    __tablename__ = "jobs"  # pyright: ignore[reportAssignmentType] # SQLModel declares a function
    __table_args__ = (UniqueConstraint("kind", "key", name="uq_jobs_key"),)

    id: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    holder: str = Field(sa_type=Text)
    lease_until: int = Field(sa_type=BigInteger)


users = SQLModel.metadata.tables["users"]
conversations = SQLModel.metadata.tables["conversations"]
messages = SQLModel.metadata.tables["messages"]
usage = SQLModel.metadata.tables["usage"]
api_keys = SQLModel.metadata.tables["api_keys"]
recipes = SQLModel.metadata.tables["recipes"]
recipe_versions = SQLModel.metadata.tables["recipe_versions"]
servers = SQLModel.metadata.tables["servers"]
settings = SQLModel.metadata.tables["settings"]
blobs = SQLModel.metadata.tables["blobs"]
attachments = SQLModel.metadata.tables["attachments"]
collections = SQLModel.metadata.tables["collections"]
documents = SQLModel.metadata.tables["documents"]
chunks = SQLModel.metadata.tables["chunks"]
owed_deletions = SQLModel.metadata.tables["owed_deletions"]
chunk_packs = SQLModel.metadata.tables["chunk_packs"]
chunk_versions = SQLModel.metadata.tables["chunk_versions"]
feedback_events = SQLModel.metadata.tables["feedback_events"]
jobs = SQLModel.metadata.tables["jobs"]
