"""The words of pages of the web. It runs in a process of its own (`workers.py`)."""

# pyright: standard
# The library it stands on has no types.

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import lxml.html
from lxml.etree import ParserError

from chat_app.extraction.kinds import encoding_of
from chat_app.extraction.pages import write_pages

_UNSAID = frozenset({"script", "style", "noscript", "template", "head", "svg", "iframe", "object"})
_BLOCKS = frozenset({
    "p", "div", "section", "article", "main", "header", "footer", "aside", "nav", "ul", "ol", "table", "tr",
    "blockquote", "pre", "br", "hr", "dl", "dt", "dd", "figure", "figcaption", "form",
})  # fmt: skip
_LINES = re.compile(r"[ \t\r\f\v]*\n\s*\n\s*")
_DEEPEST = 300  # more than the parser takes


def prepare(source: Path, target: Path) -> dict[str, int]:
    """Write what a page of the web says, with its headings as Markdown has them."""
    words = source.read_text(encoding=encoding_of(source))
    parser = lxml.html.HTMLParser(encoding="utf-8")  # whatever it says of itself
    try:
        root = lxml.html.document_fromstring(words.encode(), parser=parser)
    except ParserError:  # nothing is in it
        return write_pages(target, [""], pages=0)
    said = "".join(_said(root, 0))
    return write_pages(target, [_LINES.sub("\n\n", said).strip()], pages=0)


def _said(element: lxml.html.HtmlElement, depth: int) -> Iterator[str]:
    tag = element.tag
    if not isinstance(tag, str) or tag in _UNSAID or depth > _DEEPEST:  # comments have a function for their tag
        return
    heading = re.fullmatch(r"h([1-6])", tag)
    if heading:
        yield "\n\n" + "#" * int(heading[1]) + " "
    elif tag == "li":
        yield "\n- "
    elif tag in ("td", "th"):
        yield " | "
    elif tag in _BLOCKS:
        yield "\n\n" if tag != "tr" else "\n"
    yield _words(element.text, tag)
    for child in element:
        yield from _said(child, depth + 1)
        yield _words(child.tail, tag)
    if heading or tag in _BLOCKS:
        yield "\n\n" if tag not in ("tr", "br") else "\n"


def _words(text: str | None, tag: str) -> str:
    return (text or "") if tag == "pre" else re.sub(r"\s+", " ", text or "")
