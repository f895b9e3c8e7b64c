"""`python -m chat_app.backup save|load FILE`: the data folder and the database in one archive, and back.

SQLite is copied by its own backup, so that saving is safe while the application runs. PostgreSQL is dumped and restored
by its own programs, `pg_dump` and `psql`. Stop the application before loading.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from chat_app.settings import Settings, load_settings

_SQLITE, _POSTGRES, _FOLDER = "chat.db", "database.sql", "data"


def save(settings: Settings, archive: Path) -> None:
    """Write everything into an archive, readable by its owner alone."""
    with tempfile.TemporaryDirectory() as made, tarfile.open(archive, "w:gz") as tar:
        archive.chmod(0o600)
        database = _sqlite_file(settings)
        if database is None:
            dump = Path(made) / _POSTGRES
            _run("pg_dump", "--clean", "--if-exists", "--no-owner", f"--file={dump}", _plain_url(settings))
            tar.add(dump, _POSTGRES)
        else:
            copy = Path(made) / _SQLITE
            _copy_sqlite(database, copy)
            tar.add(copy, _SQLITE)
        for path in sorted(settings.chat_app_data.rglob("*")):
            if path.is_file() and not path.name.startswith(_SQLITE) and path.resolve() != archive.resolve():
                tar.add(path, f"{_FOLDER}/{path.relative_to(settings.chat_app_data)}")


def load(settings: Settings, archive: Path) -> None:
    """Put everything back as it was saved.

    Raises:
        SystemExit: The archive is of another kind of database.
    """
    with tempfile.TemporaryDirectory() as made, tarfile.open(archive) as tar:
        tar.extractall(made, filter="data")
        folder = Path(made) / _FOLDER
        settings.chat_app_data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(folder.rglob("*")) if folder.exists() else ():
            if path.is_file():
                target = settings.chat_app_data / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
                target.chmod(path.stat().st_mode & 0o777)
        database = _sqlite_file(settings)
        wanted = Path(made) / (_POSTGRES if database is None else _SQLITE)
        if not wanted.exists():
            raise SystemExit("DATABASE_URL: this archive was saved from another kind of database.")
        if database is None:
            _run("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={wanted}", _plain_url(settings))
        else:
            for leftover in (f"{database}-wal", f"{database}-shm"):
                Path(leftover).unlink(missing_ok=True)
            _copy_sqlite(wanted, database)


def _copy_sqlite(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    one, other = sqlite3.connect(source), sqlite3.connect(target)
    try:
        one.backup(other)
    finally:
        one.close()
        other.close()


def _sqlite_file(settings: Settings) -> Path | None:
    scheme, _, path = settings.database.partition(":///")
    return Path(path) if scheme.startswith("sqlite") else None


def _plain_url(settings: Settings) -> str:
    return settings.database.replace("postgresql+asyncpg", "postgresql", 1)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # our own arguments
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
