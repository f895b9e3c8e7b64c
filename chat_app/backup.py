"""`python -m chat_app.backup save|load FILE`: the data folder and the database in one archive, and back.

SQLite is copied by its own backup, so that saving is safe while the application runs. PostgreSQL is dumped and restored
by its own programs, `pg_dump` and `psql`. Stop the application before loading.
"""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qsl, unquote, urlsplit

from chat_app.settings import Settings, child_environment, load_settings

_SQLITE, _POSTGRES, _FOLDER = "chat.db", "database.sql", "data"
_BESIDE, _OLD, _DONE, _OF_FOLDER = ".restore-", "old", "done", "data"
_PIECE = 1 << 20
_VARIABLES = {
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "host": "PGHOST",
    "port": "PGPORT",
    "database": "PGDATABASE",
    "ssl": "PGSSLMODE",
}
# The dump drops what it has; tables of a later version must go too, or they hold on to those.
_DROP_TABLES = """
DO $$ DECLARE it text; BEGIN
    FOR it IN
        SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = current_schema()
        AND NOT EXISTS (SELECT FROM pg_depend WHERE deptype = 'e'
                        AND objid = format('%I.%I', schemaname, tablename)::regclass)
    LOOP EXECUTE 'DROP TABLE IF EXISTS ' || it || ' CASCADE'; END LOOP;
END $$
"""


