"""Who looks at the page, and the services behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import reflex as rx

from chat_app.api.identity import Identity
from chat_app.messages import Principal
from chat_app.services import Services


@dataclass(frozen=True, slots=True)
class _Process:
    services: Services
    identity: Identity
    is_connected: Callable[[str], bool]


_process: list[_Process] = []


def provide(services: Services, identity: Identity, is_connected: Callable[[str], bool]) -> None:
    """Give the states of this process what they work with; called once, when the server starts."""
    _process[:] = [_Process(services, identity, is_connected)]


def services() -> Services:
    """What the states work with."""
    return _process[0].services


def is_connected(token: str) -> bool:
    """Whether a tab still has its socket to this process."""
    return _process[0].is_connected(token)


def who(state: rx.State) -> Principal:
    """Who looks at the page.

    Raises:
        Unauthorized: The socket was opened without a valid cookie.
    """
    return _process[0].identity.principal(state.router.headers.cookie)
