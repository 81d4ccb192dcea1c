"""The door to a language model: ask, and get one kind of result whatever the model or its server does.

In this order: caps (counted in SQL), length, egress (what must not leave is hidden), breaker, then the call itself
within its time, with at most two retries. What comes back is checked before it counts: tools must have been offered and
their arguments must fit, a form must have the form. The caller falls back on anything but ``OK``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from langchain_core.messages import AIMessageChunk, BaseMessage

from agent.models.breaker import CircuitBreaker
from agent.models.caps import Asker, CallBook
from agent.models.client import Client, Meter
from agent.models.egress import EgressPolicy, Restorer, Shield
from agent.models.on_record import trace_model
from agent.models.reading import kind_of, read_calls, read_form
from agent.models.result import Destination, ModelResult, ResultKind
from agent.models.settings import ModelSettings

Tool = Mapping[str, Any]
"""A function as OpenAI-compatible servers take it."""


@dataclass(frozen=True)
class Question:
    """What is asked of a model.

    Attributes
    ----------
    tools
        Functions it may call.
    schema
        JSON schema of the answer, where a form is wanted; not together with tools.
    """

    messages: Sequence[BaseMessage]
    tools: Sequence[Tool] = ()
    schema: Mapping[str, Any] | None = None


class ModelDoor:
    """One endpoint, with everything that stands before it.

    Parameters
    ----------
    settings
        Which endpoint, and its bounds.
    egress
        What may leave.
    book
        Counts calls.
    listed
        Names and ids that egress knows by list (customers), read when first needed.
    clock, sleep, chance
        Monotonic seconds, a pause, and the spread of pauses.
    """

    def __init__(
        self,
        settings: ModelSettings,
        egress: EgressPolicy,
        book: CallBook,
        *,
        listed: Callable[[], Sequence[str]] = tuple,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Random | None = None,
    ) -> None:
        self.settings = settings
        self.egress = egress
        self.book = book
        self.listed = listed
        self.clock = clock
        self.sleep = sleep
        self._chance = chance or Random()
        self._making = Lock()

    def ask(self, question: Question, asker: Asker) -> ModelResult:
        """The whole answer."""
        pieces = self.stream(question, asker)
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                result: ModelResult = end.value
                return result

    def stream(self, question: Question, asker: Asker) -> Generator[str, None, ModelResult]:
        """The words as they come, values put back; the generator's value is the result.

        Notes
        -----
        Once words were handed out nothing is asked again.
        """
        begun = self.clock()
        rule = self.egress.rule_for(self.settings.base_url)
        shield = Shield(self.egress.withheld(rule), self.listed())
        messages = shield.hide_messages(question.messages)
        sent = Destination(
            endpoint=urlsplit(self.settings.base_url).netloc.rpartition("@")[2], model=self.settings.model,
            region=rule.region, retention=rule.retention, may_leave=rule.may_leave, withheld=shield.counts,
        )  # fmt: skip
        length = sum(len(str(message.text)) for message in messages)
        if length > self.settings.max_input_characters:
            limit = self.settings.max_input_characters
            refused = ModelResult(kind=ResultKind.TOO_LONG, detail=f"{length} of {limit} characters", destination=sent)
            trace_model(self.settings.model, messages, refused)
            return refused
        deadline, attempts = begun + self.settings.total_seconds, 0
        while True:
            attempts += 1
            said = False
            attempt = self._counted(Question(messages, question.tools, question.schema), shield, asker, sent, deadline)
            while True:
                try:
                    piece = next(attempt)
                except StopIteration as end:
                    result, again = end.value
                    break
                said = True
                yield piece
            pause = self._pause(attempts, again)
            over = attempts > self.settings.max_retries or self.clock() + pause >= deadline
            if said or over or not result.kind.passing:
                taken = {"attempts": attempts, "seconds": self.clock() - begun, "destination": sent}
                whole: ModelResult = result.model_copy(update=taken)
                trace_model(self.settings.model, messages, whole)
                return whole
            self.sleep(pause)

    @cached_property
    def breaker(self) -> CircuitBreaker:
        """The breaker of this endpoint in this process."""
        return CircuitBreaker(self.settings.breaker_failures, self.settings.breaker_seconds, self.clock)

    @cached_property
    def _client(self) -> Client:
        return Client(self.settings, self.clock)

    def close(self) -> None:
        """Close every connection."""
        if "_client" in self.__dict__:
            self._client.close()

    def _pause(self, attempts: int, again: float | None) -> float:
        if again is not None:
            return again
        whole = self.settings.backoff_seconds * 2.0 ** (attempts - 1)
        return whole * (1 - self._chance.random() / 2)

    def _counted(
        self, question: Question, shield: Shield, asker: Asker, sent: Destination, deadline: float
    ) -> Generator[str, None, tuple[ModelResult, float | None]]:
        """One attempt under caps and breaker; its end is entered in the book even when nobody listens to the end."""
        admission = self.book.admit(asker, sent.endpoint, sent.model)
        if admission.refused:
            return ModelResult(kind=ResultKind.OVER_BUDGET, detail=admission.refused), None
        result = ModelResult(kind=ResultKind.CIRCUIT_OPEN, detail="the endpoint failed too often lately")
        again: float | None = None
        try:
            if self.breaker.allows():
                result = ModelResult(kind=ResultKind.STALLED, detail="nobody listened to the end")
                result, again = yield from self._attempt(question, shield, deadline)
                (self.breaker.failed if result.kind.of_the_endpoint else self.breaker.succeeded)()
        finally:
            self.book.finish(admission.call_id, result)
        return result, again

    def _attempt(
        self, question: Question, shield: Shield, deadline: float
    ) -> Generator[str, None, tuple[ModelResult, float | None]]:
        meter = Meter(deadline, self.settings.max_output_bytes)
        restorer = Restorer(shield)
        whole: AIMessageChunk | None = None
        finish, heard = "", 0
        try:
            with self._making:
                client = self._client
            for chunk, ended in client.stream(question, meter):
                whole = chunk if whole is None else whole + chunk
                finish = ended or finish
                words = str(chunk.text)
                heard += len(words) + sum(len(piece.get("args") or "") for piece in chunk.tool_call_chunks)
                if heard > self.settings.max_output_characters:
                    return ModelResult(kind=ResultKind.OVERSIZED, detail="more words than an answer may have"), None
                if question.schema is None and (ready := restorer.hear(words)):
                    yield ready
        except Exception as error:  # whatever a foreign server makes a client raise is a result, never a crash
            kind, again = kind_of(error, meter.answered)
            return ModelResult(kind=kind, detail=type(error).__name__), again
        if question.schema is None and (rest := restorer.rest()):
            yield rest
        return _concluded(whole, finish, question, shield), None


def _concluded(whole: AIMessageChunk | None, finish: str, question: Question, shield: Shield) -> ModelResult:
    """What a message that came to its end is worth."""
    if whole is None:
        return ModelResult(kind=ResultKind.EMPTY, detail="no message")
    usage = whole.usage_metadata
    counted = {
        "input_tokens": usage["input_tokens"] if usage else 0,
        "output_tokens": usage["output_tokens"] if usage else 0,
    }

    def ended(kind: ResultKind, detail: str = "", **more: Any) -> ModelResult:
        return ModelResult.model_validate({"kind": kind, "detail": detail, **counted, **more})

    if whole.additional_kwargs.get("refusal") or finish == "content_filter":
        return ended(ResultKind.REFUSED, finish or "refusal")
    if finish == "length":
        return ended(ResultKind.TRUNCATED, "the longest answer allowed was reached")
    text = shield.restore(str(whole.text))
    if not text.strip() and not whole.tool_call_chunks:
        return ended(ResultKind.EMPTY, "no words and no tool")
    if not finish:
        return ended(ResultKind.TRUNCATED, "the answer broke off")
    if question.schema is not None:
        said = text if not whole.tool_call_chunks else str(whole.tool_call_chunks[0].get("args") or "")
        kind, detail, parsed = read_form(said, question.schema)
        return ended(kind, detail, text=text, parsed=shield.restored(parsed))
    offered = {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in question.tools}
    kind, detail, calls = read_calls(whole, offered)
    restored = [call.model_copy(update={"arguments": shield.restored(call.arguments)}) for call in calls]
    return ended(kind, detail, text=text, tool_calls=tuple(restored))
