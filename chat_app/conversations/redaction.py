"""Takes out of a text what tells who somebody is or opens something: e-mail addresses, phone and card numbers, keys.

By patterns alone: a name, an address of a street, or a number that is written out in words stays. What it finds and
misses of labelled strings stands in docs/feedback.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import partial
from typing import Literal, TypeAlias, get_args

Secret: TypeAlias = Literal["key", "email", "card", "phone"]
SECRETS: tuple[Secret, ...] = get_args(Secret)
"""What can be taken out, in the order in which it is looked for."""

# Chinese has no blanks around a number or a word, so that its letters may stand beside one: `\b` would not see them.
_HAN = "\u4e00-\u9fff"
# How far a pattern looks ahead is bounded, else a text could hold the interpreter for minutes.
_BEFORE, _AFTER = r"(?<![\d.A-Za-z_-])", r"(?![_-]{0,40}\d|[A-Za-z_])"
_ALONE, _ENDS = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_LOCAL = rf"(?:(?<![\w.+%-])|(?<=[{_HAN}]))[A-Za-z0-9.+_%-]+"
_DATE = r"(?:19|20)\d\d[-./]?[01]\d[-./]?[0-3]\d(?!\d)"
_CUE = r"(?:(?<![A-Za-z])(?:tel|phone|mobile|cell|call|fax|whatsapp)|电话|手机|手機|電話|座机|传真|热线|微信)"
_NAMED = (
    r"(?:api[_-]?key|secret(?:[_-]?(?:access[_-]?)?key)?|access[_-]?key|token|passw(?:or)?d|pwd)|密码|口令|密钥|令牌"
)
_PATTERNS: dict[Secret, tuple[str, ...]] = {
    "key": (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        rf"{_ALONE}sk-[A-Za-z0-9_-]{{16,}}",  # OpenAI, Anthropic, DashScope, and whoever speaks like them
        rf"{_ALONE}(?:gh[pousr]_[A-Za-z0-9]{{20,}}|github_pat_[A-Za-z0-9_]{{20,}}|glpat-[A-Za-z0-9_-]{{16,}})",
        rf"{_ALONE}(?:AKIA|ASIA)[A-Z0-9]{{16}}{_ENDS}",
        rf"{_ALONE}(?:LTAI[A-Za-z0-9]{{12,}}|AKID[A-Za-z0-9]{{24,}})",  # Alibaba Cloud, Tencent Cloud
        rf"{_ALONE}AIza[A-Za-z0-9_-]{{30,}}",
        rf"{_ALONE}xox[abeoprs]-[A-Za-z0-9-]{{10,}}",
        rf"{_ALONE}(?:hf_|pcsk_|pypi-|npm_|rk_live_|sk_live_|pk_live_)(?=[A-Za-z_-]{{0,200}}\d)[A-Za-z0-9_-]{{16,}}",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # RFC 7519
        rf"{_ALONE}(?i:bearer|authorization: *basic) +(?P<header>[A-Za-z0-9._~+/-]{{16,}}=*)",
        # What has a name is one in quotes, or with a digit: else it is a word of a sentence, or a type in a program.
        rf"{_ALONE}(?i:{_NAMED})[\"']? *(?:[:=：]|(?i:is\b)[:：]?|[是为][:：]?) *"
        rf"(?:[\"'“](?P<quoted>[^\s\"'“”]{{4,}})(?=[\"'”])|(?P<named>(?=[^\s\"'“”,;，。；{_HAN}]{{0,200}}\d)[^\s\"'“”,;，。；{_HAN}]{{6,}}))",
        r"(?<=://)[^\s:/@]*:(?P<login>[^\s/]+)(?=@)",  # a password in an address
    ),
    "email": (
        rf"(?:\"[^\"\n]{{1,64}}\"|{_LOCAL})@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{{2,}}",
        rf"{_LOCAL}@[{_HAN}]{{1,20}}\.(?:公司|中国|中國|网络|網絡|在线|商城)",
        r"(?<![\w.+-])[A-Za-z0-9.+_-]+ ?[\[(] ?at ?[\])] ?"
        r"(?:[A-Za-z0-9-]+(?:\.| ?[\[(] ?dot ?[\])] ?))+[a-z]{2,}(?![a-z])",
        r"(?<![\w.+-])[a-z0-9.+_-]+ at [a-z0-9-]+ dot [a-z]{2,}\b",
    ),
    "card": (),
    "phone": (
        rf"(?<![\w+])(?:\+|00)[1-9](?:[ ().-]{{0,2}}\d){{7,14}}{_AFTER}",
        rf"{_BEFORE}(?:86[ -]?)?1[3-9]\d(?:[ -]?\d{{4}}){{2}}{_AFTER}",  # mobile, China
        rf"{_BEFORE}\(?0\d{{2,3}}\)?[ -]?[2-9]\d{{2,3}}[ -]?\d{{4}}{_AFTER}",  # landline, China and others
        rf"{_BEFORE}(?:400|800)-?\d{{3}}-?\d{{4}}{_AFTER}",  # service numbers, China
        # In groups, nine digits at least, and no date.
        rf"{_BEFORE}(?!\d\d[ /-]\d\d[ /-](?:19|20)\d\d)(?=0(?:[ /-]?\d){{8}})0[1-9]\d{{0,3}}"
        rf"(?:[ /-]\d{{2,4}}){{2,4}}{_AFTER}",
        rf"{_BEFORE}0[1-9]\d{{1,3}}/\d{{5,8}}{_AFTER}",  # Germany
        rf"{_BEFORE}0[1-9](?:\.\d\d){{4}}{_AFTER}",  # France
        rf"{_BEFORE}07\d{{3}} ?\d{{6}}{_AFTER}",  # mobile, United Kingdom
        rf"{_BEFORE}[6-9]\d{{4}} \d{{5}}{_AFTER}",  # mobile, India
        rf"{_BEFORE}(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{{3}}[ .-]\d{{4}}{_AFTER}",  # North America
        rf"(?i:{_CUE})(?:[\s.:：]|no\b|number|is\b|me\b|us\b|at\b|on\b|号码|号|是|为)*(?!{_DATE})"
        rf"(?P<cued>\+?\d(?:[ ().-]{{0,2}}\d){{6,14}}){_AFTER}",
    ),
}  # fmt: skip
_COMPILED = {kind: [re.compile(each, re.DOTALL) for each in patterns] for kind, patterns in _PATTERNS.items()}
_NARROW = {ord(wide): str(digit) for digit, wide in enumerate("０１２３４５６７８９")}
_NUMBERS = re.compile(rf"{_BEFORE}\d[\d\s-]{{11,}}\d(?![A-Za-z_])")
_GROUPS = ((4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4, 4), (4, 4, 4, 1), (4, 6, 5), (4, 6, 4), (6, 13))
"""How many digits the groups have that card numbers are written in, where they are; the longest first."""


def redacted(text: str, kinds: Collection[Secret] = SECRETS) -> str:
    """A text with a word in brackets, such as `[email]`, in the place of each thing of these kinds."""
    for kind in SECRETS:
        if kind in kinds:
            finders = [_cards] if kind == "card" else [partial(_matching, each) for each in _COMPILED[kind]]
            for find in finders:
                text = _without(text, kind, find(text.translate(_NARROW)))
    return text


def _without(text: str, kind: Secret, places: Iterator[tuple[int, int]]) -> str:
    pieces, at = list[str](), 0
    for start, end in places:
        pieces += [text[at:start], f"[{kind}]"]
        at = end
    return "".join([*pieces, text[at:]])


def _matching(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """The places of what a pattern finds, or of the group of it that has a name."""
    for found in pattern.finditer(text):
        yield found.span(next((name for name, value in found.groupdict().items() if value is not None), 0))


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """The places of card numbers, also among other numbers, as before a date or a check number."""
    for found in _NUMBERS.finditer(text):
        groups, at = [each.span() for each in re.finditer(r"\d+", found[0])], 0
        while at < len(groups):
            size = _card_at(found[0], groups[at : at + len(_GROUPS[0])])
            if size:
                yield found.start() + groups[at][0], found.start() + groups[at + size - 1][1]
            at += size or 1


def _card_at(text: str, groups: list[tuple[int, int]]) -> int:
    """How many groups of digits, from the first on, are a card's number; 0 where none are."""
    sizes = tuple(end - start for start, end in groups)
    shaped = [len(shape) for shape in _GROUPS if sizes[: len(shape)] == shape]
    for size in [*shaped, 1] if 13 <= sizes[0] <= 19 else shaped:
        if _is_card(text[groups[0][0] : groups[size - 1][1]]):
            return size
    return 0


def _is_card(text: str) -> bool:
    """Whether its digits end with their check digit (ISO/IEC 7812-1, Luhn), and a card may begin so."""
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return digits[0] in (2, 3, 4, 5, 6, 8, 9) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
