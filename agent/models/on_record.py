"""Questions to a model as the trace keeps them: what was said, what came back, and where it went."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from langchain_core.messages import AIMessage, BaseMessage

from agent.models.result import ModelResult
from tools.tracing import HOUSE, noted


def trace_model(model: str, messages: Iterable[BaseMessage], result: ModelResult) -> None:
    """Note a question in the step at hand: the words as they left, the answer, and how and where it ended."""
    with noted(f"chat {model}", HOUSE) as step:
        if step is None:
            return
        step.words["prompt"] = said_in(messages)
        calls = (_called(call.name, call.arguments) for call in result.tool_calls)
        step.words["answer"] = "\n".join([result.text, *calls])
        step.attributes |= result.attributes()
        step.seconds = result.seconds


def said_in(messages: Iterable[BaseMessage]) -> str:
    """Each message under who said it, with the tools it calls."""
    return "\n\n".join("\n".join(_lines(message)) for message in messages)


def _lines(message: BaseMessage) -> Iterator[str]:
    yield f"[{message.type}]"
    if message.text:
        yield str(message.text)
    if isinstance(message, AIMessage):
        yield from (_called(call["name"], call["args"]) for call in message.tool_calls)


def _called(name: str, arguments: object) -> str:
    return f"→ {name} {json.dumps(arguments, ensure_ascii=False, sort_keys=True)}"
