"""Qwen, on Alibaba Cloud's DashScope, by its mode that is compatible with Chat Completions.

The key belongs to a region, and the region is the base URL's. Some of its models only stream, which is all that is
asked here. What goes beyond OpenAI's parameters (`enable_thinking`, `thinking_budget`, `enable_search`, `top_k`) goes
as it is.
"""

from __future__ import annotations

import msgspec

from chat_app.errors import KeyRefused, ModelError, ModelUnknown, ModelUnreachable
from chat_app.messages import ChatRequest, Json, MediaPart, Message, Part
from chat_app.providers.base import Offer
from chat_app.providers.openai import OpenAIProvider

_ANY = "qwen-plus"
_NO_THOUGHT = ("none", "minimal")


def _with_head(part: Part | MediaPart) -> Part | MediaPart:
    if not isinstance(part, MediaPart) or part.kind != "audio" or part.data.startswith("data:"):
        return part
    return msgspec.structs.replace(part, data=f"data:;base64,{part.data}")


def _with_heads(message: Json) -> Json:
    """The same in a program's own body."""
    match message:
        case {"content": list(content)}:
            told: dict[str, Json] = {**message, "content": [_headed(part) for part in content]}
            return told
        case _:
            return message


def _headed(part: Json) -> Json:
    match part:
        case {"type": "input_audio", "input_audio": {"data": str(data)} as sound} if not data.startswith("data:"):
            headed: dict[str, Json] = {**sound, "data": f"data:;base64,{data}"}
            return {**part, "input_audio": headed}
        case _:
            return part


class QwenProvider(OpenAIProvider):
    """DashScope in one region."""

    kind: str = "qwen"
    refuses: frozenset[str] = frozenset[str](("min_p", "frequency_penalty"))
    has_efforts: bool = False
    only_streams: bool = True  # some of its models; who wants an answer at once gets the stream folded

    def parameters(self, request: ChatRequest) -> tuple[dict[str, Json], tuple[str, ...]]:
        """See `OpenAIProvider.parameters`. This wire knows no effort: a model thinks or does not."""
        sent, dropped = super().parameters(request)
        sent, more = self.as_taken(sent)
        return sent, (*dropped, *more)

    def wire_messages(self, request: ChatRequest) -> list[Json]:
        """See `OpenAIProvider.wire_messages`. Sound is a data URL here (help.aliyun.com/zh/model-studio/qwen-omni)."""
        messages = tuple(Message(each.role, tuple(map(_with_head, each.parts))) for each in request.messages)
        return super().wire_messages(msgspec.structs.replace(request, messages=messages))

    def as_taken(self, body: dict[str, Json]) -> tuple[dict[str, Json], tuple[str, ...]]:
        """See `OpenAIProvider.as_taken`."""
        if isinstance(messages := body.get("messages"), list):
            body = {**body, "messages": [_with_heads(message) for message in messages]}
        effort, budget = body.get("reasoning_effort"), body.get("thinking_budget")
        if effort is None and budget is None:
            return body, ()
        thinks = effort is None or effort not in _NO_THOUGHT
        dropped = {"reasoning_effort"} if effort is not None else set[str]()
        if not thinks and budget is not None:
            dropped.add("thinking_budget")
        rest = {name: value for name, value in body.items() if name not in dropped}
        return {"enable_thinking": thinks} | rest, tuple(sorted(dropped))

    async def offers(self) -> list[Offer]:
        """See `Provider.offers`. Where a region lists nothing, the names in `models.toml` are what there is."""
        try:
            return await super().offers()
        except ModelUnknown:
            await self._knock()
            return []

    async def _knock(self) -> None:
        """See whether it takes the key: a question without words is refused by whoever does, and costs nothing.

        Raises:
            KeyRefused: It does not.
            ModelUnreachable: It does not answer.
        """
        try:
            async with self._relay.asked("chat/completions", {"model": _ANY, "messages": []}, _ANY):
                pass
        except (KeyRefused, ModelUnreachable):
            raise
        except ModelError:
            return
