"""About how many tokens a text is, where nobody has counted them.

No tokenizer is at hand for every model: four bytes of UTF-8 for alphabets, and a character each for Chinese, Japanese
and Korean, err on the side of more. What is estimated is always said to be.
"""

from __future__ import annotations

import msgspec

from chat_app.messages import ChatRequest, MediaPart, Message, Part, TextPart, ToolCallPart, ToolResultPart

PER_MESSAGE = 4


def estimate_tokens(text: str) -> int:
    """The tokens of a text."""
    if text.isascii():
        return len(text) // 4 + 1
    wide = sum(1 for character in text if character >= "\u2e80")
    return wide + (len(text.encode()) - 3 * wide) // 4 + 1


def text_tokens(part: MediaPart) -> int:
    """The tokens of what stands for a file; of long ones they were counted where that holds up nobody."""
    return part.text_tokens or estimate_tokens(part.text)


def estimate_prompt(request: ChatRequest) -> int:
    """The tokens of what a model is asked, tools and what they gave back included."""
    said = sum(map(estimate_message, request.messages))
    tools = [tool.description + msgspec.json.encode(tool.schema).decode() for tool in request.tools]
    return request.given_tokens + said + sum(map(estimate_tokens, tools))


def estimate_message(message: Message) -> int:
    """The tokens of a message, whoever says it."""
    return PER_MESSAGE + sum(map(_of_part, message.parts))


def _of_part(part: Part | MediaPart) -> int:
    match part:
        case TextPart(text) | ToolResultPart(_, text) | ToolCallPart(_, _, text):
            return estimate_tokens(text)
        case MediaPart():
            return part.tokens or text_tokens(part)  # see `media.weighed`
        case _:
            return 0
