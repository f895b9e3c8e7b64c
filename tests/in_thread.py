"""An event loop in a thread of its own, so that a blocking test can use what runs there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_thread(run: Callable[[threading.Event], None], loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let `run` have the loop while the block lasts; it sets the event once it serves, and ends when the loop stops."""
    started = threading.Event()
    thread = threading.Thread(target=run, args=(started,), daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
