"""Freezes at the command line: two people set one, two people lift it, and everybody who may see it does."""

from __future__ import annotations

from datetime import timedelta

from inventory.ledger import ledger_rows
from inventory.records import EVERYTHING, LedgerRow
from service.bootstrap import House
from tests.service.doors import APPROVER, AUDITOR, CENTRAL, MANAGER, Doors


def a_line(house: House) -> LedgerRow:
    """The line with the most units nobody was promised."""
    with house.database.read() as connection:
        return max(ledger_rows(connection, EVERYTHING), key=lambda row: (row.free, row.item, row.site))


def words(house: House, line: LedgerRow, *more: str) -> tuple[str, ...]:
    until = f"{house.clock() + timedelta(days=7):%Y-%m-%d}"
    lot = ("--lot", line.lot) if line.lot else ()
    return ("freeze", "set", line.item, line.site, "--for", "SPRING-SALE", "--until", until, *lot, *more)


def test_a_freeze_takes_two_people_to_set_and_two_to_lift(doors: Doors, house: House) -> None:
    line = a_line(house)
    asked = doors.knock(*words(house, line, "--units", "5", "--as", CENTRAL))
    assert asked.exit_code == 0, asked.stderr
    freeze = asked.stdout.split(":")[0]
    assert f"evenkeel freeze set {freeze}" in asked.stdout
    assert a_line(house).frozen == 0
    alone = doors.knock("freeze", "set", freeze, "--as", CENTRAL)
    assert alone.exit_code == 1
    assert "two different people" in alone.stderr
    confirmed = doors.knock("freeze", "set", freeze, "--as", MANAGER)
    assert "5 units are frozen" in confirmed.stdout, confirmed.stderr
    listed = doors.knock("freeze", "list", "--as", AUDITOR)
    assert "5 of 5 units for SPRING-SALE" in listed.stdout
    assert f"set by {CENTRAL} and {MANAGER}" in listed.stdout
    (known,) = doors.answer("freeze", "list", "--as", AUDITOR)
    assert (known["remaining"], known["freeze"]["state"]) == (5, "in_force")
    assert "until somebody else confirms" in doors.knock("freeze", "lift", freeze, "--as", CENTRAL).stdout
    assert doors.knock("freeze", "lift", freeze, "--as", CENTRAL).exit_code == 1
    assert "free for everybody" in doors.knock("freeze", "lift", freeze, "--as", APPROVER).stdout
    assert "nothing is frozen" in doors.knock("freeze", "list", "--as", AUDITOR).stdout
    assert "lifted" in doors.knock("freeze", "list", "--all", "--as", AUDITOR).stdout


def test_what_nobody_confirmed_is_withdrawn(doors: Doors, house: House) -> None:
    asked = doors.knock(*words(house, a_line(house), "--as", CENTRAL))
    freeze = asked.stdout.split(":")[0]
    assert "nothing was frozen" in doors.knock("freeze", "lift", freeze, "--as", CENTRAL).stdout


def test_an_auditor_freezes_nothing_and_half_a_request_is_not_understood(doors: Doors, house: House) -> None:
    line = a_line(house)
    assert doors.knock(*words(house, line, "--as", AUDITOR)).exit_code != 0
    half = doors.knock("freeze", "set", line.item, line.site, "--as", CENTRAL)
    assert half.exit_code == 2
    assert "ITEM SITE --for PURPOSE --until MOMENT" in half.stderr
