"""The connections to one server."""

from __future__ import annotations

import ipaddress
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2

from chat_app.providers.network import PlainTransport

_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)


def connections_to(base_url: str, connect_timeout_s: float) -> httpx2.AsyncClient:
    """Connections by the environment's proxy (HTTPS_PROXY, NO_PROXY …), but for servers of this machine.

    There is no read timeout: the gateway bounds the first word and the silences between words.
    """
    is_direct = is_loopback(base_url) or not getproxies().keys() & {"http", "all"}
    return httpx2.AsyncClient(
        base_url=base_url,
        timeout=httpx2.Timeout(None, connect=connect_timeout_s),
        limits=_LIMITS,
        follow_redirects=True,
        trust_env=not is_loopback(base_url),
        verify=_certificates(),
        mounts={"http://": PlainTransport(_LIMITS)} if is_direct else None,
    )


_certificates = cache(httpx2.create_ssl_context)
"""To read those of the machine takes 30 ms, for each server."""


def is_loopback(base_url: str) -> bool:
    """Whether a server is on this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
