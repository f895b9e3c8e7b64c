"""What the page costs when there is much: long messages, long conversations, a long sidebar.

Run: `uv run python -m benchmarks.bench_page` (two minutes).
"""

from __future__ import annotations

import io
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from benchmarks.bench_stream import mixed
from benchmarks.library import fill
from benchmarks.measure import Meter, open_page, settle, table
from tests.browser import Chat
from tests.server import Server
from tests.upstream import Script, Upstream
from tests.waiting import until_now

REPEATS = 11
_SHORT = "A question or an answer of one line, as most are. "

# Milliseconds from the navigation, or from a click, until the page shows what was asked for.
_SHOWN = """(wanted) => {
  const isShown = () => {
    const last = document.querySelector('article:last-of-type .body');
    if (wanted === 'rows') return document.querySelectorAll('.sidebar a[href^="/c/"]').length >= 40;
    return last?.querySelector('.prose') && last.textContent.includes(wanted);
  };
  return new Promise((done) => {
    const look = () => (isShown() ? done(performance.now()) : requestAnimationFrame(look));
    look();
  });
}"""
_CLICKED = """([href, wanted]) => {
  const began = performance.now();
  document.querySelector(`.sidebar a[href="${href}"]`).click();
  return (SHOWN)(wanted).then((at) => at - began);
}""".replace("SHOWN", _SHOWN)

# Milliseconds from a paste until the chip of it was painted: a task after a frame begins when that frame has been drawn.
_PASTED = """(characters) => {
  const field = document.querySelector('textarea#composer');
  const clipboardData = new DataTransfer();
  clipboardData.setData('text/plain', 'word '.repeat(characters / 5));
  const began = performance.now();
  field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  return new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now() - began))));
}"""
# How far what is seen has jumped since the page began, and while it is scrolled through (web.dev/articles/cls).
_SHIFTED = """async () => {
  let shifted = 0;
  const add = (list) => list.getEntries().forEach((each) => (shifted += each.value));
  new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
  const scroller = document.querySelector('.scroller');
  for (let at = 0; at > -scroller.scrollHeight; at -= 300) {
    scroller.scrollTop = at;
    await new Promise((done) => setTimeout(done, 50));
  }
  return shifted;
}"""
# Milliseconds from a click on Send until one more question stands in the page.
_SENT = """() => {
  const count = () => document.querySelectorAll('article[data-role="user"]').length;
  const before = count(), began = performance.now();
  document.querySelector('button.send').click();
  return new Promise((done) => {
    const look = () => (count() > before ? done(performance.now() - began) : requestAnimationFrame(look));
    look();
  });
}"""


@contextmanager
def page_of(library: dict[str, list[str]]) -> Iterator[tuple[Page, Server, dict[str, str], Upstream]]:
    """The application over a full folder, and a page of it that has loaded everything once."""
    with Upstream(["echo"]).serve() as upstream, tempfile.TemporaryDirectory() as made:
        upstream.models[0]["max_model_len"] = 1_000_000
        ids = fill(Path(made), library)
        server = Server(Path(made), VLLM_BASE_URL=upstream.url).start()
        try:
            with open_page() as page:
                page.goto(server.url)
                settle(page)
                yield page, server, ids, upstream
        finally:
            server.stop()


def reloaded_ms(page: Page, wanted: str) -> float:
    """From a reload until it is shown."""
    times: list[float] = []
    for _ in range(REPEATS):
        page.reload(wait_until="commit")
        times.append(page.evaluate(_SHOWN, wanted))
        settle(page)
    return statistics.median(times)


def switched_ms(page: Page, href: str, away: str, wanted: str) -> float:
    """From a click in the sidebar until it is shown."""
    times: list[float] = []
    for _ in range(REPEATS):
        page.evaluate(_CLICKED, [away, "an answer of nothing else"])
        settle(page)
        times.append(page.evaluate(_CLICKED, [href, wanted]))
        settle(page)
    return statistics.median(times)


def long_messages() -> Iterator[tuple[str, ...]]:
    """A page of 50 messages of 2,000 tokens."""
    texts = [mixed(2000) + f"the end of {index}" for index in range(50)]
    away = ["hello", "an answer of nothing else"]
    with page_of({"away": away, "long": texts}) as (page, _, ids, upstream):
        chat = Chat(page)
        href, other = f"/c/{ids['long']}", f"/c/{ids['away']}"
        yield "last answer shown after a click, ms", f"{switched_ms(page, href, other, 'the end of 49'):.0f}"
        yield "last answer shown after a reload, ms", f"{reloaded_ms(page, 'the end of 49'):.0f}"
        meter = Meter(page)
        page.reload()
        settle(page)
        before, by_socket = meter.all_bytes, meter.socket_bytes
        upstream.then(Script(["so few words"]))
        chat.ask("go")
        expect(chat.answers.last).to_contain_text("so few words")
        chat.expect_status("complete")
        settle(page)
        sent, by_socket = meter.all_bytes - before, meter.socket_bytes - by_socket
        yield "bytes of a turn, its words and all", f"{sent:,} ({by_socket:,} by the socket)"


