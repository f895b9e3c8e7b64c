"""What is told of a server that is asked for models."""

from __future__ import annotations

from dataclasses import dataclass

from chat_app.errors import (
    AddressRefused,
    KeyRefused,
    KeyUnreadable,
    ModelError,
    ModelFailed,
    ModelUnknown,
    ModelUnreachable,
    NoModelList,
    Redirected,
)
from chat_app.messages import ModelCard

_OF_SERVERS = (NoModelList, KeyRefused, KeyUnreadable, ModelUnreachable, Redirected, AddressRefused)


@dataclass(frozen=True, slots=True)
class ServerCard:
    """A server that is asked for models: what is wrong with it, and what it serves."""

    name: str
    kind: str
    problem: ModelError | None
    models: tuple[ModelCard, ...]


def said_of(problem: ModelError) -> str:
    """The code that says of a server what is wrong with it, where no model was asked."""
    if isinstance(problem, ModelUnknown):  # a 404
        return NoModelList.code
    is_own = isinstance(problem, _OF_SERVERS)
    return problem.code if is_own else ModelFailed.code
