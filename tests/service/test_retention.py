"""Retention: old words and scratch paper go, digests and everything that was decided stay."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from inventory.audit import entries
from inventory.audit_gaps import trace_gaps
from inventory.chronicle import Span
from inventory.log_report import examine_log
from inventory.record import digest_text, load
from inventory.tables import trace
from service.bootstrap import House
from service.retention import apply_retention


def spans(house: House) -> dict[str, Span]:
    with house.database.read() as connection:
        return {span.span_id: span for span in map(_load, connection.execute(select(trace.c.body)).scalars())}


def _load(body: str) -> Span:
    return load(Span, body)


def test_nothing_goes_before_its_time(house: House) -> None:
    before = spans(house)
    assert apply_retention(house).steps == 0
    assert spans(house) == before


def test_words_go_after_a_year_and_their_digests_stay(house: House) -> None:
    before = spans(house)
    with house.database.read() as connection:
        gaps = trace_gaps(connection)
    house.advance(24 * 366)
    assert apply_retention(house, dry_run=True).steps == len(before)
    assert spans(house) == before
    assert apply_retention(house).steps == len(before) > 0
    after = spans(house)
    assert after.keys() == before.keys()
    for span_id, span in after.items():
        assert span.inputs == f"sha256:{digest_text(before[span_id].inputs)}"
        assert span.outputs == f"sha256:{digest_text(before[span_id].outputs)}"
        assert (span.name, span.role, span.case_id) == (
            before[span_id].name, before[span_id].role, before[span_id].case_id,
        )  # fmt: skip
    assert apply_retention(house).steps == 0, "once is enough"
    with house.database.read() as connection:
        told = [entry for entry in entries(connection) if entry.event == "retention.purged"]
        assert sum(entry.data["steps"] for entry in told) == len(before)
        assert trace_gaps(connection) == gaps
    with house.database.read() as connection:
        assert examine_log(connection, house.database.anchor).sound


def test_scratch_paper_goes_by_the_time_of_the_machine(house: House) -> None:
    assert apply_retention(house, dry_run=True).checkpoints == 0
    now = house.machine()
    house.machine = lambda: now + timedelta(days=31)
    found = apply_retention(house, dry_run=True)
    assert found.checkpoints > 0, "proposals wait for people, so there is scratch paper"
    assert apply_retention(house) == found
    assert apply_retention(house).checkpoints == 0
