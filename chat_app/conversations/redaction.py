"""Takes out of a text what tells who somebody is or opens something: e-mail addresses, phone and card numbers, keys.

By patterns alone: a name, an address of a street, or a number that is written out in words stays. What it finds and
misses of labelled strings stands in docs/feedback.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, TypeAlias, get_args

Secret: TypeAlias = Literal["key", "email", "card", "phone"]
SECRETS: tuple[Secret, ...] = get_args(Secret)
"""What can be taken out, in the order in which it is looked for."""

# Chinese has no blanks around a number, so that letters of other scripts may stand beside one.
_BEFORE, _AFTER = r"(?<![\d.A-Za-z_-])", r"(?![\d_-]*\d|[A-Za-z_])"
_HAN = "\u4e00-\u9fff"
_LOCAL = rf"(?:(?<![\w.+%-])|(?<=[{_HAN}]))[A-Za-z0-9.+_%-]+"
_CUE = r"(?:tel|phone|mobile|cell|call|fax|whatsapp|电话|手机|手機|電話|座机|传真|热线|微信)"
_PATTERNS: dict[Secret, tuple[str, ...]] = {
    "key": (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        r"\bsk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic, DashScope, and whoever speaks like them
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"\b(?:LTAI[A-Za-z0-9]{12,}|AKID[A-Za-z0-9]{24,})",  # Alibaba Cloud, Tencent Cloud
        r"\bAIza[A-Za-z0-9_-]{30,}",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
        r"\b(?:hf|pcsk|pypi|npm|rk_live|sk_live|pk_live)[_-][A-Za-z0-9_-]{16,}",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # RFC 7519
        r"(?i:\bbearer) +(?P<bearer>[A-Za-z0-9._~+/-]{16,}=*)",
        r"(?i:\b(?:api[_-]?key|secret(?:[_-]?key)?|access[_-]?key|token|passw(?:or)?d|pwd)|密码|口令|密钥|令牌)[\"']? *"
        r"(?:[:=：]|\bis\b|是|为) *[\"'“]?(?P<named>[^\s\"'“”,;，。；]{6,})",
        r"(?<=://)[^\s:/@]+:(?P<login>[^\s/@]+)(?=@)",  # a password in an address
    ),
    "email": (
        rf"(?:\"[^\"\n]{{1,64}}\"|{_LOCAL})@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{{2,}}",
        rf"{_LOCAL}@[{_HAN}]{{1,20}}\.(?:公司|中国|中國|网络|網絡|在线|商城)",
        r"(?<![\w.+-])[A-Za-z0-9.+_-]+ ?[\[(] ?at ?[\])] ?[A-Za-z0-9.-]+ ?(?:[\[(] ?dot ?[\])]|\.) ?[a-z]{2,}\b",
        r"(?<![\w.+-])[a-z0-9.+_-]+ at [a-z0-9-]+ dot [a-z]{2,}\b",
    ),
    "card": (rf"{_BEFORE}\d(?:[\s-]?\d){{12,18}}{_AFTER}",),
    "phone": (
        rf"(?<![\w+])(?:\+|00)[1-9](?:[ ().-]{{0,2}}\d){{7,14}}{_AFTER}",
        rf"{_BEFORE}(?:86[ -]?)?1[3-9]\d(?:[ -]?\d{{4}}){{2}}{_AFTER}",  # mobile, China
        rf"{_BEFORE}\(?0\d{{2,3}}\)?[ -]?[2-9]\d{{2,3}}[ -]?\d{{4}}{_AFTER}",  # landline, China and others
        rf"{_BEFORE}(?:400|800)-?\d{{3}}-?\d{{4}}{_AFTER}",  # service numbers, China
        # In groups, nine digits at least, and no date.
        rf"{_BEFORE}(?!\d\d[ /-]\d\d[ /-](?:19|20)\d\d)(?=0(?:[ /-]?\d){{8}})0[1-9]\d{{0,3}}"
        rf"(?:[ /-]\d{{2,4}}){{2,4}}{_AFTER}",
        rf"{_BEFORE}0[1-9]\d{{1,3}}/\d{{5,8}}{_AFTER}",  # Germany
        rf"{_BEFORE}(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{{3}}[ .-]\d{{4}}{_AFTER}",  # North America
        rf"(?i:{_CUE})(?:[\s.:：]|no\b|number|is\b|me\b|us\b|at\b|on\b|号码|号|是|为)*"
        rf"(?P<cued>\+?\d(?:[ ().-]{{0,2}}\d){{6,14}}){_AFTER}",
    ),
}  # fmt: skip
_COMPILED = {kind: [re.compile(each, re.DOTALL) for each in patterns] for kind, patterns in _PATTERNS.items()}
_NARROW = {ord(wide): str(digit) for digit, wide in enumerate("０１２３４５６７８９")}


def redacted(text: str, kinds: Collection[Secret] = SECRETS) -> str:
    """A text with a word in brackets, such as `[email]`, in the place of each thing of these kinds."""
    for kind in SECRETS:
        if kind in kinds:
            for pattern in _COMPILED[kind]:
                text = _without(text, kind, pattern)
    return text


def _without(text: str, kind: Secret, pattern: re.Pattern[str]) -> str:
    pieces, at = list[str](), 0
    for found in pattern.finditer(text.translate(_NARROW)):
        if kind == "card" and not _is_card(found[0]):
            continue
        inner = next((name for name, value in found.groupdict().items() if value is not None), 0)
        start, end = found.span(inner)
        pieces += [text[at:start], f"[{kind}]"]
        at = end
    return "".join([*pieces, text[at:]])


def _is_card(text: str) -> bool:
    """Whether its digits end with their check digit (ISO/IEC 7812-1, Luhn), and a card may begin so."""
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return digits[0] in (2, 3, 4, 5, 6, 8, 9) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
