"""The door as a LangChain chat model, for the chat graph: what it hands on has passed every check of the door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from agent.errors import AgentError
from agent.models.caps import Asker
from agent.models.door import ModelDoor, Question
from agent.models.result import ModelResult


class ModelFailedError(AgentError):
    """The model gave nothing that may be used; ``result`` says why."""

    def __init__(self, result: ModelResult) -> None:
        super().__init__(f"the language model gave no usable answer: {result.kind.value} ({result.detail})")
        self.result = result


class DoorChatModel(BaseChatModel):
    """A chat model behind the door: it streams words, then sound tool calls, or raises ``ModelFailedError``."""

    door: ModelDoor = Field(exclude=True)
    asker: Asker = Field(default=Asker(purpose="chat"), exclude=True)
    results: list[ModelResult] = Field(default_factory=list, exclude=True)
    """How every question of this turn ended, for the trace."""

    def for_turn(self, user: str, run: str) -> DoorChatModel:
        """The same model counted for a person and one turn."""
        return DoorChatModel(door=self.door, asker=Asker(user=user, run=run, purpose="chat"))

    @property
    def _llm_type(self) -> str:
        return self.door.settings.model

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with functions it may call."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> ChatResult:  # fmt: skip
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:  # fmt: skip
        question = Question(messages=messages, tools=kwargs.get("tools", ()))
        pieces = self.door.stream(question, self.asker)
        while True:
            try:
                words = next(pieces)
            except StopIteration as end:
                result: ModelResult = end.value
                break
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=words))
            if run_manager is not None:
                run_manager.on_llm_new_token(words, chunk=chunk)
            yield chunk
        self.results.append(result)
        if not result.ok:
            raise ModelFailedError(result)
        yield ChatGenerationChunk(message=self._last(result))

    def _last(self, result: ModelResult) -> AIMessageChunk:
        """The end of the message: its tool calls and what it took."""
        calls = [
            tool_call_chunk(name=call.name, args=json.dumps(call.arguments), id=call.call_id, index=place)
            for place, call in enumerate(result.tool_calls)
        ]
        reason = "tool_calls" if calls else "stop"
        return AIMessageChunk(
            content="",
            tool_call_chunks=calls,
            chunk_position="last",
            response_metadata={
                "model_name": self.door.settings.model, "model_provider": "openai", "finish_reason": reason,
            },
            usage_metadata={
                "input_tokens": result.input_tokens, "output_tokens": result.output_tokens,
                "total_tokens": result.input_tokens + result.output_tokens,
            },
        )  # fmt: skip
