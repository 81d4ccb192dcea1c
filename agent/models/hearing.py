"""LangChain's clients, made to hear a refusal that is streamed: it is dropped on the way otherwise."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import AzureChatOpenAI, ChatOpenAI


class HearingChatOpenAI(ChatOpenAI):
    """Any OpenAI-compatible server."""

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        return _with_refusal(made, chunk)


class HearingAzureChatOpenAI(AzureChatOpenAI):
    """Azure's deployments."""

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        return _with_refusal(made, chunk)


def _with_refusal(made: ChatGenerationChunk | None, chunk: dict[str, Any]) -> ChatGenerationChunk | None:
    refusals = [(choice.get("delta") or {}).get("refusal") for choice in chunk.get("choices") or ()]
    if made is not None and isinstance(made.message, AIMessageChunk) and any(refusals):
        made.message.additional_kwargs["refusal"] = "".join(filter(None, refusals))
    return made
