"""One table of what a server may do × every wire: what the page shows of it, and what the vendors' clients get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import anthropic
import openai
import pytest

from tests.api.programs import WIRES, Api, reached_by, serving
from tests.conversations.talk import send, until_settled, words_of
from tests.upstream import Script, Upstream
from tests.upstream_wires import ChatWire, MessagesWire, cut_in_a_character, said, sse

HI = [{"role": "user", "content": "hi"}]
TEXTS = ("世界 ", "is ", "one.")
WHOLE = "".join(TEXTS)


class Outcome(NamedTuple):
    """What is told: the words that came, and the error after them by its class and its code."""

    words: str
    error: object = None
    code: str | None = None


@dataclass
class Case:
    """Something that a server does.

    Args:
        script: It, from the events of `TEXTS` as the wire has them.
        page: What is stored and shown; its error is the answer's status.
        for_openai: What OpenAI's client gets.
        for_anthropic: What Anthropic's client gets.
        settings: The application's.
    """

    script: Callable[[list[bytes]], Script]
    page: Outcome
    for_openai: Outcome
    for_anthropic: Outcome
    settings: dict[str, object] = field(default_factory=dict)


def _whole(write: Callable[[list[bytes]], list[bytes]]) -> Case:
    """Well-formed, however it is written."""
    told = Outcome(WHOLE)
    return Case(lambda events: Script(write(events)), Outcome(WHOLE, "complete"), told, told)


def _broken(script: Callable[[list[bytes]], Script], **settings: object) -> Case:
    """The words that came are kept, and that they are not all is said."""
    return Case(
        script,
        Outcome(WHOLE, "interrupted", "answer_broken"),
        Outcome(WHOLE, openai.APIError, "answer_broken"),
        Outcome(WHOLE, anthropic.APIStatusError, "api_error"),
        settings,
    )


def _failed(
    script: Script, page: str, for_openai: tuple[object, str | None], for_anthropic: tuple[object, str]
) -> Case:
    """No word came."""
    return Case(lambda _: script, Outcome("", "failed", page), Outcome("", *for_openai), Outcome("", *for_anthropic))


def _over_lines(event: bytes) -> bytes:
    return event.replace(b', "', b',\ndata: "')


def _said(text: str, **more: object) -> Script:
    return Script(body={"type": "error", "error": {"message": text}}, **more)


FOLDED = ("qwen", "anthropic")
"""Wires on which also whoever wants an answer at once gets a stream's: of the others it is another answer."""
BROKEN = Outcome("", openai.InternalServerError, "answer_broken")
"""Half an answer is none to whom wants it at once."""
AILS = (anthropic.InternalServerError, "api_error")
CASES = {
    "as it is": _whole(list),
    "cut in a character": _whole(lambda events: [*cut_in_a_character(events[0]), *events[1:]]),
    "byte by byte": _whole(lambda events: [bytes([byte]) for event in events for byte in event]),
    "several events in a piece": _whole(lambda events: [b"".join(events)]),
    "JSON over several data lines": _whole(lambda events: [_over_lines(event) for event in events]),
    "CRLF": _whole(lambda events: [event.replace(b"\n", b"\r\n") for event in events]),
    "keep-alives": _whole(lambda events: [part for event in events for part in (b": keep-alive\n\n", event)]),
    "pings": _whole(lambda events: [events[0], b"event: ping\n" + sse({"type": "ping"}), *events[1:]]),
    "cut": _broken(lambda events: Script(events, ending="cut")),
    "stall": _broken(lambda events: Script([b"".join(events)], ending="stall"), idle_timeout_s=0.5),
    "a clean early end": _broken(lambda events: Script(events, ending="close")),
    "an end without a reason": _broken(lambda events: Script(events, ending="done")),
    "an error event": _broken(
        lambda events: Script([*events, said("error", error={"type": "overloaded_error", "message": "no"})], ending="done")
    ),
    "an error event in the words' piece": _broken(
        lambda events: Script([b"".join(events) + said("error", error={"message": "no"})], ending="done")
    ),
    "malformed JSON": _broken(lambda events: Script([*events, b"data: {nope\n\n"])),
    "silence": Case(
        lambda _: Script(first_s=30),
        Outcome("", "failed", "first_token_timeout"),
        Outcome("", openai.InternalServerError, "first_token_timeout"),
        Outcome("", anthropic.DeadlineExceededError, "timeout_error"),
        {"first_token_timeout_s": 0.2, "whole_timeout_s": 0.2},
    ),
    "401": _failed(_said("no", status=401), "key_refused", (openai.InternalServerError, "key_refused"), AILS),
    "404": _failed(
        _said("no", status=404),
        "model_unknown",
        (openai.NotFoundError, "model_not_found"),
        (anthropic.NotFoundError, "not_found_error"),
    ),
    "429": _failed(
        _said("no", status=429, headers={"retry-after": "7"}),
        "rate_limited",
        (openai.RateLimitError, "rate_limited"),
        (anthropic.RateLimitError, "rate_limit_error"),
    ),
    "400": _failed(
        _said("no such k", status=400),
        "request_refused",
        (openai.BadRequestError, None),
        (anthropic.BadRequestError, "invalid_request_error"),
    ),
    "400 over the context": _failed(
        _said("prompt is too long: 9 tokens > 8 maximum", status=400),
        "prompt_too_long",
        (openai.BadRequestError, "context_length_exceeded"),
        (anthropic.BadRequestError, "invalid_request_error"),
    ),
    "500": _failed(Script(status=500, body=b"<html>"), "model_failed", (openai.InternalServerError, "model_failed"), AILS),
    "529": _failed(
        _said("no", status=529),
        "overloaded",
        (openai.InternalServerError, "overloaded"),
        (anthropic.OverloadedError, "overloaded_error"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_whatever_a_server_does_has_one_outcome_for_the_page_and_one_for_programs(case, wire, tmp_path, upstream):
    spoken = MessagesWire if wire == "anthropic" else ChatWire
    upstream.default = case.script([spoken.piece("content", text) for text in TEXTS])
    async with serving(tmp_path, **reached_by(wire, upstream), **case.settings) as api:
        outcomes = [await _page(api), await _openai(api), await _anthropic(api)]
        assert outcomes == [case.page, case.for_openai, case.for_anthropic]
        if case.page.error == "failed" or wire in FOLDED:
            is_broken = case.page.error == "interrupted"
            assert await _openai_at_once(api, upstream) == (BROKEN if is_broken else case.for_openai)


async def _page(api: Api) -> Outcome:
    turn = await send(api.services, model="echo")
    status = await until_settled(api.services, turn)
    details = await api.services.conversations.messages.details("local", turn.reply_id)
    return Outcome(await words_of(api.services, turn), status, details.error_code)


async def _openai(api: Api) -> Outcome:
    words = ""
    async with api.openai() as client:
        try:
            async for chunk in await client.chat.completions.create(model="echo", messages=HI, stream=True):
                words += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        except openai.APIError as error:
            return Outcome(words, type(error), error.code)
    return Outcome(words)


async def _openai_at_once(api: Api, upstream: Upstream) -> Outcome:
    async with api.openai() as client:
        try:
            answer = await client.chat.completions.create(model="echo", messages=HI)
        except openai.APIStatusError as error:
            told = Outcome("", type(error), error.code)
            wait = error.response.headers.get("retry-after")
        else:
            return Outcome(answer.choices[0].message.content)
    assert wait == upstream.default.headers.get("retry-after")
    return told


async def _anthropic(api: Api) -> Outcome:
    words = ""
    async with api.anthropic() as client:
        try:
            async with client.messages.stream(model="echo", max_tokens=99, messages=HI) as stream:
                async for text in stream.text_stream:
                    words += text
        except anthropic.APIStatusError as error:
            return Outcome(words, type(error), error.body["error"]["type"])
    return Outcome(words)
