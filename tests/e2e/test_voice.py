"""Speech on the page: recorded, sent as sound, or turned into text, by a microphone that beeps."""

from __future__ import annotations

import base64
import io
import re
import threading
from collections.abc import Callable, Iterator

import pytest
import soundfile
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from tests import files
from tests.browser import Chat, findings, until_seen
from tests.chromium import ARGUMENTS, find
from tests.server import Server, measured
from tests.upstream import Script, Upstream

HEARD = Script(["The quick brown fox."])
DEAF = """
[models.deaf]
provider = "vllm"
model = "echo"
capabilities = ["tools"]
[models.seer]
provider = "vllm"
model = "echo"
capabilities = ["image"]
"""


@pytest.fixture(scope="module")
def hearing_upstream() -> Iterator[Upstream]:
    with Upstream(["echo", "whisper-large-v3"]).serve() as server:
        yield server


@pytest.fixture(scope="module")
def hearing_server(hearing_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hearing")
    (folder / "models.toml").write_text(DEAF)
    with Server(folder, VLLM_BASE_URL=hearing_upstream.url, MAX_AUDIO_SECONDS="60", **measured()) as server:
        yield server


@pytest.fixture
def upstream(hearing_upstream: Upstream) -> Upstream:
    hearing_upstream.scripts.clear()
    hearing_upstream.calls.clear()
    return hearing_upstream


@pytest.fixture
def chat(new_context: Callable[..., object], hearing_server: Server, upstream: Upstream) -> Chat:
    return _opened(new_context().new_page(), hearing_server)


def _opened(page: Page, server: Server) -> Chat:
    page.goto(server.url)
    chat = Chat(page)
    expect(chat.field).to_be_visible()
    return chat


class Recorder:
    """What stands over the field while speech is recorded."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.bar = chat.page.get_by_role("group", name="Recording")

    def begin(self, tenths: int = 15) -> None:
        """Record for so long, in tenths of a second."""
        self.chat.button("Record audio").click()
        self.until(tenths)

    def until(self, tenths: int) -> None:
        expect(self.bar.locator(".levels i").nth(min(tenths, 48) - 1)).to_be_attached()

    def press(self, name: str) -> None:
        self.bar.get_by_role("button", name=name, exact=True).click()

    @property
    def row(self) -> Locator:
        return self.chat.page.locator(".attached")


@pytest.fixture
def recorder(chat: Chat) -> Recorder:
    return Recorder(chat)


def _choose(chat: Chat, name: str, content: bytes) -> None:
    with chat.page.expect_file_chooser() as chooser:
        chat.button("Attach files").click()
    chooser.value.set_files([FilePayload(name=name, mimeType="application/octet-stream", buffer=content)])
    expect(chat.page.locator(".attached.here")).to_have_count(1)


def _pick(chat: Chat, model: str) -> None:
    chat.button("Model").click()
    chat.page.get_by_role("option", name=re.compile(f"^{model}")).click()


def _webm(chat: Chat) -> bytes:
    """A recording as the browser makes it."""
    made = chat.page.evaluate(
        """async () => {
          const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
          const recorder = new MediaRecorder(stream, { mimeType: "audio/webm" });
          const pieces = [];
          recorder.ondataavailable = ({ data }) => pieces.push(data);
          recorder.start();
          await new Promise((done) => setTimeout(done, 1200));
          const ended = new Promise((done) => (recorder.onstop = done));
          recorder.stop();
          await ended;
          stream.getTracks().forEach((track) => track.stop());
          const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
          return btoa(String.fromCharCode(...bytes));
        }"""
    )
    return base64.b64decode(made)


def _asked(upstream: Upstream) -> list[dict]:
    """The parts of the last question, as the model got them."""
    content = upstream.chats[-1].body["messages"][-1]["content"]
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def test_speech_is_recorded_and_sent_as_a_wav_that_every_model_takes(chat: Chat, recorder: Recorder, upstream):
    _pick(chat, "echo")
    recorder.begin()
    levels = recorder.bar.locator(".levels i")
    loudest = "bars => Math.max(...bars.map(bar => Number(bar.style.getPropertyValue('--level'))))"
    until_seen(chat.page, lambda: levels.evaluate_all(loudest) > 0.3)
    expect(recorder.bar.get_by_role("timer")).to_have_text(re.compile(r"\d:\d\d"))
    recorder.press("Attach")
    expect(recorder.bar).to_have_count(0)
    expect(recorder.row).to_have_class("attached here")
    recorder.row.locator("audio").evaluate("audio => { audio.loop = true; }")
    recorder.row.get_by_role("button", name=re.compile("^Play ")).click()
    expect(recorder.row.get_by_role("button", name=re.compile("^Pause "))).to_be_visible()
    chat.button("Send").click()
    chat.expect_status("complete")

    (part,) = [part for part in _asked(upstream) if part["type"] == "input_audio"]
    assert part["input_audio"]["format"] == "wav"
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(part["input_audio"]["data"])))
    assert (rate, heard.ndim) == (16_000, 1)
    assert len(heard) > rate
    assert abs(heard).max() > 0.01
    expect(chat.questions.last.locator("audio")).to_have_attribute("aria-label", re.compile("Recording .*wav"))


def test_a_pause_is_not_recorded_and_what_is_discarded_leaves_nothing(chat: Chat, recorder: Recorder):
    chat.page.clock.install()
    recorder.begin(5)
    recorder.press("Pause")
    expect(recorder.bar.get_by_role("status")).to_have_text("Paused")
    still = recorder.bar.locator(".levels i").count()
    chat.page.clock.run_for(2000)  # twenty looks at the microphone
    assert recorder.bar.locator(".levels i").count() == still
    recorder.press("Go on")
    recorder.until(still + 3)
    assert findings(chat.page) == []
    recorder.press("Discard")
    expect(recorder.bar).to_have_count(0)
    expect(recorder.row).to_have_count(0)


def test_speech_becomes_words_in_the_field_behind_those_that_stand_there(chat: Chat, recorder: Recorder, upstream):
    upstream.then(HEARD)
    chat.field.fill("He said:")
    recorder.begin()
    recorder.press("Turn into text")
    expect(chat.field).to_have_value("He said: The quick brown fox.")
    expect(recorder.row).to_have_count(0)
    (call,) = upstream.heard
    name, kind, content = call.body["file"]
    assert (name, kind, content[:4]) == ("recording.wav", "audio/wav", b"RIFF")
    assert call.body["model"] == "whisper-large-v3"


@pytest.mark.breaks
def test_when_it_cannot_be_turned_into_text_the_recording_stays_and_says_why(chat: Chat, recorder: Recorder, upstream):
    upstream.then(Script(status=503))
    recorder.begin()
    recorder.press("Turn into text")
    expect(recorder.row.get_by_role("alert")).to_contain_text("has too much to do just now")
    expect(chat.field).to_have_value("")
    upstream.then(HEARD)
    recorder.row.get_by_role("button", name="Turn into text").click()
    expect(chat.field).to_have_value("The quick brown fox.")


def test_a_recording_goes_on_while_another_conversation_is_in_view_and_ends_where_one_looks(
    chat: Chat, recorder: Recorder
):
    chat.get("first")
    recorder.begin(5)
    chat.page.get_by_role("button", name="New chat", exact=True).first.click()
    chat.page.wait_for_url("**/new")
    recorder.press("Attach")
    expect(recorder.bar).to_have_count(0)
    expect(recorder.row).to_have_class("attached here")


def test_a_recording_of_a_new_chat_is_given_to_the_conversation_that_it_has_become(chat: Chat, recorder: Recorder):
    recorder.begin(5)
    chat.get("hello")
    recorder.press("Attach")
    expect(recorder.row).to_have_class("attached here")
    chat.page.reload()
    expect(recorder.row).to_have_class("attached here")


def test_words_wait_for_what_is_being_turned_into_text(chat: Chat, recorder: Recorder, upstream):
    end = threading.Event()
    upstream.then(Script(HEARD.pieces, held=end))
    _choose(chat, "talk.wav", files.sound())
    chat.field.fill("He said:")
    recorder.row.get_by_role("button", name="Turn into text").press("Enter")
    expect(chat.field).to_be_focused()
    chat.field.press("Enter")
    expect(chat.page.locator(".limit")).to_have_text("Turning it into text …")
    end.set()
    expect(chat.field).to_have_value("He said: The quick brown fox.")
    assert not upstream.chats


def test_a_microphone_that_is_taken_away_ends_the_recording_and_what_was_said_stays(chat: Chat, recorder: Recorder):
    chat.page.evaluate(
        """() => { const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = (what) => ask(what).then((stream) => (window.heard = stream)); }"""
    )
    recorder.begin(5)
    chat.page.evaluate("() => window.heard.getTracks().forEach((track) => track.stop())")
    expect(chat.page.get_by_role("alert")).to_contain_text("The microphone cannot be used")
    recorder.press("Attach")
    expect(recorder.row).to_have_class("attached here")


def test_whoever_presses_by_keys_keeps_the_focus(chat: Chat, recorder: Recorder):
    recorder.begin(3)
    for name, then in (("Pause", "Go on"), ("Go on", "Pause")):
        recorder.bar.get_by_role("button", name=name, exact=True).press("Enter")
        expect(recorder.bar.get_by_role("button", name=then, exact=True)).to_be_focused()
    recorder.bar.get_by_role("button", name="Discard").press("Enter")
    expect(chat.field).to_be_focused()


@pytest.mark.breaks
def test_a_model_that_hears_nothing_gets_the_transcript_which_stands_under_the_player(chat: Chat, upstream):
    _pick(chat, "deaf")
    _choose(chat, "talk.wav", files.sound())
    unable = chat.page.locator(".unable")
    expect(unable).to_contain_text("deaf cannot hear sound")
    upstream.then(HEARD)
    unable.get_by_role("button", name="Turn it into text with whisper-large-v3").click()
    expect(unable).to_have_count(0)
    chat.get("What is said?")

    asked = _asked(upstream)
    assert "input_audio" not in str(asked)
    assert "The quick brown fox." in str(asked)
    chat.questions.last.get_by_text("Transcript", exact=True).click()
    expect(chat.questions.last.locator(".transcript")).to_contain_text("The quick brown fox.")
    assert findings(chat.page) == []


def test_a_transcript_can_be_asked_for_under_the_player(chat: Chat, upstream):
    _choose(chat, "talk.mp3", files.sound("MP3"))
    chat.get("What is said?")
    chat.questions.last.get_by_text("Transcript", exact=True).click()
    transcript = chat.questions.last.locator(".transcript")
    expect(transcript).to_contain_text("It has not been turned into text.")
    upstream.then(HEARD)
    transcript.get_by_role("button", name="Turn into text").click()
    expect(transcript).to_contain_text("The quick brown fox.")


def test_what_a_browser_records_as_webm_is_taken_and_turned_into_text_as_it_is(
    chat: Chat, recorder: Recorder, upstream
):
    upstream.then(HEARD)
    webm = _webm(chat)
    _choose(chat, "note.webm", webm)
    expect(recorder.row).to_contain_text(re.compile(r"0:0\d"))
    recorder.row.get_by_role("button", name="Turn into text").click()
    expect(chat.field).to_have_value("The quick brown fox.")
    assert upstream.heard[0].body["file"] == ("recording.webm", "audio/webm", webm)


def test_a_recording_ends_at_the_longest_that_is_taken(chat: Chat, recorder: Recorder):
    recorder.begin(5)
    chat.page.evaluate(
        "() => { const now = performance.now.bind(performance); performance.now = () => now() + 59_500; }"
    )
    expect(chat.page.get_by_text("A recording can be 1 minute long.")).to_be_visible()
    recorder.press("Attach")
    expect(recorder.row).to_have_class("attached here")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NotAllowedError", "The browser does not let this page use the microphone."),
        ("NotFoundError", "No microphone was found."),
        ("NotReadableError", "another program has it"),
        ("TypeError", "The microphone cannot be used."),
    ],
)
def test_a_microphone_that_cannot_be_used_is_explained(chat: Chat, recorder: Recorder, name, sentence):
    chat.page.evaluate(
        "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('on purpose', name)); }",
        name,
    )
    chat.button("Record audio").click()
    expect(chat.page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    expect(recorder.bar).to_have_count(0)


def test_a_permission_that_is_refused_is_explained(browser: Browser, hearing_server: Server, upstream):
    arguments = [*ARGUMENTS, "--use-fake-ui-for-media-stream=deny"]
    refusing = browser.browser_type.launch(executable_path=find(), args=arguments)
    chat = _opened(refusing.new_page(), hearing_server)
    chat.button("Record audio").click()
    expect(chat.page.get_by_role("alert")).to_contain_text("The browser does not let this page use the microphone.")
    refusing.close()


def test_without_a_server_that_hears_speech_is_still_sent_as_sound_and_the_way_out_is_said(
    chat: Chat, recorder: Recorder, upstream, hearing_server: Server
):
    listed, upstream.models = upstream.models, upstream.models[:1]
    try:
        recorder.begin(3)
        expect(recorder.bar).to_contain_text("No server here turns speech into text")
        expect(recorder.bar.get_by_role("button", name="Turn into text")).to_be_disabled()
        recorder.press("Discard")
    finally:
        upstream.models = listed
    recorder.begin(3)
    expect(recorder.bar.get_by_role("button", name="Turn into text")).to_be_enabled()
    recorder.press("Discard")


def test_a_recording_that_no_server_takes_says_so_and_becomes_a_wav(chat: Chat, recorder: Recorder, upstream):
    _pick(chat, "echo")
    _choose(chat, "memo.webm", _webm(chat))
    unable = chat.page.locator(".unable")
    expect(unable).to_contain_text("memo.webm is of a kind that no server takes as sound")
    unable.get_by_role("button", name="Make a WAV of it").click()
    expect(chat.page.get_by_role("listitem", name="memo.webm")).to_have_count(0)
    expect(recorder.row).to_have_attribute("aria-label", "memo.wav")
    expect(unable).to_have_count(0)
    expect(recorder.row).to_have_class("attached here")
    chat.get("What is said?")
    (part,) = [part for part in _asked(upstream) if part["type"] == "input_audio"]
    assert base64.b64decode(part["input_audio"]["data"])[:4] == b"RIFF"


@pytest.mark.breaks
def test_a_model_that_cannot_see_is_grey_with_the_reason_and_one_that_can_is_offered(chat: Chat, upstream):
    _pick(chat, "deaf")
    _choose(chat, "flag.png", files.image("PNG"))
    unable = chat.page.locator(".unable")
    expect(unable).to_contain_text("deaf cannot see pictures: it gets your description of them, or their names.")
    chat.button("Model").click()
    expect(chat.page.get_by_role("option", name=re.compile("^deaf"))).to_contain_text("cannot see pictures")
    chat.page.keyboard.press("Escape")
    unable.get_by_role("button", name="Ask seer").press("Enter")
    expect(unable).to_have_count(0)
    expect(chat.field).to_be_focused()
    chat.get("What is it?")
    assert "image_url" in str(_asked(upstream))
    _pick(chat, "deaf")  # what was sent before goes with every question
    expect(unable).to_contain_text("deaf cannot take all files of this conversation")
    unable.get_by_role("button", name="Ask seer").click()
    expect(unable).to_have_count(0)
