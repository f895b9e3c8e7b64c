"""Programs send pictures, sound and files on either wire, and a server of any wire gets them in the form it takes."""

import base64

import pytest

from chat_app.messages import Limits
from tests import files
from tests.api.programs import WIRES, reached_by, serving
from tests.api.test_sent_files import talking
from tests.upstream import Upstream

PNG = base64.b64encode(files.image("PNG")).decode()
URL = f"data:image/png;base64,{PNG}"
PDF = base64.b64encode(files.pdf("Keys in order.")).decode()
WAV = base64.b64encode(b"RIFF....WAVE").decode()
IN_CHAT = {"type": "image_url", "image_url": {"url": URL}}
IN_MESSAGES = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
WHAT = {"type": "text", "text": "what?"}
WORDS = '<document name="trees.pdf">\nKeys in order.\n</document>\n\n'


def _blind(upstream: Upstream) -> str:
    return f'[models.blind]\nprovider = "vLLM {upstream.url[7:-3]}"\nmodel = "echo"\ncapabilities = ["text"]\n'


async def _asked(tmp_path, upstream: Upstream, wire: str, path: str, content: list, model: str = "echo"):
    """(the answer, the content of the message that reached the server, or None)."""
    async with serving(tmp_path, **reached_by(wire, upstream)) as api, api.http() as client:
        body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": content}]}
        answer = await client.post(path, json=body)
    return answer, upstream.chats[-1].body["messages"][0]["content"] if upstream.chats else None


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_picture_reaches_every_wire_from_every_wire_in_its_place(tmp_path, upstream, wire, path):
    given = IN_MESSAGES if path.endswith("messages") else IN_CHAT
    answer, content = await _asked(tmp_path, upstream, wire, path, [WHAT, given, WHAT])

    assert answer.status_code == 200, answer.text
    assert content == [WHAT, IN_MESSAGES if wire == "anthropic" else IN_CHAT, WHAT]


async def test_a_picture_somewhere_else_is_fetched_by_the_server_that_is_asked(tmp_path, upstream):
    url = "https://example.com/a.png"
    _, content = await _asked(
        tmp_path, upstream, "anthropic", "/v1/chat/completions", [{"type": "image_url", "image_url": {"url": url}}]
    )

    assert content == [{"type": "image", "source": {"type": "url", "url": url}}]


async def test_a_file_for_a_server_that_reads_none_is_its_words(tmp_path, upstream):
    document = {
        "type": "document",
        "title": "trees.pdf",
        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
    }
    answer, content = await _asked(tmp_path, upstream, "vllm", "/v1/messages", [document, WHAT])

    assert (answer.status_code, content) == (200, f"{WORDS}what?")
    folder = tmp_path / "files"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


async def test_a_pdf_for_anthropic_is_a_document(tmp_path, upstream):
    file = {"type": "file", "file": {"filename": "trees.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}
    _, content = await _asked(tmp_path, upstream, "anthropic", "/v1/chat/completions", [file, WHAT])

    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert content == [{"type": "document", "source": source, "title": "trees.pdf"}, WHAT]


async def test_a_document_of_words_is_words(tmp_path, upstream):
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Keys."}}
    _, content = await _asked(tmp_path, upstream, "vllm", "/v1/messages", [document, WHAT])

    assert content == "<document>\nKeys.\n</document>\n\nwhat?"


@pytest.mark.parametrize(
    ("wire", "model", "part", "sentence"),
    [
        (
            "anthropic",
            "echo",
            {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
            "echo can be sent audio.",
        ),
        ("anthropic", "echo", {"type": "file", "file": {"file_id": "file-1"}}, "those of OpenAI's wire."),
        ("anthropic", "echo", {"type": "image_url", "image_url": {"url": "data:nonsense"}}, "those of OpenAI's wire."),
    ],
)
async def test_what_a_server_cannot_be_sent_is_refused_in_a_sentence(tmp_path, upstream, wire, model, part, sentence):
    answer, content = await _asked(tmp_path, upstream, wire, "/v1/chat/completions", [part, WHAT], model)

    assert (answer.status_code, content) == (400, None)
    assert answer.json()["error"]["message"].startswith("No server of echo can")
    assert answer.json()["error"]["message"].endswith(sentence)


async def test_a_model_that_cannot_see_is_not_told_that_there_is_a_picture(tmp_path, upstream):
    (tmp_path / "models.toml").write_text(_blind(upstream))
    answer, content = await _asked(tmp_path, upstream, "vllm", "/v1/messages", [IN_MESSAGES, WHAT], "blind")

    assert (answer.status_code, content) == (400, None)
    assert answer.json()["error"]["message"] == "No server of blind can be sent image."


@pytest.mark.parametrize("data", ["%%%", base64.b64encode(files.pdf("x", password="1234")).decode()])
async def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path, upstream, data):
    document = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}}
    answer, content = await _asked(tmp_path, upstream, "vllm", "/v1/messages", [document, WHAT])

    assert (answer.status_code, content) == (400, None)
    assert answer.json()["error"]["message"] in ("file is no base64.", "The file is protected by a password.")


