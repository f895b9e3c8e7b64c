"""The words of a PDF, page by page, with its outline as headings, and pictures of pages that were scanned.

It runs in a process of its own (`workers.py`).
"""

# pyright: standard
# The library it stands on has no types.

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from pathlib import Path

import pypdfium2
from PIL import Image
from pypdfium2 import PdfDocument
from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_PAGEOBJ_IMAGE

from chat_app.extraction.pages import write_pages
from chat_app.extraction.refused import Refused

_DEEPEST = 6
_MOST_PICTURES = 20
_PICTURE_EDGE = 1568  # pixels: as large as Anthropic's models look at, the fewest (docs.anthropic.com, vision)
_MOST_SCALE = 4  # 288 pixels an inch: a page as small as a stamp grows no further
_FEW = 100  # letters, as of a stamp or a page's number, beside a picture that fills half of the page


def prepare(source: Path, target: Path) -> dict[str, int]:
    """Write its words to `<target>.text`.

    Raises:
        Refused: It is protected by a password, or damaged.
    """
    document = _opened(source)
    headings = _headings(document)
    words = [_words(document, number) for number in range(len(document))]
    if not words:
        raise Refused("broken")
    wordless = sum(_is_scanned(document, number, said) for number, said in enumerate(words))
    facts = write_pages(target, [_with_headings(said, headings[n]) for n, said in enumerate(words)], pages=len(words))
    return {**facts, "wordless": wordless}


def draw(source: Path, target: Path) -> dict[str, list[tuple[int, int]]]:
    """Write pictures of the first pages that were scanned to `<target>.pages`.

    Returns:
        Their `scans`, of those that can be drawn, as far as the time is enough.

    Raises:
        Refused: It is protected by a password, or damaged.
    """
    document = _opened(source)
    until = time.process_time() + resource.getrlimit(resource.RLIMIT_CPU)[0] / 2
    in_time = takewhile(lambda _: time.process_time() < until, range(len(document)))
    scanned = (number for number in in_time if _is_scanned(document, number, _words(document, number)))
    scans: list[tuple[int, int]] = []
    with target.with_suffix(".pages").open("wb") as file:
        for number, picture in _drawn(document, islice(scanned, _MOST_PICTURES)):
            start = file.tell()
            picture.save(file, "JPEG", quality=80)
            scans.append((number + 1, file.tell() - start))
    return {"scans": scans}


def _opened(source: Path) -> PdfDocument:
    try:
        return PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        raise Refused("protected" if error.err_code == FPDF_ERR_PASSWORD else "broken") from error


def _words(document: PdfDocument, number: int) -> str:
    try:
        page = document[number]
        return page.get_textpage().get_text_bounded()
    except pypdfium2.PdfiumError:  # one damaged page among others
        return ""


def _is_scanned(document: PdfDocument, number: int, words: str) -> bool:
    """Whether most of what a page says can be in a picture alone."""
    if len(words.strip()) >= _FEW:
        return False
    try:
        page = document[number]
        width, height = page.get_size()
        pictures = page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE], max_depth=3)
        shown = max((_area(*picture.get_bounds()) for picture in pictures), default=0)
    except pypdfium2.PdfiumError:
        return not words.strip()
    return shown >= width * height / 2 or (not words.strip() and not _is_blank(page))


def _area(left: float, bottom: float, right: float, top: float) -> float:
    return abs((right - left) * (top - bottom))


def _is_blank(page: pypdfium2.PdfPage) -> bool:
    return next(iter(page.get_objects(max_depth=1)), None) is None


def _drawn(document: PdfDocument, numbers: Iterable[int]) -> Iterator[tuple[int, Image.Image]]:
    for number in numbers:
        try:
            page = document[number]
            scale = min(_MOST_SCALE, _PICTURE_EDGE / max(page.get_size()))
            yield number, page.render(scale=scale).to_pil().convert("RGB")
        except (pypdfium2.PdfiumError, ZeroDivisionError, ValueError):  # damaged, or of no size
            continue


def _headings(document: PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """(level, title) of the outline, by page."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    try:
        for entry in document.get_toc(max_depth=_DEEPEST):
            place = entry.get_dest()
            index = place.get_index() if place else None
            title = " ".join(entry.get_title().split())
            if index is not None and title:
                found[index].append((min(entry.level + 1, _DEEPEST), title))
    except pypdfium2.PdfiumError:  # an outline that leads nowhere
        pass
    return found


def _with_headings(text: str, headings: list[tuple[int, str]]) -> str:
    """A page whose lines that the outline names are headings, as Markdown has them; those it lacks stand before it."""
    lines = text.splitlines()
    places = {" ".join(line.split()).casefold(): number for number, line in reversed(list(enumerate(lines)))}
    missing: list[str] = []
    for level, title in headings:
        number = places.get(title.casefold())
        mark = "#" * level
        if number is None:
            missing.append(f"{mark} {title}")
        elif not lines[number].startswith("#"):
            lines[number] = f"{mark} {lines[number].strip()}"
    return "\n".join([*missing, *lines])
