"""Seals what is stored and must be read again, such as the keys of servers: whoever has the database alone cannot.

Fernet (github.com/fernet/spec), under a key that HKDF (RFC 5869) makes of the application's own secret.
"""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class Seal:
    """Seals texts, and opens them.

    Args:
        secret: What the key is made of; the same opens what it sealed.
        purpose: What is sealed, such as "servers": the same secret makes another key for each.
    """

    def __init__(self, secret: str, purpose: str) -> None:
        self._secret, self._purpose = secret, purpose

    @cached_property
    def _fernet(self) -> Fernet:
        """Made where something is sealed at all: what it needs takes 50 ms to load."""
        from cryptography.fernet import Fernet
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        made = HKDF(SHA256(), length=32, salt=None, info=f"chat_app.{self._purpose}".encode())
        return Fernet(base64.urlsafe_b64encode(made.derive(self._secret.encode())))

    def close(self, text: str) -> str:
        """Seal a text; what is empty stays so."""
        return self._fernet.encrypt(text.encode()).decode() if text else ""

    def open(self, sealed: str) -> str:
        """The text again.

        Raises:
            ValueError: Another secret sealed it, or it was changed.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(sealed.encode()).decode() if sealed else ""
        except InvalidToken:
            raise ValueError("it was sealed with another secret, or changed") from None
