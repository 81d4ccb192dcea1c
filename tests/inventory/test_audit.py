"""The audit chain: whatever is changed, dropped, swapped, cut or rewritten is found, and the first bad entry named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Executable, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from inventory.anchor import Anchor
from inventory.audit import GENESIS, AuditEntry, Verification, count, entries, entry_hash, verify
from inventory.cases import insert_cases, list_cases
from inventory.crash_points import VARIABLE
from inventory.database import Database
from inventory.errors import AuditError, StoreError
from inventory.records import EVERYTHING
from inventory.tables import audit
from tests.inventory.worlds import NOW, a_case, a_forgetful_process, a_second_process

LENGTH = 9
TEXT_COLUMNS = [column.name for column in audit.columns if column.name != "sequence"]


@pytest.fixture
def chain(database: Database) -> Database:
    """Nine anchored entries in three transactions."""
    for day in range(3):
        with database.write("ines", NOW + timedelta(days=day)) as transaction:
            for number in range(3):
                transaction.record("case.moved", "case", f"case-{number}", {"day": day, "to": "waiting"})
    return database


def verified(database: Database) -> Verification:
    with database.read() as connection:
        return verify(connection, database.anchor)


def after(database: Database, change: Callable[[Connection], object] | Executable) -> Verification:
    """What ``verify`` says once the table was changed behind the chain's back; the table is then put back."""
    with database.write("intruder", NOW) as transaction:
        rows = [dict(row._mapping) for row in transaction.connection.execute(select(audit))]
        transaction.connection.execute(change) if isinstance(change, Executable) else change(transaction.connection)
    result = verified(database)
    with database.write("intruder", NOW) as transaction:
        transaction.connection.execute(delete(audit))
        transaction.connection.execute(audit.insert(), rows)
    assert verified(database).sound, "a chain put right again gives no false alarm"
    return result


def rewrite_from(connection: Connection, first: int) -> None:
    """Recompute every hash from an entry on, as somebody who knows the code would."""
    rows = list(entries(connection))
    previous = GENESIS if first == 1 else rows[first - 2].hash
    for entry in rows[first - 1 :]:
        fields = (entry.at, entry.actor, entry.os_user, entry.event, entry.subject, entry.subject_id, entry.body)
        hashed = entry_hash(entry.sequence, previous, fields)
        connection.execute(
            update(audit).where(audit.c.sequence == entry.sequence).values(previous=previous, hash=hashed)
        )
        previous = hashed


def test_an_untouched_chain_is_sound(chain: Database) -> None:
    assert verified(chain) == Verification(entries=LENGTH, anchored=LENGTH, first_bad=None, problem="")


def test_an_empty_chain_is_sound(database: Database) -> None:
    assert verified(database) == Verification(entries=0, anchored=0, first_bad=None, problem="")


def test_entries_tell_what_happened_who_did_it_and_when(chain: Database) -> None:
    with chain.read() as connection:
        found = list(entries(connection, subject_id="case-1"))
        assert count(connection) == LENGTH
    assert [entry.sequence for entry in found] == [2, 5, 8]
    assert [entry.data["day"] for entry in found] == [0, 1, 2]
    assert {(entry.actor, entry.event, entry.subject) for entry in found} == {("ines", "case.moved", "case")}
    assert found[1].at == "2026-03-03T06:00:00+00:00"


@pytest.mark.parametrize("column", TEXT_COLUMNS)
def test_a_change_to_any_field_of_any_entry_is_found(chain: Database, column: str) -> None:
    for sequence in range(1, LENGTH + 1):
        changed = update(audit).where(audit.c.sequence == sequence).values({column: audit.c[column] + " "})
        result = after(chain, changed)
        assert result.first_bad == sequence
        assert f"entry {sequence} " in result.problem


def test_a_changed_sequence_number_is_found(chain: Database) -> None:
    for sequence in range(1, LENGTH + 1):
        changed = update(audit).where(audit.c.sequence == sequence).values(sequence=1_000)
        result = after(chain, changed)
        assert result.first_bad == sequence


@pytest.mark.parametrize("written", ["x'00ff'", "CAST(x'00ff' AS TEXT)", "''"], ids=["blob", "not utf-8", "nothing"])
def test_bytes_that_are_no_text_are_found_too(chain: Database, written: str) -> None:
    if chain.is_postgresql and written != "''":
        not_text = text("UPDATE audit SET body = convert_from('\\xff', 'UTF8') WHERE sequence = 1")
        with pytest.raises(DBAPIError, match="invalid byte sequence"), chain.write("intruder", NOW) as transaction:
            transaction.connection.execute(not_text)
        return
    for column, sequence in (("body", 1), ("actor", 5), ("hash", 5), ("previous", 6), ("body", LENGTH)):
        spoiled = text(f"UPDATE audit SET {column} = {written} WHERE sequence = {sequence}")
        assert after(chain, spoiled).first_bad == sequence


