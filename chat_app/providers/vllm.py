"""vLLM: Chat Completions with more parameters, and a way to let an answer go on from its last character."""

from __future__ import annotations

from typing import ClassVar

from chat_app.messages import ChatRequest, Json
from chat_app.providers.openai import OpenAIProvider


class VllmProvider(OpenAIProvider):
    """One vLLM server."""

    kind: str = "vllm"
    _max_tokens_name: ClassVar[str] = "max_tokens"

    def parameters(self, request: ChatRequest) -> tuple[dict[str, Json], tuple[str, ...]]:
        """See `OpenAIProvider.parameters`."""
        sent, dropped = super().parameters(request)
        if request.continue_final:
            sent |= {"continue_final_message": True, "add_generation_prompt": False}
        return sent, dropped

    def wire_messages(self, request: ChatRequest) -> list[Json]:
        """See `OpenAIProvider.wire_messages`: the unfinished answer stays last."""
        return super().wire_messages(ChatRequest(request.model, request.messages))