def save(settings: Settings, archive: Path) -> None:
    """Write everything into an archive, readable by its owner alone. One that was there goes when the new one is whole.

    Raises:
        SystemExit: It cannot be done; an archive that was there still is.
    """
    part = archive.with_name(f"{archive.name}.part")
    try:
        _save(settings, part, archive)
        part.replace(archive)
    except (OSError, sqlite3.Error) as error:
        raise SystemExit(f"Nothing was saved to {archive}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def _save(settings: Settings, part: Path, archive: Path) -> None:
    with tempfile.TemporaryDirectory() as made, tarfile.open(part, "w:gz", dereference=True) as tar:
        part.chmod(0o600)
        database = _sqlite_file(settings)
        left_out = {archive.resolve(), part.resolve()}
        if database is None:
            dump = Path(made) / _POSTGRES
            options = ("--clean", "--if-exists", "--no-owner", "--no-password", f"--file={dump}")
            _run(settings, "pg_dump", *options)
            tar.add(dump, _POSTGRES)
        else:
            copy = Path(made) / _SQLITE
            _copy_sqlite(database, copy)
            shutil.copymode(database, copy)
            tar.add(copy, _SQLITE)
            left_out |= {path.resolve() for path in _files_of(database)}
        for path in sorted(settings.chat_app_data.rglob("*")):
            if (path.is_file() or path.is_dir()) and path.resolve() not in left_out:
                tar.add(path, f"{_FOLDER}/{path.relative_to(settings.chat_app_data)}", recursive=False)


def load(settings: Settings, archive: Path) -> None:
    """Put folder and database back as they were saved; what came since goes.

    Raises:
        SystemExit: It cannot be done, and what was there still is.
    """
    settings.chat_app_data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with _Exchange() as exchange:
            _load(settings, archive, exchange)
    except (OSError, EOFError, zlib.error, tarfile.TarError, sqlite3.Error) as error:
        raise SystemExit(f"Nothing was restored from {archive}: {error}") from error


def broken_off(settings: Settings) -> Path | None:
    """Where a restore that was killed has left what was there before; None when none was."""
    database = _sqlite_file(settings)
    places = [(settings.chat_app_data, _OF_FOLDER), *([(database.parent, database.name)] if database else [])]
    left = [work / _OLD for folder, owner in places for work in _beside(folder, owner)]
    return next((old for old in left if old.is_dir() and any(old.iterdir())), None)


def _beside(folder: Path, owner: str) -> list[Path]:
    """The folders of restores in this one. Others may keep their databases here: each is its owner's alone."""
    return sorted(path for path in folder.glob(f"{_BESIDE}*") if path.name.startswith(f"{_BESIDE}{owner}-"))


class _Exchange:
    """Moves things to and fro, and moves them back unless the block ends well.

    What has to give way is put beside, on the same file system, where moving is renaming; it goes when all is done.
    """

    def __init__(self) -> None:
        self._moves: list[tuple[Path, Path]] = []
        self._beside: list[Path] = []
        self._left: list[Path] = []  # by earlier ones that were killed

    def beside(self, folder: Path, owner: str) -> Path:
        """Make a folder in this one, for the time of the exchange."""
        folder.mkdir(parents=True, exist_ok=True)
        self._left += _beside(folder, owner)
        self._beside.append(Path(tempfile.mkdtemp(prefix=f"{_BESIDE}{owner}-", dir=folder)))
        return self._beside[-1]

    def move(self, source: Path, target: Path) -> None:
        """Rename, over what is there."""
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        self._moves.append((source, target))

    def __enter__(self) -> _Exchange:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            for source, target in reversed(self._moves) if error else ():
                target.replace(source)
        except OSError as second:
            kept = ", ".join(str(folder) for folder in self._beside)
            raise SystemExit(f"Nothing was restored: {error}; what was there is in {kept}: {second}") from error
        gone = self._beside if error else [*self._beside, *self._left]
        for old in [work / _OLD for work in gone if (work / _OLD).exists()]:
            old.replace(old.with_name(_DONE))  # killed from here on, nothing is broken off
        for work in gone:
            shutil.rmtree(work, ignore_errors=True)


def _load(settings: Settings, archive: Path, exchange: _Exchange) -> None:
    folder, database = settings.chat_app_data, _sqlite_file(settings)
    # In the folder, not beside it: it may be a volume of its own, or its parent not ours to write.
    work = exchange.beside(folder, _OF_FOLDER)
    saved, old = work / "saved", work / _OLD
    with gzip.open(archive) as packed, tarfile.open(fileobj=packed, mode="r:") as tar:
        tar.extractall(saved, filter="data")
        while packed.read(_PIECE):  # to the end, where the checksum is: a cut archive may lack nothing else
            pass
    wanted = saved / (_POSTGRES if database is None else _SQLITE)
    if not wanted.exists():
        raise SystemExit("DATABASE_URL: this archive was saved from another kind of database.")
    (saved / _FOLDER).mkdir(exist_ok=True)
    for path in [path for path in folder.iterdir() if path.name != work.name]:
        exchange.move(path, old / path.name)
    for path in list((saved / _FOLDER).iterdir()):
        exchange.move(path, folder / path.name)
    if archive.resolve().is_relative_to(folder.resolve()):  # no archive holds itself
        inside = archive.resolve().relative_to(folder.resolve())
        is_passing = inside.parts[0].startswith(_BESIDE)  # what an earlier restore left goes
        exchange.move(old / inside, folder / (inside.name if is_passing else inside))
    if database is None:
        options = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--single-transaction")
        _run(settings, "psql", *options, f"--command={_DROP_TABLES}", f"--file={wanted}")
    else:
        _exchange_sqlite(wanted, database, exchange)


def _exchange_sqlite(wanted: Path, database: Path, exchange: _Exchange) -> None:
    work = exchange.beside(database.parent, database.name)
    _copy_sqlite(wanted, work / "new")  # not a copy of bytes: SQLite refuses what is no database
    shutil.copymode(wanted, work / "new")
    for path in _files_of(database):  # a journal left behind would be played into the new database
        if path.exists():
            exchange.move(path, work / _OLD / path.name)
    exchange.move(work / "new", database)


def _copy_sqlite(source: Path, target: Path) -> None:
    # One that is not there is an error, not an empty one.
    one, other = sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True), sqlite3.connect(target)
    try:
        one.backup(other)
    finally:
        one.close()
        other.close()


def _sqlite_file(settings: Settings) -> Path | None:
    scheme, _, path = settings.database.partition("?")[0].partition(":///")
    return Path(path) if scheme.startswith("sqlite") else None


def _files_of(database: Path) -> list[Path]:
    return [Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")]


def _connection(settings: Settings) -> dict[str, str]:
    """DATABASE_URL as PostgreSQL's variables: arguments, unlike the environment, are anybody's to read."""
    url = urlsplit(settings.database)
    parts = {
        "user": unquote(url.username or ""),
        "password": unquote(url.password or ""),
        "host": url.hostname or "",
        "port": str(url.port or ""),
        "database": url.path.removeprefix("/"),
    } | dict(parse_qsl(url.query))
    return {_VARIABLES[name]: value for name, value in parts.items() if value and name in _VARIABLES}


def _run(settings: Settings, *command: str) -> None:
    environment = child_environment(Path(sys.executable).parent, **_connection(settings))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # our own arguments
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: {done.stderr.strip()}")


def main() -> None:
    """Save or load."""
    match sys.argv[1:]:
        case ["save", file]:
            save(load_settings(), Path(file))
        case ["load", file]:
            load(load_settings(), Path(file))
        case _:
            raise SystemExit("Say which file: make backup FILE=chat.tar.gz")


if __name__ == "__main__":
    main()
