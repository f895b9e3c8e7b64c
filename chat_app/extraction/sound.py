"""How long a recording is, and a copy of it that models take. It runs in a process of its own (`workers.py`).

Models take WAV and MP3. What libsndfile reads is written as MP3 (`<target>.view`) where it is neither, or large; of
what browsers record, WebM and MP4, only the length is found here.
"""

# pyright: standard
# The library it stands on has no types.

from __future__ import annotations

import re
import struct
from pathlib import Path

import soundfile

from chat_app.extraction.refused import Refused

_AS_IT_IS = 2_000_000  # bytes of a WAV that need not be made smaller
_BLOCK = 65536
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # those that MP3 has
_HEAD = 4096
_FRAGMENTS = re.compile(rb"trex|tfhd|trun")
# Elements of Matroska (RFC 9559): what a time is counted in, how long the whole is, and where a cluster begins.
_SCALE, _DURATION = re.compile(rb"\x2a\xd7\xb1([\x81-\x88])"), re.compile(rb"\x44\x89(\x84|\x88)")
_CLUSTER = re.compile(rb"\x1f\x43\xb6\x75(?:[\x80-\xff]|[\x01-\x7f].{1,7}?)\xe7([\x81-\x88])", re.DOTALL)
_BLOCKS = re.compile(rb"\xa3(?:[\x80-\xff]|[\x40-\x7f].|[\x20-\x3f]..)\x81(..)[\x00-\x8f]", re.DOTALL)


def prepare(source: Path, target: Path, most_seconds: int) -> dict[str, object]:
    """Find how long it is, and make a copy that models take where one is needed.

    Returns:
        The `FileFacts` of it.

    Raises:
        Refused: It is longer than that, or damaged.
    """
    with source.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp":
        return _told(_mp4_seconds(source.read_bytes()), most_seconds)
    if head.startswith(b"\x1aE\xdf\xa3"):
        return _told(_webm_seconds(source.read_bytes()), most_seconds)
    try:
        with soundfile.SoundFile(source) as sound:
            told = _told(sound.frames / sound.samplerate, most_seconds)
            is_small_wav = sound.format in ("WAV", "WAVEX") and source.stat().st_size <= _AS_IT_IS
            if is_small_wav or sound.format == "MP3" or sound.samplerate not in _RATES:
                return told
            _write_mp3(sound, target.with_suffix(".view"))
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise Refused("broken") from error
    return told | {"view_type": "audio/mpeg"}


def _told(seconds: float, most_seconds: int) -> dict[str, object]:
    if not 0 < seconds < float("inf"):
        raise Refused("broken")
    if seconds > most_seconds:
        raise Refused("long", most=round(most_seconds / 60, 1))
    return {"seconds": round(seconds, 2)}


def _write_mp3(sound: soundfile.SoundFile, path: Path) -> None:
    """In one channel, since models hear one."""
    with soundfile.SoundFile(path, "w", sound.samplerate, 1, "MPEG_LAYER_III", format="MP3") as made:
        for block in sound.blocks(blocksize=_BLOCK, always_2d=True, dtype="float32"):
            made.write(block.mean(axis=1))


def _mp4_seconds(content: bytes) -> float:
    """What its movie header says (ISO/IEC 14496-12, 8.2.2), or its fragments, whichever is longer."""
    return max(_header_seconds(content, b"mvhd"), _fragments_seconds(content))


def _header_seconds(content: bytes, box: bytes) -> float:
    scale, length = _scale_and_length(content, box)
    return length / scale if scale else 0


def _scale_and_length(content: bytes, box: bytes) -> tuple[int, int]:
    """Of a movie's or a medium's header, which begin alike; zeros where there is none."""
    found = content.find(box)
    if found < 0 or len(content) < found + 36:
        return 0, 0
    is_long = content[found + 4] == 1
    scale, length = struct.unpack_from(">IQ" if is_long else ">II", content, found + (24 if is_long else 16))
    return int(scale), int(length)


def _fragments_seconds(content: bytes) -> float:
    """The samples of its fragments (8.8.7 and 8.8.8), as recorders write them that do not know how long it will be."""
    scale, _ = _scale_and_length(content, b"mdhd")
    usual = total = 0
    for box in _FRAGMENTS.finditer(content):
        flags, at = int.from_bytes(content[box.end() + 1 : box.end() + 4], "big"), box.end() + 8
        if box[0] == b"trex":  # what fragments have that do not say
            usual = _number(content, at + 4)
        elif box[0] == b"tfhd":
            at += 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2)
            usual = _number(content, at) if flags & 0x8 else usual
        else:
            count, size = _number(content, box.end() + 4), 4 * (flags & 0xF00).bit_count()
            at += 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
            count = min(count, (len(content) - at) // size if size else count)
            lengths = (_number(content, at + index * size) for index in range(count)) if flags & 0x100 else ()
            total += sum(lengths) if flags & 0x100 else count * usual
    return total / scale if scale else 0


def _number(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "big")


def _webm_seconds(content: bytes) -> float:
    """What its header says, or its last cluster, whichever is longer: a browser does not know how long it will be."""
    head, length, last = content[:_HEAD], 0.0, 0
    scale_ns = _integer(head, _SCALE.search(head)) or 1_000_000
    if found := _DURATION.search(head):
        kind = ">f" if found[1][0] & 0x0F == 4 else ">d"
        (length,) = struct.unpack_from(kind, head.ljust(_HEAD + 8, b"\0"), found.end())
    if clusters := list(_CLUSTER.finditer(content)):
        blocks = [struct.unpack(">h", block[1])[0] for block in _BLOCKS.finditer(content, clusters[-1].end())]
        last = _integer(content, clusters[-1]) + max((time for time in blocks if time >= 0), default=0)
    return max(length, last) * scale_ns / 1e9


def _integer(content: bytes, found: re.Match[bytes] | None) -> int:
    """The number whose length in bytes was found, behind it."""
    if found is None:
        return 0
    return int.from_bytes(content[found.end() : found.end() + (found[1][0] & 0x0F)], "big")
