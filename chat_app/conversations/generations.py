"""Replies in progress: start, stop, keep, recover. An answer belongs to the server, not to a tab.

One supervisor per process owns a task per answer. A keeper stores the text so far of all of them in one transaction
about once a second, which is their heartbeat too; a reaper marks answers whose heartbeat has stopped, on whichever
worker they ran, as interrupted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from itertools import count

import structlog

from chat_app.conversations.turns import Answer, Running, reply_to
from chat_app.errors import StoreUnavailable, StreamsUnavailable
from chat_app.events import Reply
from chat_app.store.answers import AnswerStore
from chat_app.store.database import now_ms, to_the_end
from chat_app.store.records import Checkpoint, Settlement
from chat_app.streams.base import Began, Ended, StreamLog, Unsaved, fold

log = structlog.get_logger(__name__)
_NARROW_S, _WIDE_S, _CALM = 0.016, 0.050, 8
_RETRY_FIRST_S, _RETRY_LAST_S = 0.2, 5.0

Ending = Callable[[Running, Settlement], Awaitable[None]]
"""What else happens when an answer has ended and is stored, such as its title."""


class Generations:
    """The supervisor of this process's running answers.

    Args:
        store: Where the words go.
        stream_log: Where they are seen live.
        heartbeat_s: How often a silent answer says that it lives.
        reap_after_s: Silence after which one counts as interrupted.
        checkpoint_s: How often the text so far is stored.
        shutdown_s: Time to store what was said when the process stops.
    """

    def __init__(
        self,
        store: AnswerStore,
        stream_log: StreamLog,
        *,
        heartbeat_s: float,
        reap_after_s: float,
        checkpoint_s: float,
        shutdown_s: float,
    ) -> None:
        self._store, self._log = store, stream_log
        self._heartbeat_s, self._reap_after_s = heartbeat_s, reap_after_s
        self._checkpoint_s, self._shutdown_s = checkpoint_s, shutdown_s
        self._running: dict[str, Running] = {}  # by generation
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self, *, alone: bool) -> AsyncGenerator[None]:
        """Supervise while the block runs.

        Args:
            alone: No other process runs answers, so every answer the store thinks running is a dead one's.
        """
        await self._reap(now_ms() + 1 if alone else now_ms() - int(self._reap_after_s * 1000))
        async with asyncio.TaskGroup() as group:
            self._group = group
            keepers = [group.create_task(work()) for work in (self._keep, self._reap_often, self._hear_stops)]
            try:
                yield
            finally:
                await self._shut_down()
                for keeper in keepers:
                    keeper.cancel()
                self._group = None

    def start(self, running: Running, answer: Answer, ending: Ending) -> None:
        """Let an answer run from here on, whoever watches.

        Raises:
            RuntimeError: The process is shutting down.
        """
        if self._group is None:
            raise RuntimeError("the supervisor is closed")
        turn = running.turn
        for earlier in self._of(turn.reply_id):  # thought dead by another worker, and begun anew
            earlier.end("interrupted")
        self._running[turn.generation_id] = running
        self._log.append(turn.conversation_id, Began(turn.reply_id, running.reply.parts, generation=turn.generation_id))
        self._log.announce(running.user_id)
        running.task = self._group.create_task(self._live(running, answer, ending))

    def stop(self, message_id: str) -> None:
        """Stop an answer, on whichever worker it runs; what was said stays."""
        for running in self._of(message_id):  # at once, also while the log that carries requests is away
            running.end("stopped")
        self._log.request_stop(message_id)  # also then: what runs here may be a writer that was thought dead

    def _of(self, message_id: str) -> list[Running]:
        return [running for running in self._running.values() if running.turn.reply_id == message_id]

    def _message_ids(self) -> tuple[str, ...]:
        return tuple(running.turn.reply_id for running in self._running.values())

    def announce(self, user_id: str) -> None:
        """Tell every page of this person that the library changed."""
        self._log.announce(user_id)

    async def _live(self, running: Running, answer: Answer, ending: Ending) -> None:
        try:
            if running.ends_as is None:
                running.phase = "answering"
                settlement = await reply_to(running, answer, self._log, self._window_s)
            else:  # ended before its first step
                settlement = Settlement(
                    running.turn.reply_id, running.turn.conversation_id, running.turn.generation_id,
                    running.ends_as, running.reply.parts,
                )  # fmt: skip
            running.phase = "storing"
            await self._settle(running, settlement)
            if running.ends_as is None:
                running.phase = "after"
                await ending(running, settlement)
        except asyncio.CancelledError:
            raise
        except Exception:  # a task boundary: one answer's fault must not end the others
            log.exception("generation.unsettled", message_id=running.turn.reply_id)
        finally:
            del self._running[running.turn.generation_id]

    async def _settle(self, running: Running, settlement: Settlement) -> None:
        """Store how it ended; while the store is out of reach, say so and try again."""
        message_id, generation = settlement.message_id, settlement.generation_id
        pause_s = _RETRY_FIRST_S
        while True:
            try:
                await self._store.settle(settlement)
                break
            except StoreUnavailable as error:
                log.warning("generation.unsaved", message_id=message_id, error=error.detail)
                self._log.append(settlement.conversation_id, Unsaved(message_id, generation=generation))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _RETRY_LAST_S)
        self._log.append(settlement.conversation_id, Ended(message_id, settlement.status, generation=generation))
        self._log.announce(running.user_id)

    def _window_s(self) -> float:
        return min(_WIDE_S, _NARROW_S * max(1.0, len(self._running) / _CALM))

    async def _keep(self) -> None:
        """Store the text so far of those that grew, and the heartbeat of those that did not."""
        ticks_per_beat = max(1, round(self._heartbeat_s / self._checkpoint_s))
        ticks = count(1)

        async def keep() -> None:
            is_beat = next(ticks) % ticks_per_beat == 0
            living = [running for running in self._running.values() if running.phase != "after"]
            if due := [running for running in living if running.is_dirty or is_beat]:
                await self._checkpoint(due)

        await _every(self._checkpoint_s, keep)

    async def _checkpoint(self, due: list[Running]) -> None:
        checkpoints = [Checkpoint(r.turn.reply_id, r.turn.generation_id, r.reply.parts) for r in due]
        for running in due:
            running.is_dirty = False
        try:
            found = await self._store.checkpoint(checkpoints)
        except StoreUnavailable:
            for running in due:
                running.is_dirty = True
            raise
        for running in due:
            turn = running.turn
            # Thought dead while the store was out of reach, and begun anew: two must not write, nor be billed.
            if turn.generation_id in found.lost and running.phase == "answering":
                log.warning("generation.superseded", message_id=turn.reply_id)
                running.end("interrupted")
            if turn.generation_id in found.revived:
                self._log.begin_anew(turn.conversation_id, turn.reply_id)
                self._log.announce(running.user_id)

    async def _reap_often(self) -> None:
        await _every(self._heartbeat_s, lambda: self._reap(now_ms() - int(self._reap_after_s * 1000)))

    async def _reap(self, silent_since_ms: int) -> None:
        """What runs here lives, however long the store would not take its heartbeat."""
        for reaped in await self._store.reap(silent_since_ms, self._message_ids()):
            user_id, conversation_id, message_id, generation = reaped
            log.warning("generation.interrupted", message_id=message_id)
            try:
                is_over = await self._salvage(conversation_id, message_id, generation)
            except StoreUnavailable as error:  # the others, and those who wait for this one, are told all the same
                log.warning("generation.unsalvaged", message_id=message_id, error=error.detail)
                is_over = True
            if not is_over:  # its writer, who was thought dead, came back meanwhile
                continue
            self._log.append(conversation_id, Ended(message_id, "interrupted", generation=generation))
            self._log.announce(user_id)

    async def _salvage(self, conversation_id: str, message_id: str, generation: str) -> bool:
        """Words that reached the log after the last checkpoint outlive the worker that wrote them, in Redis.

        Returns:
            Whether it is still interrupted.
        """
        reply: Reply | None = None
        try:
            async with aclosing(self._log.follow(conversation_id, None)) as batches:
                reply = fold((await anext(batches)).entries).get(message_id)
        except StreamsUnavailable as error:
            log.warning("generation.unsalvaged", message_id=message_id, error=error.detail)
        return await self._store.salvage(message_id, generation, reply.parts if reply else ())

    async def _hear_stops(self) -> None:
        async for message_id in self._log.stop_requests():
            for running in self._of(message_id):
                running.end("stopped")

    async def _shut_down(self) -> None:
        tasks = [running.task for running in self._running.values() if running.task is not None]
        for running in list(self._running.values()):
            running.end("interrupted")
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._shutdown_s)
            for task in late:
                task.cancel()


async def _every(period_s: float, work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do this again and again until cancelled. What fails once is tried at the next turn: the supervisor must live."""
    while True:
        await asyncio.sleep(period_s)
        try:
            await to_the_end(work())
        except StoreUnavailable as error:
            log.warning("generation.store_unavailable", error=error.detail)
        except Exception:  # a task boundary: a keeper that ends would take every answer with it
            log.exception("generation.keeper_failed")
