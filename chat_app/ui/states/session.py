"""Who looks at the page, and the services behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import reflex as rx
import structlog
from reflex.event import EventSpec

from chat_app.api.identity import Identity
from chat_app.messages import Principal
from chat_app.services import Services

log = structlog.get_logger(__name__)
NOTICE = "notice"
"""The id of the island that says what failed unforeseen."""


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
    principal = _process[0].identity.principal(state.router.headers.cookie)
    return replace(principal, address=state.router.session.client_ip)


def tell_of_failure(exception: Exception) -> EventSpec:
    """What comes of an event that failed as nothing foresaw, such as when Redis with the page's state is away.

    Reflex's own way, a toast, is a script, which the page's policy does not run. Reflex looks at names and types here.
    """
    log.error("event.failed", exc_info=exception)
    return rx.set_value(NOTICE, "error")
