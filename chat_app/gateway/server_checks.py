"""What a server may be, as a person gives it: its address, its key, its name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

import httpx2

from chat_app.errors import ServerRefused
from chat_app.gateway.discovery import port_here, server_at
from chat_app.store.servers import ServerContent, ServerKind

_MOST_NAME, _MOST_URL, _MOST_KEY = 80, 1000, 4000
_ENDPOINT = re.compile(r"(/chat)?/(completions|models|embeddings|responses)$")
_VERSION = re.compile(r"/v\d+\w*(/|$)")
_OTHERS: tuple[ServerKind, ...] = ("compatible", "vllm")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A server as somebody gives it. An empty `name` is the one that its address makes; `key` None is the kept one."""

    kind: ServerKind
    name: str = ""
    base_url: str = ""
    key: str | None = None

    @property
    def is_vendor(self) -> bool:
        """Whether it is a vendor, of which the address is known."""
        return is_vendor(self.kind)


def is_vendor(kind: ServerKind) -> bool:
    """Whether a server is a vendor's own."""
    return kind not in _OTHERS


def checked(wanted: Wanted, kept: ServerContent | None, own_port: int) -> Wanted:
    """A server as it can be asked.

    Args:
        wanted: As it was given.
        kept: The one that it is to replace. Its key is told at no other place than the one it was given for.
        own_port: This application's, which is no server of models to itself.

    Raises:
        ServerRefused: It cannot be.
    """
    url = "" if wanted.is_vendor else _checked_url(wanted.base_url, own_port)
    name = "" if wanted.is_vendor else tidy(wanted.name)
    if wanted.key is None:
        if kept is not None and kept.sealed_key and _place(kept.kind, kept.base_url) != _place(wanted.kind, url):
            raise ServerRefused("Give the key again for another address.", "key_again")
        if wanted.is_vendor and not (kept and kept.sealed_key):
            raise ServerRefused("A vendor wants a key.", "no_key")
        return Wanted(wanted.kind, name, url)
    key = wanted.key.strip()
    if len(key) > _MOST_KEY or not (key.isascii() and key.isprintable()):
        raise ServerRefused("A key has no such letters.", "key_letters")
    if wanted.is_vendor and not key:
        raise ServerRefused("A vendor wants a key.", "no_key")
    return Wanted(wanted.kind, name, url, key)


def candidates(wanted: Wanted) -> Iterator[Wanted]:
    """Where its list of models may be: where it was said to be, and where such servers usually have it."""
    yield wanted
    if not wanted.is_vendor and not _VERSION.search(urlsplit(wanted.base_url).path):
        yield replace(wanted, base_url=f"{wanted.base_url}/v1")


def usual_name(wanted: Wanted) -> str:
    """The name of a server that was given none."""
    if wanted.is_vendor:
        return wanted.kind
    return server_at("vLLM" if wanted.kind == "vllm" else "", wanted.base_url)


def tidy(name: str) -> str:
    """A name on one line, of what can be seen, and not too long."""
    seen = "".join(letter for letter in " ".join(name.split()) if letter.isprintable())
    return seen.strip()[:_MOST_NAME]


def moved(order: Sequence[str], shown: Sequence[str], model: str, before: str) -> tuple[str, ...]:
    """An order of models in which one stands before another, or last; those that are not shown now keep their place.

    Args:
        order: The one before; it may lack some, and have others that no server offers now.
        shown: The models on offer, as they stand now.
        model: Which is moved.
        before: Before which; any that is not there is the end.
    """
    known = set(order)
    others = [each for each in (*order, *(each for each in shown if each not in known)) if each != model]
    at = others.index(before) if before in others else len(others)
    return (*others[:at], model, *others[at:])


def _checked_url(url: str, own_port: int) -> str:
    url = _ENDPOINT.sub("", url.strip().rstrip("/")).rstrip("/")
    parts = _parsed(url)
    if parts.username is not None or parts.password is not None:
        raise ServerRefused("The address holds a key.", "url_key")
    if parts.query or parts.fragment or "?" in url:
        raise ServerRefused("The address has a question mark.", "url_query")
    if port_here(url) == own_port:
        raise ServerRefused("This is the application's own address.", "url_own")
    return url


def _parsed(url: str) -> SplitResult:
    none = ServerRefused("This is no address of a server.", "url")
    try:
        parts = urlsplit(url)
        _ = parts.port
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL):
        raise none from None
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > _MOST_URL:
        raise none
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        raise none
    return parts


def _place(kind: ServerKind, url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return (kind if is_vendor(kind) else parts.scheme, parts.hostname, parts.port)
