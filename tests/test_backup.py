import io
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from chat_app.__main__ import check_place
from chat_app.backup import broken_off, load, save
from chat_app.messages import TextPart, text_of
from chat_app.settings import Settings
from chat_app.store.database import Database
from chat_app.store.messages import MessageStore
from chat_app.store.records import NewTurn
from tests.conftest import fresh_postgres, make_settings

RECORD = """#!/bin/sh
printf '%s\\n' "$@" >> "$RECORDS/arguments"
env | grep '^PG' > "$RECORDS/environment"
for argument; do case "$argument" in --file=*) : >> "${argument#--file=}";; esac; done
"""


async def _ask(url: str, words: str) -> str:
    database = Database(url)
    await database.migrate()
    turn = await MessageStore(database).add_turn("local", NewTurn((TextPart(words),), "m", words, words))
    await database.aclose()
    return turn.question_id


async def _read(url: str, message_id: str) -> str:
    database = Database(url)
    found = await MessageStore(database).history("local", message_id, 1)
    await database.aclose()
    return text_of(found[0].parts) if found else ""


async def _execute(url: str, statement: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def _files(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder, but the database's own."""
    paths = [path for path in folder.rglob("*") if not path.name.startswith("chat.db")]
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


def _write_archive(at: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(at, "w:gz") as tar:
        for name, contents in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            tar.addfile(member, io.BytesIO(contents))


@pytest.fixture
def settings(tmp_path, bare_database_url) -> Settings:
    """With some files in the data folder."""
    folder = tmp_path / "data"
    (folder / "files" / "none").mkdir(parents=True)
    (folder / "files" / "a").write_bytes(b"\x00a")
    (folder / "secret_key").write_text("not-a-secret")
    (folder / "secret_key").chmod(0o600)
    return make_settings(folder, database_url=bare_database_url)


async def test_a_backup_gives_back_the_database_and_the_folder(tmp_path, settings):
    archive, url = tmp_path / "saved.tar.gz", settings.database
    kept = await _ask(url, "kept")
    save(settings, archive)
    later = await _ask(url, "later")
    (settings.chat_app_data / "files" / "a").unlink()

    if url.startswith("sqlite"):
        restored = make_settings(tmp_path / "elsewhere", database_url=f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
        load(restored, archive)
        await _compare(restored, kept, later)
        return
    async with fresh_postgres() as url:
        restored = make_settings(tmp_path / "elsewhere", database_url=url)
        load(restored, archive)
        await _compare(restored, kept, later)

    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


async def _compare(restored, kept: str, later: str) -> None:
    assert await _read(restored.database, kept) == "kept"
    assert await _read(restored.database, later) == ""
    assert (restored.chat_app_data / "files" / "a").read_bytes() == b"\x00a"
    assert stat.S_IMODE((restored.chat_app_data / "secret_key").stat().st_mode) == 0o600


async def test_a_restore_leaves_nothing_of_what_came_since(tmp_path, settings):
    folder, archive = settings.chat_app_data, tmp_path / "saved.tar.gz"
    kept = await _ask(settings.database, "kept")
    before = _files(folder)
    save(settings, archive)
    later = await _ask(settings.database, "later")
    await _execute(settings.database, "CREATE TABLE since (id TEXT REFERENCES users (id))")
    (folder / "files" / "b").write_text("since")
    (folder / "since").mkdir()
    (folder / "since" / "c").write_text("since")
    (folder / "secret_key").write_text("since")

    load(settings, archive)

    assert _files(folder) == before
    assert await _read(settings.database, kept) == "kept"
    assert await _read(settings.database, later) == ""
    await _execute(settings.database, "CREATE TABLE since (id TEXT)")


async def test_a_database_in_the_data_folder_is_put_back_without_its_old_journal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings, archive = make_settings(Path("data")), Path("saved.tar.gz")
    settings.chat_app_data.mkdir()
    kept = await _ask(settings.database, "kept")
    save(settings, archive)
    (settings.chat_app_data / "chat.db").write_bytes(b"broken")
    (settings.chat_app_data / "chat.db-wal").write_bytes(b"of the broken one")

    load(settings, archive)

    assert await _read(settings.database, kept) == "kept"
    assert _files(settings.chat_app_data) == {}


async def test_files_that_only_look_like_the_database_are_saved_too(tmp_path, settings):
    await _ask(settings.database, "kept")
    (settings.chat_app_data / "chat.db").write_bytes(b"another one")
    save(settings, tmp_path / "saved.tar.gz")
    (settings.chat_app_data / "chat.db").unlink()

    load(settings, tmp_path / "saved.tar.gz")

    assert (settings.chat_app_data / "chat.db").read_bytes() == b"another one"


async def test_an_archive_in_the_data_folder_outlives_its_own_restore(settings):
    archive = settings.chat_app_data / "backups" / "saved.tar.gz"
    archive.parent.mkdir()
    await _ask(settings.database, "kept")
    save(settings, archive)
    saved = archive.read_bytes()

    load(settings, archive)

    assert archive.read_bytes() == saved


@pytest.mark.parametrize("fault", ["cut", "no archive", "no database", "broken database", "missing"])
async def test_a_restore_that_fails_leaves_what_was_there(tmp_path, settings, fault):
    folder, archive = settings.chat_app_data, tmp_path / "saved.tar.gz"
    kept = await _ask(settings.database, "kept")
    before = _files(folder)
    save(settings, archive)
    match fault:
        case "cut":
            archive.write_bytes(archive.read_bytes()[:-40])
        case "no archive":
            archive.write_bytes(b"something else")
        case "no database":
            _write_archive(archive, {"data/new": b""})
        case "broken database":
            sql = b"DROP TABLE messages; CREATE TABLE half (id TEXT); SELECT nonsense;"
            _write_archive(archive, {"data/new": b"", "chat.db": b"nonsense" * 999, "database.sql": sql})
        case _:
            archive.unlink()

    with pytest.raises(SystemExit):
        load(settings, archive)

    assert _files(folder) == before
    assert await _read(settings.database, kept) == "kept"
    await _execute(settings.database, "CREATE TABLE half (id TEXT)")


KILLED = """
import os, sys
from pathlib import Path
from chat_app import backup
from chat_app.settings import load_settings

moves, move = int(sys.argv[2]), backup._Exchange.move

def move_or_die(self, *paths):
    global moves
    moves -= 1
    if moves < 0:
        os._exit(9)
    move(self, *paths)

backup._Exchange.move = move_or_die
backup.load(load_settings(), Path(sys.argv[1]))
"""


@pytest.mark.parametrize("moves", [0, 1, 3, 4])
async def test_a_restore_that_was_killed_is_said_and_can_be_done_again(tmp_path, moves):
    folder, archive = tmp_path / "data", tmp_path / "saved.tar.gz"
    environment = {"CHAT_APP_DATA": str(folder), "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/db/chat.db"}
    settings = make_settings(folder, database_url=environment["DATABASE_URL"])
    folder.mkdir()
    (tmp_path / "db").mkdir()
    (folder / "one").write_text("saved")
    kept = await _ask(settings.database, "kept")
    save(settings, archive)
    (folder / "one").write_text("later")
    (folder / "two").write_text("later")

    command = [sys.executable, "-c", KILLED, str(archive), str(moves)]
    killed = subprocess.run(command, env=os.environ | environment, check=False)  # our own arguments
    assert killed.returncode == 9
    left = broken_off(settings)
    assert (left is not None) == bool(moves)
    if left is not None:
        with pytest.raises(SystemExit, match=f"^A restore was broken off.*{left}"):
            check_place(settings)
    others = make_settings(tmp_path / "other", database_url=f"sqlite+aiosqlite:///{tmp_path}/db/other.db")
    await _ask(others.database, "another's, in the same place")
    save(others, tmp_path / "others.tar.gz")
    assert broken_off(others) is None
    load(others, tmp_path / "others.tar.gz")
    assert broken_off(settings) == left
    load(settings, archive)

    assert broken_off(settings) is None
    assert _files(folder) == {"one": b"saved"}
    assert sorted(path.name for path in (tmp_path / "db").iterdir()) == ["chat.db", "other.db"]
    assert await _read(settings.database, kept) == "kept"


async def _killed_in_mid_restore(tmp_path: Path) -> tuple[Settings, str, Path]:
    """Settings, a question that was saved, and where a restore of an archive in the data folder left what was there."""
    settings = make_settings(tmp_path / "data")
    settings.chat_app_data.mkdir()
    kept = await _ask(settings.database, "kept")
    save(settings, settings.chat_app_data / "saved.tar.gz")
    command = [sys.executable, "-c", KILLED, str(settings.chat_app_data / "saved.tar.gz"), "2"]
    subprocess.run(command, env=os.environ | {"CHAT_APP_DATA": str(settings.chat_app_data)}, check=False)  # our own
    old = broken_off(settings)
    assert old is not None
    return settings, kept, old


async def test_after_a_restore_that_was_killed_what_was_there_can_be_put_back_by_hand(tmp_path):
    settings, kept, old = await _killed_in_mid_restore(tmp_path)
    for path in list(old.iterdir()):
        path.replace(settings.chat_app_data / path.name)

    check_place(settings)
    assert await _read(settings.database, kept) == "kept"
    load(settings, settings.chat_app_data / "saved.tar.gz")
    assert (settings.chat_app_data / "saved.tar.gz").exists()


async def test_an_archive_that_a_killed_restore_moved_away_outlives_the_next_one(tmp_path):
    settings, kept, old = await _killed_in_mid_restore(tmp_path)

    load(settings, old / "saved.tar.gz")

    assert (settings.chat_app_data / "saved.tar.gz").exists()
    assert await _read(settings.database, kept) == "kept"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("me:s3%40cret%2F@db:6543/chat?ssl=require", "PGUSER=me PGPASSWORD=s3@cret/ PGHOST=db PGPORT=6543 PGDATABASE=chat PGSSLMODE=require"),
        ("me:s3%2Fcret%3F@[::1]/chat", "PGUSER=me PGPASSWORD=s3/cret? PGHOST=::1 PGDATABASE=chat"),
        ("/chat?host=/run/pg&user=me&password=s3cret", "PGUSER=me PGPASSWORD=s3cret PGHOST=/run/pg PGDATABASE=chat"),
        ("me@db", "PGUSER=me PGHOST=db"),
    ],
)  # fmt: skip
def test_no_argument_of_a_program_holds_the_password(tmp_path, monkeypatch, url, wanted):
    for name in ("pg_dump", "psql"):
        (tmp_path / name).write_text(RECORD)
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("RECORDS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)
    settings = make_settings(tmp_path / "data", database_url=f"postgresql+asyncpg://{url}")

    for deed in (save, load):
        deed(settings, tmp_path / "saved.tar.gz")

        assert set((tmp_path / "environment").read_text().split()) == set(wanted.split())
    arguments = (tmp_path / "arguments").read_text()
    assert "--single-transaction" in arguments
    assert "cret" not in arguments


async def test_make_backup_and_make_restore_give_back_what_was_saved(tmp_path):
    folder, archive = tmp_path / "data", tmp_path / "all.tar.gz"
    folder.mkdir()
    url = f"sqlite+aiosqlite:///{folder / 'chat.db'}"
    question = await _ask(url, "kept")

    def run(command: str) -> None:
        environment = os.environ | {"CHAT_APP_DATA": str(folder), "DATABASE_URL": ""}
        given = ["make", command, f"FILE={archive}"]
        subprocess.run(given, env=environment, check=True, timeout=60, cwd=Path(__file__).parents[1])

    run("backup")
    shutil.rmtree(folder)
    run("restore")

    assert await _read(url, question) == "kept"


@pytest.mark.parametrize("fault", ["no database", "no room"])
def test_a_backup_that_fails_leaves_the_one_before_it(tmp_path, monkeypatch, fault):
    folder, archive = tmp_path / "data", tmp_path / "saved.tar.gz"
    folder.mkdir()
    archive.write_bytes(b"the one before")
    if fault == "no room":
        sqlite3.connect(folder / "chat.db").close()
        monkeypatch.setattr(tarfile.TarFile, "add", lambda *_, **__: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(SystemExit, match="Nothing was saved to"):
        save(make_settings(folder), archive)

    assert archive.read_bytes() == b"the one before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "saved.tar.gz"]
    assert fault == "no room" or list(folder.iterdir()) == []
