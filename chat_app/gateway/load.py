"""How busy the servers of one model are, by their own word and by the calls that went to them since."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

import structlog

from chat_app.errors import ModelError, ModelFailed
from chat_app.gateway.route import Deployment
from chat_app.providers.base import Load, TellsLoad

log = structlog.get_logger(__name__)
_NOTHING = Load(0, 0.0)


class Loads:
    """What is known of each deployment's load.

    Args:
        refresh_s: How often the servers are asked, and how long one may take.
    """

    def __init__(self, *, refresh_s: float) -> None:
        self._refresh_s = refresh_s
        self._told: dict[str, Load] = {}
        self._silent: set[str] = set()
        self._open: Counter[str] = Counter()
        self._open_then: dict[str, int] = {}

    def of(self, deployment: Deployment) -> tuple[bool, int, int, int]:
        """Sorts by how long a call would wait.

        Those that answer before those that do not; then by calls that queue, by tenths of the cache in use, by our own
        open calls. One that has no such figures is taken for idle.
        """
        told, now = self._told.get(deployment.name, _NOTHING), self._open[deployment.name]
        since = now - self._open_then.get(deployment.name, 0)
        return deployment.name in self._silent, max(0, told.waiting + since), int(told.cache_usage * 10), now

    @contextmanager
    def counted(self, deployment: Deployment) -> Generator[None]:
        """A call is open while the block runs."""
        self._open[deployment.name] += 1
        try:
            yield
        finally:
            self._open[deployment.name] -= 1
            if not self._open[deployment.name]:
                del self._open[deployment.name]  # names may be made up, without end

    async def run(self, replicas: Callable[[], Iterable[Deployment]]) -> None:
        """Ask again and again, until cancelled.

        Args:
            replicas: Those among which there is a choice.
        """
        while True:
            await asyncio.sleep(self._refresh_s)
            async with asyncio.TaskGroup() as group:
                for each in replicas():
                    group.create_task(self._ask(each))

    async def _ask(self, deployment: Deployment) -> None:
        if not isinstance(deployment.provider, TellsLoad):
            return
        try:
            async with asyncio.timeout(self._refresh_s):
                self._told[deployment.name] = await deployment.provider.load()
            self._silent.discard(deployment.name)
        except Exception as error:  # whatever a server says of itself: the others, and all else, go on
            if not isinstance(error, ModelError | TimeoutError):  # a fault of ours, to be seen
                log.exception("load.fault", deployment=deployment.name)
            self._told.pop(deployment.name, None)
            (self._silent.discard if isinstance(error, ModelFailed) else self._silent.add)(deployment.name)
            log.info("load.unknown", deployment=deployment.name, error=type(error).__name__)
        self._open_then[deployment.name] = self._open[deployment.name]
