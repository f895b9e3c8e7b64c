"""The Anthropic API, for programs: messages, and how many tokens they have. Models are listed with OpenAI's."""

from __future__ import annotations

import msgspec

from chat_app.api.answers import AnswerShape, answer
from chat_app.api.messages_wire import EventWriter, read_counted, read_messages, whole_message
from chat_app.api.programs import JSON, Program
from chat_app.gateway.estimate import estimate_prompt

_PASSED_ON = ("anthropic-version", "anthropic-beta")


_MESSAGES = AnswerShape("msg_", EventWriter, whole_message)


async def messages(program: Program) -> None:
    """`POST /v1/messages`, streamed or not.

    Raises:
        BadRequest: The body is no such request.
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelError: The model did not answer.
    """
    await answer(program, read_messages(program.body, _headers(program)), _MESSAGES)


async def count_tokens(program: Program) -> None:
    """`POST /v1/messages/count_tokens`: by the server where it counts, else about, which `x-estimated` says.

    Raises:
        BadRequest: The body is no such request.
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelUnknown: Nobody serves the model.
    """
    asked = read_counted(program.body, _headers(program))
    program.may_ask(asked.model)
    counted = await program.services.gateway.count(asked, program.caller)
    tokens = estimate_prompt(asked) if counted is None else counted
    await program.begin(JSON, headers=[("x-estimated", "true")] if counted is None else ())
    await program.write(msgspec.json.encode({"input_tokens": tokens}))


def _headers(program: Program) -> dict[str, str]:
    return {name: value for name in _PASSED_ON if (value := program.request.headers.get(name))}
