"""The trace at the doors: as a timeline, over MCP, and for an OpenTelemetry collector."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]  # ships no type information
import pytest
from mcp import Client
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from inventory.people import find_user
from inventory.records import EVERYTHING
from inventory.trace import Span, spans_after
from service.bootstrap import House, open_home
from service.errors import ServiceError
from service.mcp_server import CALL, mcp_server
from service.settings import Settings
from service.trace_export import read_exported, send_trace
from service.worker import Worker
from tests.service.doors import MANAGER, PLANNER, Doors, a_transfer

COLLECTOR = "http://127.0.0.1:4317"


def everything(house: House) -> list[Span]:
    with house.database.read() as connection:
        return [span for _, span in spans_after(connection, 0, 100_000)]


@pytest.fixture
def exporting(house: House) -> House:
    """The house with a collector in its settings."""
    house.settings = house.settings.model_copy(update={"otel_endpoint": COLLECTOR})
    return house


class Refusing(SpanExporter):
    """A collector that takes the first request and no other."""

    def __init__(self) -> None:
        self.taken: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.taken:
            return SpanExportResult.FAILURE
        self.taken += spans
        return SpanExportResult.SUCCESS


def test_a_case_is_a_timeline_with_bars_and_digests(house: House, doors: Doors) -> None:
    proposal = a_transfer(house)
    told = doors.answer("trace", proposal.proposal_id, "--as", MANAGER)
    spans = {span["span_id"]: span for span in told["spans"]}
    assert {span["parent_id"] for span in spans.values()} <= {*spans, ""}
    page = doors.knock("trace", proposal.proposal_id, "--as", MANAGER).stdout
    draft = next(span for span in spans.values() if span["name"] == "invoke_agent draft")
    assert draft["outputs"][:8] in page
    assert re.search(r"█+ \d+ ms", page)
    assert told["words"] == {}


def test_words_are_shown_when_asked_for_and_only_within_ones_sites(house: House, doors: Doors) -> None:
    proposal = a_transfer(house)
    explained = doors.answer("trace", proposal.proposal_id, "--words", "--as", MANAGER)
    (words,) = [part["answer"] for part in explained["words"].values() if "answer" in part]
    assert words.splitlines()[0] in doors.knock("trace", proposal.proposal_id, "--words", "--as", MANAGER).stdout
    with house.database.read() as connection:
        ben = find_user(connection, EVERYTHING, PLANNER)
    assert ben.sites is not None
    assert not {*proposal.content.sites} <= {*ben.sites}
    told = doors.answer("trace", proposal.proposal_id, "--words", "--as", PLANNER)
    foreign = set(proposal.content.sites) - set(ben.sites)
    assert told["words"] == {}
    assert not [span for span in told["spans"] if foreign & set(span["sites"])]


def test_a_conversation_is_its_owners_to_trace(doors: Doors) -> None:
    talked = doors.answer("ask", "stock of P-3435 at PL-NORTH", "--as", PLANNER)["conversation_id"]
    page = doors.knock("trace", talked, "--words", "--as", PLANNER)
    assert page.exit_code == 0
    assert "execute_tool stock_position" in page.stdout
    assert "stock of P-3435 at PL-NORTH" in page.stdout
    assert doors.knock("trace", talked, "--as", MANAGER).exit_code == 1


def test_a_call_of_another_program_names_its_trace_also_when_it_is_refused(house: House, doors: Doors) -> None:
    with house.database.read() as connection:
        ben = find_user(connection, EVERYTHING, PLANNER)

    async def called(site: str) -> Any:
        async with Client(mcp_server(house, lambda: ben)) as client:
            return await client.call_tool("stock_position", {"item": "P-3435", "site": site})

    answered, refused = (asyncio.run(called(site)) for site in ("PL-NORTH", "DC-WEST"))
    for result, error in ((answered, None), (refused, "AccessError")):
        told = doors.answer("trace", result.meta[CALL], "--as", PLANNER)
        assert [span["name"] for span in told["spans"]] == ["invoke_workflow mcp", "execute_tool stock_position"]
        assert [span["attributes"].get("error.type") for span in told["spans"]] == [error, error]
        assert told["spans"][1]["parent_id"] == told["spans"][0]["span_id"]
        assert doors.knock("trace", result.meta[CALL], "--as", MANAGER).exit_code == 1


def test_a_collector_gets_names_parents_and_one_trace_for_each_case_and_no_words(exporting: House) -> None:
    house, collector = exporting, InMemorySpanExporter()
    known = everything(house)
    assert send_trace(house, lambda _: collector) == len(known) == read_exported(house)
    sent = collector.get_finished_spans()
    assert [span.name for span in sent] == [span.name for span in known]
    ids = {span.span_id: out.context for span, out in zip(known, sent, strict=True)}
    assert len({context.span_id for context in ids.values()}) == len(known)
    trees = {span.trace_id: ids[span.span_id].trace_id for span in known}
    assert len(set(trees.values())) == len(trees)
    for span, out in zip(known, sent, strict=True):
        assert out.context.trace_id == trees[span.trace_id]
        assert (out.parent.span_id if out.parent else None) == (ids[span.parent_id].span_id if span.parent_id else None)
        assert out.attributes is not None
        assert out.attributes["gen_ai.operation.name"] == span.name.split(" ")[0]
        assert out.attributes.get("evenkeel.case.id", "") == span.case_id
        assert (out.end_time or 0) - (out.start_time or 0) == round(span.seconds * 1e9)
        assert out.status.status_code is StatusCode.UNSET
    with house.database.read() as connection:
        words = [row.words for row in connection.exec_driver_sql("SELECT words FROM trace_words")]
    assert words
    assert not [text for text in words if text in str([span.attributes for span in sent])]


def test_only_what_is_new_is_sent_and_what_was_refused_is_sent_again(exporting: House, doors: Doors) -> None:
    first, refusing = InMemorySpanExporter(), Refusing()
    send_trace(exporting, lambda _: first)
    assert send_trace(exporting, lambda _: InMemorySpanExporter()) == 0
    doors.answer("ask", "stock of P-3435 at PL-NORTH", "--as", PLANNER)
    new = len(everything(exporting)) - len(first.get_finished_spans())
    assert new > 0
    refusing.taken = list(first.get_finished_spans())
    with pytest.raises(ServiceError, match="did not take"):
        send_trace(exporting, lambda _: refusing)
    assert send_trace(exporting, lambda _: InMemorySpanExporter()) == new


@contextmanager
def a_collector() -> Iterator[tuple[str, list[str]]]:
    """An OTLP collector on loopback, and the names of the steps it was sent."""
    names: list[str] = []

    class Collector(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            names.extend(span.name for part in request.resource_spans for of in part.scope_spans for span in of.spans)
            return trace_service_pb2.ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Collector(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}", names
    finally:
        server.stop(None).wait()


def test_the_worker_sends_to_a_collector_that_is_named_and_else_to_none(house: House) -> None:
    with a_collector() as (endpoint, names):
        assert Worker(house, lambda line: None).run(once=True) == ""
        assert names == []
        assert not house.layout.exported.exists()
        opened = open_home(Settings(home=house.layout.home, otel_endpoint=endpoint))
        said: list[str] = []
        assert Worker(opened, said.append).run(once=True) == "", said
        opened.close()
    assert names == [span.name for span in everything(house)]


def test_without_a_collector_nothing_of_opentelemetry_is_loaded() -> None:
    program = (
        "import sys, service.trace_export, service.worker; print([m for m in sys.modules if 'opentelemetry' in m])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("said", "heard"), [(None, "false"), ("true", "true")])
def test_langsmith_is_off_at_the_door_unless_the_user_turns_it_on(said: str | None, heard: str) -> None:
    program = (
        "import os; from service.settings import read_settings; read_settings();"
        " from langsmith.utils import tracing_is_enabled; print(os.environ['LANGSMITH_TRACING'], tracing_is_enabled())"
    )
    environment = {"PATH": "", **({"LANGSMITH_TRACING": said} if said else {})}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == [heard, heard.capitalize()]
