"""The offline chat model: a LangChain chat model that reads a planner's language by rules and calls tools.

It keeps nothing: what was said before is read from the messages. The same messages give the same answer, with call
ids counted from the messages. It words nothing of its own: when the tools have answered, it says their templates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)  # fmt: skip
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict

from agent.offline.arguments import Doubt
from agent.offline.directory import Directory
from agent.offline.memory import Call, Memory, Turn
from agent.offline.understanding import Plan, Understanding

NAME = "offline-rules-1"
CONTROLS = frozenset({"clarify", "refuse", "smalltalk"})
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s|$)|\n|$)\s*", re.DOTALL)


class OfflineChatModel(BaseChatModel):
    """Plans tool calls from a planner's language, without a network.

    Examples
    --------
    ``OfflineChatModel(directory=directory, today=date(2024, 4, 8)).bind_tools(tools).invoke([HumanMessage("hi")])``
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    directory: Directory
    today: date

    @property
    def _llm_type(self) -> str:
        return NAME

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools it may call; others it never calls."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text, calls = self._answer(messages, kwargs.get("tools"))
        return ChatResult(generations=[ChatGeneration(message=_message(text, calls))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        text, calls = self._answer(messages, kwargs.get("tools"))
        for sentence in _SENTENCE.findall(text):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=sentence))
            if run_manager is not None:
                run_manager.on_llm_new_token(sentence, chunk=chunk)
            yield chunk
        pieces = [
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
            for index, call in enumerate(calls)
        ]
        last = AIMessageChunk(
            content="",
            tool_call_chunks=pieces,
            response_metadata=_metadata(calls),
            usage_metadata={"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    def _answer(self, messages: Sequence[BaseMessage], tools: Any) -> tuple[str, list[dict[str, Any]]]:
        """Words, and calls; words when the tools have answered, calls when something was said."""
        said = max((at for at, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
        if said < 0:
            return "", []
        results = [message for message in messages[said + 1 :] if isinstance(message, ToolMessage)]
        if results:
            return _said_by_tools(results), []
        memory = Memory(_turns(messages[:said]))
        plan = Understanding(self.directory, self.today).plan(_text(messages[said]), memory)
        offered = None if tools is None else {each["function"]["name"] for each in tools}
        made = [
            {"name": name, "args": arguments, "id": f"call_{len(messages)}_{place}", "type": "tool_call"}
            for place, (name, arguments) in enumerate(_calls(plan), start=1)
            if offered is None or name in offered
        ]
        return "", made


def _calls(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    for reason in plan.refusals:
        yield "refuse", {"reason": reason}
    for call in plan.calls:
        yield call.name, {name: value for name, value in call.arguments.items() if not isinstance(value, Doubt)}
    if plan.clarify is not None:
        yield "clarify", {"argument": plan.clarify.argument, "choices": list(plan.clarify.choices)}
    if plan.smalltalk:
        yield "smalltalk", {"kind": plan.smalltalk}


def _turns(messages: Sequence[BaseMessage]) -> list[Turn]:
    """Earlier turns: what was said, and which tools were called before the next thing was said."""
    turns: list[Turn] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            turns.append(Turn(_text(message)))
        elif isinstance(message, AIMessage) and turns:
            made = tuple(
                Call(call["name"], call["args"]) for call in message.tool_calls if call["name"] not in CONTROLS
            )
            turns[-1] = Turn(turns[-1].said, (*turns[-1].calls, *made))
    return turns


def _said_by_tools(results: Sequence[ToolMessage]) -> str:
    """The templates the tools answered with; a result that is no answer of a capability says nothing."""
    said = []
    for result in results:
        try:
            body = json.loads(_text(result))
        except json.JSONDecodeError:
            continue
        if isinstance(body, dict) and isinstance(body.get("template"), str):
            said.append(body["template"].strip())
    return "\n".join(said)


def _text(message: BaseMessage | AnyMessage) -> str:
    return message.content if isinstance(message.content, str) else str(message.text)


def _message(text: str, calls: list[dict[str, Any]]) -> AIMessage:
    return AIMessage(
        content=text,
        tool_calls=calls,
        response_metadata=_metadata(calls),
        usage_metadata={"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    )


def _metadata(calls: list[dict[str, Any]]) -> dict[str, str]:
    return {"model_name": NAME, "model_provider": "evenkeel", "finish_reason": "tool_calls" if calls else "stop"}
