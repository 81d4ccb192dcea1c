"""The HTTP API: read cases and proposals, decide about proposals; for programs on the same machine.

Rules
-----
- Every route but ``/health`` depends on :func:`signed_in`; ``create_app`` refuses to build an app with another open
  door.
- Who asks is told by a bearer token and never by a field of the request; what they see is narrowed by their scope.
- No documentation routes, no cookies, no cross-origin access.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from threading import Lock
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection
from starlette.middleware.trustedhost import TrustedHostMiddleware

from agent.case_views import (
    CaseDetail,
    CaseList,
    ProposalDetail,
    case_detail,
    case_list,
    proposal_detail,
)
from agent.deciding.batch import BatchRow
from inventory.audit import count
from inventory.delegations import find_acting, scope_for
from inventory.errors import AccessError
from inventory.people import scope_of, user_by_token
from inventory.records import Scope, User
from service.bootstrap import House
from service.chat_stream import ChatBody, chat_body, chat_events
from service.decision_body import BatchBody, DecisionBody, batch_body, decision_body
from service.decision_views import DecisionAnswer, answer_of
from service.errors import InputError, OpenDoorError
from service.problems import add_handlers

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
OPEN_PATHS = frozenset({"/health"})
"""Routes that ask nobody who they are."""


def house_of(request: Request) -> House:
    """The house this app was made for."""
    house: House = request.app.state.house
    return house


AHouse = Annotated[House, Depends(house_of)]


def signed_in(request: Request, house: AHouse) -> User:
    """Whoever holds the bearer token; ``AccessError`` without saying why it failed."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AccessError("a bearer token is needed")
    with house.database.read() as connection:
        return user_by_token(connection, token.strip())


def reading(house: AHouse) -> Iterator[Connection]:
    """A connection that cannot write."""
    with house.database.read() as connection:
        yield connection


AUser = Annotated[User, Depends(signed_in)]
Reading = Annotated[Connection, Depends(reading)]
Body = Annotated[DecisionBody, Depends(decision_body)]
Batch = Annotated[BatchBody, Depends(batch_body)]
Message = Annotated[ChatBody, Depends(chat_body)]


def health(connection: Reading) -> JSONResponse:
    """Whether the database answers."""
    count(connection)
    return JSONResponse({"status": "ok"})


def reader_scope(user: AUser, house: AHouse, connection: Reading, acting_for: str | None = None) -> Scope:
    """What the user may see, or with ``acting_for`` what that person sees for whom they act by delegation."""
    own = scope_of(user)
    return own if acting_for is None else scope_for(connection, own, acting_for, house.clock())


AScope = Annotated[Scope, Depends(reader_scope)]


def list_cases(scope: AScope, house: AHouse, connection: Reading, everything: bool = False) -> CaseList:
    """Open cases by money at risk; with ``everything=true`` those that are automatic or held back too."""
    return case_list(connection, scope, everything=everything, at=house.clock())


def show_case(case_id: str, scope: AScope, house: AHouse, connection: Reading) -> CaseDetail:
    """One case in full."""
    return case_detail(connection, scope, case_id, at=house.clock())


def show_proposal(proposal_id: str, scope: AScope, connection: Reading) -> ProposalDetail:
    """One proposal in full."""
    return proposal_detail(connection, scope, proposal_id)


def decide(proposal_id: str, user: AUser, house: AHouse, request: Request, body: Body) -> DecisionAnswer:
    """Decide about a proposal; answers with it as it stands then, for an edit or a choice with the new version."""
    from agent.deciding.request import Decision, incomplete

    if bool(body.lines) is not (body.verb == "edit") or bool(body.until or body.when) is not (body.verb == "snooze"):
        raise InputError("lines go with edit, and until or when with snooze, each with nothing else")
    with house.database.read() as connection:
        known = find_acting(connection, scope_of(user), proposal_id, house.clock())
    fields = {
        "proposal_id": known.proposal_id, "digest_prefix": body.digest, "verb": body.verb, "reason": body.reason,
        "text": body.text, "quantities": {edit.line: edit.quantity for edit in body.lines}, "option": body.option,
        "until": body.until,
        "when": body.when, "to": body.to, "question_id": body.question,
    }  # fmt: skip
    decision = Decision.model_validate(fields)
    if lacking := incomplete(decision):
        raise InputError(lacking)
    lock: Lock = request.app.state.one_at_a_time
    with lock:
        return answer_of(house.desk.decided(decision, user))


def decide_all(user: AUser, house: AHouse, request: Request, body: Batch) -> tuple[BatchRow, ...]:
    """Approve several proposals of one rule and lane, each by itself; answers with what became of each."""
    from agent.deciding.request import Decision

    with house.database.read() as connection:
        known = [find_acting(connection, scope_of(user), each.proposal, house.clock()) for each in body.proposals]
    decisions = [
        Decision.model_validate(
            {"proposal_id": proposal.proposal_id, "digest_prefix": each.digest, "verb": "approve",
             "reason": body.reason, "text": body.text}
        )
        for proposal, each in zip(known, body.proposals, strict=True)
    ]  # fmt: skip
    lock: Lock = request.app.state.one_at_a_time
    with lock:
        return house.desk.approve_all(decisions, user)


def chat(user: AUser, house: AHouse, body: Message) -> Iterable[ServerSentEvent]:
    """Answer a message in plain words, as server-sent events."""
    yield from chat_events(house, user, body)


async def mcp(user: AUser, house: AHouse) -> Response:
    """Answer a program that speaks the Model Context Protocol; one request, one answer, no session."""
    from service.mcp_server import Handed

    return Handed(house, user)


def create_app(house: House, hosts: Sequence[str] = LOCAL_HOSTS) -> FastAPI:
    """The app over an open house.

    Parameters
    ----------
    hosts
        Names a request may call this server by; ``*`` for any.

    Raises
    ------
    OpenDoorError
        If a route asks nobody who they are.
    """
    app = FastAPI(title="Evenkeel", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.house = house
    app.state.one_at_a_time = Lock()
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    add_handlers(app)
    app.get("/health")(health)
    app.get("/cases")(list_cases)
    app.get("/cases/{case_id}")(show_case)
    app.get("/proposals/{proposal_id}")(show_proposal)
    app.post("/proposals/{proposal_id}/decision")(decide)
    app.post("/decisions")(decide_all)
    app.post("/chat", response_class=EventSourceResponse)(chat)
    if find_spec("mcp") is not None:
        app.post("/mcp")(mcp)
    refuse_open_doors(app)
    return app


def refuse_open_doors(app: FastAPI) -> None:
    """Raise ``OpenDoorError`` if a route other than the known open ones does not depend on :func:`signed_in`."""
    for route in app.routes:
        path = getattr(route, "path", str(route))
        guarded = isinstance(route, APIRoute) and _asks(route.dependant)
        if not guarded and path not in OPEN_PATHS:
            raise OpenDoorError(f"route {path} asks nobody who they are")


def _asks(dependant: Dependant) -> bool:
    return dependant.call is signed_in or any(_asks(each) for each in dependant.dependencies)
