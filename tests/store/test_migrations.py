import asyncio
import threading
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from chat_app.errors import NotFound, StoreUnavailable
from chat_app.store import tables
from chat_app.store.backlog import Backlog, Progress
from chat_app.store.blobs import BlobStore
from chat_app.store.database import Database
from chat_app.store.documents import DocumentStore
from chat_app.store.feedback import FeedbackStore, Rating
from chat_app.store.layers import LayerStore
from chat_app.store.messages import MessageStore
from chat_app.store.packs import LEAST
from chat_app.store.records import NOTHING
from chat_app.store.replays import ReplayStore
from chat_app.store.servers import Arrangement, ServerStore
from chat_app.store.vectors import ChunkStore
from tests.waiting import until


async def test_the_migrated_tables_are_those_the_code_describes(database: Database):
    def differences(connection: Connection) -> list:
        return compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    assert tables.users.name == "users"


async def test_several_processes_may_migrate_at_once(bare_database_url: str):
    databases = [Database(bare_database_url) for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        for each in databases:
            group.create_task(each.migrate())

    async with databases[0].read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM users"))).scalar_one() == 1
    for each in databases:
        await each.aclose()


async def test_the_first_migration_makes_the_person_local(database: Database):
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT id, role FROM users"))).all() == [("local", "admin")]


async def test_a_folder_that_cannot_be_used_is_said(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'no' / 'such' / 'chat.db'}", busy_timeout_s=0.1)
    with pytest.raises(StoreUnavailable):
        await database.migrate()
    await database.aclose()

    async def driver_has_let_go() -> bool:
        return not any("_connection_worker" in thread.name for thread in threading.enumerate())

    await until(driver_has_let_go)


async def _store(database: Database, message_id: str, role: str, output_tokens: int | None = None) -> None:
    """A conversation of one message, by the columns that the first version had."""
    async with database.write() as connection:
        await connection.execute(
            text(
                "INSERT INTO conversations (id, created_at, user_id, title, title_source, model, parameters, pinned, "
                "read_at, updated_at, leaf_message_id) VALUES ('c', 1, 'local', 't', 'question', 'm', '{}', false, 1, 1, :id)"
            ),
            {"id": message_id},
        )
        await connection.execute(
            text(
                "INSERT INTO messages (id, created_at, conversation_id, user_id, role, parts, search_text, status, revision, "
                "model, deployment, request_sent, request_dropped, output_tokens, error_text, error_detail, notes) VALUES "
                "(:id, 1, 'c', 'local', :role, '[]', '', 'complete', 0, '', '', '{}', '[]', :tokens, '', '', '{}')"
            ),
            {"id": message_id, "role": role, "tokens": output_tokens},
        )


async def test_messages_of_the_first_version_come_along_undeleted(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0001")
    await _store(database, "q", "user")
    await database.migrate()

    assert [m.id for m in await MessageStore(database).all_of("local", "c")] == ["q"]
    await database.aclose()


async def test_what_was_answered_before_costs_were_kept_has_none(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0002")
    await _store(database, "a", "assistant", output_tokens=7)
    await database.migrate()
    details = await MessageStore(database).details("local", "a")

    assert (details.usage.output_tokens, details.cost_micros) == (7, None)
    await database.aclose()


async def test_what_was_answered_before_parameters_were_kept_was_asked_with_none(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0003")
    await _store(database, "a", "assistant")
    await database.migrate()

    assert (await MessageStore(database).details("local", "a")).asked == NOTHING
    said = await LayerStore(database).read("local", "c")
    assert (said.name, said.locale, said.time_zone, said.person, said.conversation) == ("local", "", "", {}, {})
    await database.aclose()


async def test_before_files_could_be_given_there_were_none(bare_database_url: str, tmp_path):
    database = Database(bare_database_url)
    await database.migrate(to="0006")
    await _store(database, "a", "user")
    await database.migrate()

    blobs = BlobStore(database, tmp_path)
    with pytest.raises(NotFound):
        await blobs.read("local", "a")
    await blobs.sweep(0)
    assert [m.id for m in await MessageStore(database).all_of("local", "c")] == ["a"]
    await database.aclose()


async def test_before_servers_could_be_added_there_were_none_and_models_stood_as_they_came(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0005")
    await _store(database, "a", "assistant")
    await database.migrate()

    assert await ServerStore(database).read() == ([], Arrangement())
    assert [m.id for m in await MessageStore(database).all_of("local", "c")] == ["a"]
    await database.aclose()


async def test_what_was_said_before_it_could_be_searched_waits_to_be_indexed(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0008")
    await _store(database, "a", "assistant")
    await database.migrate()

    backlog = Backlog(database)
    assert [each.id for each in await backlog.unindexed(10)] == ["a"]
    assert await backlog.progress("local", "") == Progress(1, 0, 0)
    await database.aclose()


async def test_files_that_were_sent_before_there_were_documents_are_none_and_are_kept(bare_database_url: str, tmp_path):
    database = Database(bare_database_url)
    await database.migrate(to="0009")
    await _store(database, "a", "user")
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO blobs VALUES ('b', 1, 'sha', 3, '{}')"))
        given = "INSERT INTO attachments (id, created_at, user_id, message_id, blob_id, name, media_type) "
        await connection.execute(text(f"{given} VALUES ('f', 1, 'local', 'a', 'b', 'a.txt', 'text/plain')"))
    await database.migrate()

    blobs = BlobStore(database, tmp_path)
    documents = DocumentStore(database, blobs)
    assert await documents.listed("local", "") == []
    assert await documents.uncut() is None
    await blobs.sweep(10**15)
    assert (await blobs.read("local", "f")).blob_id == "b"
    await database.aclose()


async def test_chunks_that_were_stored_before_there_were_packs_are_put_into_some(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0011")
    chunk = "'local', 1, 'document', 'd', '', '', 0, 0, 0, '', '', 0, '', '', ''"
    names = "user_id, version, kind, group_id, text, heading, page, begins, ends, role, model, at, words, space, vector"
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO chunk_versions VALUES ('local', 1, 0)"))
        for number in range(LEAST):
            await connection.execute(text(f"INSERT INTO chunks (ref, {names}) VALUES ('d:{number}', {chunk})"))
    await database.migrate()

    table = ChunkStore(database)
    while await table.pack("", lambda rows: b"%d" % len(rows)):
        pass
    loaded = await table.load("local", -1, "")
    assert (loaded.packs, loaded.rows) == ([b"%d" % LEAST], [])
    await database.aclose()


async def test_answers_that_were_given_before_there_was_feedback_have_none_and_can_be_rated(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0012")
    await _store(database, "a", "assistant")
    await database.migrate()

    messages = MessageStore(database)
    assert [each.thumb for each in await messages.words("local", ["a"])] == [None]
    await FeedbackStore(database).rate("local", "a", Rating("up"))
    assert [each.thumb for each in await messages.words("local", ["a"])] == ["up"]
    await database.aclose()


async def test_answers_that_were_given_before_they_could_be_are_not_shown_side_by_side(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0014")
    await _store(database, "q", "user")
    await database.migrate()

    messages = MessageStore(database)
    beside = {"a": [replace(await messages.record("local", "q"), parent_id="q")]}
    assert await messages.side_by_side("local", beside) == set()
    await messages.show_side_by_side("local", "q", is_on=True)
    assert await messages.side_by_side("local", beside) == {"q"}
    await database.aclose()


async def test_answers_of_replays_that_failed_before_reasons_were_kept_have_none(bare_database_url: str):
    database = Database(bare_database_url)
    await database.migrate(to="0015")
    async with database.write() as connection:
        for statement in (
            "INSERT INTO prompt_sets VALUES ('s', 1, 'local', 'Some', '[]')",
            "INSERT INTO replays (id, created_at, user_id, set_id, sides, checks, status, at_once, spent_micros, run, key)"
            " VALUES ('r', 1, 'local', 's', '[]', '[]', 'complete', 1, 0, 0, 'k')",
            "INSERT INTO replay_answers (replay_id, position, side, created_at, text, error_code, duration_ms, checks)"
            " VALUES ('r', 0, 1, 1, '', 'overloaded', 5, '[]')",
        ):
            await connection.execute(text(statement))
    await database.migrate()

    [answer] = await ReplayStore(database).answers("r")
    assert (answer.error_code, answer.error_detail) == ("overloaded", "")
    await database.aclose()
