"""Cases: one open per identity, missed once per snapshot, closed for good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.cases import (
    find_case,
    insert_cases,
    list_cases,
    miss_case,
    open_by_identity,
    refresh_cases,
    set_case_state,
)
from inventory.database import Database
from inventory.errors import LostRaceError, NotFoundError
from inventory.records import EVERYTHING, CaseKind, CaseState
from inventory.tables import findings
from tests.inventory.worlds import (
    BOARD,
    GHENT,
    GHENT_PLANNER,
    LYON,
    NOW,
    PORTO,
    PORTO_PLANNER,
    REGULATED_ONLY,
    STANDARD_ONLY,
    TODAY,
    a_case,
    a_finding,
    open_case,
)

IDENTITY = (CaseKind.PROJECTED_STOCKOUT, f"{BOARD}@{PORTO}", "demand")


def close(database: Database, case_id: str, reason: str = "cleared") -> None:
    with database.write("evenkeel", NOW) as transaction:
        set_case_state(transaction, case_id, CaseState.CLOSED, reason)


def test_a_case_comes_back_as_it_was_opened(database: Database) -> None:
    case = open_case(database)
    with database.read() as connection:
        row = find_case(connection, EVERYTHING, case.case_id)
    assert row.case == case
    assert (row.state, row.state_version, row.times_found, row.missed) == (CaseState.OPEN, 1, 1, 0)


def test_a_second_open_case_of_one_identity_is_refused(database: Database) -> None:
    open_case(database)
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        open_case(database, a_case("case-twin"))
    open_case(database, a_case("case-other-cause", cause="late:SUP-LARCH"))
    open_case(database, a_case("case-other-site", about=f"{BOARD}@{LYON}"))


def test_a_new_case_may_open_once_the_old_one_is_closed(database: Database) -> None:
    open_case(database)
    close(database, "case-larch")
    open_case(database, a_case("case-again"))
    with database.read() as connection:
        found = open_by_identity(connection, EVERYTHING).get(IDENTITY)
        assert (CaseKind.EXCESS, *IDENTITY[1:]) not in open_by_identity(connection, EVERYTHING)
    assert found is not None
    assert found.case.case_id == "case-again"


@pytest.mark.parametrize("state", [state for state in CaseState if state is not CaseState.CLOSED])
def test_a_case_in_any_state_but_closed_keeps_its_identity(database: Database, state: CaseState) -> None:
    open_case(database)
    with database.write("evenkeel", NOW) as transaction:
        set_case_state(transaction, "case-larch", state, "moved")
    with pytest.raises(IntegrityError):
        open_case(database, a_case("case-twin"))


def test_a_case_found_again_keeps_its_id_and_counts_snapshots_not_looks(database: Database) -> None:
    open_case(database)
    for snapshot_id in ("snap-1", "snap-2", "snap-2", "snap-3"):
        again = a_case(findings=(a_finding(quantity=55),), margin=150_000, snapshot_id=snapshot_id)
        with database.write("evenkeel", NOW) as transaction:
            refresh_cases(transaction, [(find_case(transaction.connection, EVERYTHING, "case-larch"), again)])
    with database.read() as connection:
        row = find_case(connection, EVERYTHING, "case-larch")
        kept = connection.execute(select(findings.c.snapshot_id).order_by(findings.c.snapshot_id)).scalars().all()
        told = [entry.event for entry in entries(connection)]
    assert row.times_found == 3
    assert row.case == again
    assert kept == ["snap-1", "snap-2", "snap-3"]
    assert told == ["case.opened", "case.found_again", "case.found_again"]


def test_a_miss_counts_once_per_snapshot_and_is_forgotten_when_found(database: Database) -> None:
    open_case(database)
    seen = []
    for snapshot_id in ("snap-2", "snap-2", "snap-3"):
        with database.write("evenkeel", NOW) as transaction:
            known = find_case(transaction.connection, EVERYTHING, "case-larch")
            seen.append(miss_case(transaction, known, snapshot_id))
    assert seen == [1, 1, 2]
    with database.write("evenkeel", NOW) as transaction:
        known = find_case(transaction.connection, EVERYTHING, "case-larch")
        refresh_cases(transaction, [(known, a_case(snapshot_id="snap-4"))])
        known = find_case(transaction.connection, EVERYTHING, "case-larch")
        assert (known.missed, known.missed_snapshot_id) == (0, "")
        assert miss_case(transaction, known, "snap-5") == 1


@pytest.mark.parametrize("state", [state for state in CaseState if state is not CaseState.CLOSED])
def test_a_closed_case_stays_closed(database: Database, state: CaseState) -> None:
    open_case(database)
    close(database, "case-larch")
    with (
        pytest.raises(LostRaceError, match=rf"is closed \(cleared\) and cannot become {state}"),
        database.write("ines", NOW) as transaction,
    ):
        set_case_state(transaction, "case-larch", state, "reopen")
    with pytest.raises(LostRaceError):
        close(database, "case-larch", "another reason")
    with database.read() as connection:
        row = find_case(connection, EVERYTHING, "case-larch")
        assert list_cases(connection, EVERYTHING) == []
        assert list_cases(connection, EVERYTHING, states=[CaseState.CLOSED]) == [row]
    assert (row.state, row.reason) == (CaseState.CLOSED, "cleared")


def test_moving_a_case_where_it_stands_writes_nothing(database: Database) -> None:
    open_case(database)
    for _ in range(2):
        with database.write("ines", NOW) as transaction:
            set_case_state(
                transaction, "case-larch", CaseState.WAITING, "stock feed", resume_on=TODAY + timedelta(days=1)
            )
    with database.read() as connection:
        row = find_case(connection, EVERYTHING, "case-larch")
        told = [entry.data for entry in entries(connection) if entry.event == "case.moved"]
    assert (row.state, row.state_version, row.resume_on) == (CaseState.WAITING, 2, TODAY + timedelta(days=1))
    assert told == [{"from": "open", "to": "waiting", "reason": "stock feed"}]


def test_cases_are_listed_by_money_at_risk_then_id(database: Database) -> None:
    for name, margin in (("case-b", 5), ("case-a", 5), ("case-c", 9)):
        open_case(database, a_case(name, about=f"{BOARD}@{name}", margin=margin))
    with database.read() as connection:
        assert [row.case.case_id for row in list_cases(connection, EVERYTHING)] == ["case-c", "case-a", "case-b"]


def test_a_case_is_found_by_the_beginning_of_its_id_when_only_one_fits(database: Database) -> None:
    for name in ("case-ab", "case-abc", "case-b"):
        open_case(database, a_case(name, about=f"{BOARD}@{name}"))
    with database.read() as connection:
        assert find_case(connection, EVERYTHING, "case-b").case.case_id == "case-b"
        assert find_case(connection, EVERYTHING, "case-abc").case.case_id == "case-abc"
        assert find_case(connection, EVERYTHING, "case-ab").case.case_id == "case-ab", "a whole id beats a beginning"
        for unclear, number in (("case-a", 2), ("case-", 3), ("oak", 0), ("case_b", 0), ("%", 0)):
            with pytest.raises(NotFoundError, match=f"{number} found that evenkeel may see"):
                find_case(connection, EVERYTHING, unclear)


def test_a_reader_of_one_site_sees_only_its_findings_and_cases(database: Database) -> None:
    shared = a_case(
        "case-shared",
        about="SUP-LARCH",
        findings=(a_finding(PORTO), a_finding(GHENT)),
        item_classes=("standard", "regulated"),
    )
    open_case(database, shared)
    open_case(database, a_case("case-ghent", findings=(a_finding(GHENT),)))
    with database.read() as connection:
        (mine,) = list_cases(connection, PORTO_PLANNER)
        assert mine.case.sites == (PORTO,)
        assert mine.case.findings == (a_finding(PORTO),)
        assert mine.case.item_classes == ("standard",)
        assert [row.case.case_id for row in list_cases(connection, GHENT_PLANNER)] == ["case-ghent", "case-shared"]
        with pytest.raises(NotFoundError, match="0 found that ines may see"):
            find_case(connection, PORTO_PLANNER, "case-ghent")
        assert IDENTITY not in open_by_identity(connection, PORTO_PLANNER)
        assert IDENTITY in open_by_identity(connection, GHENT_PLANNER)


def test_a_reader_of_one_class_sees_only_its_findings_and_cases(database: Database) -> None:
    mixed = a_case(
        "case-mixed",
        about="SUP-LARCH",
        findings=(a_finding(PORTO), a_finding(PORTO, item="RESIN")),
        item_classes=("standard", "regulated"),
    )
    open_case(database, mixed)
    open_case(database, a_case("case-plain"))
    with database.read() as connection:
        (regulated,) = list_cases(connection, REGULATED_ONLY)
        assert regulated.case.items == ("RESIN",)
        assert len(list_cases(connection, STANDARD_ONLY)) == 2
        both = REGULATED_ONLY.model_copy(update={"sites": frozenset({GHENT})})
        assert list_cases(connection, both) == [], "site and class must meet in one finding"


def test_a_case_that_left_a_site_is_no_longer_shown_there(database: Database) -> None:
    case = open_case(database, a_case(findings=(a_finding(PORTO), a_finding(GHENT)), item_classes=("standard",) * 2))
    with database.write("evenkeel", NOW) as transaction:
        known = find_case(transaction.connection, EVERYTHING, case.case_id)
        refresh_cases(transaction, [(known, a_case(snapshot_id="snap-2"))])
    with database.read() as connection:
        assert list_cases(connection, GHENT_PLANNER) == []
        assert len(list_cases(connection, PORTO_PLANNER)) == 1


def test_a_reader_of_no_site_sees_nothing(database: Database) -> None:
    with database.write("evenkeel", NOW) as transaction:
        insert_cases(transaction, [a_case()])
    with database.read() as connection:
        assert list_cases(connection, PORTO_PLANNER.model_copy(update={"sites": frozenset()})) == []
