"""Real files of each kind, made when a test asks for them."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from functools import cache

import docx
import fpdf
import numpy as np
import openpyxl
import pillow_heif
import pptx
import soundfile
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from lxml import etree
from PIL import Image, ImageDraw

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_GPS, _ORIENTATION, _TURNED = 0x8825, 0x0112, 6
LATITUDE = 48.858
"""Where the photo was taken, in its EXIF."""


def picture(width: int = 640, height: int = 480) -> Image.Image:
    """Red above and blue below, with a white mark in the upper left corner."""
    drawn = Image.new("RGB", (width, height), "red")
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((0, height // 2, width, height), fill="blue")
    pen.rectangle((0, 0, width // 10, height // 10), fill="white")
    return drawn


@cache
def image(kind: str, width: int = 640, height: int = 480) -> bytes:
    """As a file of a kind that Pillow knows, or HEIF."""
    if kind == "HEIF":
        pillow_heif.register_heif_opener()
    file = io.BytesIO()
    picture(width, height).save(file, kind)
    return file.getvalue()


@cache
def noise(width: int = 2570, height: int = 2570) -> bytes:
    """A PNG that nothing makes smaller: some 19.8 MB."""
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), random.Random(1).randbytes(3 * width * height)).save(
        file, "PNG", compress_level=0
    )
    return file.getvalue()


@cache
def photo() -> bytes:
    """A JPEG as a phone writes it: lying on its side, 480 x 640 once it stands, with the place where it was taken."""
    exif = Image.Exif()
    exif[_ORIENTATION] = _TURNED
    place = exif.get_ifd(_GPS)
    place[1], place[2], place[3], place[4] = "N", (LATITUDE, 0.0, 0.0), "E", (2.294, 0.0, 0.0)
    exif[_GPS] = dict(place)
    file = io.BytesIO()
    lying = picture(480, 640).transpose(Image.Transpose.ROTATE_90)
    lying.save(file, "JPEG", exif=exif, quality=90, comment=b"Secret street 1")
    return file.getvalue()


def animation() -> bytes:
    """A GIF of two frames, the first red."""
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few kilobytes that says it has 900 million pixels, and has them."""
    row = b"\0" + bytes(width // 8)
    packed = zlib.compressobj(9)
    rows = b"".join([*(packed.compress(row) for _ in range(height)), packed.flush()])
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@cache
def pdf(*pages: str, password: str = "", outline: tuple[str, ...] = ()) -> bytes:
    """A PDF with these words on its pages; the outline names the first page's, second's … heading."""
    made = fpdf.FPDF()
    for number, words in enumerate(pages):
        made.add_page()
        made.set_font("helvetica", size=12)
        if number < len(outline):
            made.start_section(outline[number])
        made.multi_cell(0, 8, words)
    if password:
        made.set_encryption(owner_password="owner", user_password=password)
    return bytes(made.output())


@cache
def scanned_pdf(pages: int = 2) -> bytes:
    """A PDF of pictures."""
    file = io.BytesIO()
    picture().save(file, "PDF", save_all=True, append_images=[picture()] * (pages - 1))
    return file.getvalue()


@cache
def mixed_pdf() -> bytes:
    """A PDF of a page of words, a scanned one, a scanned one with a stamp on it, and an empty one."""
    made = fpdf.FPDF()
    made.set_font("helvetica", size=12)
    for words, is_scanned in (("All that the first page says. " * 9, False), ("", True), ("COPY", True), ("", False)):
        made.add_page()
        if is_scanned:
            made.image(picture(), x=0, y=0, w=made.w, h=made.h)
        made.multi_cell(0, 8, words)
    return bytes(made.output())


@cache
def noisy_pdf() -> bytes:
    """A PDF of 14 pictures that nothing makes smaller: some 19 MB."""
    side = 1500
    pages = [Image.frombytes("RGB", (side, side), random.Random(n).randbytes(3 * side * side)) for n in range(14)]
    file = io.BytesIO()
    pages[0].save(file, "PDF", save_all=True, append_images=pages[1:])
    return file.getvalue()


def word() -> bytes:
    """A DOCX with headings, a list and a table."""
    made = docx.Document()
    made.add_heading("Report", 0)
    made.add_heading("First part", 1)
    made.add_paragraph("Words of 第一.")
    made.add_paragraph("a point", style="List Bullet")
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "name", "42"
    return _saved(made)


def grown_word() -> bytes:
    """A DOCX whose words stand wherever Word puts some: in its header, a control, changes, a box, a table, a note."""
    w = f'xmlns:w="{_W}"'
    made = docx.Document()
    body = made.element.body
    plain = made.add_paragraph("plain")
    run = f"<w:r {w}><w:t>%s</w:t></w:r>"
    for change, words in (("ins", " and inserted"), ("moveFrom", " elsewhere")):
        plain._p.append(etree.fromstring(f'<w:{change} {w} w:id="1" w:author="Wei">{run % words}</w:{change}>'))
    deleted = f'<w:del {w} w:id="2" w:author="Wei"><w:r><w:delText> deleted</w:delText></w:r></w:del>'
    plain._p.append(etree.fromstring(deleted))
    box = f"<w:pict {w}><w:txbxContent><w:p>{run % 'in a box'}</w:p></w:txbxContent></w:pict>"
    plain._p.append(etree.fromstring(f"<w:r {w}>{box}</w:r>"))
    title = f'<w:p><w:pPr><w:pStyle w:val="Title"/></w:pPr>{run % "In a control"}</w:p>'
    body.insert(0, etree.fromstring(f"<w:sdt {w}><w:sdtContent>{title}</w:sdtContent></w:sdt>"))
    table = made.add_table(1, 1)
    table.cell(0, 0).text = "cell"
    cell = f"<w:tc><w:p>{run % 'in a controlled cell'}</w:p></w:tc>"
    table.rows[0]._tr.append(etree.fromstring(f"<w:sdt {w}><w:sdtContent>{cell}</w:sdtContent></w:sdt>"))
    made.sections[0].header.paragraphs[0].text, made.sections[0].footer.paragraphs[0].text = "The head", "The foot"
    notes = f'<w:footnotes {w}><w:footnote w:id="1"><w:p>{run % "a note"}</w:p></w:footnote></w:footnotes>'
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), made.part.package)
    made.part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes")
    return _saved(made)


