"""What is said in a recording becomes text once, by whoever can do that, and stands in for the sound where none is heard."""

from collections.abc import AsyncIterator

import pytest

from tests import files
from tests.api.test_sent_files import Talk, talking
from tests.upstream import Script, Upstream
from tests.waiting import until

HEARD = Script(["The quick brown fox."])


@pytest.fixture
def upstream() -> AsyncIterator[Upstream]:
    with Upstream(["echo", "openai/whisper-large-v3"]).serve() as server:
        yield server


@pytest.fixture
async def talk(tmp_path, upstream) -> AsyncIterator[Talk]:
    async with talking(tmp_path, upstream) as made:
        yield made


async def _transcribed(talk: Talk, given: dict) -> tuple[int, dict]:
    answer = await talk.page.post(f"/api/files/{given['id']}/transcript")
    return answer.status_code, answer.json()


async def _usage(talk: Talk) -> str:
    """The table of what was used, once there is something in it."""
    table = (await talk.page.get("/api/usage.csv")).text
    return table if table.count("\n") > 1 else ""


async def _transcript(talk: Talk, file_id: str) -> str:
    return (await talk.page.get(f"/api/files/{file_id}/transcript")).json()["text"]


@pytest.mark.parametrize("wire", ["vllm", "openai"])
async def test_a_recording_goes_as_a_form_and_its_name_stays_here(tmp_path, upstream, wire):
    upstream.then(HEARD)
    async with talking(tmp_path, upstream, wire) as talk:
        wav = files.sound()
        given = await talk.give("Board meeting, secret.wav", wav)

        assert await _transcribed(talk, given) == (200, {"text": "The quick brown fox."})
        (call,) = upstream.heard
        assert call.body["model"] == "openai/whisper-large-v3"
        assert call.body["response_format"] == "json"
        assert call.body["file"] == ("recording.wav", "audio/wav", wav)
        assert "secret" not in str(call.headers)


async def test_what_is_no_wav_is_sent_as_the_copy_that_models_take(talk, upstream):
    upstream.then(HEARD)
    given = await talk.give("voice.flac", files.sound("FLAC"))
    await _transcribed(talk, given)

    name, kind, content = upstream.heard[0].body["file"]
    assert (name, kind) == ("recording.mp3", "audio/mpeg")
    assert content[:3] == b"ID3" or content[0] == 0xFF


async def test_it_is_asked_for_once_and_kept(talk, upstream):
    upstream.then(HEARD)
    given = await talk.give("voice.wav", files.sound())
    assert await _transcript(talk, given["id"]) == ""
    first = await _transcribed(talk, given)

    assert await _transcribed(talk, given) == first
    assert len(upstream.heard) == 1
    assert await _transcript(talk, given["id"]) == "The quick brown fox."


async def test_the_transcript_stands_in_for_the_sound_and_goes_with_it_from_message_to_message(tmp_path, upstream):
    deaf = '[models.deaf]\nprovider = "vllm"\nmodel = "echo"\ncapabilities = ["tools"]\n'
    (tmp_path / "models.toml").write_text(deaf)
    async with talking(tmp_path, upstream) as talk:
        upstream.then(HEARD)
        given = await talk.give("voice.wav", files.sound())
        await _transcribed(talk, given)
        turn = await talk.send("What do I say?", given, model="deaf")

        assert "The quick brown fox." in str(talk.asked["messages"])
        assert "input_audio" not in str(talk.asked["messages"])
        (sent,) = await talk.files_of(turn["question_id"])
        edited = await talk.send("And again?", edit=turn["question_id"])
        assert "input_audio" in str(talk.asked["messages"])
        (copy,) = await talk.files_of(edited["question_id"])
        assert copy["attachment_id"] != sent["attachment_id"]
        assert await _transcript(talk, copy["attachment_id"]) == "The quick brown fox."


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (Script(status=500), 502, "model_failed"),
        (Script(status=401), 401, "key_refused"),
        (Script(status=429), 429, "rate_limited"),
        (Script(status=400), 400, "request_refused"),
        (Script(whole={"words": "none"}), 502, "answer_broken"),
        (Script(["   "]), 400, "file_refused"),
    ],
)
async def test_what_goes_wrong_is_told_and_the_recording_stays(talk, upstream, script, status, code):
    given = await talk.give("voice.wav", files.sound())
    upstream.then(script)
    told_status, told = await _transcribed(talk, given)

    assert (told_status, told["error"]["code"]) == (status, code)
    assert (await talk.page.get(f"/api/files/{given['id']}")).status_code == 200
    upstream.then(HEARD)
    assert (await _transcribed(talk, given))[0] == 200


async def test_without_a_server_that_can_it_is_said_so(talk, upstream):
    upstream.models = upstream.models[:1]
    await talk.api.services.catalogue.refresh()
    given = await talk.give("voice.wav", files.sound())

    assert (await _transcribed(talk, given))[1]["error"]["reason"] == "unheard"


async def test_a_file_without_sound_has_no_transcript(talk, upstream):
    given = await talk.give("a.txt", b"words")

    assert (await _transcribed(talk, given))[0] == 404
    assert not upstream.heard


async def test_nobody_reads_or_makes_anothers_transcript(talk, upstream):
    upstream.then(HEARD)
    given = await talk.give("voice.wav", files.sound())
    await _transcribed(talk, given)
    stranger = {"cookie": talk.api.identity.cookie("other")}

    for ask in (talk.page.get, talk.page.post):
        assert (await ask(f"/api/files/{given['id']}/transcript", headers=stranger)).status_code == 404


async def test_a_model_that_only_turns_speech_into_text_answers_nobody_and_is_listed(talk):
    catalogue = talk.api.services.catalogue

    assert [card.id for card in catalogue.offered() if card.is_language_model] == ["echo"]
    assert catalogue.transcriber().id == "openai/whisper-large-v3"
    assert catalogue.transcriber("echo").id == "echo"
    assert catalogue.transcriber("nobody") is None


async def test_what_it_took_stands_in_the_ledger_as_its_own_purpose(talk, upstream):
    upstream.then(HEARD)
    await _transcribed(talk, await talk.give("voice.wav", files.sound()))
    table = await until(lambda: _usage(talk))

    assert ",transcription," in table
    assert ",openai/whisper-large-v3," in table