def opening(count: int) -> tuple[float, float]:
    """Time until a conversation of so many messages, and a sidebar of so many conversations, is shown, in ms."""
    away = ["hello", "an answer of nothing else"]
    with page_of({"away": away, "it": [*(_SHORT for _ in range(count - 1)), "the end of it"]}) as (page, _, ids, _):
        conversation = switched_ms(page, f"/c/{ids['it']}", f"/c/{ids['away']}", "the end of it")
    with page_of({f"conversation {index}": away for index in range(count)}) as (page, *_):
        sidebar = reloaded_ms(page, "rows")
    return conversation, sidebar


def with_pictures() -> Iterator[tuple[str, ...]]:
    """A conversation of 200 pictures, ten to a question, beside one of the same words."""
    words = [*(_SHORT for _ in range(39)), "the end of it"]
    away = ["hello", "an answer of nothing else"]
    with page_of({"away": away, "without": words}) as (page, server, ids, upstream):
        upstream.default = Script([_SHORT])
        with_id = ""
        for question in range(20):
            if question == 19:
                upstream.then(Script(["the end of it"]))
            with_id = _asked_with_pictures(page, server, with_id, range(10 * question, 10 * question + 10))
        page.goto(server.url)
        settle(page)
        for name, measured in (("a click", switched_ms), ("a reload", reloaded_ms)):
            times: list[float] = []
            for conversation_id in (ids["without"], with_id):
                if measured is reloaded_ms:
                    page.goto(f"{server.url}/c/{conversation_id}")
                    settle(page)
                    times.append(reloaded_ms(page, "the end of it"))
                else:
                    times.append(switched_ms(page, f"/c/{conversation_id}", f"/c/{ids['away']}", "the end of it"))
            yield (
                f"last answer shown after {name}, ms",
                f"{times[0]:.0f}",
                f"{times[1]:.0f}",
                f"{times[1] / times[0]:.2f}",
            )
        page.reload()
        settle(page)
        yield (
            "layout shift after the reload, and while all of it is scrolled by",
            "",
            f"{page.evaluate(_SHIFTED):.4f}",
            "",
        )


def _asked_with_pictures(page: Page, server: Server, conversation_id: str, numbers: Iterable[int]) -> str:
    """Ask with these pictures, by HTTP as the page does, and wait for the answer; returns the conversation."""
    headers = {"origin": server.url}
    given: list[dict[str, str]] = []
    for number in numbers:
        content = io.BytesIO()
        Image.effect_noise((1200, 900), number + 1).convert("RGB").save(content, "JPEG")
        url = f"{server.url}/api/files?name={number}.jpg"
        answer = page.request.post(url, data=content.getvalue(), headers=headers)
        given.append({"id": answer.json()["id"]})
    body = {"key": f"key-of-{given[0]['id']}", "text": _SHORT, "model": "echo", "files": given}
    body |= {"conversation_id": conversation_id} if conversation_id else {}
    turn = page.request.post(f"{server.url}/api/turns", data=body, headers=headers).json()
    reply = f"{server.url}/api/messages?ids={turn['reply_id']}"
    until_now(lambda: page.request.get(reply).json()["messages"][0]["status"] == "complete")
    return turn["conversation_id"]


def at_the_composer() -> Iterator[tuple[str, ...]]:
    """Writing: a paste of a million characters, and a question on its way into the page."""
    pasted: list[float] = []
    sent: list[float] = []
    with page_of({"it": ["hello", "an answer of nothing else"]}) as (page, *_):
        chat = Chat(page)
        for _ in range(REPEATS):
            pasted.append(page.evaluate(_PASTED, 1_000_000))
            page.locator(".composer .chip summary").click()
            page.locator(".composer .chip button").last.click()
        for _ in range(REPEATS):
            chat.field.fill("go")
            sent.append(page.evaluate(_SENT))
            chat.expect_status("complete")
            settle(page)
    yield "a million characters pasted, ms", f"{statistics.median(pasted):.0f}"
    yield "from Send until the question stands, ms", f"{statistics.median(sent):.0f}"


def main() -> None:
    """Print the tables."""
    table(("at the composer", ""), at_the_composer())
    table(("50 messages of 2,000 tokens", ""), long_messages())
    table(("200 pictures", "without", "with", "ratio"), with_pictures())
    (few_messages, few_rows), (messages, rows) = opening(50), opening(10_000)
    table(
        ("time to show, ms", "50", "10,000", "ratio"),
        [
            (
                "a conversation, by its messages",
                f"{few_messages:.0f}",
                f"{messages:.0f}",
                f"{messages / few_messages:.2f}",
            ),
            ("the sidebar, by its conversations", f"{few_rows:.0f}", f"{rows:.0f}", f"{rows / few_rows:.2f}"),
        ],
    )


if __name__ == "__main__":
    main()