def old_word() -> bytes:
    """As a DOC begins."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "WordDocument".encode("utf-16-le") + bytes(4096)


def locked_word() -> bytes:
    """As a DOCX with a password is wrapped."""
    return old_word() + "EncryptedPackage".encode("utf-16-le") + bytes(64)


def slides(pictures: int = 0) -> bytes:
    """A PPTX of two slides, the first with notes, and so many without words."""
    made = pptx.Presentation()
    for title, body in (("Opening", "Why we are here"), ("Closing", "What we do next")):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, body
    for _ in range(pictures):
        made.slides.add_slide(made.slide_layouts[6]).shapes.add_picture(io.BytesIO(image("PNG")), 0, 0)
    made.slides[0].notes_slide.notes_text_frame.text = "Speak slowly"
    return _saved(made)


def sheets(*more: str) -> bytes:
    """An XLSX of two sheets; the first row of the first has this more."""
    made = openpyxl.Workbook()
    first = made.active
    first.title = "Prices"
    first.append(["apple", 3.5, *more])
    made.create_sheet("Stock").append(["apple", None, 12])
    return _saved(made)


def _saved(document) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def zip_bomb() -> bytes:
    """A DOCX of some 300 kB whose words unpack to 300 MB."""
    file = io.BytesIO()
    words = b"<w:document>" + b"a" * 300_000_000
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", words)
    return file.getvalue()


@cache
def sound(kind: str = "WAV", seconds: float = 1.5, rate: int = 16_000) -> bytes:
    """A tone, in a format that libsndfile writes."""
    file = io.BytesIO()
    tone = np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate).astype("float32") / 2
    soundfile.write(file, np.stack([tone, tone], axis=1), rate, format=kind)
    return file.getvalue()
