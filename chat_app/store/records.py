"""What the store gives back: plain immutable rows, so that nobody above it meets SQL."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_app.messages import UNKNOWN, Json, Parameters, Parts, Role, Status, Usage
from chat_app.parameters import Layer


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """A conversation without its messages. Times are milliseconds since the epoch.

    `is_tuned` says that it has parameters of its own, which `layer` holds on the way to a file and back.
    """

    id: str
    title: str
    title_source: str
    model: str
    leaf_message_id: str | None
    pinned: bool
    created_at: int
    updated_at: int
    read_at: int
    archived_at: int | None
    deleted_at: int | None
    import_key: str | None = None
    is_tuned: bool = False
    layer: Layer = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message without its words. `siblings` are the ids of its branch point, itself among them, oldest first."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    status: Status
    model: str
    revision: int
    created_at: int
    error_code: str | None
    error_text: str
    error_detail: str
    recipe_version_id: str | None
    siblings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one message: `parts` is the stored JSON, passed on as it is.

    `thumb`, `tags` (JSON) and `comment` are what its person thinks of it, None where they said nothing; `preferred`
    that they like it better than other answers to its question.
    """

    id: str
    role: Role
    status: Status
    revision: int
    parts: str
    output_tokens: int | None
    first_token_ms: int | None
    duration_ms: int | None
    cost_micros: int | None
    thumb: str | None = None
    tags: str | None = None
    comment: str | None = None
    preferred: bool = False


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with its words, as history for a prompt or for an export.

    `asked` is what the answer was asked with, the system prompt among it, as far as it is for an export.
    """

    id: str
    parent_id: str | None
    role: Role
    parts: Parts
    status: Status
    model: str
    created_at: int
    asked: Parameters = field(default_factory=dict[str, Json])
    recipe_version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer is asked with beside the words; `system` is the system prompt as the model gets it.

    `documents` are the ids of those, and of collections, that it is to stand on; they are not stored with it.
    """

    system: str = ""
    parameters: Parameters = field(default_factory=dict[str, Json])
    recipe_version_id: str | None = None
    documents: tuple[str, ...] = ()


EDITED_FROM = "edited_from"
"""The note that a person's own version of an answer has: of which message it was made."""
NOTHING = Asked()
"""The words alone."""


@dataclass(frozen=True, slots=True)
class Details:
    """All that is known of how an answer came about."""

    id: str
    model: str
    deployment: str
    status: Status
    created_at: int
    sent: dict[str, Json]
    dropped: tuple[str, ...]
    notes: dict[str, Json]
    finish_reason: str | None
    usage: Usage
    cost_micros: int | None
    first_token_ms: int | None
    duration_ms: int | None
    error_code: str | None
    error_text: str
    error_detail: str
    asked: Asked = NOTHING

    @property
    def is_own(self) -> bool:
        """Whether a person has written it, in the place of a model's."""
        return EDITED_FROM in self.notes


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A question to store with its empty answer.

    `conversation_id` None starts a conversation, with a `layer` of its own. `parent_id` is the message that the
    question follows, None the root. `conversation_model` answers next, where that is another than answers now. The
    answers to what `is_compared` are shown side by side.
    """

    parts: Parts
    model: str
    idempotency_key: str
    title: str
    conversation_id: str | None = None
    parent_id: str | None = None
    asked: Asked = NOTHING
    layer: Layer = field(default_factory=dict[str, Json])
    conversation_model: str = ""
    is_compared: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored question and its answer's row. `is_new` is False when the same send came before."""

    conversation_id: str
    question_id: str
    reply_id: str
    generation_id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Generations that a checkpoint met: `lost` their message to another or its deletion; `revived` from the dead."""

    lost: set[str] = field(default_factory=set[str])
    revived: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The text so far of a running answer."""

    message_id: str
    generation_id: str
    parts: Parts


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an answer ended, with all its words. `model` is who spoke, where it is another than was asked."""

    message_id: str
    conversation_id: str
    generation_id: str
    status: Status
    parts: Parts
    model: str = ""
    deployment: str = ""
    sent: dict[str, Json] = field(default_factory=dict[str, Json])
    dropped: tuple[str, ...] = ()
    notes: dict[str, Json] = field(default_factory=dict[str, Json])
    finish_reason: str | None = None
    usage: Usage = UNKNOWN
    cost_micros: int | None = None
    first_token_ms: int | None = None
    duration_ms: int | None = None
    error_code: str | None = None
    error_text: str = ""
    error_detail: str = ""
