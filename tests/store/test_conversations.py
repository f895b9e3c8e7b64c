import pytest
from sqlalchemy import insert

from chat_app.errors import NotFound
from chat_app.messages import TextPart
from chat_app.store.conversations import ConversationStore
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.messages import MessageStore
from chat_app.store.records import NewTurn
from chat_app.store.tables import users


@pytest.fixture
def library(database: Database) -> ConversationStore:
    return ConversationStore(database)


async def _make(library: ConversationStore, title: str) -> str:
    turn = NewTurn((TextPart(title),), "m", new_id(), title)
    return (await MessageStore(library._database).add_turn("local", turn)).conversation_id


async def test_the_library_pages_through_without_gap_or_repetition(library):
    made = [await _make(library, str(i)) for i in range(7)]

    seen, before = [], None
    while page := await library.library("local", limit=3, before=before):
        seen += [record.id for record in page]
        before = (page[-1].updated_at, page[-1].id)

    assert seen == made[::-1]


async def test_pinned_archived_and_deleted_stand_apart(library):
    pinned, archived, deleted, plain = [await _make(library, name) for name in ("p", "a", "d", "x")]
    await library.set_pinned("local", pinned, pinned=True)
    await library.set_archived("local", archived, archived=True)
    await library.set_deleted("local", deleted, deleted=True)

    async def ids(**which) -> list[str]:
        return [record.id for record in await library.library("local", limit=9, **which)]

    assert await ids(pinned=True) == [pinned]
    assert await ids() == [plain]
    assert await ids(archived=True) == [archived]
    assert [record.id for record in await library.deleted("local", 9)] == [deleted]


async def test_a_deleted_conversation_is_gone_until_it_is_brought_back(library):
    made = await _make(library, "x")
    await library.set_deleted("local", made, deleted=True)
    with pytest.raises(NotFound):
        await library.get("local", made)

    await library.set_deleted("local", made, deleted=False)

    assert (await library.get("local", made)).title == "x"


async def test_a_persons_own_title_is_final(library):
    made = await _make(library, "question")

    assert await library.rename("local", made, "by the model", source="model")
    assert await library.rename("local", made, "mine", source="person")
    assert not await library.rename("local", made, "by the model again", source="model")
    assert (await library.get("local", made)).title == "mine"


async def test_what_was_deleted_long_ago_goes_for_good_with_its_messages(library):
    old, kept = await _make(library, "old"), await _make(library, "kept")
    await library.set_deleted("local", old, deleted=True)
    await library.purge(2**60)

    assert await library.deleted("local", 9) == []
    assert await MessageStore(library._database).all_of("local", old) == []
    assert await library.all_ids("local") == [kept]


async def test_what_was_deleted_a_moment_ago_stays(library):
    made = await _make(library, "mine")
    before = now_ms()
    await library.set_deleted("local", made, deleted=True)
    await library.purge(before)

    assert [record.id for record in await library.deleted("local", 9)] == [made]


async def test_messages_deleted_long_ago_go_for_good_with_what_followed_them(library):
    conversation_id = await _make(library, "kept")
    messages = MessageStore(library._database)
    first = (await messages.all_of("local", conversation_id))[-1]
    new = NewTurn((TextPart("gone"),), "m", "gone", "gone", conversation_id, first.id)
    gone = await messages.add_turn("local", new)
    await messages.set_deleted("local", gone.question_id, deleted=True)
    await library.purge(2**60)

    with pytest.raises(NotFound):
        await messages.record("local", gone.reply_id)
    assert len(await messages.all_of("local", conversation_id)) == 2


async def test_deleting_everything_touches_nobody_else(library):
    await _make(library, "x")
    assert not await library.has_others("local")
    async with library._database.write() as connection:
        await connection.execute(insert(users).values(id="o", created_at=0, name="o", role="user", preferences="{}"))
    assert await library.has_others("local")
    await MessageStore(library._database).add_turn("o", NewTurn((TextPart("y"),), "m", "k", "y"))

    await library.delete_everything("local")

    assert await library.all_ids("local") == []
    assert len(await library.all_ids("o")) == 1


async def test_nobody_reaches_another_persons_conversations(library):
    made = await _make(library, "x")

    assert await library.library("o", limit=9) == []
    assert not await library.rename("o", made, "mine", source="person")
    for attempt in (
        library.get("o", made),
        library.set_pinned("o", made, pinned=True),
        library.set_deleted("o", made, deleted=True),
        library.mark_read("o", made),
    ):
        with pytest.raises(NotFound):
            await attempt
