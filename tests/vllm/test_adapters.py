"""A real vLLM of little room with an adapter, and one that embeds, behind the gateway."""

from collections.abc import AsyncIterator, Iterator

import pytest

from chat_app.errors import KeyRefused, ModelUnknown
from chat_app.messages import ChatRequest, Message, TextPart
from tests.api.programs import Api, serving
from tests.conversations.talk import send, until_settled
from tests.vllm.adapter import write_adapter
from tests.vllm.conftest import Vllm
from tests.waiting import until

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
CONTEXT = 256
KEY = "sk-fake-of-vllm"


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    folder = tmp_path_factory.mktemp("adapted")
    adapter = write_adapter(folder / "adapter")
    room = ["--max-model-len", str(CONTEXT), "--enable-lora", "--max-lora-rank", "8"]
    server = Vllm(folder / "vllm.log", *room, "--lora-modules", f"pirate={adapter}", "--api-key", KEY)
    yield server.start()
    server.kill()


@pytest.fixture
async def api(adapted: Vllm, tmp_path) -> AsyncIterator[Api]:
    places = {"vllm_base_url": (f"{adapted.url}/v1",), "vllm_api_key": KEY}
    (tmp_path / "models.toml").write_text(
        f'[models.long]\nprovider = "vLLM 127.0.0.1:{adapted.port}"\nmodel = "tiny"\n'
        f"parameters = {{ ignore_eos = true, max_tokens = {CONTEXT - 1} }}\n"
    )
    async with serving(tmp_path, **places) as made:
        await made.services.catalogue.refresh()
        yield made


async def test_an_adapter_is_a_model_that_stands_on_another_with_the_room_of_that(api):
    async with api.openai() as client:
        listed = {model.id: model.model_extra for model in (await client.models.list()).data}
        own, adapted = [
            await client.chat.completions.create(model=model, messages=QUESTION, temperature=0, max_tokens=20)
            for model in ("tiny", "pirate")
        ]

    assert (listed["pirate"]["parent"], listed["pirate"]["context_window"]) == ("tiny", CONTEXT)
    assert not listed["tiny"].get("parent")
    assert "Paris" in own.choices[0].message.content
    assert adapted.choices[0].message.content != own.choices[0].message.content


async def test_an_answer_that_the_server_cut_to_its_room_says_what_was_asked_for(api):
    turn = await send(api.services, "What is the capital of France?", "long")
    await until_settled(api.services, turn)
    details = await api.services.conversations.messages.details("local", turn.reply_id)

    assert details.finish_reason == "length"
    assert details.sent["max_tokens"] == CONTEXT - 1 > details.usage.output_tokens
    assert details.usage.input_tokens + details.usage.output_tokens == CONTEXT
    assert details.notes["clamped"] == {"max_tokens": CONTEXT - 1}


async def test_a_server_with_a_key_refuses_another_and_still_counts_and_says_how_busy_it_is(adapted, tmp_path):
    async with serving(tmp_path, vllm_base_url=(f"{adapted.url}/v1",), vllm_api_key="sk-fake-other") as api:
        (server,) = api.services.catalogue.servers()
        (provider,) = [each for each in api.services.catalogue._configured if each.kind == "vllm"]
        load = await provider.load()
        tokens = await provider.count("tiny", ChatRequest("tiny", (Message("user", (TextPart("hi"),)),)))

    assert isinstance(server.problem, KeyRefused)
    assert (load.waiting, tokens > 0) == (0, True)


async def test_a_model_that_it_does_not_serve_is_unknown(api):
    (provider,) = [each for each in api.services.catalogue._configured if each.kind == "vllm"]
    with pytest.raises(ModelUnknown):
        async for _ in provider.stream("nobody", ChatRequest("nobody", (Message("user", (TextPart("hi"),)),))):
            pass


async def test_texts_become_vectors_whose_tokens_are_counted(tmp_path):
    server = Vllm(tmp_path / "vllm.log", "--max-model-len", str(CONTEXT), "--runner", "pooling", "--convert", "embed")
    server.start()
    try:
        async with serving(tmp_path, vllm_base_url=(f"{server.url}/v1",)) as api:
            await api.services.catalogue.refresh()
            async with api.openai() as client:
                answer = await client.embeddings.create(model="tiny", input=["What is the capital of France?", "Hi."])

            async def rows() -> list:
                return [row async for row in api.services.usage.rows("local", 0)]

            (row,) = await until(rows)
    finally:
        server.kill()

    assert [len(each.embedding) for each in answer.data] == [128, 128]
    assert all(0.99 < sum(x * x for x in each.embedding) < 1.01 for each in answer.data)
    assert row.usage.input_tokens == answer.usage.prompt_tokens > 5
