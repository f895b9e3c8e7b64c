"""Sets of prompts: read from a file of lines, or picked from what was asked before."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chat_app.conversations.attachments import words_of
from chat_app.conversations.finding import Finding, Wanted
from chat_app.conversations.replay.checks import Check, checked
from chat_app.errors import BadRequest, ValueRefused
from chat_app.extraction.bounded import Bounded
from chat_app.messages import Json, Message, Principal, Struct, TextPart, storable
from chat_app.store.messages import MessageStore
from chat_app.store.prompts import Asked, NewPrompt, Prompt, PromptStore, SetRecord

MOST_PROMPTS = 5_000
MOST_BYTES = 20_000_000
MOST_CHECKS = 10
_MOST_NAME, _MOST_CHARS, _MOST_TOLD = 200, 200_000, 20
_BEFORE = 40  # messages before a question that was asked
_LISTED, _HITS = 200, 100
_encode = msgspec.json.Encoder().encode
_decode_checks = msgspec.json.Decoder(tuple[Check, ...]).decode


class Said(Struct, frozen=True):
    """What somebody said before a prompt, or the prompt itself, which comes last."""

    role: str
    content: str


_decode_said = msgspec.json.Decoder(tuple[Said, ...]).decode


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a file that is no prompt: its number, from 1, and a reason: `json`, `prompt`, `long`."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What was made of a file: a set of so many prompts, and the first of its bad lines, of which there are `bad`."""

    set_id: str
    prompts: int
    bad: int
    lines: tuple[BadLine, ...]


def said_in(prompt: Prompt) -> tuple[Said, ...]:
    """What is asked, the last of it."""
    return _decode_said(prompt.messages)


def branch_of(prompt: Prompt) -> list[Message]:
    """The same for a prompt, newest first."""
    return [
        Message("assistant" if each.role == "assistant" else "user", (TextPart(each.content),))
        for each in reversed(said_in(prompt))
    ]


def checks_in(text: str) -> tuple[Check, ...]:
    """Checks as they are stored."""
    return _decode_checks(text)


@dataclass(frozen=True, slots=True)
class Lines:
    """What a file has: prompts, one more than a set may have at most; how many lines are none, and the first."""

    prompts: list[NewPrompt]
    bad: int
    first_bad: tuple[BadLine, ...]


def read_lines(text: str) -> Lines:
    """The prompts of a file of JSON lines; empty ones are passed over. A large file takes seconds.

    A line is `{"prompt": …}`, or `{"messages": [{"role": …, "content": …}, …]}` as OpenAI's files have it, with
    `expected` where there is a right answer. A system message is left out: a recipe brings its own.
    """
    found: list[NewPrompt] = []
    first_bad: list[BadLine] = []
    bad = 0
    for number, line in enumerate(io.StringIO(text.removeprefix("\ufeff"), newline="\n"), 1):
        if not line.strip():
            continue
        read = _read(line)
        if isinstance(read, NewPrompt):
            found.append(read)
            if len(found) > MOST_PROMPTS:
                break
            continue
        bad += 1
        if len(first_bad) < _MOST_TOLD:
            first_bad.append(BadLine(number, read))
    return Lines(found, bad, tuple(first_bad))


def _read(line: str) -> NewPrompt | str:
    """A prompt, or why a line is none."""
    try:
        value: Json = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return "json"
    said = _said_of(value) if isinstance(value, dict) else None
    if not isinstance(value, dict) or said is None:
        return "prompt"
    given = value.get("expected", value.get("ideal"))
    if isinstance(given, dict | list):
        return "prompt"
    expected = "" if given is None else given if isinstance(given, str) else msgspec.json.encode(given).decode()
    if sum(len(each.content) for each in said) + len(expected) > _MOST_CHARS:
        return "long"
    return NewPrompt(_encode(said).decode(), storable(expected))


def _said_of(value: dict[str, Json]) -> list[Said] | None:
    if isinstance(prompt := value.get("prompt"), str):
        return [Said("user", storable(prompt))] if prompt.strip() else None
    messages = value.get("messages", value.get("input"))
    if not isinstance(messages, list):
        return None
    said: list[Said] = []
    for each in messages:
        role, content = (each.get("role"), each.get("content")) if isinstance(each, dict) else (None, None)
        if role in ("system", "developer"):
            continue
        if role not in ("user", "assistant") or not isinstance(content, str):
            return None
        said.append(Said(str(role), storable(content)))
    return said if said and said[-1].role == "user" and said[-1].content.strip() else None


