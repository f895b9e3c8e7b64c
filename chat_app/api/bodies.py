"""Reads what was sent, up to a limit: nobody can fill the memory with one request."""

from __future__ import annotations

from starlette.requests import Request

from chat_app.errors import ChatError


async def read_body(request: Request, most_bytes: int, too_large: ChatError) -> bytes:
    """The body of a request.

    Args:
        request: Whose.
        most_bytes: How large it may be.
        too_large: What to raise when it is larger.

    Raises:
        ChatError: It is.
        ClientDisconnect: Whoever sent it has left.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise too_large
    return bytes(body)
