"""Retention: old words and scratch paper go, digests and everything that was decided stay."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import select

from inventory.audit import entries
from inventory.audit_gaps import trace_gaps
from inventory.log_report import examine_log
from inventory.model_calls import ModelCall, add_call, call_totals
from inventory.record import digest_text
from inventory.tables import trace, trace_words
from service.bootstrap import House
from service.retention import apply_retention


def steps(house: House) -> dict[str, str]:
    """Every step as it is kept."""
    with house.database.read() as connection:
        return {row.span_id: row.body for row in connection.execute(select(trace))}


def words(house: House) -> dict[tuple[str, str], str]:
    with house.database.read() as connection:
        return {(row.span_id, row.part): row.words for row in connection.execute(select(trace_words))}


def test_nothing_goes_before_its_time(house: House) -> None:
    before = words(house)
    assert apply_retention(house).steps == 0
    assert words(house) == before


def test_words_go_after_a_year_and_their_digests_stay(house: House) -> None:
    kept, said = steps(house), words(house)
    spoken = {span_id for span_id, _ in said}
    with house.database.read() as connection:
        gaps = trace_gaps(connection)
    house.advance(24 * 366)
    assert apply_retention(house, dry_run=True).steps == len(spoken)
    assert words(house) == said
    assert apply_retention(house).steps == len(spoken) > 0
    assert words(house) == {}
    assert steps(house) == kept
    prompts = {span_id: told for (span_id, part), told in said.items() if part == "prompt"}
    assert prompts
    assert all(json.loads(kept[span_id])["inputs"] == digest_text(told) for span_id, told in prompts.items())
    assert apply_retention(house).steps == 0, "once is enough"
    with house.database.read() as connection:
        told = [entry for entry in entries(connection) if entry.event == "retention.purged"]
        assert sum(entry.data["steps"] for entry in told) == len(spoken)
        assert trace_gaps(connection) == gaps
    with house.database.read() as connection:
        assert examine_log(connection, house.database.anchor).sound


def test_counted_calls_to_models_go_with_the_words(house: House) -> None:
    called = ModelCall(
        user_id="ben.planner", run_id="turn-1", purpose="chat", endpoint="host", model="m", at=house.clock()
    )
    with house.database.write("evenkeel", house.clock()) as transaction:
        add_call(transaction, called)
    house.advance(24 * 364)
    with house.database.write("evenkeel", house.clock()) as transaction:
        add_call(transaction, called.model_copy(update={"at": house.clock(), "run_id": "turn-2"}))
    house.advance(24 * 2)
    assert apply_retention(house, dry_run=True).model_calls == 1
    assert apply_retention(house).model_calls == 1
    with house.database.read() as connection:
        day = house.clock().date()
        assert call_totals(connection, "ben.planner", "turn-1", day).of_run == 0
        assert call_totals(connection, "ben.planner", "turn-2", day).of_run == 1


def test_scratch_paper_goes_by_the_time_of_the_machine(house: House) -> None:
    assert apply_retention(house, dry_run=True).checkpoints == 0
    now = house.machine()
    house.machine = lambda: now + timedelta(days=31)
    found = apply_retention(house, dry_run=True)
    assert found.checkpoints > 0, "proposals wait for people, so there is scratch paper"
    assert apply_retention(house) == found
    assert apply_retention(house).checkpoints == 0