class PromptSets:
    """Use cases."""

    def __init__(self, store: PromptStore, messages: MessageStore, finding: Finding, bounded: Bounded) -> None:
        self.store = store
        self._messages, self._finding, self._bounded = messages, finding, bounded

    async def take(self, who: Principal, name: str, lines: Lines) -> Taken:
        """Keep what a file has.

        Raises:
            ValueRefused: It has no prompt, or too many; or the name is none.
        """
        if not lines.prompts:
            raise ValueRefused("There is no prompt in this file.", "no_prompts")
        if len(lines.prompts) > MOST_PROMPTS:
            raise ValueRefused(f"A set has {MOST_PROMPTS:,} prompts at most.", "too_many_prompts", limit=MOST_PROMPTS)
        set_id = await self.store.add(who.user_id, _name(name), "[]", lines.prompts)
        return Taken(set_id, len(lines.prompts), lines.bad, lines.first_bad)

    async def pick(self, who: Principal, name: str, message_ids: Sequence[str]) -> Taken:
        """Keep questions that were asked, each with what was said before it. Files are not kept with them.

        Raises:
            BadRequest: One is no question.
            ValueRefused: There is none, or too many, or one has no words; or the name is none.
            NotFound: No such message, or someone else's.
        """
        ids = list(dict.fromkeys(message_ids))
        if not 0 < len(ids) <= _LISTED:
            raise ValueRefused(f"Pick 1 to {_LISTED} questions.", "pick_some", limit=_LISTED)
        made = [await self._picked(who, message_id) for message_id in ids]
        set_id = await self.store.add(who.user_id, _name(name), "[]", made)
        return Taken(set_id, len(made), 0, ())

    async def _picked(self, who: Principal, message_id: str) -> NewPrompt:
        record = await self._messages.shown(who.user_id, message_id)
        if record.role != "user":
            raise BadRequest("Only questions can be picked.", detail="ids")
        branch = await self._messages.history(who.user_id, message_id, _BEFORE)
        said = [Said(each.role, words_of(each.parts)) for each in reversed(branch)]
        if not said[-1].content.strip():
            raise ValueRefused("A question without words cannot be asked again.", "wordless")
        return NewPrompt(_encode(_in_turns(said)).decode(), message_id=message_id)

    async def asked(
        self, who: Principal, *, words: str = "", recipe_id: str = "", thumb: str = ""
    ) -> tuple[list[Asked], bool]:
        """(questions of before to pick from, the newest first, whether there are more).

        By what they or their answers say, a recipe, a thumb.
        """
        of: list[str] | None = None
        has_more = False
        if words.strip():
            results = await self._finding.find(who, Wanted(words, kind="message"), limit=_HITS)
            of = [each.chunk.source for each in results.hits]
            has_more = len(of) >= _HITS
        found = await self.store.asked(who.user_id, limit=_LISTED + 1, recipe_id=recipe_id, thumb=thumb, of=of)
        return found[:_LISTED], has_more or len(found) > _LISTED

    async def change(
        self, who: Principal, set_id: str, *, name: str | None = None, checks: Sequence[Check] | None = None
    ) -> SetRecord:
        """Give a set another name, or other checks.

        Raises:
            NotFound: No such set, or someone else's.
            ValueRefused: The name is none, or a check is, or there are too many.
        """
        values = {} if name is None else {"name": _name(name)}
        if checks is not None:
            if len(checks) > MOST_CHECKS:
                raise ValueRefused(f"A set has {MOST_CHECKS} checks at most.", "too_many_checks", limit=MOST_CHECKS)
            values["checks"] = _encode([await checked(self._bounded, each) for each in checks]).decode()
        if values:
            await self.store.change(who.user_id, set_id, **values)
        return await self.store.one(who.user_id, set_id)

    async def page(self, who: Principal, set_id: str, first: int, limit: int) -> tuple[SetRecord, list[Prompt]]:
        """A set, and some of its prompts from a position on.

        Raises:
            NotFound: No such set, or someone else's.
        """
        record = await self.store.one(who.user_id, set_id)
        return record, await self.store.prompts(set_id, first, limit)


def _in_turns(said: Sequence[Said]) -> list[Said]:
    """What has words, as much of the end as a prompt may have, from a question on; two in a row are one."""
    kept, room = list[Said](), _MOST_CHARS
    for each in reversed([each for each in said if each.content.strip()]):
        room -= len(each.content)
        if room < 0 and kept:
            break
        if kept and kept[0].role == each.role:
            kept[0] = Said(each.role, f"{each.content}\n\n{kept[0].content}")
        else:
            kept.insert(0, each)
    return kept if kept[0].role == "user" else kept[1:]


def _name(name: str) -> str:
    name = storable(" ".join(name.split()))[:_MOST_NAME]
    if not name:
        raise ValueRefused("A set needs a name.", "needs_name")
    return name
