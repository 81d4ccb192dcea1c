"""Asking the model: the offline one, or another behind which the offline one stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage
from langchain_core.runnables import Runnable

from agent.chat.context import ChatContext, TurnWork
from agent.chat.controls import control_tools, function_schema
from agent.chat.outcome import Outcome
from agent.chat.speaking import Speaker
from agent.chat.vetting import Vetting
from agent.errors import AgentError
from agent.models.on_record import said_in
from tools.capabilities.arguments import Arguments
from tools.tracing import at_hand_or


class Offered(Protocol):
    """A question a model may put."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def description(self) -> str:
        """What it is for."""

    @property
    def arguments(self) -> type[Arguments]:
        """What it takes."""


def bound(model: BaseChatModel, offered: Iterable[Offered]) -> Runnable[LanguageModelInput, AIMessage]:
    """A model with everything it may call."""
    tools = [function_schema(each.name, each.description, _schema(each.arguments)) for each in offered]
    return model.bind_tools([*tools, *control_tools()])


@cache
def _schema(arguments: type[Arguments]) -> dict[str, Any]:
    return arguments.model_json_schema()


def understood(
    model: BaseChatModel, messages: Sequence[AnyMessage], vetting: Vetting, offered: Iterable[Offered]
) -> Outcome:
    """What the newest message comes to, vetted, before any tool is asked."""
    message = bound(model, offered).invoke(list(messages))
    return vetting.outcome(message.tool_calls, str(message.text))


def fall_back(work: TurnWork) -> None:
    """Go on with the offline model, which begins at what was said unless tools have answered."""
    work.fell_back = True
    if not work.answers:
        said = max(at for at, message in enumerate(work.messages) if isinstance(message, HumanMessage))
        del work.messages[said + 1 :]


def heard(context: ChatContext, speaker: Speaker) -> AIMessage:
    """What the model says; a model that fails is replaced by the offline one for the rest of the turn."""
    if context.other:
        try:
            return _stream(context.model, context, speaker)
        except Exception:  # whatever a foreign model raises, the turn goes on without it
            fall_back(context.work)
            return AIMessage("") if context.work.answers else _stream(context.fallback, context, speaker)
    return _stream(context.fallback, context, speaker)


def _stream(model: BaseChatModel, context: ChatContext, speaker: Speaker) -> AIMessage:
    """One question to a model, with its prompt and its answer on record."""
    with at_hand_or(context.work.step).within(f"chat {model._llm_type}") as step:
        prompt = said_in(context.work.messages)
        message = _streamed(model, context, speaker)
        step.words = {"prompt": prompt, "answer": said_in([message]), **step.words}
        step.attributes.setdefault("gen_ai.response.model", context.work.model)
    return message


def _streamed(model: BaseChatModel, context: ChatContext, speaker: Speaker) -> AIMessage:
    work = context.work
    whole: AIMessageChunk | None = None
    heard = 0
    for chunk in bound(model, context.capabilities.values()).stream(work.messages):
        if not isinstance(chunk, AIMessageChunk):
            raise AgentError(f"the model streams {type(chunk).__name__}")
        whole = chunk if whole is None else whole + chunk
        words = str(chunk.text)
        heard += len(words)
        if heard > context.bounds.characters:
            raise AgentError("the model says more than a turn may hold")
        if work.answers and words:
            speaker.hear(words)
    if whole is None:
        raise AgentError("the model said nothing")
    if work.answers:
        speaker.finish()
        work.fell_back |= speaker.broken
        work.worded = bool(speaker.said) and not speaker.broken
    work.model = str(whole.response_metadata.get("model_name", model._llm_type))
    return AIMessage(content=str(whole.text), tool_calls=whole.tool_calls)
