"""Two hundred random faults over running answers, seeded: every acknowledged word is there, none twice, none billed twice.

A fault counts when the model's answer was still running as it struck; answers that nothing struck come besides.
"""

import random
import re
import sqlite3
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from tests.browser import Chat, stored_text
from tests.redis_server import BINARY, OwnRedis
from tests.server import Server
from tests.upstream import Script, Upstream
from tests.waiting import until_now
from tests.wire import Wire

pytestmark = pytest.mark.breaks

FAULTS = {"memory": 140, "redis": 60}
SEED = 20261123
KINDS = {"reload": 5, "offline": 4, "cut": 4, "locked": 3, "kill": 1, "stop": 2, "none": 1}
ANY_ID = re.compile(".")
REDIS_KINDS = {"forget": 4, "reload": 3, "offline": 2, "kill": 1, "stop": 1}
NO_FAULTS = ("stop", "none")
PACE_S = 0.01


class Run:
    """One browser tab, one server, one model server, and a chance that says what breaks."""

    def __init__(self, chat: Chat, wire: Wire, server: Server, upstream: Upstream, redis: OwnRedis | None) -> None:
        self.chat, self.wire, self.server, self.upstream, self.redis = chat, wire, server, upstream, redis
        self.kinds = REDIS_KINDS if redis else KINDS
        self.chance = random.Random(SEED)
        self.done: Counter[str] = Counter()

    def one(self, number: int) -> None:
        """Ask, break something, and compare page, store and wire."""
        kind = self.chance.choices(list(self.kinds), list(self.kinds.values()))[0]
        pieces = [f"n{number}w{index} " for index in range(self.chance.randint(20, 60))]
        if kind == "cut":  # the answer has more to say, and never does
            pieces = pieces[: self.chance.randint(1, len(pieces))]
        calls, answers = len(self.upstream.chats), self.chat.answers.count()
        self.upstream.then(Script(pieces, pace_s=PACE_S, ending="cut" if kind == "cut" else "finish"))
        self.chat.ask(f"question {number}")
        until_now(lambda: len(self.upstream.chats) == calls + 1, within_s=20)
        self.chat.page.wait_for_timeout(self.chance.uniform(0, 700) * len(pieces) * PACE_S)  # the random moment itself
        shown, kept = self._before(answers)
        was_running = kind == "cut" or self.upstream.chats[-1].state == "running"
        getattr(self, kind)()
        self._compare(number, kind, pieces, calls, kept if kind == "kill" and not self.redis else shown)
        self.done[kind] += was_running

    @property
    def faults(self) -> int:
        """How many struck an answer that was running."""
        return sum(count for kind, count in self.done.items() if kind not in NO_FAULTS)

    def _before(self, answers: int) -> tuple[str, str]:
        """What the page shows of the new answer, and what the database holds of it, in this moment."""
        # An answer that stands without an id was put up by the page itself: nobody has acknowledged anything yet.
        look = "i => { const a = document.querySelectorAll('article[data-role=assistant]')[i]; return a?.dataset.messageId ? [a.dataset.messageId, a.querySelector('.body').textContent] : null }"
        if (found := self.chat.page.evaluate(look, answers)) is None:
            return "", ""
        message_id, shown = found
        return " ".join(shown.split()), stored_text(self.server, message_id)[1]

    def none(self) -> None:
        """Nothing breaks."""

    def cut(self) -> None:
        """The model server's connection is cut at the end."""

    def forget(self) -> None:
        """Redis dies and comes back empty."""
        assert self.redis is not None
        self.redis.restart(away_s=self.chance.uniform(0, 1))

    def reload(self) -> None:
        """F5."""
        self.chat.page.reload()

    def offline(self) -> None:
        """Every connection of the browser is cut, and for a moment no new one is made."""
        self.wire.cut()
        self.chat.page.wait_for_timeout(self.chance.uniform(50, 500))  # how long the fault lasts
        self.wire.mend()

    def stop(self) -> None:
        """Stop, when there is still something to stop."""
        with suppress(PlaywrightTimeout):  # it may have ended just now
            self.chat.button("Stop").click(timeout=300)

    def locked(self) -> None:
        """Somebody else holds the database's write lock."""
        held = threading.Event()

        def hold() -> None:
            database = sqlite3.connect(self.server.folder / "chat.db", isolation_level=None, timeout=10)
            database.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(1)  # how long the fault lasts
            database.execute("COMMIT")
            database.close()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(10)
        thread.join()

    def kill(self) -> None:
        """kill -9, and a new start."""
        self.server.kill()
        self.server.start()
        self.chat.page.reload()

    def _compare(self, number: int, kind: str, pieces: list[str], calls: int, acknowledged: str) -> None:
        question = self.chat.page.locator('article[data-role="user"]').last
        expect(question).to_contain_text(f"question {number}", timeout=20_000)
        expect(question).to_have_attribute(
            "data-message-id", ANY_ID, timeout=20_000
        )  # stored, so its answer is the last
        answer = self.chat.answers.last
        expect(answer).not_to_have_attribute("data-status", "streaming", timeout=20_000)
        message_id = answer.get_attribute("data-message-id") or ""
        status, stored = stored_text(self.server, message_id)
        whole = "".join(pieces)
        context = f"fault {number}, {kind}: {status}"
        assert whole.startswith(stored), context
        assert " ".join(stored.split()).startswith(" ".join(acknowledged.split())), (
            f"{context}: acknowledged words are gone"
        )
        assert len(self.upstream.chats) == calls + 1, f"{context}: asked twice"
        assert self.upstream.chats[-1].text.startswith(stored), context
        if kind in ("reload", "offline", "locked", "forget", "none"):
            assert (status, stored) == ("complete", whole), context
        if kind == "cut":
            assert (status, stored) == ("interrupted", whole), context
        if stored:
            until_now(lambda: self.chat.words().startswith(" ".join(stored.split())), within_s=10)


@pytest.mark.slow
@pytest.mark.parametrize(
    "log", ["memory", pytest.param("redis", marks=pytest.mark.skipif(not BINARY, reason="no Redis"))]
)
def test_no_fault_loses_or_doubles_a_word(new_context, folder, log):
    redis = OwnRedis(folder / "redis").start() if log == "redis" else None
    settings = {"REDIS_URL": redis.url, "REAP_AFTER_S": "3", "HEARTBEAT_S": "1"} if redis else {}
    with Upstream(["echo"]).serve() as upstream, Wire().open() as wire:
        server = Server(
            folder, VLLM_BASE_URL=upstream.url, BUSY_TIMEOUT_S="0.3", CHECKPOINT_S="0.2", **settings
        ).start()
        try:
            chat = Chat(new_context(proxy=wire.proxy).new_page())
            chat.page.goto(server.url)
            run = Run(chat, wire, server, upstream, redis)
            number = 0
            while run.faults < FAULTS[log]:
                if number % 10 == 0:  # a new conversation now and then
                    chat.page.goto(server.url)
                    expect(chat.field).to_be_visible(timeout=20_000)
                run.one(number)
                number += 1
            print("faults survived:", dict(run.done))
            assert min(run.done[kind] for kind in run.kinds) > 0
        finally:
            server.stop()
            if redis:
                redis.stop()
