"""Errors as HTTP answers: ``application/problem+json``, one line of detail, never what the sender sent."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent.errors import AgentError, DecisionRefusedError
from inventory.errors import (
    AccessError,
    InventoryError,
    LostRaceError,
    NotEnoughCapacityError,
    NotEnoughStockError,
    NotFoundError,
)
from service.errors import InputError, ServiceError
from tools.errors import RuleBrokenError, StaleFactsError, ToolError, ToolInputError

STATUS: dict[type[Exception], int] = {
    AccessError: 401,
    DecisionRefusedError: 403,
    RuleBrokenError: 403,
    NotFoundError: 404,
    LostRaceError: 409,
    NotEnoughStockError: 409,
    NotEnoughCapacityError: 409,
    StaleFactsError: 409,
    InputError: 422,
    ToolInputError: 422,
    AgentError: 500,
    InventoryError: 500,
    ServiceError: 500,
    ToolError: 500,
}
"""Status of each error; a subclass that is not named here answers as its nearest named ancestor."""

TITLES = {
    400: "The request cannot be read",
    401: "Who are you?",
    403: "Refused",
    404: "Not found",
    405: "Not possible here",
    409: "Somebody else was first",
    413: "Too large",
    422: "Not understood",
    500: "Something is wrong here",
    503: "Not ready",
}


def problem(status: int, detail: str, **more: object) -> JSONResponse:
    """One problem document."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(
        {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail, **more},
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def add_handlers(app: FastAPI) -> None:
    """Answer every error raised on purpose, and every request that does not validate."""
    for kind in STATUS:
        app.add_exception_handler(kind, _domain)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def status_of(error: Exception) -> int:
    """Status of an error raised on purpose."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _domain(_request: Request, error: Exception) -> JSONResponse:
    status = status_of(error)
    detail = "the request was well-formed, but the service cannot answer it" if status == 500 else str(error)
    return problem(status, detail)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    return invalid([dict(found) for found in error.errors()])


def invalid(errors: list[dict[str, object]]) -> JSONResponse:
    """Where and why a request does not validate; values are left out, they may not even be JSON."""
    kept = [{name: found[name] for name in ("loc", "type", "msg")} for found in errors]
    return problem(422, "the request does not validate", errors=kept)


def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, error.detail)
