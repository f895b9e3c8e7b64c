"""Programs' keys: made, shown once, known again by their hash.

A key is 256 random bits, so that its plain SHA-256 is as good as a slow hash: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from fnmatch import fnmatchcase

import structlog

from chat_app.errors import BadRequest, StoreUnavailable, Unauthorized
from chat_app.messages import NO_LIMITS, Limits
from chat_app.store.database import now_ms
from chat_app.store.keys import KeyRecord, KeyStore, NewKey

log = structlog.get_logger(__name__)
_MARK = "sk-chat-"
_PREFIX_CHARS = len(_MARK) + 4
_NAME_CHARS = 100
_KNOWN_FOR_S = 5
_MOST_KNOWN = 10_000
_NOTE_USE_EVERY_MS = 60_000


class Keys:
    """Makes keys, and knows them.

    Args:
        store: Where their hashes are. What it says is believed for a few seconds: a key that another worker revokes
            opens nothing here after that.
        clock: Seconds that only grow.
    """

    def __init__(self, store: KeyStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._known: dict[str, tuple[float, KeyRecord | None]] = {}
        self._noted: dict[str, int] = {}  # key id → when its use was last written down here, in ms

    async def make(
        self,
        user_id: str,
        name: str,
        *,
        models: tuple[str, ...] = (),
        limits: Limits = NO_LIMITS,
        expires_at: int | None = None,
    ) -> tuple[KeyRecord, str]:
        """Make a key.

        Args:
            user_id: Whose.
            name: What it is for.
            models: Which it may ask, `*` for any letters; none is all.
            limits: How much.
            expires_at: Until when, in ms since the epoch.

        Returns:
            (the record, the key itself, which is nowhere after this).

        Raises:
            BadRequest: It has no name.
        """
        name = " ".join(name.split())[:_NAME_CHARS]
        if not name:
            raise BadRequest("A key needs a name.")
        key = _MARK + secrets.token_urlsafe(32)
        new = NewKey(name, key[:_PREFIX_CHARS], _hash(key), models, limits, expires_at)
        return await self._store.add(user_id, new), key

    async def who(self, authorization: str) -> KeyRecord:
        """Whose key an `Authorization` or `x-api-key` header holds.

        Raises:
            Unauthorized: It holds none, or none that is good.
        """
        key = authorization.removeprefix("Bearer ").strip()
        digest = _hash(key)
        record = await self._find(digest) if key.startswith(_MARK) else None
        if record is None or not hmac.compare_digest(record.sha256, digest) or not record.is_good(now_ms()):
            raise Unauthorized("Incorrect API key provided.")
        await self._note_use(record)
        return record

    async def revoke(self, user_id: str, key_id: str) -> None:
        """Let a key open nothing any more: here at once, on other workers within seconds.

        Raises:
            NotFound: No such key, or someone else's.
        """
        await self._store.revoke(user_id, key_id)
        self._known.clear()

    async def of(self, user_id: str) -> list[KeyRecord]:
        """A person's keys."""
        return await self._store.of(user_id)

    async def names(self, user_id: str) -> dict[str, str]:
        """The names of a person's keys by id, revoked ones among them."""
        return await self._store.names(user_id)

    async def _find(self, digest: str) -> KeyRecord | None:
        until, record = self._known.get(digest, (0.0, None))
        if self._clock() >= until:
            record = await self._store.find(digest)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[digest] = (self._clock() + _KNOWN_FOR_S, record)
        return record

    async def _note_use(self, record: KeyRecord) -> None:
        now = now_ms()
        if now - max(record.last_used_at or 0, self._noted.get(record.id, 0)) < _NOTE_USE_EVERY_MS:
            return
        self._noted[record.id] = now  # before it is written: others come meanwhile
        try:
            await self._store.used(record.id)
        except StoreUnavailable as error:  # it is known all the same, and that it was used is said another time
            log.warning("keys.use_unnoted", error=error.detail)


def may_ask(record: KeyRecord, model: str) -> bool:
    """Whether a key may ask this model."""
    return not record.models or any(fnmatchcase(model, pattern) for pattern in record.models)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
