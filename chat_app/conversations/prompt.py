"""From history to a request within the model's context. Pure: it asks nobody and stores nothing.

Tokens are estimated; the details of a message say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chat_app.errors import PromptTooLong
from chat_app.gateway.estimate import PER_MESSAGE, estimate_message, estimate_tokens, text_tokens
from chat_app.messages import (
    AttachmentPart,
    ChatRequest,
    MediaPart,
    Message,
    Parameters,
    Part,
    Parts,
    TextPart,
    text_of,
)

_HINT = "\n\n({hint})"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request, and how many of the oldest messages had to be left out for it to fit.

    `is_shortest` says that nothing but the last turn is in it.
    """

    request: ChatRequest
    left_out: int
    estimated_tokens: int
    is_shortest: bool


def build_prompt(
    *,
    model: str,
    newest_first: Sequence[Message],
    context_tokens: int | None,
    reserve_tokens: int,
    most_tokens: int | None = None,
    system: str = "",
    hint: str = "",
    context: str = "",
    drafts: str = "",
    parameters: Parameters | None = None,
    continue_final: bool = False,
) -> Prompt:
    """Cut history to its budget by whole turns from the oldest; the system prompt stays.

    Args:
        model: Who is asked.
        newest_first: The branch, from the last message up.
        context_tokens: The model's context; None leaves nothing out.
        reserve_tokens: What is kept free for the answer, at most half of the context.
        most_tokens: Leave turns out until no more are there by the estimate, where any can be.
        system: The system prompt.
        hint: A wish for this answer only, added to the last question.
        context: What stands before the last question, as passages of documents do.
        drafts: What stands after it, as answers do of which one is to be made.
        parameters: Passed on.
        continue_final: The last message is the answer to go on with.

    Raises:
        PromptTooLong: The last message alone does not fit.
    """
    messages = list(newest_first)
    asked = next((index for index, message in enumerate(messages) if message.role == "user"), None)
    after = drafts + (_HINT.format(hint=hint) if hint else "")
    if asked is not None and (after or context):
        messages[asked] = Message("user", (*_text(context), *messages[asked].parts, *_text(after)))
    sizes = [estimate_message(message) for message in messages]
    system_size = estimate_tokens(system) + PER_MESSAGE if system else 0
    budget = None
    if context_tokens is not None:
        budget = context_tokens - min(reserve_tokens, context_tokens // 2) - system_size
    # The last turn is indivisible: the question, with the answer that is to go on.
    kept = _turn_length(messages, 0)
    used = sum(sizes[:kept])
    if budget is not None and used > budget:
        lean = list(map(without_scans, newest_first))
        if lean != list(newest_first):
            return build_prompt(
                model=model, newest_first=lean, context_tokens=context_tokens, reserve_tokens=reserve_tokens,
                most_tokens=most_tokens, system=system, hint=hint, context=context, drafts=drafts,
                parameters=parameters, continue_final=continue_final,
            )  # fmt: skip
        raise PromptTooLong(
            f"This message is too long for {model}: {used + system_size:,} of {budget + system_size:,} tokens.",
            detail="The number of tokens is an estimate.",
        )
    last_turn = kept
    limits = [limit for limit in (budget, most_tokens) if limit is not None]
    while kept < len(messages):
        turn = _turn_length(messages, kept)
        size = sum(sizes[kept : kept + turn])
        if limits and used + size > min(limits):
            break
        kept, used = kept + turn, used + size
    head = (Message("system", (TextPart(system),)),) if system else ()
    request = ChatRequest(model, (*head, *reversed(messages[:kept])), parameters or {}, continue_final)
    return Prompt(request, len(messages) - kept, used + system_size, kept == last_turn)


def _text(text: str) -> tuple[TextPart, ...]:
    return (TextPart(text),) if text else ()


def _turn_length(newest_first: Sequence[Message], start: int) -> int:
    """How many messages, from `start` on towards the older, end with the question of their turn."""
    for index in range(start, len(newest_first)):
        if newest_first[index].role == "user":
            return index - start + 1
    return len(newest_first) - start


def without_scans(message: Message) -> Message:
    """The message, without the pictures of pages that have no words."""
    return Message(message.role, tuple(_without_scans(part) for part in message.parts))


def _without_scans(part: Part | MediaPart) -> Part | MediaPart:
    if not isinstance(part, MediaPart) or not part.pages:
        return part
    is_counted = part.tokens == sum(page.tokens for page in part.pages) + text_tokens(part)  # see `media.weighed`
    return msgspec.structs.replace(part, pages=(), tokens=0 if is_counted else part.tokens)


def spoken(parts: Parts) -> Parts:
    """What a model is told of an earlier message: its words and files, without its reasoning."""
    files = tuple(part for part in parts if isinstance(part, AttachmentPart))
    return _text(text_of(parts)) + files
