"""Recordings: how long they are, and a copy that models take."""

import io
import struct
from pathlib import Path

import pytest
import soundfile

from chat_app.errors import FileRefused
from chat_app.extraction.workers import Workers
from chat_app.messages import FileFacts
from tests import files


@pytest.fixture
def workers() -> Workers:
    return Workers(at_once=2, time_s=20, memory_bytes=1_000_000_000)


async def _prepared(workers: Workers, folder: Path, content: bytes) -> FileFacts:
    (folder / "given").write_bytes(content)
    return await workers.run("sound", folder / "given", folder / "made", 600)


@pytest.mark.parametrize("kind", ["WAV", "MP3"])
async def test_what_models_take_stays_as_it_is(workers, tmp_path, kind):
    facts = await _prepared(workers, tmp_path, files.sound(kind))

    assert (facts.seconds, facts.view_type) == (pytest.approx(1.5, abs=0.1), "")
    assert not (tmp_path / "made.view").exists()


@pytest.mark.parametrize(("kind", "seconds"), [("FLAC", 1.5), ("OGG", 1.5), ("WAV", 60)])
async def test_what_they_do_not_take_or_is_large_gets_a_copy_that_they_do(workers, tmp_path, kind, seconds):
    facts = await _prepared(workers, tmp_path, files.sound(kind, seconds))

    assert (facts.seconds, facts.view_type) == (pytest.approx(seconds, abs=0.1), "audio/mpeg")
    made = soundfile.info(io.BytesIO((tmp_path / "made.view").read_bytes()))
    assert (made.format, made.channels, made.duration) == ("MP3", 1, pytest.approx(seconds, abs=0.2))


async def test_what_chromium_records_is_as_long_as_its_last_block(workers, tmp_path):
    head = b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + b"\x2a\xd7\xb1\x83\x0f\x42\x40" + b"A_OPUS"
    clusters = b"".join(
        b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xe7\x82" + struct.pack(">H", at)
        + b"".join(b"\xa3\x86\x81" + struct.pack(">h", time) + b"\x80\x11\x22" for time in (0, 60, 120))
        for at in (0, 3000, 6000)
    )  # fmt: skip
    facts = await _prepared(workers, tmp_path, head + clusters)

    assert facts == FileFacts(seconds=6.12)


async def test_what_safari_records_says_how_long_it_is(workers, tmp_path):
    header = b"mvhd\0\0\0\0" + bytes(8) + struct.pack(">II", 1000, 4200) + bytes(80)
    facts = await _prepared(workers, tmp_path, b"\0\0\0\x18ftypM4A " + bytes(12) + b"soun" + header)

    assert facts == FileFacts(seconds=4.2)


def _box(kind: bytes, *numbers: int) -> bytes:
    return kind + b"".join(struct.pack(">I", number) for number in numbers)


FRAGMENTED = b"".join((
    b"\0\0\0\x18ftypM4A " + bytes(12) + b"soun",
    _box(b"mvhd", 0, 0, 0, 1000, 0) + bytes(80),  # a length that was not known when it was written
    _box(b"mdhd", 0, 0, 0, 48_000, 0) + bytes(80),
    _box(b"trex", 0, 1, 1, 1024, 0, 0),
    _box(b"tfhd", 0, 1) + _box(b"trun", 0x000001, 90, 0),  # samples of the usual length, after an offset
    _box(b"tfhd", 0x000008, 1, 2048) + _box(b"trun", 0, 30),  # of this fragment's own
    _box(b"tfhd", 0, 1) + _box(b"trun", 0x000300, 2, 48_000, 9, 24_000, 9),  # each with its own
))  # fmt: skip


async def test_what_is_recorded_in_fragments_is_as_long_as_they_are_together(workers, tmp_path):
    facts = await _prepared(workers, tmp_path, FRAGMENTED)

    assert facts.seconds == round((90 * 1024 + 30 * 2048 + 72_000) / 48_000, 2)


async def test_a_header_that_says_less_than_there_is_is_not_believed(workers, tmp_path):
    head = b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + b"\x44\x89\x84" + struct.pack(">f", 1000) + b"A_OPUS"
    late = b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xe7\x83\x0a\x00\x00"
    with pytest.raises(FileRefused) as refused:
        await _prepared(workers, tmp_path, head + late)

    assert refused.value.reason == "long"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (files.sound("FLAC", 601, 8000), "long"),
        (files.sound("WAV")[:30], "broken"),
        (b"OggS\0\x02" + bytes(60), "broken"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm A_OPUS", "broken"),
        (b"\0\0\0\x18ftypM4A " + b"soun", "broken"),
    ],
)
async def test_what_is_too_long_or_damaged_is_refused(workers, tmp_path, content, reason):
    with pytest.raises(FileRefused) as refused:
        await _prepared(workers, tmp_path, content)

    assert refused.value.reason == reason
