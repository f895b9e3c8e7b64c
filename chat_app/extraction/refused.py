"""What a worker says of a file that it cannot take."""

from __future__ import annotations


class Refused(Exception):  # it is told as `errors.FileRefused`, by whoever started the worker
    """A reason, and what its sentence is filled with."""

    def __init__(self, reason: str, **values: str | float) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values
