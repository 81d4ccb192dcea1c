"""The HTTP side: LangChain's client for OpenAI-compatible servers over a transport that keeps the time and the size.

The client takes no proxy and no other setting from the environment, follows no redirect and does not retry; what a
question may cost in all is counted here, byte by byte, because a server may keep a line open with drops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING, Any, Protocol

import httpx
from langchain_core.messages import AIMessageChunk, BaseMessage

from agent.errors import AgentError
from agent.models.settings import ModelSettings

if TYPE_CHECKING:
    from langchain_openai.chat_models.base import BaseChatOpenAI

FORM = "answer"


class Asked(Protocol):
    """What is sent: messages, and tools or the form of the answer."""

    @property
    def messages(self) -> Sequence[BaseMessage]:
        """The messages."""

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """Functions the model may call."""

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """JSON schema of the answer."""


class TimeIsUpError(AgentError):
    """A question to a model has taken all the time it may."""


class TooMuchError(AgentError):
    """An answer has more bytes than it may."""


class GarbledError(AgentError):
    """What came back is no answer of the protocol."""


@dataclass
class Meter:
    """What one attempt may still cost."""

    deadline: float
    bytes_left: int
    answered: bool = False
    """Whether a byte of the answer's body has come."""


class _Current(local):
    """The meter of the attempt that is about to be sent from this thread."""

    meter: Meter = Meter(float("inf"), 0)


class MeteredTransport(httpx.BaseTransport):
    """Passes requests on and reads answers only as long and as far as the meter allows."""

    def __init__(self, inner: httpx.BaseTransport, clock: Callable[[], float]) -> None:
        self.current = _Current()
        self._inner = inner
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, with every time limit cut to what is left."""
        meter = self.current.meter
        left = self.left(meter)
        limits = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {name: min(limit or left, left) for name, limit in limits.items()}
        response = self._inner.handle_request(request)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code == 200 and kind not in {"text/event-stream", "application/json"}:
            response.close()
            raise GarbledError(f"an answer of type {kind[:40]!r}")
        response.stream = _MeteredStream(response.stream, self, meter)
        return response

    def close(self) -> None:
        """Close every connection."""
        self._inner.close()

    def left(self, meter: Meter) -> float:
        """Seconds left; ``TimeIsUpError`` when there are none."""
        left = meter.deadline - self._clock()
        if left <= 0:
            raise TimeIsUpError("the question took all the time it may")
        return left

    def count(self, meter: Meter, size: int) -> None:
        """Take note of bytes that came."""
        meter.answered = True
        meter.bytes_left -= size
        self.left(meter)
        if meter.bytes_left < 0:
            raise TooMuchError("the answer has more bytes than it may")


class _MeteredStream(httpx.SyncByteStream):
    def __init__(self, inner: object, transport: MeteredTransport, meter: Meter) -> None:
        assert isinstance(inner, httpx.SyncByteStream)
        self._inner = inner
        self._transport = transport
        self._meter = meter

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            self._transport.count(self._meter, len(piece))
            yield piece

    def close(self) -> None:
        self._inner.close()


class Client:
    """LangChain's client for one endpoint.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, settings: ModelSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._transport = MeteredTransport(httpx.HTTPTransport(trust_env=False, retries=0), clock)
        timeout = httpx.Timeout(settings.idle_seconds, connect=settings.connect_seconds)
        self._http = httpx.Client(transport=self._transport, trust_env=False, follow_redirects=False, timeout=timeout)
        self._chat = _chat(settings, self._http, timeout)

    def stream(self, question: Asked, meter: Meter) -> Iterator[tuple[AIMessageChunk, str]]:
        """Pieces of the answer, each with the reason it ended where one was given.

        Notes
        -----
        The chat model's own hook is called, not its runnable: no callback of the environment sees the words.
        """
        self._transport.current.meter = meter
        for piece in self._chat._stream(list(question.messages), **_how(self._settings, question)):
            message = piece.message
            if isinstance(message, AIMessageChunk):
                yield message, str((piece.generation_info or {}).get("finish_reason") or "")

    def close(self) -> None:
        """Close every connection."""
        self._http.close()


def _chat(settings: ModelSettings, http: httpx.Client, timeout: httpx.Timeout) -> BaseChatOpenAI:
    from agent.models.hearing import HearingAzureChatOpenAI, HearingChatOpenAI

    shared: dict[str, Any] = {
        "api_key": settings.api_key,
        "timeout": timeout,
        "max_retries": 0,
        "http_client": http,
        "stream_usage": True,
        "use_responses_api": settings.use_responses_api,
        "temperature": settings.temperature,
        "max_tokens": settings.max_output_tokens,
        "openai_proxy": "",
    }
    if settings.kind == "azure":
        return HearingAzureChatOpenAI(
            azure_endpoint=settings.base_url,
            api_version=settings.api_version,
            azure_deployment=settings.model,
            **shared,
        )
    return HearingChatOpenAI(base_url=settings.base_url, model=settings.model, **shared)


def _how(settings: ModelSettings, question: Asked) -> dict[str, Any]:
    """What goes with the messages: tools, or the form of the answer in the way the server knows."""
    extra = dict(settings.extra_body)
    more: dict[str, Any] = {}
    if question.tools:
        more["tools"] = [dict(tool) for tool in question.tools]
    elif question.schema is not None:
        form = {"name": FORM, "schema": dict(question.schema)}
        if settings.structured_method == "json_schema":
            extra["response_format"] = {"type": "json_schema", "json_schema": {**form, "strict": True}}
        elif settings.structured_method == "json_mode":
            extra["response_format"] = {"type": "json_object"}
        else:
            function = {"name": FORM, "description": "Give the answer.", "parameters": dict(question.schema)}
            more["tools"] = [{"type": "function", "function": function}]
            more["tool_choice"] = {"type": "function", "function": {"name": FORM}}
    return {**more, "extra_body": extra} if extra else more
