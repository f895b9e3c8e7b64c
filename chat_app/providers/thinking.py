"""Reasoning that a model writes into its text between `<think>` and `</think>`."""

from __future__ import annotations

from chat_app.events import Delta, ReasoningDelta, TextDelta

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Turns text pieces into text and reasoning deltas, wherever the tags were cut.

    Only a tag that opens the answer counts: later ones are words about tags. Line breaks around the tags are the
    template's, not the model's, and are dropped.
    """

    def __init__(self) -> None:
        self._state = "start"
        self._held = ""

    def feed(self, text: str) -> list[Delta]:
        """Take a piece of text; return what is certain by now."""
        if self._state == "text":
            return [TextDelta(text)]
        self._held += text
        deltas: list[Delta] = []
        if self._state == "start":
            self._start()
        if self._state in ("opened", "thinking"):
            deltas += self._think()
        if self._state == "after":
            self._held = self._held.lstrip("\n")
            if self._held:
                self._state = "text"
        if self._state == "text" and self._held:
            deltas.append(TextDelta(self._held))
            self._held = ""
        return deltas

    def close(self) -> list[Delta]:
        """What was held back when the stream ended."""
        held, self._held = self._held, ""
        if not held or self._state == "after":
            return []
        if self._state in ("opened", "thinking"):
            held = held.rstrip("\n")
            return [ReasoningDelta(held)] if held else []
        return [TextDelta(held)]

    def _start(self) -> None:
        ahead = self._held.lstrip()
        if ahead.startswith(_OPEN):
            self._held = ahead[len(_OPEN) :]
            self._state = "opened"
        elif not _OPEN.startswith(ahead):
            self._state = "text"

    def _think(self) -> list[Delta]:
        if self._state == "opened":
            self._held = self._held.lstrip("\n")
            if not self._held:
                return []
            self._state = "thinking"
        thought, tag, rest = self._held.partition(_CLOSE)
        if tag:
            self._held, self._state = rest, "after"
            thought = thought.rstrip("\n")
        else:
            certain = _certain(thought)
            thought, self._held = thought[:certain], thought[certain:]
        return [ReasoningDelta(thought)] if thought else []


def _certain(text: str) -> int:
    """How much of the text is thought for sure: its end may be the closing tag's beginning, or breaks before it."""
    for length in range(min(len(_CLOSE) - 1, len(text)), -1, -1):
        if text.endswith(_CLOSE[:length]):
            return len(text[: len(text) - length].rstrip("\n"))
    raise AssertionError("every text ends with nothing")
