"""An archive of conversations and the files that came with them: `conversations.json`, and each file once.

One that is read was made by anybody: what it says of itself is not believed, and little of it is unpacked at a time.
"""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from collections.abc import AsyncIterator, Collection, Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from chat_app.conversations.transfer import Export
from chat_app.errors import ImportFailed, StoreUnavailable

CONVERSATIONS = "conversations.json"
_PIECE = 1_000_000
_BEGIN = b"PK\3\4"
# An end of central directory, and where that of a large one is (APPNOTE.TXT, 4.3.14 to 4.3.16).
_END, _LOCATOR, _LARGE_END = b"PK\5\6", b"PK\6\7", b"PK\6\6"
_TAIL = 65_557  # bytes that an end may be before the end
FILE_ID = re.compile(r"file[-_][A-Za-z0-9]{6,}")
"""As ChatGPT calls files, with which their names in its archive begin."""
_MOST_DIRECTORY = 20_000_000  # bytes of names and places: about 200,000 files
_HAS_PASSWORD = 1  # in the flags of an entry (APPNOTE.TXT, 4.4.4)
# What zipfile raises where an archive lies: of a place (OSError, for a seek before the beginning), of a name that is no
# UTF-8 (ValueError), of how it is packed (NotImplementedError). All of it is told in a sentence.
_BROKEN = (BadZipFile, EOFError, NotImplementedError, OSError, ValueError, struct.error, zlib.error)


def write_archive(export: Export, folder: Path) -> BinaryIO:
    """An archive as a file without a name, which is gone when it is closed.

    Args:
        export: What is in it.
        folder: Whose disk holds it.

    Raises:
        StoreUnavailable: The disk is full or cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = TemporaryFile(dir=folder)  # noqa: SIM115 # whoever sends it closes it
        with ZipFile(file, "w", strict_timestamps=False) as archive:
            archive.writestr(CONVERSATIONS, export.json, ZIP_DEFLATED)
            for name, path in export.files.items():
                if path.exists():  # else swept at this moment
                    archive.write(path, name)
    except OSError as error:
        raise StoreUnavailable("The archive cannot be written just now.", detail=str(error)) from error
    return file


def is_archive(path: Path) -> bool:
    """Whether a file begins as one."""
    with path.open("rb") as file:
        return file.read(len(_BEGIN)) == _BEGIN


def too_large(most: int) -> ImportFailed:
    """What is said of what is imported and has more bytes."""
    return ImportFailed(f"The file is larger than {most:,} bytes.", "too_large", most=most)


class Archive:
    """One to be read; a context manager, which closes it.

    Args:
        path: Where it is.

    Raises:
        ImportFailed: It is damaged, or packed as none here is.
    """

    def __init__(self, path: Path) -> None:
        with _told_of_damage():
            if _directory_bytes(path) > _MOST_DIRECTORY:
                raise BadZipFile("it has too many files")
            self._zip = ZipFile(path)  # closed by the context
        try:
            self._said = _conversations_of(self._zip)
        except ImportFailed:
            self._zip.close()
            raise
        folder = self._said.filename.removesuffix(CONVERSATIONS)  # whoever unpacked it may have packed it in one
        self._infos = {info.filename.removeprefix(folder): info for info in self._zip.infolist()}
        for name, info in list(self._infos.items()):  # ChatGPT's are named by their ids and by what people called them
            if found := FILE_ID.match(PurePosixPath(name).name):
                self._infos.setdefault(found[0], info)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def conversations(self, most: int) -> bytes:
        """The conversations, never more of them unpacked than may be.

        Raises:
            ImportFailed: They are larger, or damaged.
        """
        with _told_of_damage(), self._zip.open(self._said) as file:
            contents = file.read(most + 1)
        if len(contents) > most:
            raise too_large(most)
        return contents

    def sizes(self, names: Collection[str]) -> dict[str, int]:
        """How large those of these files are said to be that are there, in bytes."""
        return {name: self._infos[name].file_size for name in names if name in self._infos}

    async def pieces(self, name: str) -> AsyncIterator[bytes]:
        """A file's content.

        Raises:
            ImportFailed: It is damaged.
        """
        with _told_of_damage():
            file = await asyncio.to_thread(self._zip.open, self._infos[name])
        with file:
            while piece := await asyncio.to_thread(_read, file):
                yield piece


def _conversations_of(archive: ZipFile) -> ZipInfo:
    """Where its conversations are.

    Raises:
        ImportFailed: It has none, or is packed as none here is.
    """
    infos = archive.infolist()
    with _told_of_damage():
        # Python unpacks of the other methods as much at a time as there is.
        if any(i.flag_bits & _HAS_PASSWORD or i.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for i in infos):
            raise BadZipFile("it has a password, or is packed in another way")
    said = next((info for info in infos if PurePosixPath(info.filename).name == CONVERSATIONS), None)
    if said is None:
        raise ImportFailed(f"The archive has no {CONVERSATIONS}.", "no_conversations")
    return said


def _read(file: IO[bytes]) -> bytes:
    with _told_of_damage():
        return file.read(_PIECE)


@contextmanager
def _told_of_damage() -> Generator[None]:
    try:
        yield
    except _BROKEN as error:
        raise ImportFailed("The archive is damaged, or has a password.", "archive") from error


def _directory_bytes(path: Path) -> int:
    """How large the list of an archive's files is, which is read whole: a small file can have a million of them.

    Raises:
        BadZipFile: It has no end.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + 22:
            raise BadZipFile("it has no end")
        (directory,) = struct.unpack_from("<I", tail, at + 12)
        if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR:
            file.seek(struct.unpack_from("<Q", tail, at - 12)[0])
            large = file.read(48)
            if large.startswith(_LARGE_END):
                (directory,) = struct.unpack_from("<Q", large, 40)
    return int(directory)
