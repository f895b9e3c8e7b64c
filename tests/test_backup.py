import stat

from chat_app.backup import load, save
from chat_app.messages import TextPart, text_of
from chat_app.store.database import Database
from chat_app.store.messages import MessageStore
from chat_app.store.records import NewTurn
from tests.conftest import fresh_postgres, make_settings


async def _ask(url: str, text: str) -> str:
    database = Database(url)
    await database.migrate()
    turn = await MessageStore(database).add_turn("local", NewTurn((TextPart(text),), "m", text, text))
    await database.aclose()
    return turn.question_id


async def _read(url: str, message_id: str) -> str:
    database = Database(url)
    found = await MessageStore(database).history("local", message_id, 1)
    await database.aclose()
    return text_of(found[0].parts) if found else ""


async def test_a_backup_gives_back_the_database_and_the_folder(tmp_path, database_url):
    folder, archive = tmp_path / "data", tmp_path / "saved.tar.gz"
    settings = make_settings(folder, database_url=database_url)
    kept = await _ask(database_url, "kept")
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "a").write_bytes(b"\x00a")
    (folder / "secret_key").write_text("not-a-secret")
    (folder / "secret_key").chmod(0o600)
    save(settings, archive)
    later = await _ask(database_url, "later")
    (folder / "files" / "a").unlink()

    if database_url.startswith("sqlite"):
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
