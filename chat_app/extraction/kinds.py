"""What a file is, by its content: a name says what it is called, and anything can be called anything.

Signatures are those of the formats' own specifications, as collected in the WHATWG's MIME Sniffing Standard
(mimesniff.spec.whatwg.org) and, for ISO media files, the registered brands (mp4ra.org/registered-types/brands).
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

from chat_app.errors import FileRefused

_HEAD = 4096
_PIECE = 65536
_PDF_WITHIN = 1024  # where a reader looks for its header, ISO 32000-1 annex H
_ZIP_END = 22  # bytes of its end without the comment, APPNOTE.TXT 4.3.16
_PAGE = re.compile(rb"<(?:script|html|svg|!doctype html)", re.IGNORECASE)
_MOST_NAME = 200
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"fLaC", "audio/flac"),
    (b"OggS\0", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"
)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OFFICE = {"word/document.xml": WORD, "ppt/presentation.xml": SLIDES, "xl/workbook.xml": SHEETS}
_TEXTS = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".html": "text/html",
    ".htm": "text/html",
}
_OLDER = ("gb18030", "big5hkscs", "cp932", "cp949", "cp1252")
"""Of China, Taiwan and Hong Kong, Japan, Korea, and the west of Europe."""
_ADJACENT = re.compile(rb"[\x80-\xff]{2}")
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Office until 2003, and around what is encrypted ([MS-CFB])
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # [MS-OFFCRYPTO] 2.3.4.4
_OLD_OFFICE = tuple(name.encode("utf-16-le") for name in ("WordDocument", "Workbook", "PowerPoint Document"))
_EBML = b"\x1aE\xdf\xa3"
# An MPEG audio frame of layer III: 11 bits of sync, and neither a reserved version nor a reserved bit rate.
_MP3 = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]", re.DOTALL)
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # what no text has; tab, breaks and escape it may


def kind_of(path: Path, name: str) -> str | None:
    """The media type of a file; None for one of a kind that nobody here can see, hear or read.

    Args:
        path: Where it is. It is read whole where only that tells what it is.
        name: What it is called: of texts it says which kind they are.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return _by_signature(head) or _in_container(head, path) or _text(path, name)


def unread(path: Path, name: str) -> FileRefused:
    """What is said of a file of no kind that is read.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        is_compound = file.read(_HEAD).startswith(_COMPOUND)
    if not is_compound:
        return FileRefused(f"{name} is of a kind that cannot be read here.", "kind", name=name)
    held = _holds(path, _ENCRYPTED, *_OLD_OFFICE)
    if _ENCRYPTED in held:
        return FileRefused("The file is protected by a password.", "protected")
    if not held:
        return FileRefused(f"{name} is of a kind that cannot be read here.", "kind", name=name)
    return FileRefused(f"{name} is of an older format of Office: save it as DOCX, XLSX or PPTX.", "old", name=name)


def is_double(path: Path, kind: str) -> bool:
    """Whether a picture, sound or PDF is a second file, too: a PDF or a ZIP by its end, or a page by its beginning.

    Raises:
        OSError: It cannot be read.
    """
    if not kind.startswith(("image/", "audio/", "application/pdf")):
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(max(0, path.stat().st_size - _ZIP_END - 65535))
        tail = file.read()
    is_pdf = kind != "application/pdf" and b"%%EOF" in tail[-_PDF_WITHIN:]
    at = tail.rfind(b"PK\x05\x06")
    is_zip = at >= 0 and at + _ZIP_END + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)
    return is_pdf or is_zip or (kind != "application/pdf" and _PAGE.search(head) is not None)


def _by_signature(head: bytes) -> str | None:
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp" and (kind := _BRANDS.get(head[8:12])):
        return kind
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "application/pdf"
    return "audio/mpeg" if _MP3.match(head) else None


def _in_container(head: bytes, path: Path) -> str | None:
    """Of a format that may hold several things: office files, and sound without a picture."""
    if head.startswith(b"PK\x03\x04"):
        # Cut, of a later format, or of lengths that cannot be: it is none of these, and whoever gave it is told so.
        with suppress(zipfile.BadZipFile, NotImplementedError, ValueError), zipfile.ZipFile(path) as packed:
            return next((kind for name, kind in _OFFICE.items() if name in packed.NameToInfo), None)
    if head.startswith(_EBML) and b"webm" in head[:64]:
        return None if re.search(rb"V_(VP|AV)", head) else "audio/webm"
    if head[4:8] == b"ftyp":
        return "audio/mp4" if _holds(path, b"soun", b"vide") == {b"soun"} else None
    return None


def _text(path: Path, name: str) -> str | None:
    if encoding_of(path) is None:
        return None
    return _TEXTS.get(PurePosixPath(name.lower()).suffix, "text/plain")


def encoding_of(path: Path) -> str | None:
    """How a text is written: in UTF-8, UTF-16 with its mark, or one of `_OLDER`, as Excel writes CSV.

    Returns:
        A codec's name; None where the file is no text, or nothing.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(2)
    if not head:
        return None
    if head in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16" if _is_text(path, "utf-16") else None
    # Letter by letter before anything is guessed: none of these has a control character in a longer one.
    if not _is_text(path, "latin-1"):
        return None
    if _is_text(path, "utf-8-sig"):
        return "utf-8-sig"
    return next((guess for guess in _guesses(path) if _is_text(path, guess)), None)


def _guesses(path: Path) -> list[str]:
    """Which of `_OLDER` it looks most like; a few letters alone can be several, and are then Chinese ones first."""
    import chardet  # 0.1 s, for texts that few have

    sample = b""
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(_PIECE), b""):
            if not line.isascii():  # what is before may be long, and says nothing
                sample += line
            if len(sample) >= _PIECE:
                break
    guess = chardet.detect(sample, include_encodings=_OLDER, no_match_encoding=_OLDER[0], compat_names=False)
    # Letters that stand alone between ASCII are of the west, where it looks like nothing else.
    return [guess["encoding"] or _OLDER[0], *(() if _ADJACENT.search(sample) else ("cp1252",))]


def _is_text(path: Path, encoding: str) -> bool:
    """Read in pieces, as everything is that may be as large as anything."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            return not any(_CONTROL.search(piece) for piece in iter(lambda: file.read(_PIECE), ""))
    except UnicodeDecodeError:
        return False


def _holds(path: Path, *marks: bytes) -> set[bytes]:
    """Which of these a file has anywhere."""
    found: set[bytes] = set()
    rest = b""
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(_PIECE), b""):
            found.update(mark for mark in marks if mark in rest + piece)
            rest = piece[-max(map(len, marks)) :]
    return found


def clean_name(name: str) -> str:
    """A file's name as it may be shown and given back: no path, nothing invisible, nothing that turns it around."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C").strip(" .")
    if len(shown) <= _MOST_NAME:
        return shown or "file"
    stem, dot, suffix = shown.rpartition(".")
    return f"{stem[: _MOST_NAME - 20]}{dot}{suffix[:19]}" if dot else shown[:_MOST_NAME]
