"""The connections to one server."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from functools import cache
from typing import cast
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

import httpcore2
import httpx2

from chat_app.providers.addresses import Address, Guarded, is_no_metadata, stays_with
from chat_app.providers.network import PoolTransport, Sockets

# Idle ones are let go of before uvicorn and vLLM do so, after 5 s: what is sent in that moment is lost.
_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=4)


def connections_to(base_url: str, connect_timeout_s: float) -> httpx2.AsyncClient:
    """Connections by the environment's proxy (HTTPS_PROXY, NO_PROXY …), but for servers of this machine.

    There is no read timeout: the gateway bounds the first word and the silences between words. A redirect is followed
    within the server alone. A proxy looks up names by itself, so that behind one only addresses are looked at here.
    """
    client = httpx2.AsyncClient(
        base_url=base_url,
        timeout=httpx2.Timeout(None, connect=connect_timeout_s),
        follow_redirects=True,
        trust_env=False,
        transport=_transport(base_url),
    )
    client.event_hooks["request"] += [stays_with(client.base_url), is_no_metadata]
    return client


def _transport(base_url: str) -> httpx2.AsyncBaseTransport:
    """Our own sockets to an address alone: a name may have several, which httpx's try side by side."""
    certificates = _certificates() if urlsplit(base_url).scheme == "https" else None
    if proxy := _proxy(base_url):
        return httpx2.AsyncHTTPTransport(proxy=proxy, limits=_LIMITS, verify=certificates or False)
    is_plain = certificates is None and _address(base_url) is not None
    usual = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())  # which its types leave open
    return PoolTransport(_LIMITS, Guarded(Sockets() if is_plain else usual), certificates)


def _proxy(base_url: str) -> str:
    """The environment's for this server; empty where there is none."""
    parts, proxies = urlsplit(base_url), getproxies()
    if is_loopback(base_url) or not parts.hostname or _is_direct(parts, proxies.get("no", "")):
        return ""
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _is_direct(parts: SplitResult, no_proxy: str) -> bool:
    """Whether NO_PROXY leaves a server out: by its name or the end of it, its address or its network, and its port.

    (curl.se/docs/manpage.html#--noproxy; httpx and Go have ports, too.)
    """
    host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    for entry in no_proxy.lower().replace(" ", "").split(","):
        if entry == "*" or (entry and _is_in_network(host, entry)):
            return True
        with suppress(ValueError):  # it is no address, or its port none
            left = urlsplit(entry if "://" in entry else f"//{entry}")
            name = (left.hostname or "").removeprefix("*").removeprefix(".")
            if name and left.port in (None, port) and (host == name or host.endswith(f".{name}")):
                return True
    return False


def _is_in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


_certificates = cache(httpx2.create_ssl_context)
"""To read those of the machine takes 30 ms, for each server."""


def is_loopback(base_url: str) -> bool:
    """Whether a server is on this machine."""
    address = _address(base_url)
    return address is not None and address.is_loopback


def _address(base_url: str) -> Address | None:
    """The server's, where its URL has it, or has this machine's name for its own."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None