def test_a_dropped_entry_is_found(chain: Database) -> None:
    for sequence in range(1, LENGTH + 1):
        dropped = delete(audit).where(audit.c.sequence == sequence)
        result = after(chain, dropped)
        assert result.first_bad == sequence
        assert "missing" in result.problem


@pytest.mark.parametrize(("left", "right"), [(1, 2), (4, 5), (2, 8), (8, 9), (1, 9)])
def test_two_swapped_entries_are_found(chain: Database, left: int, right: int) -> None:
    assert after(chain, lambda connection: swap(connection, left, right)).first_bad == left


def swap(connection: Connection, left: int, right: int) -> None:
    """Exchange two entries, hashes and all."""
    for old, new in ((left, -1), (right, left), (-1, right)):
        connection.execute(update(audit).where(audit.c.sequence == old).values(sequence=new))


@pytest.mark.parametrize("kept", [0, 1, 4, LENGTH - 1])
def test_a_tail_cut_off_after_anchoring_is_found(chain: Database, kept: int) -> None:
    result = after(chain, delete(audit).where(audit.c.sequence > kept))
    assert result.first_bad == kept + 1
    assert result.problem == f"entry {kept + 1} is anchored but missing from the log"


@pytest.mark.parametrize("first", [1, 5, LENGTH])
def test_a_chain_rewritten_with_new_hashes_is_found_by_the_anchor(chain: Database, first: int) -> None:
    def forge(connection: Connection) -> None:
        connection.execute(update(audit).where(audit.c.sequence == first).values(actor="nobody"))
        rewrite_from(connection, first)
        assert verify(connection, Anchor(chain.anchor.path.with_suffix(".none"))).sound, (
            "in itself the forgery is perfect"
        )

    result = after(chain, forge)
    assert result.first_bad == first
    assert "anchored" in result.problem


def test_an_entry_dropped_and_the_rest_renumbered_and_rehashed_is_found(chain: Database) -> None:
    def forge(connection: Connection) -> None:
        connection.execute(delete(audit).where(audit.c.sequence == 4))
        for sequence in range(5, LENGTH + 1):
            connection.execute(update(audit).where(audit.c.sequence == sequence).values(sequence=sequence - 1))
        rewrite_from(connection, 4)

    assert after(chain, forge).first_bad == 4


def test_an_anchor_that_says_two_things_is_an_error(chain: Database) -> None:
    with chain.anchor.path.open("a") as file:
        file.write(f"\n3 {'0' * 64}\n")
    with pytest.raises(AuditError, match="entry 3 is anchored with two different hashes"):
        verified(chain)


@pytest.mark.parametrize("torn", [0, 1, 2, 3, 30, 65])
def test_an_anchor_line_torn_by_a_power_cut_gives_no_false_alarm(chain: Database, torn: int) -> None:
    with chain.read() as connection:
        last = list(entries(connection))[-1]
    whole = chain.anchor.path.read_text().strip("\n").splitlines()
    assert whole[-1] == f"{LENGTH} {last.hash}"
    chain.anchor.path.write_text("\n".join([*whole[:-1], whole[-1][:torn]]))
    with chain.write("ines", NOW) as transaction:
        transaction.record("case.closed", "case", "case-1")
    result = verified(chain)
    assert result.sound, result.problem
    assert result.entries == LENGTH + 1
    assert result.not_anchored <= 1


def test_entries_not_anchored_are_counted(chain: Database) -> None:
    forgetful = a_forgetful_process(chain)
    with forgetful.write("ines", NOW) as transaction:
        transaction.record("case.closed", "case", "case-1")
        transaction.record("case.closed", "case", "case-2")
    forgetful.dispose()
    result = verified(chain)
    assert result.sound
    assert (result.entries, result.anchored, result.not_anchored) == (LENGTH + 2, LENGTH, 2)


def test_anchoring_again_what_a_crash_left_out_closes_the_gap(chain: Database) -> None:
    forgetful = a_forgetful_process(chain)
    with forgetful.write("ines", NOW) as transaction:
        transaction.record("case.closed", "case", "case-1")
    forgetful.dispose()
    with chain.read() as connection:
        chain.anchor.append(list(entries(connection)))
    result = verified(chain)
    assert result.sound
    assert result.not_anchored == 0


def test_links_anchored_out_of_order_by_two_processes_are_no_alarm(chain: Database) -> None:
    with chain.read() as connection:
        links = list(entries(connection))
    chain.anchor.path.unlink()
    for start in (6, 0, 3):
        chain.anchor.append(links[start : start + 3])
    assert verified(chain) == Verification(entries=LENGTH, anchored=LENGTH, first_bad=None, problem="")


