"""An export of a period is checked with nothing but the file, and whatever is done to the file is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from inventory.audit_daily import run_daily_audit
from inventory.audit_export import Period, export_lines
from inventory.audit_gaps import trace_gaps
from inventory.audit_totals import reconcile
from inventory.chain import AuditEntry
from inventory.errors import NotFoundError
from inventory.record import canonical
from inventory.records import ProposalState
from inventory.tables import approvals, cases, outbox, plan_runs, proposals, receipts, rulings, snapshots, trace
from inventory.verify_export import ExportCheck, UnreadableExportError, verify_export
from tests.audited import signed_world, to_receipt, without_references, without_triggers
from tests.worlds import START, World

Lines = list[dict[str, Any]]
WHOLE = Period(START - timedelta(days=1), START + timedelta(days=9))
EXECUTION = Period(START + timedelta(hours=2), START + timedelta(days=1))
"""From the execution on: drafting and approval lie before."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One case from detection to its observed outcome."""
    return to_receipt(signed_world(tmp_path_factory.mktemp("exported")))


def public(world: World) -> str:
    """The house's key."""
    assert world.database.anchor.signer is not None
    return world.database.anchor.signer.public


def export(world: World, period: Period) -> Lines:
    """Lines of an export, as data."""
    with world.database.read() as connection:
        made = export_lines(
            connection, world.database.anchor, period, public=public(world), now=world.clock(), actor="iris"
        )
        return [json.loads(line) for line in made]


def check(lines: Lines, key: str = "") -> ExportCheck:
    """What the offline verifier says of them."""
    return verify_export([canonical(line) for line in lines], key)


def kinds(lines: Lines, kind: str) -> Lines:
    """Lines of one kind."""
    return [line for line in lines if line["kind"] == kind]


def recount(lines: Lines) -> Lines:
    """Make the last line true again."""
    lines[-1]["lines"] = len(lines) - 1
    return lines


def test_the_whole_log_is_exported_and_holds(run: World) -> None:
    lines = export(run, WHOLE)
    found = check(lines, public(run))
    assert found.problems == []
    assert (found.not_covered, found.entries) == (0, len(kinds(lines, "entry")))
    (document,) = found.reconciliation.documents
    (total,) = found.reconciliation.totals
    proposal = run.the_proposal(ProposalState.EXECUTED)
    assert document.value_minor == total.value_minor == proposal.content.value_minor
    assert document.units == sum(line.quantity for line in proposal.content.lines)
    assert (total.day, total.action, total.documents) == ("2024-04-08", "transfer", 1)
    assert document.erp_reference in {order.reference for order in run.erp.open_documents()} | {"SIM-TO-000001"}


def test_a_period_that_begins_after_the_approval_brings_along_what_tells_of_the_document(run: World) -> None:
    lines = export(run, EXECUTION)
    header, entries = lines[0], kinds(lines, "entry")
    assert entries[0]["sequence"] < header["first"], "draft and approval lie before the period"
    assert {entry["event"] for entry in entries if entry["sequence"] < header["first"]} >= {
        "proposal.drafted", "action.enqueued"
    }  # fmt: skip
    found = check(lines, public(run))
    assert found.problems == []
    assert found.not_covered == 0, "each of them is followed up to a signed head"
    assert len(found.reconciliation.documents) == 1


def test_an_empty_period_says_so(run: World) -> None:
    with pytest.raises(NotFoundError, match="nothing was recorded"):
        export(run, Period(START - timedelta(days=9), START - timedelta(days=8)))


