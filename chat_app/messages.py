"""The values a conversation is made of, with no knowledge of storage, wires or pages.

Parts and events are msgspec structs: immutable like a frozen dataclass, and tagged, so that a list of parts is
written to SQL and read back without a hand-written table of types (docs/decisions/0001-structs.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import msgspec

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
Status: TypeAlias = Literal["complete", "streaming", "stopped", "interrupted", "failed"]
FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
Capability: TypeAlias = Literal["text", "image", "audio", "file", "tools", "reasoning"]
Wire: TypeAlias = Literal["chat", "messages", "embeddings"]
"""What a program's own body is written for: OpenAI's Chat Completions or Embeddings, or Anthropic's Messages."""
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
    """A passage an answer stands on. `number` is how the answer's text refers to it, from 1."""

    number: int
    title: str
    text: str
    ref: str = ""


class SourcesPart(Struct, frozen=True, tag="sources"):
    """The numbered passages an answer stands on."""

    sources: tuple[Source, ...]


Part: TypeAlias = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | SourcesPart
Parts: TypeAlias = tuple[Part, ...]


def storable(text: str) -> str:
    """A text as every database takes it: NUL and lone surrogates become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def text_of(parts: Parts) -> str:
    """The words of a message, without its reasoning."""
    return "".join(part.text for part in parts if isinstance(part, TextPart))


class Message(Struct, frozen=True):
    """One message as a model sees it."""

    role: Role
    parts: Parts

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

    @property
    def is_for_its_wire_alone(self) -> bool:
        """Whether no server can be asked but those that take the body as it is."""
        return bool(self.needs) or self.wire == "embeddings"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model as the catalogue offers it.

    Tokens are None where nobody says. `is_language_model` is False for Passages, which searches. `capabilities` is None
    where they are not known; `parent` is the model that an adapter stands on. `name` is what people see instead of the
    id, where it was given one; one that `is_hidden` is not offered to them, but is asked where it is chosen already.
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
