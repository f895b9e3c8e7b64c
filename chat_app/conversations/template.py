"""Variables in a system prompt: `{{date}}` and the like, and those of a recipe's or a conversation's own. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_VARIABLE = re.compile(r"\{\{\s*([^{}\s](?:[^{}]*[^{}\s])?)\s*\}\}")
_LANGUAGES = {"zh": "中文"}
_NOBODY = {"zh": "用户"}


def variables_in(text: str) -> list[str]:
    """The names of the variables that a text uses, each once, in its order."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def rendered(text: str, values: Mapping[str, str]) -> str:
    """A text with its variables filled in; one that is not known stays as it is."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def given(*, name: str, locale: str, time_zone: str, now: datetime | None = None) -> dict[str, str]:
    """What `GIVEN` stand for: today's date by the person's clock, what they are called, the language of their page.

    Args:
        name: What they are called; empty where nobody has said.
        locale: Such as "zh-CN".
        time_zone: Such as "Asia/Shanghai"; an unknown one is UTC.
        now: The moment; None is this one.
    """
    language = locale[:2]
    date = (now or datetime.now(UTC)).astimezone(_zone(time_zone)).date()
    return {
        "date": date.isoformat(),
        "user": name or _NOBODY.get(language, "the user"),
        "language": _LANGUAGES.get(language, "English"),
    }


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, OSError, ValueError):  # none of that name, or a name that none can have
        return ZoneInfo("UTC")
