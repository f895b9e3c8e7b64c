"""The built-in model: its numbers are those of the reference, and its process comes, goes and is ended."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from chat_app.errors import EmbedderUnavailable
from chat_app.search import embedder as module
from chat_app.search.embedder import LOCAL, LocalEmbedder
from chat_app.search.embedding_worker import THREADS
from chat_app.search.minilm import DIMENSION, MODEL, MiniLM, WeightsBroken
from chat_app.search.wordpiece import WordPiece

# The first numbers that the reference makes of these: transformers' BertModel in torch, the mean of its last layer,
# brought to length 1; as the model's own card has it.
REFERENCE = {
    "How do I keep tomatoes from splitting?": [-0.0628103, -0.0156558, -0.0041546, 0.0252134, 0.0265804],
    "数据库的合同": [-0.0137885, 0.0734800, 0.0123257, 0.0182117, -0.0159225],
    "def f(x): return x**2": [-0.0076134, 0.0466093, -0.0047845, 0.0602285, -0.0580442],
    "word " * 400: [-0.0081237, -0.0955860, -0.0386731, 0.0496619, -0.0437939],
    "A B-tree keeps keys in order.": [-0.0050380, 0.0152656, 0.0035703, -0.0082458, -0.0530703],
}


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


@pytest.fixture
async def local() -> AsyncIterator[LocalEmbedder]:
    embedder = LocalEmbedder()
    yield embedder
    await embedder.aclose()


def test_its_numbers_are_those_of_the_reference(model: MiniLM):
    rows = model.embed(list(REFERENCE))
    assert np.abs(rows[:, :5] - np.array(list(REFERENCE.values()))).max() < 1e-6
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-6
    assert (MODEL, rows.shape[1]) == (LOCAL, DIMENSION)


def test_a_texts_numbers_depend_on_nothing_beside_it(model: MiniLM):
    texts = ["one", "a longer text of some words", "", "third " * 300]
    together, alone = model.embed(texts), np.concatenate([model.embed([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-6
    assert model.embed([]).shape == (0, DIMENSION)


def test_other_weights_are_refused(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(WeightsBroken, match="checksum differs"):
        MiniLM(tmp_path)
    with pytest.raises(WeightsBroken, match="not there"):
        MiniLM(tmp_path / "nowhere")


def test_pieces_are_whole_words_or_their_longest_parts():
    pieces = WordPiece(["[CLS]", "[SEP]", "[UNK]", "un", "##break", "##able", "straße", "strasse", "nu", "!", "中"])
    assert pieces.encode("UNBREAKABLE!", 99) == [0, 3, 4, 5, 9, 1]
    assert pieces.encode("Nü中中\u200b", 99) == [0, 8, 10, 10, 1]
    assert pieces.encode("xyz " + "un" * 60, 99) == [0, 2, 2, 1]
    assert pieces.encode("! " * 50, 5) == [0, 9, 9, 9, 1]


async def test_the_process_makes_the_same_numbers_starts_once_and_ends_when_nobody_asks(model: MiniLM):
    embedder = LocalEmbedder(idle_s=0.05)
    [first] = await embedder.embed(["A B-tree keeps keys in order."])
    assert np.abs(np.frombuffer(first, "<f4") - model.embed(["A B-tree keeps keys in order."])[0]).max() < 1e-6
    process = embedder._worker.process
    await embedder.embed(["x"] * 40)
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    assert len(await embedder.embed(["again"])) == 1
    await embedder.aclose()


async def test_a_process_that_is_killed_is_said_and_the_next_text_starts_another(local: LocalEmbedder):
    await local.embed(["x"])
    asking = asyncio.gather(local.embed(["word " * 300] * 16), return_exceptions=True)
    await asyncio.sleep(0)
    local._worker.process.kill()
    [said] = await asking
    assert isinstance(said, EmbedderUnavailable)
    assert len(await local.embed(["x"])) == 1


async def test_a_question_that_is_given_up_leaves_no_answer_for_the_next(local: LocalEmbedder):
    [wanted] = await local.embed(["second"])
    asking = asyncio.ensure_future(local.embed(["first " * 300] * 8))
    await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.wait([asking])
    assert await local.embed(["second"]) == [wanted]


async def test_it_is_made_ready_while_the_first_text_is_typed_and_once(local: LocalEmbedder):
    await local.prepare()
    started = local._worker.process.pid
    await local.prepare()
    assert len(await local.embed(["x"], waited_for=True)) == 1
    assert local._worker.process.pid == started


async def test_a_question_that_is_given_up_while_the_process_starts_starts_no_other(local: LocalEmbedder):
    await local.prepare()
    started = local._worker.process.pid
    for _ in range(3):
        with suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await local.embed(["early"], waited_for=True)
    assert await local.embed(["x"]) == await local.embed(["x"])
    assert local._worker.process.pid == started


async def test_whoever_waits_goes_before_the_work_in_the_background(local: LocalEmbedder):
    await local.embed(["x"])
    order: list[str] = []

    async def work(name: str, texts: list[str], *, waited_for: bool) -> None:
        await local.embed(texts, waited_for=waited_for)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(work("background", ["word " * 200] * 12, waited_for=False))
        await asyncio.sleep(0)
        group.create_task(work("question", ["question"], waited_for=True))
    assert order == ["question", "background"]


async def test_a_machine_that_cannot_start_it_is_said(monkeypatch, local: LocalEmbedder):
    monkeypatch.setattr(module.sys, "executable", "/no/such/python")
    with pytest.raises(EmbedderUnavailable, match="cannot be started"):
        await local.embed(["x"])


def test_it_reads_latin_script():
    local = LocalEmbedder()
    assert local.reads("How do I cancel?")
    assert local.reads("Kündigung 2024")
    assert local.reads("42")
    assert local.reads("什么 is overfitting in PyTorch")
    assert not local.reads("押金怎么退")
    assert not local.reads("DataFrame 两列合并")
    assert not local.reads("Как отменить?")


def test_it_takes_no_more_memory_than_it_says_and_one_thread():
    code = (
        "import os, pathlib\n"
        "from chat_app.search.minilm import MiniLM\n"
        "MiniLM().embed(['word ' * 300] * 8)\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"  # of this program; what getrusage knows is older
        "print(status.partition('VmHWM:')[2].split()[0], len(os.listdir('/proc/self/task')))"
    )
    told = subprocess.run([sys.executable, "-c", code], env=THREADS, capture_output=True, check=True, text=True)
    kilobytes, threads = map(int, told.stdout.split())
    assert kilobytes < 200_000
    assert threads == 1
