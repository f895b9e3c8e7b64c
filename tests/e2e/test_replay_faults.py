"""A replay over a kill of the process."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests.server import Server
from tests.upstream import Script, Upstream
from tests.waiting import until_now

PROMPTS = 200
AT_ONCE = 8


def _kept(server: Server) -> set[tuple[int, int]]:
    with closing(sqlite3.connect(f"file:{server.folder / 'chat.db'}?mode=ro", uri=True)) as database:
        return set(database.execute("SELECT position, side FROM replay_answers").fetchall())


def _asked(upstream: Upstream) -> list[tuple[str, str]]:
    return [(call.body["messages"][-1]["content"], call.body["model"]) for call in upstream.chats]


def test_a_replay_of_200_prompts_over_two_kills_ends_complete_and_asks_for_nothing_that_is_kept(folder: Path):
    lines = "\n".join(json.dumps({"prompt": f"p{number}"}) for number in range(PROMPTS))
    with Upstream(["alto", "bass"]).serve() as upstream:
        upstream.default = Script(["So."], pace_s=0.01)
        server = Server(folder, VLLM_BASE_URL=upstream.url).start()
        try:
            with httpx.Client(base_url=server.url, headers={"origin": server.url}, timeout=60) as page:
                page.get("/new")
                made = page.post("/api/prompt-sets?name=Many", content=lines).json()
                sides = [{"model": "alto"}, {"model": "bass"}]
                begun = {"set_id": made["id"], "sides": sides, "at_once": AT_ONCE}
                replay_id = page.post("/api/replays", json=begun).json()["id"]
                for share in (0.2, 0.6):
                    until_now(lambda share=share: len(_kept(server)) > share * 2 * PROMPTS)
                    server.kill()
                    kept, asked = _kept(server), len(upstream.chats)
                    server.start()
                    until_now(lambda asked=asked: len(upstream.chats) > asked + AT_ONCE)
                    again = {
                        (int(prompt[1:]), ("alto", "bass").index(model)) for prompt, model in _asked(upstream)[asked:]
                    }
                    assert not again & kept
                until_now(lambda: page.get(f"/api/replays/{replay_id}").json()["status"] == "complete", 120)
                report = page.get(f"/api/replays/{replay_id}").json()
        finally:
            server.stop()
        assert [(side["answers"], side["failed"]) for side in report["sides"]] == [(PROMPTS, 0)] * 2
        assert _kept(server) == {(position, side) for position in range(PROMPTS) for side in (0, 1)}
        # Twice were asked only those that were under way at a kill.
        asked = _asked(upstream)
        assert len(set(asked)) == 2 * PROMPTS
        assert len(asked) <= 2 * PROMPTS + 2 * AT_ONCE
