"""The trace for an OpenTelemetry collector: names and attributes as they are, never the words of a step.

Steps are sent from the record, in its order, after they were committed: a collector that is down delays nothing and
misses nothing. What was sent last is kept in a file of the home; a worker that dies in between sends some steps again,
under the same ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from inventory.trace import Span, spans_after
from service.bootstrap import House
from service.errors import ServiceError, SettingsError
from service.home import write_number

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

AT_ONCE = 500
"""Steps of one request."""
ROUND = 20
"""Requests of one round of the worker."""


def send_trace(house: House, exporter_to: Callable[[str], SpanExporter] | None = None) -> int:
    """Send what was recorded since the last time to the collector of the settings; returns how many steps.

    Parameters
    ----------
    exporter_to
        Makes what sends to an address; OTLP over gRPC when omitted.

    Raises
    ------
    SettingsError
        If what it takes is not installed.
    ServiceError
        If the collector did not take them; they are sent again in the next round.
    """
    endpoint = house.settings.otel_endpoint
    if endpoint is None:
        return 0
    newest, sent = read_exported(house), 0
    exporter = (exporter_to or _otlp)(endpoint)
    try:
        for _ in range(ROUND):
            with house.database.read() as connection:
                steps = spans_after(connection, newest, AT_ONCE)
            if not steps:
                break
            _send(exporter, [span for _, span in steps], endpoint)
            newest, sent = steps[-1][0], sent + len(steps)
            write_number(house.layout.exported, newest)
    finally:
        exporter.shutdown()
    return sent


def read_exported(house: House) -> int:
    """Number of the newest step that was sent; 0 when none was."""
    path = house.layout.exported
    try:
        return int(path.read_text("ascii")) if path.exists() else 0
    except ValueError as error:
        raise ServiceError(f"{path}: expected the number of a step ({error})") from error


def _otlp(endpoint: str) -> SpanExporter:
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise SettingsError("EVENKEEL_OTEL_ENDPOINT takes the optional part: pip install 'evenkeel[otel]'") from error
    return OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"), timeout=5)


def _send(exporter: SpanExporter, spans: Sequence[Span], endpoint: str) -> None:
    from opentelemetry.sdk.trace.export import SpanExportResult

    if exporter.export([as_otel(span) for span in spans]) is not SpanExportResult.SUCCESS:
        raise ServiceError(f"the collector at {endpoint} did not take {len(spans)} steps of the trace")


def as_otel(span: Span) -> ReadableSpan:
    """A step as OpenTelemetry has it: the tree is the trace, so that a case is one trace across every pause."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

    def context(span_id: str) -> SpanContext:
        tree = int(sha256(span.trace_id.encode()).hexdigest()[:32], 16)
        return SpanContext(tree, _number(span_id), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    failed = span.attributes.get("error.type", "")
    begun = _nanoseconds(span.started_at)
    return ReadableSpan(
        name=span.name,
        context=context(span.span_id),
        parent=context(span.parent_id) if span.parent_id else None,
        resource=Resource({"service.name": "evenkeel"}),
        attributes=_attributes(span),
        status=Status(StatusCode.ERROR, failed) if failed else Status(StatusCode.UNSET),
        start_time=begun,
        end_time=begun + round(span.seconds * 1e9),
    )


def _attributes(span: Span) -> dict[str, str]:
    own = {
        "gen_ai.agent.name": span.role,
        "gen_ai.conversation.id": span.conversation_id,
        "evenkeel.case.id": span.case_id,
        "evenkeel.proposal.id": span.proposal_id,
        "evenkeel.who": span.who,
        "evenkeel.sites": " ".join(span.sites),
        "evenkeel.inputs.digest": span.inputs,
        "evenkeel.outputs.digest": span.outputs,
    }
    return {**{name: value for name, value in own.items() if value}, **span.attributes}


def _number(span_id: str) -> int:
    """64 bits of a step's id; ids of before they had them are hashed."""
    digits = span_id.removeprefix("span-")
    return int(digits if len(digits) == 16 else sha256(span_id.encode()).hexdigest()[:16], 16)


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1_000
