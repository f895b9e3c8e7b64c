"""What a process keeps for its pages."""

import asyncio

from chat_app.conversations.watching import Changes


async def test_whoever_begins_to_watch_looks_once_since_what_it_read_before_may_have_changed():
    changes = Changes(announce=lambda user_id: None)
    async with changes.watch("ann") as changed:
        assert changed.is_set()
        changed.clear()
        changes.tell("bob")
        assert not changed.is_set()
        changes.tell_all()
        async with asyncio.timeout(1):
            await changed.wait()
