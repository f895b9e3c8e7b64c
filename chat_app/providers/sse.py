"""Server-sent events out of raw bytes, however they were cut (html.spec.whatwg.org, section 9.2.6)."""

from __future__ import annotations


class SseDecoder:
    """Takes pieces of a stream, gives the `data` of each complete event.

    Works on bytes, so a character cut in two by the network is whole again before anybody decodes it. Lines end with
    LF, CRLF or CR; several data lines are joined by LF; comments and other fields are passed over, as no provider's
    wire needs them.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """Take a piece; return the data of the events it completed."""
        buffer = self._rest + piece
        # A CR at the very end may be half of a CRLF: leave it for the next piece.
        held = b"\r" if buffer.endswith(b"\r") else b""
        buffer = buffer[: len(buffer) - len(held)]
        if b"\r" in buffer:
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = buffer.split(b"\n")
        self._rest = rest + held
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return events

    def close(self) -> bytes | None:
        """The data of an event the server did not finish with an empty line, when there is one."""
        if self._rest.startswith(b"data:"):
            self._data.append(self._rest[5:].lstrip(b" ").rstrip(b"\r"))
        data, self._rest, self._data = b"\n".join(self._data), b"", []
        return data or None
