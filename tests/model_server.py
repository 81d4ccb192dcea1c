"""A real OpenAI-compatible server on loopback, for tests: FastAPI behind uvicorn in a thread.

It checks requests as a strict server would, keeps every byte it was sent, and answers what its *mind* says: words or
tool calls, streamed or whole, with usage; or a fault (see ``tests/model_faults.py``).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """What the model says."""

    text: str | None = None
    calls: Sequence[tuple[str, str, str]] = ()
    """``(id, tool, arguments as JSON text)``."""
    finish: str = ""
    refusal: str = ""
    pieces: int = 4
    """Into how many pieces the words are cut when streamed."""

    @property
    def reason(self) -> str:
        """Why it ended."""
        return self.finish or ("tool_calls" if self.calls else "stop")


class Wire(Protocol):
    """Writes an answer as it likes."""

    async def __call__(self, send: Send, body: Body) -> None:
        """Send the whole answer, status and headers included."""
        ...


Mind = Callable[[Body], Said | Wire]


def saying(text: str) -> Mind:
    """A mind that always says the same."""
    return lambda body: Said(text)


def echo(body: Body) -> Said:
    """A sensible model: gives the form or the draft it is asked for, words tools' answers by their own template."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return Said(json.loads(last["content"]).get("template", "That is done."))
    slots = re.findall(r'"([a-z][a-z0-9_]*)":', str(last.get("content")))
    return Said(" ".join(f"Consider {{{{{slot}}}}}." for slot in slots[:3]) or "There is nothing to add.")


@dataclass
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Body:
        """The JSON of it."""
        found: Body = json.loads(self.raw)
        return found


@dataclass
class ModelServer:
    """A running server.

    Attributes
    ----------
    mind
        What answers; may be exchanged at any time.
    received
        Every request, oldest first.
    """

    mind: Mind = echo
    received: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """What a client is told."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def sent_words(self) -> str:
        """Everything it was sent, as text."""
        return "\n".join(each.raw.decode() + json.dumps(each.headers) for each in self.received)


class _Streamed(Response):
    def __init__(self, wire: Wire, body: Body) -> None:
        super().__init__()
        self._wire = wire
        self._body = body

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await self._wire(send, self._body)


def application(server: ModelServer) -> FastAPI:
    """The routes of OpenAI and of Azure."""
    app = FastAPI()

    @app.post("/v1/chat/completions")
    @app.post("/openai/deployments/{deployment}/chat/completions")
    async def completions(request: Request, deployment: str = "") -> Response:
        raw = await request.body()
        server.received.append(Received(request.url.path, dict(request.headers), raw))
        body = json.loads(raw)
        if wrong := _wrong(body, request.headers, deployment):
            return problem(400, wrong, "invalid_request_error")
        said = server.mind(body)
        if not isinstance(said, Said):
            return _Streamed(said, body)
        if body.get("stream"):
            return _Streamed(streamed(said), body)
        return JSONResponse(whole(said, body))

    return app


def problem(status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as OpenAI-compatible servers tell it."""
    return JSONResponse({"error": {"message": message, "type": code, "code": code, "param": None}}, status, headers)


def _wrong(body: Body, headers: Mapping[str, str], deployment: str) -> str:
    """What a strict server would not take."""
    if not (headers.get("api-key") if deployment else headers.get("authorization", "").startswith("Bearer ")):
        return "no key"
    if not deployment and not isinstance(body.get("model"), str):
        return "model is missing"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages are missing"
    open_calls: set[str] = set()
    for message in messages:
        if message.get("role") not in {"system", "user", "assistant", "tool", "developer"}:
            return f"role {message.get('role')!r}"
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                return "a tool message without a call before it"
            open_calls.discard(message["tool_call_id"])
        elif open_calls:
            return "a call without a tool message after it"
        open_calls |= {call["id"] for call in message.get("tool_calls") or ()}
    for tool in body.get("tools", ()):
        if tool.get("type") != "function" or not re.fullmatch(r"[\w-]{1,64}", tool["function"]["name"]):
            return "a tool that is no function"
    return ""


def _head(body: Body, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body.get("model") or "deployment"}


USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def whole(said: Said, body: Body) -> dict[str, Any]:
    """An answer in one piece."""
    calls = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in said.calls]
    message = {"role": "assistant", "content": said.text, "refusal": said.refusal or None, "tool_calls": calls or None}
    choice = {"index": 0, "message": message, "finish_reason": said.reason, "logprobs": None}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": USAGE}


def events(said: Said, body: Body) -> Iterator[str]:
    """The data of each event of a streamed answer."""

    def event(delta: Mapping[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return json.dumps({**_head(body, "chat.completion.chunk"), "choices": [choice]})

    yield event({"role": "assistant", "content": "" if said.text is not None else None})
    size = -(-len(said.text or "") // said.pieces) or 1
    for at in range(0, len(said.text or ""), size):
        yield event({"content": (said.text or "")[at : at + size]})
    if said.refusal:
        yield event({"refusal": said.refusal})
    for place, (call_id, name, arguments) in enumerate(said.calls):
        first = {"index": place, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        yield event({"tool_calls": [first]})
        middle = len(arguments) // 2
        for part in (arguments[:middle], arguments[middle:]):
            yield event({"tool_calls": [{"index": place, "function": {"arguments": part}}]})
    yield event({}, said.reason)
    if (body.get("stream_options") or {}).get("include_usage"):
        yield json.dumps({**_head(body, "chat.completion.chunk"), "choices": [], "usage": USAGE})
    yield "[DONE]"


def streamed(said: Said) -> Wire:
    """An answer as server-sent events."""

    async def wire(send: Send, body: Body) -> None:
        await start(send)
        for data in events(said, body):
            await piece(send, f"data: {data}\n\n".encode())
        await piece(send, b"", more=False)

    return wire


async def start(
    send: Send, status: int = 200, kind: str = "text/event-stream", headers: Mapping[str, str] | None = None
) -> None:
    """Status and headers."""
    named = {"content-type": kind, **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def piece(send: Send, data: bytes, *, more: bool = True) -> None:
    """Some bytes of the body."""
    await send({"type": "http.response.body", "body": data, "more_body": more})


@contextmanager
def model_server(mind: Mind = echo) -> Iterator[ModelServer]:
    """A server on a free port, stopped at the end."""
    known = ModelServer(mind)
    config = uvicorn.Config(
        application(known), host="127.0.0.1", port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not running.started:
        if time.monotonic() > until or not thread.is_alive():
            raise RuntimeError("the model server does not start")
        time.sleep(0.005)
    known.port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield known
    finally:
        running.should_exit = True
        running.force_exit = True
        thread.join(10)
