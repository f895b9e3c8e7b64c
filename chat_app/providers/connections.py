"""The connections to one server."""

from __future__ import annotations

import ipaddress
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2

from chat_app.providers.network import PlainTransport

# Idle ones are let go of before uvicorn and vLLM do so, after 5 s: what is sent in that moment is lost.
_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=4)


def connections_to(base_url: str, connect_timeout_s: float) -> httpx2.AsyncClient:
    """Connections by the environment's proxy (HTTPS_PROXY, NO_PROXY …), but for servers of this machine.

    There is no read timeout: the gateway bounds the first word and the silences between words.
    """
    return httpx2.AsyncClient(
        base_url=base_url,
        timeout=httpx2.Timeout(None, connect=connect_timeout_s),
        limits=_LIMITS,
        follow_redirects=True,
        trust_env=not is_loopback(base_url),
        verify=_certificates(),
        mounts=_plain(base_url),
    )


def _plain(base_url: str) -> dict[str, httpx2.AsyncBaseTransport | None]:
    """Our own way to this server alone, by its address: a name may have several, which httpx tries side by side."""
    parts = urlsplit(base_url)
    is_direct = is_loopback(base_url) or not getproxies().keys() & {"http", "all"}
    if parts.scheme != "http" or not is_direct or _address(base_url) is None:
        return {}
    return {f"http://{parts.netloc}": PlainTransport(_LIMITS)}


_certificates = cache(httpx2.create_ssl_context)
"""To read those of the machine takes 30 ms, for each server."""


def is_loopback(base_url: str) -> bool:
    """Whether a server is on this machine."""
    address = _address(base_url)
    return address is not None and address.is_loopback


def _address(base_url: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The server's, where its URL has it, or has this machine's name for its own."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None
