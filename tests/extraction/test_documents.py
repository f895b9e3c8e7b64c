"""The words of documents, by page and with their headings; what cannot be read is refused in a sentence."""

import io
import re
import zipfile
from pathlib import Path

import pytest

from chat_app.errors import FileRefused
from chat_app.extraction.pages import read_pages, write_text
from chat_app.extraction.workers import Workers
from chat_app.messages import FileFacts
from tests import files


@pytest.fixture
def workers() -> Workers:
    return Workers(at_once=2, time_s=20, memory_bytes=1_000_000_000)


async def _read(workers: Workers, folder: Path, task: str, content: bytes) -> tuple[FileFacts, list[str]]:
    (folder / "given").write_bytes(content)
    facts = await workers.run(task, folder / "given", folder / "made")
    return facts, read_pages(folder / "made.text")


async def test_a_pdf_is_read_page_by_page_with_its_outline_as_headings(workers, tmp_path):
    content = files.pdf("Chapter one\nTrees keep keys.", "More of it.", outline=("Chapter one", "Chapter two"))
    facts, pages = await _read(workers, tmp_path, "pdf", content)

    assert pages == ["# Chapter one\nTrees keep keys.", "# Chapter two\nMore of it."]
    assert (facts.pages, facts.characters) == (2, sum(map(len, pages)))


async def test_a_scanned_pdf_has_pages_without_words_and_pictures_of_the_first_twenty(workers, tmp_path):
    facts, _ = await _read(workers, tmp_path, "pdf", files.scanned_pdf(23))
    scans = (await workers.run("scans", tmp_path / "given", tmp_path / "made")).scans

    assert facts == FileFacts(pages=23, wordless=23)
    assert [page for page, _ in scans] == list(range(1, 21))
    pictures = (tmp_path / "made.pages").read_bytes()
    assert sum(size for _, size in scans) == len(pictures)
    assert pictures[scans[0][1] :].startswith(b"\xff\xd8\xff")


async def test_of_a_pdf_of_words_and_scans_the_scanned_pages_are_pictures_and_empty_ones_are_not(workers, tmp_path):
    facts, pages = await _read(workers, tmp_path, "pdf", files.mixed_pdf())
    scans = (await workers.run("scans", tmp_path / "given", tmp_path / "made")).scans

    assert [bool(page) for page in pages] == [True, False, True, False]
    assert (facts.pages, facts.wordless, [page for page, _ in scans]) == (4, 2, [2, 3])


async def test_word_keeps_headings_lists_and_tables(workers, tmp_path):
    facts, (text,) = await _read(workers, tmp_path, "word", files.word())

    assert text == "# Report\n\n# First part\n\nWords of 第一.\n\n- a point\n\nname | 42"
    assert facts == FileFacts(characters=len(text))


async def test_word_loses_nothing_that_stands_in_controls_changes_boxes_notes_or_at_the_edges(workers, tmp_path):
    _, (text,) = await _read(workers, tmp_path, "word", files.grown_word())

    assert text.split("\n\n") == [
        "The head", "# In a control", "plain and inserted", "in a box", "cell | in a controlled cell", "a note", "The foot",
    ]  # fmt: skip


async def test_a_slide_without_words_is_counted_as_one(workers, tmp_path):
    facts, _ = await _read(workers, tmp_path, "slides", files.slides(pictures=2))

    assert (facts.pages, facts.wordless) == (4, 2)


async def test_a_formula_that_nobody_has_worked_out_stands_as_it_is(workers, tmp_path):
    _, pages = await _read(workers, tmp_path, "sheets", files.sheets("=B1*2"))

    assert pages[0] == "# Prices\n\napple | 3.5 | =B1*2"


async def test_a_formula_whose_value_is_nothing_is_nothing(workers, tmp_path):
    reckoned = files.sheets('=IF(B1="","","")', "=B1*2")
    with zipfile.ZipFile(io.BytesIO(reckoned)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    cells = parts["xl/worksheets/sheet1.xml"]
    cells = re.sub(rb"(<f>B1\*2</f>)<v ?/?>(?:</v>)?", rb"\1<v>7</v>", cells)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        for name, content in (parts | {"xl/worksheets/sheet1.xml": cells}).items():
            packed.writestr(name, content)
    _, pages = await _read(workers, tmp_path, "sheets", held.getvalue())

    assert pages[0] == "# Prices\n\napple | 3.5 |  | 7"


async def test_slides_are_pages_with_their_notes(workers, tmp_path):
    facts, pages = await _read(workers, tmp_path, "slides", files.slides())

    assert pages == ["# Opening\n\nWhy we are here\n\nSpeak slowly", "# Closing\n\nWhat we do next"]
    assert facts.pages == 2


async def test_sheets_are_pages_of_rows(workers, tmp_path):
    _, pages = await _read(workers, tmp_path, "sheets", files.sheets())

    assert pages == ["# Prices\n\napple | 3.5", "# Stock\n\napple |  | 12"]


async def test_a_page_of_the_web_is_what_it_says(workers, tmp_path):
    content = """<?xml version="1.0" encoding="latin-1"?><html><head><title>x</title><script>steal()</script></head><body><h1>Trees</h1><p>Keys <b>in</b>
        order.</p><style>p{}</style><ul><li>one<li>two</ul><table><tr><td>a<td>b</table><!-- no --></body>"""
    _, (text,) = await _read(workers, tmp_path, "html", content.encode())

    assert text == "# Trees\n\nKeys in order.\n\n- one\n- two\n\n| a | b"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_text_is_its_own_words_in_whichever_encoding(tmp_path, encoding):
    (tmp_path / "given").write_bytes("姓名,城市\r\n小明,北京".encode(encoding))
    facts = write_text(tmp_path / "given", tmp_path / "made")

    assert read_pages(tmp_path / "made.text") == ["姓名,城市\n小明,北京"]
    assert facts == FileFacts(characters=11)


@pytest.mark.parametrize(
    ("task", "content", "reason"),
    [
        ("pdf", files.pdf("secret", password="1234"), "protected"),
        ("pdf", files.pdf("words")[:300], "broken"),
        ("pdf", b"%PDF-1.7", "broken"),
        ("word", files.zip_bomb(), "heavy"),
        ("word", files.word()[:2000], "broken"),
        ("word", files.sheets(), "broken"),
        ("slides", files.word(), "broken"),
    ],
)
async def test_what_is_protected_damaged_or_larger_than_it_seems_is_refused(workers, tmp_path, task, content, reason):
    with pytest.raises(FileRefused) as refused:
        await _read(workers, tmp_path, task, content)

    assert refused.value.reason == reason


async def test_a_file_that_lies_about_its_size_is_stopped_by_the_bounds(tmp_path):
    content = bytearray(files.zip_bomb())
    told = (300 * 1_000_000 + 12).to_bytes(4, "little")
    assert content.count(told) >= 1
    small = Workers(at_once=1, time_s=5, memory_bytes=300_000_000)

    with pytest.raises(FileRefused) as refused:
        await _read(small, tmp_path, "word", bytes(content.replace(told, (1000).to_bytes(4, "little"))))
    assert refused.value.reason in ("heavy", "broken")
