"""Fifty-odd ways to tamper with the log of a real run: each is found, and the first bad entry or row is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from inventory.anchor import Anchor
from inventory.audit import GENESIS
from inventory.head_sinks import FolderSink, HeadDeliveries
from inventory.log_report import examine_log
from inventory.tables import audit, audit_heads
from tests.audited import Tampered, another_hand, signed_world, to_receipt
from tests.tamperings import KINDS, Tamper
from tests.worlds import World

TEXT_COLUMNS = [column.name for column in audit.columns if column.name != "sequence"]


@pytest.fixture(scope="module")
def run(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One case from detection to its observed outcome, every head signed and delivered."""
    return to_receipt(signed_world(tmp_path_factory.mktemp("signed")))


@pytest.fixture
def attempt(run: World, tmp_path: Path) -> Tampered:
    """The run, for one attempt at tampering."""
    return Tampered(run, tmp_path)


def test_there_are_at_least_the_twenty_two_kinds_that_were_promised() -> None:
    assert len(KINDS) + 1 >= 22, "and the change of any field, which has a test of its own"


def test_the_run_itself_raises_no_alarm(run: World) -> None:
    with run.database.read() as connection:
        report = examine_log(connection, run.database.anchor)
    assert report.alarms == ()
    assert report.undelivered == ()
    assert (report.chain.not_anchored, report.not_signed) == (0, 0)
    assert report.rows > 15
    assert report.heads.heads > 10


@pytest.mark.parametrize("tamper", KINDS, ids=lambda tamper: tamper.__qualname__.partition(".")[0])
def test_tampering_is_found_and_the_first_bad_entry_or_row_is_named(attempt: Tampered, tamper: Tamper) -> None:
    expected = tamper(attempt)
    report = attempt.found()
    assert not report.sound
    first = report.alarms[0]
    if isinstance(expected, int):
        assert first.first_bad == expected, first
        assert str(expected) in first.problem or first.part in ("heads", "key"), first
    else:
        assert first.row.startswith(expected), first
        assert first.first_bad is not None or "no entry tells of it" in first.problem


@pytest.mark.parametrize("column", TEXT_COLUMNS)
def test_a_change_of_any_field_is_found_and_named(attempt: Tampered, column: str) -> None:
    attempt.changes.append(update(audit).where(audit.c.sequence == 14).values({column: audit.c[column] + " "}))
    assert attempt.found().alarms[0].first_bad == 14


def test_the_same_run_is_sound_again_afterwards(run: World) -> None:
    with run.database.read() as connection:
        assert examine_log(connection, run.database.anchor).sound


@pytest.mark.parametrize("torn", [0, 3, 70, 200, 330])
def test_an_append_torn_by_a_power_cut_is_counted_and_is_no_alarm(attempt: Tampered, torn: int) -> None:
    """The last append broke off: its head, or only some of its links, reached the disk; no later commit, no sink."""
    whole = attempt.anchor_path.read_text("ascii")
    start = whole.rindex("\nhead ")
    before = attempt.heads[-2]
    attempt.anchor_path.write_text(whole[: start + torn], "ascii")
    attempt.deliveries = None
    attempt.changes.append(delete(audit_heads).where(audit_heads.c.sequence > before.sequence))
    report = attempt.found()
    assert report.alarms == ()
    assert report.chain.not_anchored > 0


def test_a_third_place_that_was_put_back_is_not_tampering_but_one_that_says_otherwise_is(
    attempt: Tampered, run: World
) -> None:
    third = attempt.aside / "third"
    shutil.copytree(attempt.aside, third, dirs_exist_ok=True, ignore=lambda *_: ["third"])
    sink = FolderSink(third)
    sink.deliver(attempt.heads[3])
    attempt.deliveries = HeadDeliveries([sink], attempt.aside)
    report = attempt.found()
    assert report.sound
    assert [place.sink for place in report.undelivered] == ["folder"]
    with another_hand(attempt.aside, run) as intruder:
        sink.deliver(intruder.sign(attempt.heads[5].sequence, attempt.heads[5].hash, GENESIS))
    assert attempt.found().alarms[0].first_bad == attempt.heads[5].sequence


def test_an_anchor_without_a_signer_checks_what_it_can(run: World) -> None:
    with run.database.read() as connection:
        report = examine_log(connection, Anchor(run.database.anchor.path))
    assert report.sound
    assert report.heads.heads > 10
