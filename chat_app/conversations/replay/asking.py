"""Asks for one answer of a replay, or for one verdict, again and again while there is hope."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import msgspec
import structlog

from chat_app.conversations.prompt import build_prompt
from chat_app.conversations.replay.checks import Check, outcomes, unmet
from chat_app.conversations.replay.judge import averaged, judging, verdict
from chat_app.conversations.replay.sets import branch_of, said_in
from chat_app.conversations.replay.sides import Side
from chat_app.conversations.retrieval import Retrieval
from chat_app.conversations.turns import Bill
from chat_app.errors import AnswerBroken, ChatError, LimitReached
from chat_app.events import Finish, ReasoningDelta, TextDelta
from chat_app.extraction.bounded import Bounded
from chat_app.gateway.caller import Caller, Purpose
from chat_app.gateway.gateway import Gateway
from chat_app.messages import UNKNOWN, ChatRequest, Usage, storable
from chat_app.parameters import most_tokens
from chat_app.store.prompts import Prompt
from chat_app.store.replays import Answer, Verdict

log = structlog.get_logger(__name__)
_TRIES = 4
_FIRST_WAIT_S, _LONGEST_WAIT_S, _LONGEST_LIMIT_S = 1.0, 60.0, 300.0
_NOTE_CHARS = 2_000


@dataclass(slots=True)
class _Heard:
    """What a model said, or why it did not, and what that took."""

    text: str = ""
    error_code: str | None = None
    error_detail: str = ""
    usage: Usage = UNKNOWN
    first_token_ms: int | None = None
    duration_ms: int = 0


class Asking:
    """Asks.

    Args:
        gateway: The door to the models.
        retrieval: Finds passages in the documents that a recipe names.
        bounded: Looks at what may never end.
        reply_reserve_tokens: Part of the context kept free for an answer of which nobody says how long it may be.
        document_tokens: Most tokens of passages that go with a prompt.
        first_wait_s: How long the first wait is before a second try.
    """

    def __init__(
        self,
        gateway: Gateway,
        retrieval: Retrieval,
        bounded: Bounded,
        *,
        reply_reserve_tokens: int,
        document_tokens: int,
        first_wait_s: float = _FIRST_WAIT_S,
    ) -> None:
        self._gateway, self._retrieval, self._bounded = gateway, retrieval, bounded
        self._reserve, self._document_tokens = reply_reserve_tokens, document_tokens
        self._first_wait_s = first_wait_s

    async def answer(self, user_id: str, prompt: Prompt, side: Side, number: int, checks: Sequence[Check]) -> Answer:
        """One side's answer, held to the checks; one that failed says by which error.

        Args:
            user_id: Whose replay it is.
            prompt: To what.
            side: Of whom.
            number: The side's, 0 or 1.
            checks: What it is held to.
        """
        bill = Bill()
        heard = await self._heard(user_id, "replay", lambda: self._request(user_id, prompt, side), bill)
        found = (
            await outcomes(self._bounded, checks, heard.text, prompt.expected)
            if heard.error_code is None
            else unmet(checks, prompt.expected)
        )
        return Answer(
            prompt.position, number, heard.text, heard.duration_ms, msgspec.json.encode(found).decode(),
            heard.error_code, heard.error_detail, heard.usage.input_tokens, heard.usage.output_tokens, bill.micros,
            heard.first_token_ms,
        )  # fmt: skip

    async def verdict(
        self, user_id: str, prompt: Prompt, answers: Sequence[str], check: Check, judge: str
    ) -> tuple[Verdict, bool]:
        """(a judge's, who is told the two answers in both orders, whether it failed).

        One that says nothing clear leaves a note of why.

        Args:
            user_id: Whose replay it is.
            prompt: What was asked.
            answers: What the two sides said.
            check: The judging one.
            judge: What the verdict is kept by.
        """
        bill = Bill()
        said = said_in(prompt)
        question = said[0].content if len(said) == 1 else "\n\n".join(f"[{each.role}] {each.content}" for each in said)
        scores, notes, has_failed = list[float | None](), list[str](), False
        for first, second in (answers, answers[::-1]):

            async def request(first: str = first, second: str = second) -> ChatRequest:
                return judging(check.model, check.value, question, first, second)

            heard = await self._heard(user_id, "judge", request, bill)
            scores.append(verdict(heard.text))
            notes.append(" ".join(filter(None, (heard.error_code, heard.error_detail))) or heard.text)
            if scores[-1] is None:
                has_failed = heard.error_code is not None
                break  # whatever it says the other way round
        score = averaged(scores[0], scores[-1]) if len(scores) > 1 else None
        note = "\n\n".join(notes)[:_NOTE_CHARS]
        return Verdict(prompt.position, judge, score, note, bill.micros), has_failed

    async def _request(self, user_id: str, prompt: Prompt, side: Side) -> ChatRequest:
        route, branch = await self._gateway.route(side.model), branch_of(prompt)
        context = ""
        if side.documents:
            found = await self._retrieval.passages(user_id, side.documents, branch)
            context = found.within(self._document_tokens).context
        return build_prompt(
            model=side.model,
            newest_first=branch,
            context_tokens=route.card.context_tokens,
            reserve_tokens=most_tokens(side.parameters) or self._reserve,
            system=side.system,
            context=context,
            parameters=side.parameters,
        ).request

    async def _heard(
        self, user_id: str, purpose: Purpose, request: Callable[[], Awaitable[ChatRequest]], bill: Bill
    ) -> _Heard:
        """What a model says. A limit of minutes is waited out; a fault that may pass is tried four times in all."""
        tries, wait_s = 0, self._first_wait_s
        while True:
            heard = _Heard()
            try:
                caller = Caller(user_id, purpose=purpose, cache_s=0, falls_back=False, on_used=bill.add)
                await self._hear(caller, await request(), heard)
            except LimitReached as error:
                if error.retry_after_s > _LONGEST_LIMIT_S:
                    return _Heard(error_code=error.code, error_detail=_why(error))
                wait_s = error.retry_after_s
            except ChatError as error:
                tries += 1
                if not error.retryable or tries == _TRIES:
                    return _Heard(error_code=error.code, error_detail=_why(error))
                wait_s = max(getattr(error, "retry_after_s", None) or 0.0, self._first_wait_s * 2 ** (tries - 1))
                log.info("replay.again", code=error.code, wait_s=wait_s)
            else:
                return heard
            await asyncio.sleep(min(wait_s, _LONGEST_WAIT_S))

    async def _hear(self, caller: Caller, request: ChatRequest, heard: _Heard) -> None:
        began, pieces, is_over = time.monotonic(), list[str](), False
        async with aclosing(self._gateway.stream(request, caller)) as events:
            async for event in events:
                match event:
                    case TextDelta(text) | ReasoningDelta(text) if text:
                        if heard.first_token_ms is None:
                            heard.first_token_ms = _since(began)
                        pieces += [text] if isinstance(event, TextDelta) else []
                    case Finish(_, usage):
                        heard.usage, is_over = usage, True
                    case _:
                        pass
        if not is_over:
            raise AnswerBroken("The answer broke off.")
        heard.text, heard.duration_ms = storable("".join(pieces)), _since(began)


def _why(error: ChatError) -> str:
    """What its server says of it, or it says itself."""
    return storable(error.detail or str(error))[:_NOTE_CHARS]


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
