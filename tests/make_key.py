"""Makes a key in the database that the environment names, and prints it: `python -m tests.make_key`."""

from __future__ import annotations

import asyncio

from chat_app.gateway.keys import Keys
from chat_app.messages import Limits
from chat_app.settings import load_settings
from chat_app.store.database import Database
from chat_app.store.keys import KeyStore

# Every kind of limit is there to be counted, and none is ever reached.
LIMITS = Limits(10_000_000, 10_000_000_000, 1000, 1e6, 1e6)


async def main() -> None:
    """Make it."""
    database = Database(load_settings().database)
    _, key = await Keys(KeyStore(database)).make("local", "made by hand", limits=LIMITS)
    await database.aclose()
    print(key)


if __name__ == "__main__":
    asyncio.run(main())
