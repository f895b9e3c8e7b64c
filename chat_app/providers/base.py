"""What every provider is: a server, or something like one, that lists models and streams answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from chat_app.events import Event
from chat_app.messages import ChatRequest, Wire

GO_ON = "Your last message broke off. Go on exactly where it ended, without repeating anything and without comment."
"""What is asked where a wire has no way of its own to let an answer go on."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as its server lists it. `parent` is what an adapter stands on, `owner` whose it is said to be."""

    model: str
    context_tokens: int | None = None
    output_tokens: int | None = None
    parent: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a server says it is: calls that wait, and the part of its cache in use, from 0 to 1."""

    waiting: int
    cache_usage: float


@runtime_checkable
class TellsLoad(Protocol):
    """A server that says how busy it is."""

    async def load(self) -> Load:
        """Ask it.

        Raises:
            ModelError: It did not say.
        """
        ...


@runtime_checkable
class CountsTokens(Protocol):
    """A server that counts the tokens of a question without answering it."""

    async def count(self, model: str, request: ChatRequest) -> int:
        """How many it has.

        Raises:
            ModelError: It did not say.
        """
        ...


class Provider(Protocol):
    """One place that answers.

    `kind` names the wire format, `server` is what a person recognises it by ("OpenAI", "vLLM 127.0.0.1:8000"),
    `base_url` is where it is; empty for what is built in. `vendor` is whose models are asked of it by their prefix
    alone, where no list has them; empty for nobody's. `relays` are the wires on which it sends a program's own body as
    it is; with `only_streams` also then its answer is streamed, for whoever wants it at once too. `refuses` are the
    names of parameters, and of `CHOICES` of them, that it has no use for, whatever the model. Without `has_efforts` its
    models think or do not: every reasoning effort but none and minimal means the same. `takes` says what its
    wire has a place for: "image", and the media types of sound and files; None is for one that is told
    nothing of files, not even in words.
    """

    kind: str
    server: str
    base_url: str
    vendor: str
    relays: frozenset[Wire]
    only_streams: bool
    refuses: frozenset[str]
    has_efforts: bool
    takes: frozenset[str] | None

    async def offers(self) -> list[Offer]:
        """List the models.

        Raises:
            ModelError: The server did not answer, or refused.
        """
        ...

    def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """Answer: `Start`, deltas, `Finish`. Closing the generator ends the request upstream.

        Args:
            model: The server's own name for the model.
            request: What is asked.

        Yields:
            Events, as they come off the wire.

        Raises:
            ModelError: The answer failed; before the first delta or after.
        """
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
