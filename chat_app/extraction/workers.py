"""Processes that look into files: each file gets one of its own, with bounds on its time and memory, and no secrets.

What is in a file was made by a stranger. A decoder that loops, swells or crashes ends its process, and nobody's answer.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from chat_app.errors import FileRefused, StoreUnavailable
from chat_app.extraction import worker
from chat_app.messages import FileFacts, Struct

log = structlog.get_logger(__name__)
_EXCERPT = 300
_ROOM = 1_000_000  # bytes
UNSTORED = "The file cannot be stored just now."
_ROOT = Path(__file__).parents[2]
SENTENCES = {
    "broken": "The file cannot be read: it is damaged or cut off.",
    "pixels": "The picture has more than {most} million pixels.",
    "long": "The recording is longer than {most} minutes.",
    "protected": "The file is protected by a password.",
    "heavy": "The file takes too much time or memory to read.",
}
"""What is said of a file, by the reason that a worker gives."""


class _Told(Struct, frozen=True):
    facts: FileFacts | None = None
    refused: str = ""
    values: dict[str, str | float] = msgspec.field(default_factory=dict[str, str | float])


_decode = msgspec.json.Decoder(_Told).decode


class Workers:
    """Starts them.

    Args:
        at_once: Most of them at the same time.
        time_s: After which one is ended.
        memory_bytes: Most that one may take.
    """

    def __init__(self, *, at_once: int, time_s: float, memory_bytes: int) -> None:
        self._turns, self._time_s, self._memory_bytes = asyncio.Semaphore(at_once), time_s, memory_bytes

    async def run(self, task: str, source: Path, target: Path, *options: int) -> FileFacts:
        """Let a worker look into a file.

        Args:
            task: One of `worker.TASKS`.
            source: The file.
            target: What is made of it goes beside this path, under suffixes of its own.
            *options: What the task takes besides.

        Raises:
            FileRefused: It cannot be read, or is not what is taken.
            StoreUnavailable: What is made of it cannot be stored.
        """
        arguments = [task, source, target, int(self._time_s), self._memory_bytes, *options]
        async with self._turns:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "chat_app.extraction.worker", *map(str, arguments), cwd=_ROOT,
                env={"PATH": os.defpath}, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                async with asyncio.timeout(2 * self._time_s):  # it ends itself after so much of the processor's time
                    told, said = await process.communicate()
            except TimeoutError:
                told, said = b"", b"out of time"
            finally:
                await _ended(process)
        try:
            return _facts(told, process.returncode)
        except FileRefused as error:
            if await asyncio.to_thread(_is_full, target.parent):  # not every library says what it failed of
                raise StoreUnavailable(UNSTORED, detail="the disk is full") from error
            log.info("file.refused", task=task, reason=error.reason, said=said[-_EXCERPT:].decode(errors="replace"))
            raise


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _ROOM


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):  # it has ended at this moment
            process.kill()
        await process.wait()


def _facts(told: bytes, returncode: int | None) -> FileFacts:
    try:
        said = _decode(told)
    except msgspec.DecodeError:  # it was ended, by its bounds or by us, or a decoder met what it was not made for
        said = _Told(refused="broken" if returncode == 1 else "heavy")
    if said.facts is not None:
        return said.facts
    if said.refused == worker.UNSTORED:
        raise StoreUnavailable(UNSTORED, detail="the disk is full or fails")
    reason = said.refused if said.refused in SENTENCES else "broken"
    raise FileRefused(SENTENCES[reason].format(**said.values), reason, **said.values)
