"""From what a client raises, or a finished message holds, to the one kind of result."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import openai
from langchain_core.messages import AIMessageChunk

from agent.models.client import GarbledError, TimeIsUpError, TooMuchError
from agent.models.result import ResultKind, ToolRequest
from agent.models.schema_check import misfit

_KINDS: dict[type[BaseException], ResultKind] = {
    TimeIsUpError: ResultKind.TIMEOUT,
    TooMuchError: ResultKind.OVERSIZED,
    GarbledError: ResultKind.GARBLED,
    httpx.ConnectTimeout: ResultKind.UNREACHABLE,
    httpx.ConnectError: ResultKind.UNREACHABLE,
    httpx.ReadError: ResultKind.UNREACHABLE,
    httpx.WriteError: ResultKind.UNREACHABLE,
    httpx.RemoteProtocolError: ResultKind.UNREACHABLE,
    httpx.LocalProtocolError: ResultKind.GARBLED,
    httpx.DecodingError: ResultKind.GARBLED,
    openai.RateLimitError: ResultKind.RATE_LIMITED,
    openai.InternalServerError: ResultKind.SERVER_ERROR,
    openai.APITimeoutError: ResultKind.TIMEOUT,
    openai.APIConnectionError: ResultKind.UNREACHABLE,
    openai.LengthFinishReasonError: ResultKind.TRUNCATED,
    openai.ContentFilterFinishReasonError: ResultKind.REFUSED,
}
_PROTOCOL = ("illegal status line", "illegal header", "invalid", "malformed")
_CONTEXT = ("context_length", "context length", "maximum context", "too many tokens", "prompt is too long")


def kind_of(error: BaseException, answered: bool) -> tuple[ResultKind, float | None]:
    """What an error of the client means, and after how many seconds the server asks to come again.

    Parameters
    ----------
    answered
        Whether the body of an answer had begun.
    """
    for each in _causes(error):
        if isinstance(each, TimeIsUpError | TooMuchError | GarbledError):
            return _KINDS[type(each)], None
        if isinstance(each, httpx.ReadTimeout | httpx.WriteTimeout | httpx.PoolTimeout):
            return (ResultKind.STALLED if answered else ResultKind.TIMEOUT), None
        if isinstance(each, httpx.RemoteProtocolError) and any(word in str(each).lower() for word in _PROTOCOL):
            return ResultKind.GARBLED, None
        if isinstance(each, openai.APIStatusError):
            return _of_status(each), _retry_after(each)
        for kind, result in _KINDS.items():
            if isinstance(each, kind):
                return result, None
    if any(isinstance(each, openai.APIError) and not isinstance(each, openai.APIResponseValidationError)
           for each in _causes(error)):  # fmt: skip
        return ResultKind.SERVER_ERROR, None  # an error told within the stream
    return ResultKind.GARBLED, None


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, the first cause first: the transport knows more than its client."""
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in chain:
        chain.append(each)
        each = each.__cause__ or each.__context__
    return chain[::-1]


def _of_status(error: openai.APIStatusError) -> ResultKind:
    if error.status_code == 429:
        return ResultKind.RATE_LIMITED
    if error.status_code >= 500 or error.status_code in {408, 409}:
        return ResultKind.SERVER_ERROR
    said = f"{error.code or ''} {error.message}".lower()
    if error.status_code in {400, 413} and (error.status_code == 413 or any(word in said for word in _CONTEXT)):
        return ResultKind.TOO_LONG
    if error.status_code == 400 and "content_filter" in said:
        return ResultKind.REFUSED
    return ResultKind.REJECTED


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return max(float(error.response.headers["retry-after"]), 0.0)
    except (KeyError, ValueError):
        return None


def read_calls(
    message: AIMessageChunk, tools: Mapping[str, Mapping[str, Any]]
) -> tuple[ResultKind, str, tuple[ToolRequest, ...]]:
    """The tools a finished message wants called, if every call is sound.

    Parameters
    ----------
    tools
        Schema of the arguments, by the name of each tool that was offered.
    """
    calls: list[ToolRequest] = []
    for piece in message.tool_call_chunks:
        name, call_id = piece.get("name") or "", piece.get("id") or ""
        if name not in tools:
            return ResultKind.INVENTED_TOOL, "a tool that was not offered", ()
        try:
            arguments = json.loads(piece.get("args") or "{}", parse_constant=_no_constant)
        except ValueError:
            return ResultKind.MALFORMED_TOOL_CALL, f"{name}: arguments are no JSON", ()
        if not isinstance(arguments, dict):
            return ResultKind.MALFORMED_TOOL_CALL, f"{name}: arguments are no object", ()
        if wrong := misfit(arguments, tools[name]):
            return ResultKind.MALFORMED_TOOL_CALL, f"{name}: {wrong}", ()
        calls.append(ToolRequest(call_id=call_id, name=name, arguments=arguments))
    if any(not call.call_id or count > 1 for call in calls for count in [_count(calls, call.call_id)]):
        return ResultKind.MALFORMED_TOOL_CALL, "calls without an id of their own", ()
    return ResultKind.OK, "", tuple(calls)


def _count(calls: Sequence[ToolRequest], call_id: str) -> int:
    return Counter(call.call_id for call in calls)[call_id]


def read_form(text: str, schema: Mapping[str, Any]) -> tuple[ResultKind, str, dict[str, Any] | None]:
    """An answer in the form that was asked for; a fence around it is taken off."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        parsed = json.loads(bare, parse_constant=_no_constant)
    except ValueError:
        return ResultKind.MALFORMED_ANSWER, "no JSON", None
    wrong = "no object" if not isinstance(parsed, dict) else misfit(parsed, schema)
    if wrong:
        return ResultKind.MALFORMED_ANSWER, wrong, None
    return ResultKind.OK, "", parsed


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
