"""Files that were made to do harm, or by chance: each is taken or refused in a sentence, and nothing else happens."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_app.conversations.attachments import TASKS, VIEW_EDGE
from chat_app.errors import FileRefused
from chat_app.extraction.kinds import clean_name, kind_of
from chat_app.extraction.workers import Workers
from tests import files

WHOLE = {
    "a.png": files.image("PNG"), "a.jpg": files.photo(), "a.gif": files.animation(), "a.webp": files.image("WEBP"),
    "a.heic": files.image("HEIF"), "a.pdf": files.pdf("Words.", "More."), "a.docx": files.word(),
    "a.avif": files.image("AVIF"), "a.wav": files.sound(), "a.mp3": files.sound("MP3"), "a.flac": files.sound("FLAC"),
    "a.webm": b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + b"\x2a\xd7\xb1\x83\x0f\x42\x40" + b"A_OPUS" + bytes(range(256)),
    "a.m4a": b"\0\0\0\x18ftypM4A " + bytes(12) + b"soun" + b"mvhd" + bytes(12) + b"\0\0\3\xe8\0\0\x0b\xb8" + bytes(40),
    "a.pptx": files.slides(), "a.xlsx": files.sheets(), "a.html": b"<p>words</p>" * 50, "a.csv": "名,1\n".encode() * 50,
}  # fmt: skip


_LOOKS = {"image": ("picture", (25_000_000, VIEW_EDGE)), "audio": ("sound", (600,))}


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A whole file of some kind, of which bytes were changed, cut out or put in."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    content = bytearray(WHOLE[name])
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 64))
        content[at : at + length] = draw(st.binary(max_size=64))
    return name, bytes(content)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_damaged())
async def test_a_damaged_file_is_read_or_refused_and_leaves_nothing_else(tmp_path: Path, damaged: tuple[str, bytes]):
    name, content = damaged
    source = tmp_path / "given"
    source.write_bytes(content)
    workers = Workers(at_once=2, time_s=10, memory_bytes=1_000_000_000)
    kind = kind_of(source, name)
    task, options = _LOOKS.get((kind or "").partition("/")[0], (TASKS.get(kind or ""), ()))
    if task is None:
        return
    with suppress(FileRefused):  # any other error fails the test
        facts = await workers.run(task, source, source, *options)
        assert facts.view_type or facts.seconds or source.with_suffix(".text").is_file()
    for path in tmp_path.iterdir():
        path.unlink()


@pytest.mark.slow
@settings(max_examples=3000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), _damaged().map(lambda damaged: damaged[1])), st.text(max_size=300))
def test_whatever_comes_has_a_kind_or_none_and_a_name_that_can_be_shown(tmp_path: Path, content: bytes, name: str):
    (tmp_path / "given").write_bytes(content)
    kind = kind_of(tmp_path / "given", name)

    assert kind is None or kind.partition("/")[0] in ("image", "audio", "text", "application")
    shown = clean_name(name)
    assert shown
    assert len(shown) <= 200
    assert not set(shown) & set("/\\\0\u202e\u2066")
