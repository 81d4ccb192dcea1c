"""Reading the body of a decision, or of a batch: strict types, no unknown and no repeated key, bounded in size."""

from __future__ import annotations

import json
from typing import Annotated, Literal, NoReturn, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.exceptions import HTTPException

from inventory.record import Text, Utc
from inventory.records import ReasonCode
from inventory.snoozes import Condition

BODY_LIMIT = 64 * 1024
"""Bytes; the longest sensible reason is far below."""

B = TypeVar("B", bound=BaseModel)
NAMED = r"^[A-Za-z0-9._@-]{0,96}$"
"""A user's or a question's id, or nothing."""

Quantity = Annotated[int, Field(ge=0, le=10**12)]


class LineEdit(BaseModel):
    """A new quantity for one line; 0 strikes it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    line: Annotated[int, Field(ge=1, le=10**6)]
    quantity: Quantity


class DecisionBody(BaseModel):
    """What a client sends to decide about a proposal."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    verb: Literal["approve", "edit", "choose", "reject", "recall", "ask", "answer", "escalate", "snooze", "delegate"]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
    """Beginning of the digest that was shown."""
    reason: ReasonCode
    text: Annotated[Text, Field(max_length=2_000)] = ""
    lines: Annotated[tuple[LineEdit, ...], Field(max_length=1_000)] = ()
    """For an edit."""
    option: Annotated[int, Field(ge=0, le=10**4)] = 0
    """For a choice: the option's number, as ``option_numbers`` of the proposal has it."""
    until: Utc | None = None
    """For a snooze."""
    when: Condition | None = None
    """For a snooze: what ends it sooner."""
    to: Annotated[str, Field(pattern=NAMED)] = ""
    """For a question or a delegation: whom."""
    question: Annotated[str, Field(pattern=NAMED)] = ""
    """For an answer: which, when several are open."""

    @field_validator("lines")
    @classmethod
    def _once_each(cls, lines: tuple[LineEdit, ...]) -> tuple[LineEdit, ...]:
        if len({edit.line for edit in lines}) != len(lines):
            raise ValueError("a line is given twice")
        return lines


class Named(BaseModel):
    """One proposal of a batch, and the beginning of the digest that was shown."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    proposal: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,96}$")]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]


class BatchBody(BaseModel):
    """What a client sends to approve several proposals of one rule and lane."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    reason: ReasonCode = ReasonCode.AGREE
    text: Annotated[Text, Field(max_length=2_000)] = ""
    proposals: Annotated[tuple[Named, ...], Field(min_length=1, max_length=50)]


async def decision_body(request: Request) -> DecisionBody:
    """The decision in a request; as :func:`body_as`."""
    return await body_as(request, DecisionBody)


async def batch_body(request: Request) -> BatchBody:
    """The batch in a request; as :func:`body_as`."""
    return await body_as(request, BatchBody)


async def body_as(request: Request, model: type[B]) -> B:
    """The body of a request as a model.

    Raises
    ------
    RequestValidationError
        If it is not one: the answer is 422 and repeats nothing of what was sent.
    """
    body = await _bounded(request)
    try:
        json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
        return model.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, _BodyError) else "the body is not JSON"
        raise RequestValidationError([{"loc": ("body",), "type": "json_invalid", "msg": said}]) from None


class _BodyError(ValueError):
    """JSON that parses and still must not be trusted."""


async def _bounded(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise HTTPException(413, f"a decision has at most {BODY_LIMIT} bytes")
    return bytes(body)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise _BodyError("a key is given twice")
    return dict(pairs)


def _no_constant(_name: str) -> NoReturn:
    raise _BodyError("NaN and infinity are not numbers")
