"""Which deployment of a model a call goes to first, and which ones it may fall back to.

Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005): each deployment
draws a number from the call's affinity, and the highest comes first. So a conversation keeps its deployment while that
one is there, a canary of 5 % gets its 5 %, and when one goes, only its own conversations move.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from typing import TypeVar

D = TypeVar("D")
_SPACE = 2**64


def in_order(
    deployments: Iterable[D], affinity: str, *, name: Callable[[D], str], weight: Callable[[D], float]
) -> list[D]:
    """The deployments as a call is to try them; those without weight are left out.

    Args:
        deployments: Of one model.
        affinity: Calls of one affinity have one order.
        name: By which a deployment is told apart, whatever the order they are given in.
        weight: Its share of the calls, relative to the others'; 0 takes none.
    """
    taking = [each for each in deployments if weight(each) > 0]
    return sorted(taking, key=lambda each: weight(each) / math.log(_number(affinity, name(each))))


def _number(affinity: str, name: str) -> float:
    """Evenly spread between 0 and 1, and neither of them."""
    digest = hashlib.blake2b(f"{affinity}\0{name}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / _SPACE
