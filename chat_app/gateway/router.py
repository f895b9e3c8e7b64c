"""Which deployment of a model a call goes to first, and which ones it may fall back to.

Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005): each deployment
draws a number from the call's affinity, and the highest comes first. So a conversation keeps its deployment while that
one is there, a canary of 5 % gets its 5 %, and when one goes, only its own conversations move. vLLM servers that serve
the same model are equal, and count as one: among them the least busy comes first.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from chat_app.gateway.load import Loads
from chat_app.gateway.route import Deployment

D = TypeVar("D")
_SPACE = 2**64
_REMEMBERED = 10_000


class Router:
    """Puts a model's deployments in order.

    Args:
        loads: How busy the replicas are.
    """

    def __init__(self, loads: Loads) -> None:
        self._loads = loads
        self._homes: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    def candidates(self, deployments: Iterable[Deployment], affinity: str) -> list[Deployment]:
        """The deployments as a call is to try them; those without weight are left out."""
        groups = in_order(
            group_replicas(deployments).items(),
            affinity,
            name=lambda group: group[0],
            weight=lambda group: sum(each.weight for each in group[1]),
        )
        return [each for name, group in groups for each in self._least_busy(name, group, affinity)]

    def answered(self, deployment: Deployment, affinity: str) -> None:
        """A replica that answers keeps its conversation, where it is one: it has what was said so far in its cache."""
        if affinity and deployment.provider.kind == "vllm":
            home = (_group_of(deployment), _digest(affinity))  # a program may name its conversations at any length
            self._homes[home] = deployment.name
            self._homes.move_to_end(home)
            if len(self._homes) > _REMEMBERED:
                self._homes.popitem(last=False)

    def _least_busy(self, name: str, group: Sequence[Deployment], affinity: str) -> list[Deployment]:
        if len(group) == 1:
            return list(group)
        home = self._homes.get((name, _digest(affinity)))
        return sorted(group, key=lambda each: (each.name != home, self._loads.of(each)))


def group_replicas(deployments: Iterable[Deployment]) -> dict[str, list[Deployment]]:
    """Deployments with weight, those that are equal together."""
    groups: dict[str, list[Deployment]] = {}
    for each in deployments:
        if each.weight > 0:
            groups.setdefault(_group_of(each), []).append(each)
    return groups


def _group_of(deployment: Deployment) -> str:
    """What equal deployments have in common: vLLM servers are, of one model, one weight and the same parameters."""
    if deployment.provider.kind != "vllm":
        return deployment.name
    return f"vllm/{deployment.upstream} {deployment.weight} {sorted(deployment.parameters.items(), key=repr)}"


def in_order(
    deployments: Iterable[D], affinity: str, *, name: Callable[[D], str], weight: Callable[[D], float]
) -> list[D]:
    """Anything with a name and a weight as a call is to try it; what has no weight is left out.

    Args:
        deployments: Of one model.
        affinity: Calls of one affinity have one order.
        name: By which one is told apart, whatever the order they are given in.
        weight: Its share of the calls, relative to the others'; 0 takes none.
    """
    taking = [each for each in deployments if weight(each) > 0]
    return sorted(taking, key=lambda each: weight(each) / math.log(_number(affinity, name(each))))


def _number(affinity: str, name: str) -> float:
    """Evenly spread between 0 and 1, and neither of them."""
    return (int.from_bytes(_digest(f"{affinity}\0{name}")) + 0.5) / _SPACE


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