async def test_sound_reaches_a_server_of_its_wire_as_it_came(tmp_path, upstream):
    sound = {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}
    _, content = await _asked(tmp_path, upstream, "vllm", "/v1/chat/completions", [sound, WHAT])

    assert content == [sound, WHAT]


async def test_base64_is_made_for_the_wire_and_lies_nowhere(tmp_path, upstream, capsys):
    async with talking(tmp_path, upstream) as talk:
        await talk.send("look", await talk.give("a.png", files.image("PNG")), await talk.give("a.wav", files.sound()))
        picture, sound, _ = talk.asked["messages"][0]["content"]
    heads = (picture["image_url"]["url"].partition(",")[2][:80], sound["input_audio"]["data"][:80])
    told = capsys.readouterr()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert files.sound() in written
    for head in heads:
        assert head.encode() not in written
        assert head not in told.out + told.err


async def test_sound_is_a_data_url_for_qwen(tmp_path, upstream):
    sound = {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}
    _, content = await _asked(tmp_path, upstream, "qwen", "/v1/chat/completions", [sound, WHAT])

    assert content == [{**sound, "input_audio": {"data": f"data:;base64,{WAV}", "format": "wav"}}, WHAT]


@pytest.mark.parametrize("wire", ["vllm", "qwen"])
async def test_a_programs_file_is_its_words_for_servers_of_its_wire_that_read_none(tmp_path, upstream, wire):
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}
    unread = {"type": "file", "file": {"filename": "b.pdf", "file_data": "no data url"}}
    _, content = await _asked(tmp_path, upstream, wire, "/v1/chat/completions", [unread, file, IN_CHAT, WHAT])

    assert content[0] == unread
    assert content[1]["text"].startswith('<document name="a.pdf">\n')
    assert content[2:] == [IN_CHAT, WHAT]


async def test_a_programs_file_goes_as_it_is_where_nobody_knows_what_its_server_reads(tmp_path, upstream):
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}
    _, content = await _asked(tmp_path, upstream, "openai", "/v1/chat/completions", [file, WHAT])

    assert content == [file, WHAT]


@pytest.mark.parametrize("role", ["system", "tool"])
async def test_a_picture_where_other_wires_have_no_place_for_one_is_refused_and_not_lost(tmp_path, upstream, role):
    async with serving(tmp_path, **reached_by("anthropic", upstream)) as api, api.http() as client:
        messages = [{"role": role, "content": [IN_CHAT], "tool_call_id": "t"}, {"role": "user", "content": "what?"}]
        answer = await client.post("/v1/chat/completions", json={"model": "echo", "messages": messages})

    assert (answer.status_code, upstream.chats) == (400, [])
    assert "can be sent image" in answer.json()["error"]["message"]


@pytest.mark.parametrize("content", [files.image("PNG"), files.scanned_pdf(), bytes(50)])
async def test_a_file_without_words_is_refused_where_nobody_reads_it_otherwise(tmp_path, upstream, content):
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.encodebytes(content).decode()}
    answer, sent = await _asked(
        tmp_path, upstream, "vllm", "/v1/messages", [{"type": "document", "source": source}, WHAT]
    )

    assert (answer.status_code, sent) == (400, None)
    assert answer.json()["error"]["message"] == "No server of echo can be sent file."


async def test_a_scanned_pdf_reaches_a_server_of_another_wire_that_reads_pdfs_itself(tmp_path, upstream):
    data = base64.b64encode(files.scanned_pdf()).decode()
    file = {"type": "file", "file": {"filename": "scan.pdf", "file_data": f"data:application/pdf;base64,{data}"}}
    answer, content = await _asked(tmp_path, upstream, "anthropic", "/v1/chat/completions", [file, WHAT])

    assert (answer.status_code, content[0]["source"]["data"]) == (200, data)


async def test_a_program_that_is_over_its_limit_lets_nothing_be_read(tmp_path, upstream):
    document = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}
    body = {"model": "echo", "max_tokens": 9, "messages": [{"role": "user", "content": [document, WHAT]}]}
    async with serving(tmp_path, **reached_by("vllm", upstream)) as api:
        client = api.http(await api.made(limits=Limits(requests_per_minute=1)))
        assert (await client.post("/v1/messages", json=body)).status_code == 200
        document["source"]["data"] = "%%% is not even base64"
        assert (await client.post("/v1/messages", json=body)).status_code == 429
        await client.aclose()


async def test_a_program_sends_no_more_files_than_a_message_may_have(tmp_path, upstream):
    document = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}
    answer, sent = await _asked(tmp_path, upstream, "vllm", "/v1/messages", [document] * 11)

    assert (answer.status_code, sent) == (400, None)
