"""Chat models that do as a test says, and capabilities that answer without looking anything up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call as LangChain writes it."""
    return {"name": name, "args": arguments, "id": f"id_{name}", "type": "tool_call"}


class ScriptedChat(BaseChatModel):
    """Says one thing after the other: words, calls, or an error to raise; the last again and again."""

    script: list[str | list[dict[str, Any]] | Exception]
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    """Messages of each time it was asked."""
    told: list[str] = Field(default_factory=list)
    """Pieces of words that have left it."""
    before_the_last: Event | None = None
    """Waited for before the last word."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | Any], **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Itself; it calls what the script says, offered or not."""
        return self.bind()

    def _next(self, messages: list[BaseMessage]) -> str | list[dict[str, Any]]:
        step = self.script[min(len(self.heard), len(self.script) - 1)]
        self.heard.append(list(messages))
        if isinstance(step, Exception):
            raise step
        return step

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        step = self._next(messages)
        message = AIMessage(step) if isinstance(step, str) else AIMessage("", tool_calls=step)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        step = self._next(messages)
        if isinstance(step, str):
            spoken = step.split(" ")
            for number, word in enumerate(spoken, start=1):
                if number == len(spoken) and self.before_the_last is not None:
                    assert self.before_the_last.wait(10)
                self.told.append(word)
                yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))
            return
        pieces = [
            tool_call_chunk(
                name=each["name"], args=json.dumps(each["args"]), id=f"{each['id']}_{len(self.heard)}", index=place
            )
            for place, each in enumerate(step)
        ]
        yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=pieces, chunk_position="last"))
