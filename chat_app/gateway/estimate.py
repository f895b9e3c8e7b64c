"""About how many tokens a text is, where nobody has counted them.

No tokenizer is at hand for every model: four bytes of UTF-8 for alphabets, and a character each for Chinese, Japanese
and Korean, err on the side of more. What is estimated is always said to be.
"""

from __future__ import annotations

from chat_app.messages import ChatRequest

PER_MESSAGE = 4


def estimate_tokens(text: str) -> int:
    """The tokens of a text."""
    if text.isascii():
        return len(text) // 4 + 1
    wide = sum(1 for character in text if character >= "\u2e80")
    return wide + (len(text.encode()) - 3 * wide) // 4 + 1


def estimate_prompt(request: ChatRequest) -> int:
    """The tokens of what a model is asked."""
    return sum(estimate_tokens(message.text) + PER_MESSAGE for message in request.messages)
