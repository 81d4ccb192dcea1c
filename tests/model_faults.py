"""Thirty-eight ways a model or its server goes wrong, and what asking it must come to."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.types import Send

from agent.models.result import ResultKind
from tests.model_server import Body, Mind, Said, Wire, events, piece, problem, start


@dataclass(frozen=True)
class Fault:
    """One way to go wrong.

    Attributes
    ----------
    name
        What happens.
    mind
        A server that does it.
    ends
        What asking for a tool call or for words comes to.
    attempts
        Requests that are made of it.
    """

    name: str
    mind: Mind
    ends: ResultKind
    attempts: int = 1
    seconds: float = 8.0
    """What the whole question may take."""
    idle: float = 3.0
    """The longest silence."""


def _status(status: int, message: str, code: str, headers: dict[str, str] | None = None) -> Mind:
    async def wire(send: Send, body: Body) -> None:
        response = problem(status, message, code, headers)
        await start(send, status, "application/json", headers)
        await piece(send, bytes(response.body), more=False)

    return lambda body: wire


def _stream(*parts: bytes | float, kind: str = "text/event-stream", headers: dict[str, str] | None = None) -> Mind:
    """Bytes and pauses; ``b"@3"`` stands for the first three events of a sound answer."""

    async def wire(send: Send, body: Body) -> None:
        await start(send, 200, kind, headers)
        for part in parts:
            if isinstance(part, float):
                await asyncio.sleep(part)
            elif part.startswith(b"@"):
                for data in list(events(Said("Nothing is short."), body))[: int(part[1:])]:
                    await piece(send, f"data: {data}\n\n".encode())
            else:
                await piece(send, part)
        await piece(send, b"", more=False)

    return lambda body: wire


def _hang(seconds: float) -> Mind:
    async def wire(send: Send, body: Body) -> None:
        await asyncio.sleep(seconds)
        await start(send)
        await piece(send, b"", more=False)

    return lambda body: wire


def _drip(data: bytes, seconds: float) -> Mind:
    """A byte now and then, for ever: never silent for long, never done."""

    async def wire(send: Send, body: Body) -> None:
        await start(send)
        for _ in range(200):
            await piece(send, data)
            await asyncio.sleep(seconds)

    return lambda body: wire


def _huge(body: Body) -> Wire:
    async def wire(send: Send, body: Body) -> None:
        await start(send)
        filler = json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
                             "choices": [{"index": 0, "delta": {"content": "word " * 4000}}]})  # fmt: skip
        for _ in range(400):
            await piece(send, f"data: {filler}\n\n".encode())
        await piece(send, b"", more=False)

    return wire


def _call(
    arguments: str, *, name: str = "look_up", ids: tuple[str, ...] = ("call_1",), text: str | None = None
) -> Mind:
    return lambda body: Said(text, calls=[(call_id, name, arguments) for call_id in ids])


def _say(text: str | None, finish: str = "", refusal: str = "") -> Mind:
    return lambda body: Said(text, finish=finish, refusal=refusal)


OK, EMPTY, GARBLED = ResultKind.OK, ResultKind.EMPTY, ResultKind.GARBLED
BAD_CALL, LIMITED, BROKEN = ResultKind.MALFORMED_TOOL_CALL, ResultKind.RATE_LIMITED, ResultKind.SERVER_ERROR
REJECTED, REFUSED, TIMEOUT = ResultKind.REJECTED, ResultKind.REFUSED, ResultKind.TIMEOUT

ON_THE_WIRE = (
    Fault("429 with retry-after", _status(429, "slow down", "rate_limit", {"retry-after": "0"}), LIMITED, 3),
    Fault("429 with a long retry-after", _status(429, "slow", "rate_limit", {"retry-after": "600"}), LIMITED, 1),
    Fault("429 without retry-after", _status(429, "slow down", "rate_limit_exceeded"), LIMITED, 3),
    Fault("500", _status(500, "oops", "server_error"), BROKEN, 3),
    Fault("503 storm", _status(503, "overloaded", "overloaded"), BROKEN, 3),
    Fault("401", _status(401, "bad key", "invalid_api_key"), REJECTED),
    Fault("404 model", _status(404, "no such model", "model_not_found"), REJECTED),
    Fault("400 context too long", _status(400, "maximum context length is 10", "context_length_exceeded"),
          ResultKind.TOO_LONG),
    Fault("400 content filter", _status(400, "filtered", "content_filter"), REFUSED),
    Fault("redirect", lambda body: _redirect, REJECTED),
    Fault("hang before headers", _hang(9.0), TIMEOUT, 3, 6.0, 0.3),
    Fault("hang before the first byte", _stream(9.0), TIMEOUT, 3, 6.0, 0.3),
    Fault("stall mid-stream", _stream(b"@3", 9.0), ResultKind.STALLED, idle=0.4),
    Fault("slow drip of comments", _drip(b": \n", 0.05), TIMEOUT, seconds=0.7),
    Fault("slow drip of bytes", _drip(b"d", 0.05), TIMEOUT, seconds=0.7),
    Fault("stream without an end", _stream(b"@3"), ResultKind.TRUNCATED),
    Fault("truncated JSON", _stream(b"@2", b'data: {"id": "x", "choices": [{"in\n\n'), GARBLED),
    Fault("error within the stream", _stream(b"@2", b'data: {"error": {"message": "gone", "code": "x"}}\n\n'), BROKEN),
    Fault("wrong content type", _stream(b"<html><b>proxy login</b></html>", kind="text/html"), GARBLED),
    Fault("invalid UTF-8", _stream(b"@2", b'data: {"x": "\xff\xfe"}\n\n'), GARBLED),
    Fault("connection reset mid-body", _stream(b"@2", headers={"content-length": "100000"}), ResultKind.UNREACHABLE),
    Fault("huge answer", _huge, ResultKind.OVERSIZED),
)  # fmt: skip
IN_THE_WORDS = (
    Fault("length stop", _say("The stock of", "length"), ResultKind.TRUNCATED),
    Fault("refusal", _say(None, refusal="I cannot help with that."), REFUSED),
    Fault("content filter stop", _say("The stock", "content_filter"), REFUSED),
    Fault("empty choices", _stream(b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m",'
                                   b'"choices":[]}\n\ndata: [DONE]\n\n'), EMPTY),
    Fault("null content", _say(None), EMPTY),
    Fault("blank content", _say(" \n "), EMPTY),
    Fault("malformed tool arguments", _call('{"item": "P-1"'), BAD_CALL),
    Fault("tool arguments that are no object", _call('["P-1"]'), BAD_CALL),
    Fault("wrong argument types", _call('{"item": 7, "days": "many"}'), BAD_CALL),
    Fault("arguments that do not exist", _call('{"item": "P-1", "approve": true}'), BAD_CALL),
    Fault("missing argument", _call("{}"), BAD_CALL),
    Fault("NaN numbers", _call('{"item": "P-1", "days": NaN}'), BAD_CALL),
    Fault("endless numbers", _call('{"item": "P-1", "days": 1e999}'), BAD_CALL),
    Fault("duplicate tool ids", _call('{"item": "P-1"}', ids=("call_1", "call_1")), BAD_CALL),
    Fault("tool without an id", _call('{"item": "P-1"}', ids=("",)), BAD_CALL),
    Fault("invented tool", _call('{"proposal": "all"}', name="approve_proposal"), ResultKind.INVENTED_TOOL),
)  # fmt: skip
ONLY_WORDS = (
    Fault("prose with digits", _say("There are 9999 units short."), OK),
    Fault("prose with number words", _say("There are nine thousand units short."), OK),
    Fault("prose with foreign ids", _say("Take it from DC-EAST instead."), OK),
    Fault("markdown image", _say("![x](http://127.0.0.1:9/leak?cost={{cost}})"), OK),
    Fault("slot that does not exist", _say("It costs {{invented_cost}}."), OK),
    Fault("endless tool loop", _call('{"item": "P-1", "days": 7}'), OK),
)
"""Sound answers of the protocol that must still never be shown, or never end: caught by who asked."""


async def _redirect(send: Send, body: Body) -> None:
    await start(send, 307, "text/plain", {"location": "http://127.0.0.1:9/elsewhere"})
    await piece(send, b"", more=False)


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A socket that answers every connection with bytes of its own; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(1)
                connection.recv(65536)
                answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        done.set()
        thread.join(5)
        listener.close()


def garbage(connection: socket.socket) -> None:
    """What a TLS port answers to plain HTTP."""
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x16")


def reset(connection: socket.socket) -> None:
    """A connection torn down without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def bad_headers(connection: socket.socket) -> None:
    """A status line, and then headers that are none."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nthis is no header\r\n\r\n")


def noise(connection: socket.socket) -> None:
    """Lines that are no HTTP."""
    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


RAW = (
    ("TLS-less garbage", garbage, ResultKind.UNREACHABLE), ("another protocol", noise, GARBLED),
    ("reset before the answer", reset, ResultKind.UNREACHABLE),
    ("headers that are none", bad_headers, GARBLED),
)  # fmt: skip
