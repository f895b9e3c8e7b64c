"""Turns texts into numbers whose nearness is nearness of meaning: in a process of this machine, or by a model's server.

Whoever waits for an answer goes before what is done in the background.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from chat_app.errors import EmbedderUnavailable
from chat_app.search.embedding_worker import THREADS

log = structlog.get_logger(__name__)
LOCAL = "all-MiniLM-L6-v2"
_ROOT = Path(__file__).parents[2]
_MOST_TEXTS, _MOST_CHARS = 16, 2000
"""Of a batch: somebody who types waits for no more than one, some tenths of a second."""
_REMOTE_TEXTS = 64
_BEYOND_LATIN = "\u0250"
_LATIN = re.compile(r"[^\W\d_\u0250-\U0010ffff]+")
_IDLE_S = 600
_BATCH_S = 60


class Embedder(Protocol):
    """Makes vectors."""

    @property
    def model(self) -> str:
        """What makes them: vectors of two models cannot be compared."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether texts stay on this machine."""
        ...

    @property
    def at_once(self) -> int:
        """Texts of the background that are best asked for together."""
        ...

    @property
    def least(self) -> float:
        """A cosine below which two texts have nothing to do with one another."""
        ...

    def reads(self, text: str) -> bool:
        """Whether its vectors of such a text mean anything: a model knows the languages that it was trained on."""
        ...

    async def embed(self, texts: Sequence[str], *, waited_for: bool = False) -> list[bytes]:
        """A vector of length 1 for each text, as float32, little-endian.

        Args:
            texts: What is longer than the model reads is cut.
            waited_for: Somebody waits: before all that is not.

        Raises:
            EmbedderUnavailable: They cannot be made now.
        """
        ...

    async def prepare(self) -> None:
        """Make ready for a text that is still being typed; costs nothing where that would cost money.

        Raises:
            EmbedderUnavailable: It cannot be made ready.
        """
        ...

    async def aclose(self) -> None:
        """Let go of what is open."""
        ...


class _Worker:
    """A running process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise TypeError("The process has no pipes.")
        self.process, self._asked, self._told = process, process.stdin, process.stdout
        self._owed = 0  # answers that have not been read yet: those before the last are nobody's
        self._length: int | None = None  # of the answer that is being read

    @property
    def is_there(self) -> bool:
        """Whether it runs, as far as is known."""
        return self.process.returncode is None

    async def ask(self, texts: Sequence[str]) -> bytes:
        """The vectors of some texts, one after the other; answers that nobody waits for any more are passed over."""
        self._asked.write(msgspec.json.encode(texts) + b"\n")
        self._owed += 1
        await self._asked.drain()
        while True:
            numbers = await self._next()
            if not self._owed:
                return numbers

    async def _next(self) -> bytes:
        """The next answer; cancelled, it is the next again."""
        if self._length is None:
            self._length = int.from_bytes(await self._told.readexactly(4), "little")
        numbers = await self._told.readexactly(self._length)
        self._owed, self._length = self._owed - 1, None
        return numbers

    def retire(self) -> None:
        """Let it end by itself."""
        self._asked.close()

    async def end(self) -> None:
        """End it now."""
        if self.is_there:
            with suppress(ProcessLookupError):  # it has ended at this moment
                self.process.kill()
            await self.process.wait()


class LocalEmbedder:
    """all-MiniLM-L6-v2 in a process of its own, which is started ahead of a text and ends when none came for long."""

    model, is_local, at_once = LOCAL, True, _MOST_TEXTS
    least = 0.25  # no right answer to the labelled questions that it was chosen by is below

    def __init__(self, *, idle_s: float = _IDLE_S) -> None:
        self._idle_s = idle_s
        self._worker: _Worker | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()
        self._timer: asyncio.TimerHandle | None = None

    def reads(self, text: str) -> bool:
        """It was trained on English: at least as many words are Latin as there are letters of other scripts.

        A Han is about a word; of what is not Latin the model knows single letters at most.
        """
        others = sum(char.isalpha() and char >= _BEYOND_LATIN for char in text)
        return len(_LATIN.findall(text)) >= others

    async def embed(self, texts: Sequence[str], *, waited_for: bool = False) -> list[bytes]:
        """As the protocol says."""
        if waited_for:
            self._waiting += 1
            self._nobody_waits.clear()
        try:
            found: list[bytes] = []
            for batch in _batches(texts):
                if not waited_for:
                    await self._nobody_waits.wait()
                async with self._turn:
                    found += await self._ask(batch)
            return found
        finally:
            if waited_for:
                self._waiting -= 1
                if not self._waiting:
                    self._nobody_waits.set()

    async def prepare(self) -> None:
        """As the protocol says: the process reads its model while nobody waits for it yet."""
        if not self._turn.locked():  # else somebody has started it
            async with self._turn:
                await self._running()
                self._stay()

    async def aclose(self) -> None:
        """End the process."""
        self._cancel_timer()
        if self._worker is not None:
            await self._worker.end()

    async def _ask(self, batch: Sequence[str]) -> list[bytes]:
        worker = await self._running()
        try:
            async with asyncio.timeout(_BATCH_S):
                numbers = await worker.ask(batch)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.warning("embedder.ended", error=type(error).__name__)
            await worker.end()
            raise EmbedderUnavailable("The embedding process ended.") from error
        finally:
            self._stay()
        size = len(numbers) // len(batch)
        return [numbers[at : at + size] for at in range(0, len(numbers), size)]

    async def _running(self) -> _Worker:
        """The process, which stays until `_stay` says how long."""
        self._cancel_timer()
        return self._worker if self._worker and self._worker.is_there else await self._start()

    def _stay(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._retire)

    async def _start(self) -> _Worker:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "chat_app.search.embedding_worker", cwd=_ROOT,
                env={"PATH": os.defpath} | THREADS, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise EmbedderUnavailable("The embedding process cannot be started.", detail=str(error)) from error
        self._worker = _Worker(process)
        return self._worker

    def _retire(self) -> None:
        """Nobody has asked for long: the memory is given back."""
        if self._worker is not None:
            self._worker.retire()
            self._worker = None

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class RemoteEmbedder:
    """A model of a server, through the gateway. What is far to it is not known.

    Args:
        model: Its name in the catalogue.
        ask: The gateway's way from texts to their vectors.
    """

    least, is_local, at_once = 0.0, False, _REMOTE_TEXTS

    def __init__(self, model: str, ask: Callable[[Sequence[str]], Awaitable[list[bytes]]]) -> None:
        self.model = model
        self._ask = ask

    def reads(self, text: str) -> bool:
        """It was chosen for what people write."""
        return True

    async def embed(self, texts: Sequence[str], *, waited_for: bool = False) -> list[bytes]:
        """As the protocol says; the gateway's limits decide who goes first."""
        found: list[bytes] = []
        for at in range(0, len(texts), _REMOTE_TEXTS):
            found += await self._ask(texts[at : at + _REMOTE_TEXTS])
        return found

    async def prepare(self) -> None:
        """A server is always ready."""

    async def aclose(self) -> None:
        """Nothing is open."""


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch, chars = list[str](), 0
    for text in texts:
        if batch and (len(batch) == _MOST_TEXTS or chars + len(text) > _MOST_CHARS):
            yield batch
            batch, chars = [], 0
        batch.append(text)
        chars += len(text)
    if batch:
        yield batch