def test_a_process_killed_between_commit_and_anchoring_leaves_one_entry_not_anchored(chain: Database) -> None:
    script = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from inventory.anchor import Anchor; from inventory.database import Database\n"
        "where = sys.argv[1] if '://' in sys.argv[1] else Path(sys.argv[1])\n"
        "with Database(where, Anchor(Path(sys.argv[2]))).write('ines', datetime.now(UTC)) as transaction:\n"
        "    transaction.record('case.closed', 'case', 'case-1')\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(chain.where), str(chain.anchor.path)],
        env={**os.environ, VARIABLE: "database.committed", "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    result = verified(chain)
    assert result.sound
    assert (result.entries, result.not_anchored) == (LENGTH + 1, 1)


def test_a_fact_and_its_entry_commit_together(database: Database) -> None:
    with database.write("evenkeel", NOW) as transaction:
        insert_cases(transaction, [a_case()])
    with database.read() as connection:
        assert [row.case.case_id for row in list_cases(connection, EVERYTHING)] == ["case-larch"]
        assert [(entry.event, entry.subject_id) for entry in entries(connection)] == [("case.opened", "case-larch")]
    assert verified(database).not_anchored == 0


def test_an_error_inside_a_transaction_leaves_neither_fact_nor_entry_nor_anchor(chain: Database) -> None:
    def interrupted() -> None:
        with chain.write("evenkeel", NOW) as transaction:
            insert_cases(transaction, [a_case()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    with chain.read() as connection:
        assert list_cases(connection, EVERYTHING) == []
    assert verified(chain) == Verification(entries=LENGTH, anchored=LENGTH, first_bad=None, problem="")


def test_a_body_that_cannot_be_written_canonically_takes_the_fact_back_too(chain: Database) -> None:
    def unwritable(body: dict[str, Any]) -> None:
        with chain.write("evenkeel", NOW) as transaction:
            insert_cases(transaction, [a_case()])
            transaction.record("case.moved", "case", "case-larch", body)

    for body in ({"units": float("nan")}, {"at": NOW}, {"units": {1, 2}}):
        with pytest.raises((ValueError, TypeError)):
            unwritable(body)
    with chain.read() as connection:
        assert list_cases(connection, EVERYTHING) == []
    assert verified(chain).entries == LENGTH


def test_two_processes_writing_in_turn_share_one_chain(chain: Database) -> None:
    other = a_second_process(chain)
    for turn in range(6):
        writer = (chain, other)[turn % 2]
        with writer.write(f"writer-{turn % 2}", NOW) as transaction:
            transaction.record("case.moved", "case", "case-1", {"turn": turn})
    other.dispose()
    assert verified(chain) == Verification(entries=LENGTH + 6, anchored=LENGTH + 6, first_bad=None, problem="")


def test_a_reading_connection_cannot_write(chain: Database) -> None:
    with chain.read() as connection, pytest.raises(Exception, match=r"readonly|read-only"):
        connection.execute(delete(audit))


def test_a_transaction_without_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(StoreError, match="aware"), database.write("ines", NOW.replace(tzinfo=None)):
        pytest.fail("the transaction must not open")


def test_the_hash_covers_every_field_and_where_each_ends() -> None:
    fields = ("at", "actor", "os", "event", "subject", "id", "body")
    shifted = ("a", "tactor", "os", "event", "subject", "id", "body")
    hashes = {entry_hash(1, GENESIS, fields), entry_hash(2, GENESIS, fields), entry_hash(1, "1" * 64, fields)}
    assert len(hashes | {entry_hash(1, GENESIS, shifted)}) == 4


def test_the_hash_never_drifts() -> None:
    entry = AuditEntry(
        sequence=1,
        at="2026-03-02T06:00:00+00:00",
        actor="ines",
        os_user="evenkeel",
        event="case.opened",
        subject="case",
        subject_id="case-larch",
        body='{"units":40}',
        previous=GENESIS,
        hash="4e5d0e47d939ba8aa91f25fecad181e2903f6d32759ac01a2e476810c0676eec",
    )
    fields = (entry.at, entry.actor, entry.os_user, entry.event, entry.subject, entry.subject_id, entry.body)
    assert entry_hash(entry.sequence, entry.previous, fields) == entry.hash


def test_the_schema_holds_one_entry_per_sequence_and_hash(chain: Database) -> None:
    with chain.read() as connection:
        rows = connection.execute(select(audit.c.sequence, audit.c.hash)).all()
    assert len({row.sequence for row in rows}) == len({row.hash for row in rows}) == LENGTH
