"""Vectors by a model of the catalogue: through the gateway, as all that a model is asked."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import msgspec

from chat_app.errors import NOT_JSON, ChatError, EmbedderUnavailable, PromptTooLong, RequestRefused
from chat_app.gateway.caller import Caller
from chat_app.gateway.gateway import Gateway
from chat_app.messages import ChatRequest, Json, Struct
from chat_app.search.embedder import RemoteEmbedder


class _Vector(Struct, frozen=True):
    index: int
    embedding: list[float]


class _Answer(Struct, frozen=True):
    data: list[_Vector]


_decode = msgspec.json.Decoder(_Answer).decode


def gateway_embedder(gateway: Gateway, model: str) -> RemoteEmbedder:
    """An embedder that asks a model of the catalogue.

    What it refuses by itself, such as a text that is too long for it, has no vector and is found by words alone.
    """

    async def ask(texts: Sequence[str]) -> list[bytes]:
        try:
            return await _asked(gateway, model, texts)
        except (RequestRefused, PromptTooLong) as error:
            if len(texts) == 1:
                return [b""]
            raise error.anew() from error
        except ChatError as error:
            raise EmbedderUnavailable(f"{model} makes no vectors just now: {error}", detail=error.detail) from error

    async def ask_each(texts: Sequence[str]) -> list[bytes]:
        try:
            return await ask(texts)
        except (RequestRefused, PromptTooLong):
            return [(await ask([text]))[0] for text in texts]

    return RemoteEmbedder(model, ask_each)


async def _asked(gateway: Gateway, model: str, texts: Sequence[str]) -> list[bytes]:
    body: dict[str, Json] = {"input": list(texts), "encoding_format": "float"}
    request = ChatRequest(model, (), body=body, wire="embeddings", is_whole=True)
    start, answer = await gateway.embed(request, Caller("", purpose="embedding", is_counted=False))
    if start.model:  # a fallback's vectors are of another space
        raise EmbedderUnavailable(f"{start.model} answered instead of {model}.")
    try:
        found = {each.index: each.embedding for each in _decode(answer).data}
    except NOT_JSON as error:
        raise EmbedderUnavailable(f"{model} answered with something else than vectors.") from error
    if found.keys() != set(range(len(texts))):
        raise EmbedderUnavailable(f"{model} answered with {len(found)} vectors for {len(texts)} texts.")
    return [_unit(found[at]) for at in range(len(texts))]


def _unit(numbers: Sequence[float]) -> bytes:
    """The numbers brought to length 1, as float32."""
    length = math.hypot(*numbers)
    return array("f", (each / length for each in numbers)).tobytes() if 0 < length < math.inf else b""
