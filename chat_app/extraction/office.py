"""The words of office files, with their headings, slides and sheets. It runs in a process of its own (`workers.py`)."""

# pyright: standard
# The library it stands on has no types.

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from chat_app.extraction.pages import write_pages
from chat_app.extraction.refused import Refused

_MOST_UNPACKED = 200_000_000
_PASSED_OVER = ("del", "moveFrom", "Fallback", "comment")  # what was taken out, and what stands there for older readers
_FORMULA = re.compile(rb"<f[ >]")
_RECKONED = re.compile(rb'(?:</f>|<f [^>]*/>)\s*<v>[^<]|<c [^>]*t="str"')
_HEADING = re.compile(r"(?:heading|标题) ?([1-6])", re.IGNORECASE)


def prepare_word(source: Path, target: Path) -> dict[str, int]:
    """Write the words of a DOCX to `<target>.text`: its headers, body, notes and footers.

    Raises:
        Refused: It is larger than it seems.
    """
    _look_before(source)
    import docx

    document = docx.Document(str(source))
    sections = document.sections
    ends = [
        [each for s in sections for each in (s.first_page_header, s.header, s.even_page_header)],
        [each for s in sections for each in (s.first_page_footer, s.footer, s.even_page_footer)],
    ]
    headers, footers = ([list(_blocks(each._element, document)) for each in end] for end in ends)
    body = list(_blocks(document.element.body, document))
    blocks = [*_once(headers), *body, *_notes(document), *_once(footers)]
    return write_pages(target, ["\n\n".join(block for block in blocks if block.strip())], pages=0)


def _once(parts: list[list[str]]) -> Iterator[str]:
    """What stands on every page, but not its number alone."""
    return (text for text in dict.fromkeys(text for part in parts for text in part) if not text.strip().isdecimal())


def _notes(document) -> Iterator[str]:
    from docx.oxml import parse_xml

    for related in document.part.rels.values():
        if related.reltype.endswith(("/footnotes", "/endnotes")) and not related.is_external:
            for note in parse_xml(related.target_part.blob):
                yield from _blocks(note, document)


def _blocks(element, document) -> Iterator[str]:
    """Paragraphs and tables, also in content controls, in what was inserted with changes tracked, and in text boxes.

    The elements are those of ECMA-376, part 1, 17.
    """
    from docx.text.paragraph import Paragraph

    for child in element:
        match _name(child):
            case "p":
                style = Paragraph(child, document).style
                yield _paragraph("".join(_runs(child)), (style.name if style else "") or "")
                for box in _boxes(child):
                    yield from _blocks(box, document)
            case "tbl":
                yield _table([_cell(cell, document) for cell in _under(row, "tc")] for row in _under(child, "tr"))
            case name if name not in _PASSED_OVER:
                yield from _blocks(child, document)


def _under(element, name: str) -> Iterator:
    """The rows of a table, or a row's cells, which may stand in content controls."""
    for child in element:
        if _name(child) == name:
            yield child
        elif _name(child) not in ("tbl", "tr", "tc", *_PASSED_OVER):
            yield from _under(child, name)


def _cell(cell, document) -> str:
    return " ".join(_blocks(cell, document))


def _runs(element) -> Iterator[str]:
    for child in element:
        match _name(child):
            case "t":
                yield child.text or ""
            case "tab" | "ptab":
                yield "\t"
            case "noBreakHyphen":
                yield "-"
            case "br" | "cr":
                yield "\n"
            case name if name not in _PASSED_OVER and name not in ("txbxContent", "pPr"):
                yield from _runs(child)


def _boxes(element) -> Iterator:
    for child in element:
        if _name(child) == "txbxContent":
            yield child
        elif _name(child) not in _PASSED_OVER:
            yield from _boxes(child)


def _name(element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "comment"


def _paragraph(text: str, style: str) -> str:
    if not text.strip():
        return ""
    if style == "Title":
        return f"# {text}"
    if found := _HEADING.match(style):
        return f"{'#' * int(found[1])} {text}"
    return f"- {text}" if style.startswith("List") else text


def prepare_slides(source: Path, target: Path) -> dict[str, int]:
    """Write the words of a PPTX, a page for each slide, with what its speaker notes.

    Raises:
        Refused: It is larger than it seems.
    """
    _look_before(source)
    import pptx

    slides = [_slide(slide) for slide in pptx.Presentation(str(source)).slides]
    wordless = sum(not slide.strip() for slide in slides)
    return {**write_pages(target, slides, pages=len(slides)), "wordless": wordless}


def _slide(slide) -> str:  # python-pptx has no types
    title = slide.shapes.title
    said = [f"# {title.text_frame.text}"] if title is not None and title.has_text_frame else []
    said += [text for shape in slide.shapes if shape != title for text in _shape(shape)]
    if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame):
        said.append(notes.text)
    return "\n\n".join(text for text in said if text.strip())


def _shape(shape) -> Iterator[str]:
    if shape.has_text_frame:
        yield shape.text_frame.text
    elif getattr(shape, "has_table", False):
        yield _table([cell.text for cell in row.cells] for row in shape.table.rows)
    for inner in getattr(shape, "shapes", ()):  # a group
        yield from _shape(inner)


def prepare_sheets(source: Path, target: Path) -> dict[str, int]:
    """Write the values of an XLSX, a page for each sheet; a formula that nobody has worked out yet stands as it is.

    Raises:
        Refused: It is larger than it seems.
    """
    _look_before(source)
    import openpyxl

    with source.open("rb") as file, source.open("rb") as again:  # by its name openpyxl would want to know what it is
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        written = openpyxl.load_workbook(again, read_only=True) if _is_unreckoned(source) else book
        pairs = zip(book.worksheets, written.worksheets, strict=True)
        sheets = [f"# {sheet.title}\n\n{_table(_values(sheet, formulas))}" for sheet, formulas in pairs]
    return write_pages(target, sheets, pages=len(sheets))


def _is_unreckoned(source: Path) -> bool:
    """Whether it has formulas, and no program has worked any of them out."""
    with zipfile.ZipFile(source) as packed:
        sheets = [packed.read(name) for name in packed.namelist() if name.startswith("xl/worksheets/")]
    return any(map(_FORMULA.search, sheets)) and not any(map(_RECKONED.search, sheets))


def _values(sheet, formulas) -> Iterator[list[str]]:
    rows = sheet.iter_rows(values_only=True)
    written = rows if sheet is formulas else formulas.iter_rows(values_only=True)
    pairs = ((row, row) for row in rows) if written is rows else zip(rows, written, strict=False)
    for row, as_written in pairs:
        known = (value if value is not None else other for value, other in zip(row, as_written, strict=False))
        values = ["" if value is None else str(getattr(value, "text", value)) for value in known]
        while values and not values[-1]:
            values.pop()
        if values:
            yield values


def _table(rows: Iterable[list[str]]) -> str:
    return "\n".join(" | ".join(" ".join(cell.split()) for cell in row) for row in rows)


def _look_before(source: Path) -> None:
    """What is packed says how large it will be; whoever says less than is true is stopped by the process's bounds."""
    with zipfile.ZipFile(source) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > _MOST_UNPACKED:
            raise Refused("heavy")