def test_the_verifier_needs_only_the_file_and_cryptography(run: World, tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    file.write_text("".join(f"{canonical(line)}\n" for line in export(run, WHOLE)), "utf-8")
    script = (
        "import runpy, sys; sys.argv = ['verify_export', sys.argv[1]]\n"
        "try:\n    runpy.run_module('inventory.verify_export', run_name='__main__')\n"
        "except SystemExit as end:\n    code = end.code\n"
        "heavy = {'sqlalchemy', 'pydantic', 'alembic', 'polars', 'numpy'} & set(sys.modules)\n"
        "sys.exit(9 if heavy else code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)], cwd=Path(__file__).parents[1], capture_output=True, text=True,
        check=False, env={"PATH": "/nowhere", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 executed documents, each with its receipt" in done.stdout
    assert done.stdout.rstrip().endswith("sound")


def test_the_command_tells_a_broken_file_from_an_unreadable_one(run: World, tmp_path: Path) -> None:
    lines, file = export(run, WHOLE), tmp_path / "export.jsonl"
    kinds(lines, "entry")[4]["actor"] = "nobody"
    for text, code in (("".join(f"{canonical(line)}\n" for line in lines), 1), ("", 2), ("{}\n", 2)):
        file.write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "inventory.verify_export", str(file)], cwd=Path(__file__).parents[1],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
    assert "ALARM" not in done.stdout


Change = Callable[[Lines], object]


def _entry(lines: Lines, place: int) -> dict[str, Any]:
    return kinds(lines, "entry")[place]


def _without(lines: Lines, gone: dict[str, Any]) -> None:
    lines.remove(gone)
    recount(lines)


CHANGES: dict[str, tuple[Change, int | None]] = {
    "an actor is changed": (lambda lines: _entry(lines, 6).update(actor="nobody"), 7),
    "a body is changed": (lambda lines: _entry(lines, 12).update(body="{}"), 13),
    "a hash is changed": (lambda lines: _entry(lines, 3).update(hash="ab" * 32), 4),
    "an entry is dropped": (lambda lines: _without(lines, _entry(lines, 8)), 9),
    "the last entry is dropped": (lambda lines: _without(lines, _entry(lines, -1)), None),
    "a head is dropped": (lambda lines: _without(lines, kinds(lines, "head")[3]), None),
    "a head's hash is changed": (lambda lines: kinds(lines, "head")[2].update(hash="ab" * 32), None),
    "a head's time is changed": (lambda lines: kinds(lines, "head")[2].update(at="2020-01-01T00:00:00+00:00"), None),
    "the public key is another": (lambda lines: lines[0].update(public_key="0" * 64), 1),
    "a receipt names another order": (
        lambda lines: kinds(lines, "receipt")[0]["body"].update(erp_reference="SIM-TO-9"), None
    ),
    "a receipt is dropped": (lambda lines: _without(lines, kinds(lines, "receipt")[0]), None),
    "a document is worth less": (lambda lines: kinds(lines, "document")[0].update(value_minor=1), None),
    "a document is dropped": (lambda lines: _without(lines, kinds(lines, "document")[0]), None),
    "a total is smaller": (lambda lines: kinds(lines, "total")[0].update(value_minor=1), None),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_is_done_to_an_export_is_found(run: World, name: str) -> None:
    change, first_bad = CHANGES[name]
    lines = export(run, WHOLE)
    change(lines)
    found = check(lines)
    assert not found.sound
    if first_bad is not None:
        assert found.problems[0].first_bad == first_bad, found.problems


def test_an_export_signed_with_another_key_is_refused_by_whoever_knows_the_true_one(run: World) -> None:
    found = check(export(run, WHOLE), "ab" * 32)
    assert "another public key" in found.problems[0].problem


@pytest.mark.parametrize("cut", [1, 2, 10, -1])
def test_an_export_that_was_cut_off_cannot_be_read(run: World, cut: int) -> None:
    with pytest.raises(UnreadableExportError, match="breaks off"):
        check(export(run, WHOLE)[:cut])


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"kind":"other"}', '{"kind":"entry","sequence":1}'])
def test_a_line_of_no_known_kind_cannot_be_read(run: World, line: str) -> None:
    whole = [canonical(part) for part in export(run, WHOLE)]
    with pytest.raises(UnreadableExportError):
        verify_export([*whole[:5], line, *whole[5:]])


def an_entry(sequence: int, event: str, subject: str, **body: object) -> AuditEntry:
    return AuditEntry(sequence, "", "", "", event, "proposal", subject, canonical(body), "", "")


def a_story(*quantities: int, value: int = 1_000) -> list[AuditEntry]:
    """A proposal of some documents, drafted, enqueued, executed and received."""
    log = [an_entry(1, "proposal.drafted", "p", content={"value_minor": value, "currency": "EUR"})]
    for number, quantity in enumerate(quantities):
        document = {"key": f"k{number}", "action": "transfer", "lines": [{"quantity": quantity}]}
        log.append(an_entry(len(log) + 1, "action.enqueued", "p", **document))
    for number, _ in enumerate(quantities):
        receipt = {
            "key": f"k{number}", "erp_reference": f"T{number}", "posted_at": "2024-04-08T06:00:00Z",
            "found_by": "answer",
        }  # fmt: skip
        log.append(an_entry(len(log) + 1, "action.executed", "p", key=f"k{number}"))
        log.append(an_entry(len(log) + 1, "action.applied", "p", **receipt))
    return log


def test_the_documents_of_a_proposal_share_its_value_to_the_last_cent() -> None:
    made = reconcile(a_story(1, 1, 1, value=1_000), 1, 99)
    assert [row.value_minor for row in made.documents] == [333, 333, 334]
    assert [(total.documents, total.units, total.value_minor) for total in made.totals] == [(3, 3, 1_000)]
    assert made.problems == []


def test_a_document_without_receipt_and_a_receipt_without_document_are_told() -> None:
    log = a_story(5, 5)
    no_receipt = [entry for entry in log if entry.sequence != 7]
    assert "has no receipt" in reconcile(no_receipt, 1, 99).problems[0]
    not_executed = [entry for entry in log if entry.sequence != 6]
    assert "belongs to nothing that was executed" in reconcile(not_executed, 1, 99).problems[0]
    twice = [*log, an_entry(99, "action.applied", "p", **log[-1].data)]
    assert "second receipt" in reconcile(twice, 1, 99).problems[0]
    assert "nothing tells what it held" in reconcile(log[3:], 1, 99).problems[0]
    assert reconcile(log, 6, 7).documents[0].key == "k1", "only what was executed in the period"


def test_every_executed_line_of_the_run_has_a_full_trace(run: World) -> None:
    with run.database.read() as connection:
        found = trace_gaps(connection)
    assert (found.lines, found.gaps) == (1, ())


MISSING = {
    "snapshot": delete(snapshots), "plan run": delete(plan_runs), "retrieval": delete(trace),
    "explanation": update(proposals).values(explanation=""), "ruling": delete(rulings),
    "approval": update(approvals), "receipt": delete(receipts), "outbox": delete(outbox), "case": delete(cases),
}  # fmt: skip


@pytest.mark.parametrize("part", MISSING)
def test_a_part_of_the_trace_that_is_gone_is_named(run: World, part: str) -> None:
    change = MISSING[part]
    if part == "approval":  # given, but for another digest
        change = update(approvals).values(body=_other_digest(run))
    with run.database.write("intruder", run.clock()) as transaction:
        nested = transaction.connection.begin_nested()
        without_references(transaction.connection)
        without_triggers(transaction.connection)
        transaction.connection.execute(change)
        found = trace_gaps(transaction.connection)
        nested.rollback()
    (gap,) = found.gaps
    assert part in gap.missing
    assert gap.item == "BOLT"


def _other_digest(world: World) -> str:
    with world.database.read() as connection:
        body = str(connection.execute(approvals.select()).one().body)
    return body.replace(world.the_proposal(ProposalState.EXECUTED).digest, "f" * 64)


def test_the_daily_look_is_put_on_record(run: World, tmp_path: Path) -> None:
    world = to_receipt(signed_world(tmp_path))
    daily = run_daily_audit(world.database, world.clock())
    assert daily.alarms == ()
    with world.database.write("intruder", world.clock()) as transaction:
        transaction.connection.execute(delete(receipts))
    daily = run_daily_audit(world.database, world.clock(), actor="iris")
    assert "receipts EK-" in daily.alarms[0]
    assert daily.alarms[-1] == "1 executed lines without a full trace"
    with world.database.read() as connection:
        told = [json.loads(row.body) for row in connection.exec_driver_sql(
            "SELECT body FROM audit WHERE event = 'audit.checked' ORDER BY sequence")]  # fmt: skip
    assert [(look["gaps"], bool(look["alarms"])) for look in told] == [(0, False), (1, True)]
