"""What a file is stands in its content, and its name can be anything."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.extraction.kinds import clean_name, encoding_of, is_double, kind_of
from tests import files


def _zip(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        for name in names:
            packed.writestr(name, "x")
    return held.getvalue()


def _mp4(brand: bytes, handler: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(200) + b"hdlr" + bytes(8) + handler


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FILES = {
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(20), "image/png"),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
    "gif": (b"GIF89a" + bytes(20), "image/gif"),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(20), "image/webp"),
    "avif": (b"\0\0\0\x1cftypavif" + bytes(20), "image/avif"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(20), "image/heic"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), "audio/wav"),
    "mp3 with a tag": (b"ID3\x04" + bytes(20), "audio/mpeg"),
    "mp3": (b"\xff\xfb\x90\x64" + bytes(20), "audio/mpeg"),
    "flac": (b"fLaC" + bytes(20), "audio/flac"),
    "ogg": (b"OggS\0\x02" + bytes(20), "audio/ogg"),
    "a recording of Chromium's": (b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + bytes(50) + b"A_OPUS", "audio/webm"),
    "a film of Chromium's": (b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + bytes(50) + b"V_VP9", None),
    "a recording of Safari's": (_mp4(b"iso5", b"soun"), "audio/mp4"),
    "a film": (_mp4(b"isom", b"vide") + _mp4(b"isom", b"soun"), None),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
    "pdf after a blank line": (b"\n\n%PDF-1.4\n\0", "application/pdf"),
    "docx": (_zip("[Content_Types].xml", "word/document.xml"), WORD),
    "a zip": (_zip("a.txt"), None),
    "a cut zip": (_zip("word/document.xml")[:30], None),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(40), None),
    "utf-8": ("潮汐 tides".encode(), "text/plain"),
    "utf-16": ("潮汐".encode("utf-16"), "text/plain"),
    "what Excel writes in China": ("姓名,城市\n小魏,上海".encode("gb18030"), "text/plain"),
    "a picture of words": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>', "text/plain"),
}


@pytest.mark.parametrize("what", FILES)
@pytest.mark.parametrize("name", ["x", "x.png", "x.exe"])
def test_a_file_is_what_its_content_says_whatever_its_name(tmp_path, what, name):
    content, kind = FILES[what]
    (tmp_path / "file").write_bytes(content)

    assert kind_of(tmp_path / "file", name) == kind


@pytest.mark.parametrize(
    ("name", "kind"), [("a.md", "text/markdown"), ("A.CSV", "text/csv"), ("a.htm", "text/html"), ("a.py", "text/plain")]
)
def test_of_texts_the_name_says_which(tmp_path, name, kind):
    (tmp_path / "file").write_text("one, two")

    assert kind_of(tmp_path / "file", name) == kind


@given(
    content=st.binary(max_size=300),
    start=st.sampled_from([b"", b"PK\x03\x04", b"RIFF", b"\0\0\0\x18ftyp", b"\x1aE\xdf\xa3"]),
)
def test_any_bytes_are_of_some_kind_or_of_none(tmp_path_factory, content, start):
    path = tmp_path_factory.mktemp("kinds") / "file"
    path.write_bytes(start + content)

    assert (kind_of(path, "x") or "/").count("/") == 1


_PAGE = b"<!DOCTYPE html><script>x</script>"


@pytest.mark.parametrize(
    ("content", "kind", "is_second"),
    [
        (files.image("PNG"), "image/png", False), (files.photo(), "image/jpeg", False), (files.sound(), "audio/wav", False),
        (files.pdf("a"), "application/pdf", False), (files.word(), WORD, False), (_PAGE, "text/html", False),
        (files.image("PNG") + files.pdf("a"), "image/png", True), (files.image("JPEG") + _zip("a.txt"), "image/jpeg", True),
        (files.pdf("a") + _zip("a.txt"), "application/pdf", True), (b"GIF89a/*" + _PAGE, "image/gif", True),
        (files.sound("FLAC") + _zip("a.txt"), "audio/flac", True),
    ],
)  # fmt: skip
def test_a_file_that_is_another_one_too_is_known(tmp_path, content, kind, is_second):
    (tmp_path / "file").write_bytes(content)

    assert is_double(tmp_path / "file", kind) is is_second


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "姓名,价格\n奶酪,三十\n面包,五\n"), ("gb18030", "你好"), ("gb18030", "# 注释\nprint('文本')\n"),
        ("big5", "姓名,價格\n起司,三十\n麵包,五\n"), ("big5hkscs", "人人生而自由,在尊嚴和權利上一律平等。"),
        ("shift_jis", "名前,値段\nチーズ,350\nパン,100\n"), ("cp932", "すべての人間は、生まれながらにして自由である。"),
        ("cp949", "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."), ("cp1252", "naïve"),
        ("cp1252", "Name;Preis\nKäse;3,50 €\nBrötchen;0,40 €\n"), ("cp1252", "“Où?” – déjà là, à l'été"),
        ("cp1252", "a;b;c\n" * 200 + "a;½;3\n"), ("cp1252", "Lódz ó"), ("cp1252", "£5 ± é"),
        ("cp1252", "x = 1\n" * 20_000 + "# für später\n"),
    ],
)  # fmt: skip
def test_a_text_is_read_as_it_was_written_before_everybody_wrote_utf_8(tmp_path, encoding, text):
    path = tmp_path / "file"
    path.write_text(text, encoding=encoding)

    assert path.read_text(encoding=encoding_of(path)) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\Users\\wei\\报告.pdf", "报告.pdf"), ("a\u202egnp.exe", "agnp.exe"),
        ("a\0b\nc.txt", "abc.txt"), ("", "file"), ("..", "file"), (" . ", "file"), ("e\u0301.txt", "é.txt"),
        ("x" * 300 + ".docx", "x" * 180 + ".docx"), ("y" * 300, "y" * 200),
    ],
)  # fmt: skip
def test_a_name_is_one_that_can_be_shown(name, shown):
    assert clean_name(name) == shown


@given(st.text(max_size=400))
def test_a_name_never_leads_anywhere_and_is_as_it_is_when_it_is_cleaned_again(name):
    shown = clean_name(name)

    assert 1 <= len(shown) <= 200
    assert not set(shown) & set("/\\\0\n\u202e")
    assert shown not in (".", "..")
    assert clean_name(shown) == shown
