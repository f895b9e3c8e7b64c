"""For whom a model is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import uuid_utils

from chat_app.messages import NO_LIMITS, Limits, Rate
from chat_app.store.usage import Used

Purpose: TypeAlias = Literal["chat", "title", "transcription", "embedding", "api", "replay", "judge"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call it is: whose limits count, and in whose name it stands in the ledger.

    `limits` are the key's; without a key those of `address` count, which is where the call comes from. Calls of one
    `affinity` go to one deployment while that is well. `request_id` is what the log and the ledger know the call by.
    `cache_s` is how old an answer to the same request may be that is given again; None leaves it to the model.
    `falls_back` says that another model may answer where the one that was asked does not, if the catalogue names one.
    `is_counted` says that it is a request of its own: a title, or a second try with less, takes tokens and costs, and
    is none. `on_rates` is told what is left of the limits, `on_used` what each attempt took, at its end.
    """

    user_id: str
    key_id: str | None = None
    address: str = ""
    affinity: str = ""
    limits: Limits = NO_LIMITS
    cache_s: float | None = None
    falls_back: bool = True
    is_counted: bool = True
    purpose: Purpose = "chat"
    request_id: str = field(default_factory=lambda: str(uuid_utils.uuid7()))
    on_used: Callable[[Used], None] = lambda _used: None
    on_rates: Callable[[tuple[Rate, ...]], None] = lambda _rates: None
