"""Sends a request to a server, and gives back the answer while it comes.

It goes past the vendors' SDKs, which build and walk models of their own (docs/decisions/0009).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import BinaryIO, TypeAlias, TypeVar

import httpx2
import msgspec

from chat_app.errors import NOT_JSON, AnswerBroken, RequestRefused
from chat_app.messages import Json
from chat_app.providers.refusals import Refusals

NONE: Mapping[str, str] = MappingProxyType({})
_EXCERPT = 200
_MOST_BYTES = 20_000_000
Whole = TypeVar("Whole")
File: TypeAlias = tuple[str, BinaryIO, str]
"""(name, content, media type)."""


def read_whole(decode: Callable[[bytes], Whole], body: bytes, without_key: Callable[[str], str]) -> Whole:
    """An answer that came all at once.

    Raises:
        AnswerBroken: It is of another shape.
    """
    try:
        return decode(body)
    except NOT_JSON as error:
        excerpt = without_key(body.decode(errors="replace"))[:_EXCERPT]
        raise AnswerBroken("The answer broke off.", detail=f"{error}: {excerpt}") from error


async def read_bounded(pieces: AsyncIterator[bytes]) -> bytes:
    """What a server says that should be short, such as a list of models: what is sent without end fills no memory."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > _MOST_BYTES:
            break
    return bytes(body)


class Relay:
    """To one server.

    Args:
        client: The connections.
        headers: What every request has, the key above all.
        refusals: What the server's failures mean.
    """

    def __init__(self, client: httpx2.AsyncClient, headers: Mapping[str, str], refusals: Refusals) -> None:
        self._client, self._refusals = client, refusals
        self._headers = headers

    @asynccontextmanager
    async def asked(
        self,
        path: str,
        body: Mapping[str, Json],
        model: str,
        headers: Mapping[str, str] = NONE,
        file: File | None = None,
    ) -> AsyncGenerator[httpx2.Response]:
        """The server's answer, whose body is yet to be read. Leaving the block ends the request upstream.

        Args:
            path: Below the server's base URL.
            body: What is asked.
            model: Of whom.
            headers: Those of this request alone.
            file: Goes with it, which is a form then; read while it is sent.

        Raises:
            ModelError: It cannot be reached, refuses, or breaks off while the block runs.
        """
        try:
            request = self._request(path, body, headers, file)
            response = await self._client.send(request, stream=True)
        except UnicodeEncodeError as error:  # its text is the header's, which may be the key
            raise RequestRefused("A header or a key has letters that no header can have.") from error
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise self._refusals.unreachable(error) from error
        try:
            with self._refusals.told(model):
                if not response.is_success:
                    raise self._refusals.of(response, await read_bounded(response.aiter_bytes()), model)
                yield response
        finally:
            await response.aclose()

    def _request(
        self, path: str, body: Mapping[str, Json], headers: Mapping[str, str], file: File | None
    ) -> httpx2.Request:
        if file is None:
            headers = {"content-type": "application/json", **self._headers, **headers}
            return self._client.build_request("POST", path, content=msgspec.json.encode(body), headers=headers)
        fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
        return self._client.build_request(
            "POST", path, data=fields, files={"file": file}, headers={**self._headers, **headers}
        )
