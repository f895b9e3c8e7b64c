"""Where no model may be asked: at what gives a machine of a cloud its keys, and away from the server that is asked.

Whoever adds a server by its address could otherwise have this machine ask for them, and a server could send it there.
The address counts that is connected to, not the name: a name may lead somewhere else each time it is looked up.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

import httpcore2
import httpx2

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# Those of AWS (docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html), OpenStack
# (docs.openstack.org/nova/latest/user/metadata.html), Google (cloud.google.com/compute/docs/metadata),
# Azure (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16), Alibaba, Oracle,
# Scaleway and Akamai.
_METADATA = tuple(
    map(
        ipaddress.ip_network,
        (
            "169.254.0.0/16", "fe80::a9fe:a9fe/128", "fd00:ec2::/32", "fd20:ce::/32",
            "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128", "fd00:a9fe:a9fe::1/128",
            "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
        ),
    )
)  # fmt: skip
# Addresses whose last 32 bits are an IPv4 address (RFC 6052, 8215 and 4291, 2.5.5.1).
_WRAPPED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))


class NoModelThere(httpx2.ConnectError):
    """The address is of a metadata service."""


class LeadsElsewhere(httpx2.RequestError):
    """The server sends whoever asks on to another one; `place` is its address, without what may be secret in it."""

    def __init__(self, place: str) -> None:
        super().__init__(f"redirected to {place}")
        self.place = place


def is_metadata(address: Address) -> bool:
    """Whether a metadata service answers there, also where an IPv6 address stands for an IPv4 one."""
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if within is None and any(address in network for network in _WRAPPED):
            within = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None and is_metadata(within):
            return True
    return any(address in network for network in _METADATA)


class Guarded(httpcore2.AsyncNetworkBackend):
    """Connects as another does, but to no metadata service.

    Args:
        backend: Which connects.
    """

    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 # httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """See `httpcore2.AsyncNetworkBackend`.

        Raises:
            NoModelThere: One of the host's addresses is of a metadata service, or the one that answered is.
        """
        for address in await _addresses(host, port, timeout):
            _check(address)
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        peer = stream.get_extra_info("server_addr")
        try:
            if peer is not None:
                _check(peer[0])
        except NoModelThere:
            await stream.aclose()
            raise
        return stream


def stays_with(base_url: httpx2.URL) -> Callable[[httpx2.Request], Awaitable[None]]:
    """What lets a client send to one server alone: what is asked, and the key above all, is for no other one."""
    own = _origin(base_url)

    async def check(request: httpx2.Request) -> None:
        if _origin(request.url) != own:
            raise LeadsElsewhere(str(request.url.copy_with(userinfo=b"", query=None, fragment=None)))

    return check


async def is_no_metadata(request: httpx2.Request) -> None:
    """See that no address of a metadata service is asked, be it by a proxy, whose own connections nobody here sees.

    Raises:
        NoModelThere: It is one, in whichever way it is written.
    """
    host = request.url.host
    try:
        _check(host if _parsed(host) is not None else socket.inet_ntoa(socket.inet_aton(host)))
    except OSError:  # a name
        return


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


async def _addresses(host: str, port: int, timeout_s: float | None) -> list[str]:
    """A host's addresses; none where they cannot be found, which connecting says in its own words."""
    if _parsed(host) is not None:
        return [host]
    try:
        async with asyncio.timeout(timeout_s):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


def _check(address: str) -> None:
    parsed = _parsed(address)
    if parsed is not None and is_metadata(parsed):
        raise NoModelThere(f"{address} is of a metadata service")


def _parsed(address: str) -> Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
