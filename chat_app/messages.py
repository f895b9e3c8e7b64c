"""The values a conversation is made of, with no knowledge of storage, wires or pages.

Parts and events are msgspec structs: immutable like a frozen dataclass, and tagged, so that a list of parts is
written to SQL and read back without a hand-written table of types (docs/decisions/0001-structs.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import msgspec

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
Status: TypeAlias = Literal["complete", "streaming", "stopped", "interrupted", "failed"]
FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
Capability: TypeAlias = Literal["text", "image", "audio", "file", "tools", "reasoning", "transcription"]
StandIn: TypeAlias = Literal["text", "description", "transcript", "name"]
"""What goes instead of a file: its words, what somebody says it shows, what is said in it, or what it is called."""
MediaKind: TypeAlias = Literal["image", "audio", "file"]
Wire: TypeAlias = Literal["chat", "messages", "embeddings", "transcriptions"]
"""What a request is for: OpenAI's Chat Completions, Embeddings or audio transcriptions, or Anthropic's Messages."""
Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class Struct(msgspec.Struct, frozen=True, omit_defaults=True):
    """An immutable value; defaults are left out when it is written."""


class TextPart(Struct, frozen=True, tag="text"):
    """Words, in Markdown."""

    text: str


class ReasoningPart(Struct, frozen=True, tag="reasoning"):
    """What a model thought before it spoke; `duration_ms` is how long it took.

    `signature` is the vendor's proof that these are its model's own thoughts, and `redacted` thoughts that it does not
    show: both go back as they came where an answer with tools goes on.
    """

    text: str
    duration_ms: int = 0
    signature: str = ""
    redacted: str = ""


class ToolCallPart(Struct, frozen=True, tag="tool_call"):
    """A call the model asks for; `arguments` is the JSON text as it came."""

    call_id: str
    name: str
    arguments: str

    @property
    def arguments_object(self) -> dict[str, Json]:
        """The arguments as an object, as Anthropic's wire has them; what is none stands in one."""
        try:
            found: Json = msgspec.json.decode(self.arguments or "{}")
        except (msgspec.DecodeError, RecursionError):
            return {"arguments": self.arguments}
        return found if isinstance(found, dict) else {"arguments": found}


class ToolResultPart(Struct, frozen=True, tag="tool_result"):
    """What a tool gave back for the call of this id."""

    call_id: str
    text: str
    is_error: bool = False


class Source(Struct, frozen=True):
    """A passage an answer stands on. `number` is how the answer's text refers to it, from 1.

    `ref` says where it is from: "document:" and a chunk, "message:" and its id, or a page of the guide. `page` is the
    document's, from 1; 0 where it has none.
    """

    number: int
    title: str
    text: str
    ref: str = ""
    page: int = 0


class SourcesPart(Struct, frozen=True, tag="sources"):
    """The numbered passages an answer stands on."""

    sources: tuple[Source, ...]


class FileFacts(Struct, frozen=True):
    """What is known of a file by looking into it; 0 and empty is nothing, or not of its kind.

    `width` and `height` are those of a picture that stands upright, in pixels; `seconds` is the length of a recording.
    `view_type` is the media type of the copy that is shown and sent instead of the file. `pages` are those of a
    document that has some, slides and sheets too, and `characters` those of its words. Of its pages `wordless` have
    none, or hardly any beside a picture; `scans` are (page from 1, bytes) of the pictures that were made of the first
    of those, which lie one after another in a file of their own. One that `is_double` is a file of another kind, too.
    """

    width: int = 0
    height: int = 0
    view_type: str = ""
    pages: int = 0
    characters: int = 0
    seconds: float = 0
    wordless: int = 0
    scans: tuple[tuple[int, int], ...] = ()
    is_double: bool = False


NO_FACTS = FileFacts()
"""Nothing is known of the file but its content."""


class AttachmentPart(Struct, frozen=True, tag="attachment"):
    """A file that came with the words. `alt` says in words what a picture shows."""

    attachment_id: str
    name: str
    media_type: str
    size_bytes: int
    alt: str = ""
    facts: FileFacts = NO_FACTS


Part: TypeAlias = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | SourcesPart | AttachmentPart
Parts: TypeAlias = tuple[Part, ...]


class MediaPart(Struct, frozen=True, tag="media"):
    """A picture, sound or file as a model gets it; it is never stored, since it says where something lies.

    It is in the file at `path`, of which it is `size_bytes` after `start`, or all; in `data` as base64; or at the
    address `url`. `text` is what stands for it where words alone are taken, and `stands` says what that is. Beside it
    go `pages`, pictures of those that have no words, to models that see; there are `wordless` of them. `tokens` is
    about how many it has as it is, and `text_tokens` how many that text has, where they were counted.
    """

    kind: MediaKind
    media_type: str
    name: str = ""
    path: str = ""
    data: str = ""
    url: str = ""
    text: str = ""
    tokens: int = 0
    start: int = 0
    size_bytes: int = -1
    pages: tuple[MediaPart, ...] = ()
    text_tokens: int = 0
    stands: StandIn = "text"
    wordless: int = 0


