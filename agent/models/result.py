"""What came of asking a model: one record, whatever went wrong."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from inventory.record import Record


class ResultKind(StrEnum):
    """How a question to a model ended; only ``OK`` may be used."""

    OK = "ok"
    REFUSED = "refused"
    """By the model, or by the provider's content filter."""
    TRUNCATED = "truncated"
    MALFORMED_TOOL_CALL = "malformed_tool_call"
    """Arguments that are no JSON or not of the tool's types, or two calls of one id."""
    INVENTED_TOOL = "invented_tool"
    MALFORMED_ANSWER = "malformed_answer"
    """Not of the form that was asked for."""
    EMPTY = "empty"
    TOO_LONG = "too_long"
    """More was to be sent than the model or the settings allow."""
    OVERSIZED = "oversized"
    """More came back than the settings allow."""
    GARBLED = "garbled"
    """No answer of the protocol at all."""
    STALLED = "stalled"
    """Silence after the answer had begun."""
    TIMEOUT = "timeout"
    """Silence from the beginning, or the whole took too long."""
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server_error"
    REJECTED = "rejected"
    """Key, model or request not accepted; asking again does not help."""
    OVER_BUDGET = "over_budget"
    CIRCUIT_OPEN = "circuit_open"

    @property
    def passing(self) -> bool:
        """Whether asking again, a little later, may help."""
        return self in _PASSING

    @property
    def of_the_endpoint(self) -> bool:
        """Whether it speaks of the endpoint's health rather than of this question."""
        return self in _PASSING or self in {ResultKind.GARBLED, ResultKind.STALLED, ResultKind.OVERSIZED}


_PASSING = frozenset({ResultKind.TIMEOUT, ResultKind.RATE_LIMITED, ResultKind.UNREACHABLE, ResultKind.SERVER_ERROR})


class ToolRequest(Record):
    """A tool the model wants called; arguments fit the tool's schema."""

    call_id: str
    name: str
    arguments: dict[str, Any]


class Destination(Record):
    """Where words went, as the trace records it."""

    endpoint: str
    """Host and port; never a key."""
    model: str
    region: str
    retention: str
    may_leave: tuple[str, ...]
    withheld: dict[str, int]
    """How many values of each field were replaced before sending."""


class ModelResult(Record):
    """The end of one question to a model."""

    kind: ResultKind
    text: str = ""
    tool_calls: tuple[ToolRequest, ...] = ()
    parsed: dict[str, Any] | None = None
    """The answer in the form that was asked for."""
    detail: str = ""
    """What went wrong, in a few words; never words of the prompt or the answer."""
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    destination: Destination | None = None

    @property
    def ok(self) -> bool:
        """Whether the answer may be used."""
        return self.kind is ResultKind.OK

    def attributes(self) -> dict[str, str]:
        """Attributes for the trace, by their ``gen_ai`` names."""
        sent = self.destination
        named: dict[str, str] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": str(self.input_tokens),
            "gen_ai.usage.output_tokens": str(self.output_tokens),
            "gen_ai.response.finish_reasons": self.kind.value,
        }
        if sent is not None:
            named |= {
                "gen_ai.request.model": sent.model,
                "server.address": sent.endpoint,
                "evenkeel.egress.region": sent.region,
                "evenkeel.egress.retention": sent.retention,
                "evenkeel.egress.may_leave": " ".join(sent.may_leave) or "none",
                "evenkeel.egress.withheld": " ".join(f"{name}={n}" for name, n in sorted(sent.withheld.items())),
            }
        return named