class SentFile(Struct, frozen=True):
    """A file that was sent to a model: in `form` of its media type, as `pages`, which are pictures, or as a `StandIn`.

    Of `wordless` pages `shown` went as pictures, and the others not at all.
    """

    name: str
    form: str
    wordless: int = 0
    shown: int = 0


def storable(text: str) -> str:
    """A text as every database takes it: NUL and lone surrogates become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def text_of(parts: Sequence[Part | MediaPart]) -> str:
    """The words of a message, without its reasoning."""
    return "".join(part.text for part in parts if isinstance(part, TextPart))


class Message(Struct, frozen=True):
    """One message as a model sees it."""

    role: Role
    parts: tuple[Part | MediaPart, ...]

    @property
    def text(self) -> str:
        """Its words."""
        return text_of(self.parts)


class Usage(Struct, frozen=True):
    """Tokens as the provider counted them; None is unknown, which is not 0.

    Input counts what came from the provider's cache and went into it, and output what was thought, too.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None


def counted(usage: Usage) -> Usage:
    """Usage as a server tells it, which may be anything: figures that cannot be are unknown."""
    told = {name: value for name, value in msgspec.structs.asdict(usage).items() if value is not None and value >= 0}
    read = (told.get("cached_tokens") or 0) + (told.get("cache_write_tokens") or 0)
    if read > told.get("input_tokens", 0):
        told = {name: value for name, value in told.items() if not name.startswith("cache")}
    return Usage(**told)


UNKNOWN = Usage()
"""Nothing is known of the tokens."""


Parameters: TypeAlias = dict[str, Json]
"""What a caller asks of a model, by the names of `parameters`; what is not in it, or None, is not sent."""


class Tool(Struct, frozen=True):
    """A tool that a model may call; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str = ""
    schema: dict[str, Json] = msgspec.field(default_factory=dict[str, Json])


class ChatRequest(Struct, frozen=True):
    """What a model is asked.

    `tool_choice` is "auto", "none", "required", or a tool's name; empty leaves it to the model's server.

    `body` is the request as a program sent it, on a `wire`, with the `headers` that belong to it: a server of that wire
    gets it as it is, so that nothing is lost which this application has no name for. `is_whole` wants the answer at
    once and not as a stream, which only such a server can give. `needs` is what a server must understand that has no
    part here yet, and `unplaced` names what is in the body alone, so that no other wire gets it.

    `given_tokens` are those of the question that came as tokens and not as words.

    `passages` were found for the question, for a model that does nothing but quote; one that `is_grounded` is to quote
    nothing else.

    With `continue_final` the last message is the assistant's own, broken off, and the model is to go on from its
    last character.
    """

    model: str
    messages: tuple[Message, ...]
    parameters: Parameters = msgspec.field(default_factory=dict[str, Json])
    continue_final: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: str = ""
    body: dict[str, Json] | None = None
    wire: Wire = "chat"
    headers: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    is_whole: bool = False
    needs: frozenset[str] = frozenset()
    unplaced: tuple[str, ...] = ()
    given_tokens: int = 0
    passages: tuple[Source, ...] = ()
    is_grounded: bool = False

    @property
    def is_for_its_wire_alone(self) -> bool:
        """Whether no server can be asked but those that take the body as it is."""
        return bool(self.needs) or self.wire in ("embeddings", "transcriptions")


TRANSCRIBERS: frozenset[Capability] = frozenset({"transcription"})
"""What a model can that turns speech into text and does nothing else."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model as the catalogue offers it.

    Tokens are None where nobody says. `is_language_model` is False for Passages, which searches, and for those that
    turn speech into text and do nothing else. `capabilities` is None where they are not known, and `lacks` is what
    it turned out not to take; `parent` is the model that an adapter stands on. `name` is what people see instead of
    the id, where it was given one; one that `is_hidden` is not offered to them, but is asked where it is chosen
    already.
    """

    id: str
    provider: str
    server: str
    context_tokens: int | None = None
    is_language_model: bool = True
    output_tokens: int | None = None
    capabilities: frozenset[Capability] | None = None
    parent: str = ""
    name: str = ""
    is_hidden: bool = False
    lacks: frozenset[MediaKind] = frozenset()

    @property
    def is_built_in(self) -> bool:
        """Whether it is Passages, which no server serves."""
        return self.provider == "passages"

    @property
    def is_offered(self) -> bool:
        """Whether people choose from it who is to answer them."""
        return not self.is_hidden and self.capabilities != TRANSCRIBERS


_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
_Dollars: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """How much may be asked for; None is without limit. `streams` are answers at the same time."""

    requests_per_minute: _Count | None = None
    tokens_per_minute: _Count | None = None
    streams: _Count | None = None
    dollars_per_day: _Dollars | None = None
    dollars_per_month: _Dollars | None = None


NO_LIMITS = Limits()
"""Everything may be asked for."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of a limit: `name` is `requests` or `tokens`, `reset_s` when all of it will be there again."""

    name: str
    limit: int
    left: int
    reset_s: float


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a person by cookie, from an address, which is empty where it is not known."""

    user_id: str
    address: str = ""
