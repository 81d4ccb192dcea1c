"""Cases: one open case per identity, its findings as child rows, read under a scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    true,
    update,
)

from inventory.database import Transaction
from inventory.errors import LostRaceError, NotFoundError
from inventory.record import canonical_record, load
from inventory.records import EVERYTHING, Case, CaseKind, CaseState, Scope
from inventory.tables import case_scopes, cases, findings


@dataclass(frozen=True)
class CaseRow:
    """A case and where it stands."""

    case: Case
    state: CaseState
    state_version: int
    reason: str
    times_found: int
    missed: int
    missed_snapshot_id: str
    resume_on: date | None
    updated_at: datetime


def visible(scope: Scope) -> ColumnElement[bool]:
    """Condition on ``case_scopes``: a site and class the reader may see."""
    conditions: list[ColumnElement[bool]] = []
    if scope.sites is not None:
        conditions.append(case_scopes.c.site.in_(sorted(scope.sites)))
    if scope.item_classes is not None:
        conditions.append(case_scopes.c.item_class.in_(sorted(scope.item_classes)))
    return and_(*conditions) if conditions else true()


def _scoped(query: Select[Any], scope: Scope) -> Select[Any]:
    if scope.sites is None and scope.item_classes is None:
        return query
    return query.where(exists().where(case_scopes.c.case_id == cases.c.case_id, visible(scope)))


def _narrow(case: Case, scope: Scope) -> Case:
    """The case with only the findings the reader may see."""
    kept = [
        (finding, item_class)
        for finding, item_class in zip(case.findings, case.item_classes, strict=True)
        if scope.allows(finding.site, item_class)
    ]
    return case.model_copy(
        update={"findings": tuple(f for f, _ in kept), "item_classes": tuple(item_class for _, item_class in kept)}
    )


def _row(row: Row[Any], scope: Scope) -> CaseRow:
    return CaseRow(
        case=_narrow(load(Case, row.body), scope),
        state=CaseState(row.state),
        state_version=row.state_version,
        reason=row.reason,
        times_found=row.times_found,
        missed=row.missed,
        missed_snapshot_id=row.missed_snapshot_id,
        resume_on=row.resume_on,
        updated_at=row.updated_at,
    )


def find_case(connection: Connection, scope: Scope, case_id: str) -> CaseRow:
    """The case of that id, or of the id beginning with it when only one does."""
    if not case_id:
        raise NotFoundError("a case is named by its id or the beginning of it; got nothing")
    for named in (cases.c.case_id == case_id, cases.c.case_id.istartswith(case_id, autoescape=True)):
        rows = connection.execute(_scoped(select(cases).where(named), scope)).all()
        if len(rows) == 1:
            return _row(rows[0], scope)
    raise NotFoundError(f"case {case_id!r}: {len(rows)} found that {scope.user} may see, expected one")


def list_cases(connection: Connection, scope: Scope, *, states: Collection[CaseState] = ()) -> list[CaseRow]:
    """Cases in some states (every state but closed when empty), most money at risk first, then by id."""
    query = _scoped(select(cases).order_by(cases.c.money_at_risk_minor.desc(), cases.c.case_id), scope)
    if states:
        query = query.where(cases.c.state.in_([state.value for state in states]))
    else:
        query = query.where(cases.c.state != CaseState.CLOSED.value)
    return [_row(row, scope) for row in connection.execute(query)]


def cases_at(connection: Connection, scope: Scope, item: str, site: str) -> list[CaseRow]:
    """Cases that are not closed with a finding at an item and site, as :func:`list_cases` has them."""
    latest = and_(findings.c.case_id == cases.c.case_id, findings.c.snapshot_id == cases.c.snapshot_id)
    here = exists().where(latest, findings.c.item == item, findings.c.site == site)
    query = _scoped(select(cases).where(cases.c.state != CaseState.CLOSED.value, here), scope)
    ordered = query.order_by(cases.c.money_at_risk_minor.desc(), cases.c.case_id)
    return [_row(row, scope) for row in connection.execute(ordered)]


def count_open_cases(connection: Connection, scope: Scope) -> int:
    """How many cases are not closed."""
    query = _scoped(select(func.count()).select_from(cases).where(cases.c.state != CaseState.CLOSED.value), scope)
    return int(connection.execute(query).scalar_one())


def open_by_identity(connection: Connection, scope: Scope) -> dict[tuple[CaseKind, str, str], CaseRow]:
    """Every case that is not closed, by kind, what it is about, and cause: the most money at risk first."""
    rows = list_cases(connection, scope)
    return {(row.case.kind, row.case.scope, row.case.cause): row for row in rows}


def insert_cases(transaction: Transaction, opened: Sequence[Case]) -> None:
    """Open cases; the schema refuses a second open one of the same identity."""
    if not opened:
        return
    transaction.connection.execute(
        cases.insert(),
        [
            {
                "case_id": case.case_id,
                "kind": case.kind.value,
                "scope": case.scope,
                "cause": case.cause,
                "state": CaseState.OPEN.value,
                "state_version": 1,
                "opened_at": transaction.now,
                "times_found": 1,
                "missed": 0,
                "missed_snapshot_id": "",
                "reason": "",
                **_facts(transaction, case),
            }
            for case in opened
        ],
    )
    _insert_children(transaction.connection, opened)
    for case in opened:
        transaction.record("case.opened", "case", case.case_id, case.model_dump(mode="json"))


def refresh_cases(transaction: Transaction, found: Sequence[tuple[CaseRow, Case]]) -> None:
    """Found again: new findings and figures, same cases."""
    if not found:
        return
    columns = ("times_found", "missed", "missed_snapshot_id", *_FACTS)
    transaction.connection.execute(
        update(cases).where(cases.c.case_id == bindparam("known_id")).values({c: bindparam(c) for c in columns}),
        [
            {
                "known_id": case.case_id,
                "times_found": known.times_found + (1 if _again(known, case) else 0),
                "missed": 0,
                "missed_snapshot_id": "",
                **_facts(transaction, case),
            }
            for known, case in found
        ],
    )
    _delete_children(transaction.connection, [case for _, case in found])
    _insert_children(transaction.connection, [case for _, case in found])
    for known, case in found:
        if _again(known, case):
            seen = {
                "snapshot": case.snapshot_id,
                "money_at_risk": case.money_at_risk.total,
                "bites_on": case.bites_on.isoformat(),
                "findings": len(case.findings),
            }
            transaction.record("case.found_again", "case", case.case_id, seen)


def _again(known: CaseRow, case: Case) -> bool:
    """Whether this is the first look at the case in its snapshot."""
    return known.case.snapshot_id != case.snapshot_id


def miss_case(transaction: Transaction, known: CaseRow, snapshot_id: str) -> int:
    """Not found in this snapshot; returns in how many snapshots in a row. A snapshot counts once."""
    if known.missed_snapshot_id == snapshot_id:
        return known.missed
    transaction.connection.execute(
        update(cases)
        .where(cases.c.case_id == known.case.case_id)
        .values(missed=known.missed + 1, missed_snapshot_id=snapshot_id, updated_at=transaction.now)
    )
    transaction.record("case.missed", "case", known.case.case_id, {"snapshot": snapshot_id, "times": known.missed + 1})
    return known.missed + 1


def set_case_state(
    transaction: Transaction,
    case_id: str,
    state: CaseState,
    reason: str = "",
    *,
    resume_on: date | None = None,
) -> None:
    """Move a case; a closed one stays closed."""
    known = find_case(transaction.connection, EVERYTHING, case_id)
    if known.state == state and known.reason == reason and known.resume_on == resume_on:
        return
    changed = transaction.connection.execute(
        update(cases)
        .where(
            cases.c.case_id == case_id,
            cases.c.state_version == known.state_version,
            cases.c.state != CaseState.CLOSED.value,
        )
        .values(
            state=state.value,
            state_version=known.state_version + 1,
            reason=reason,
            resume_on=resume_on,
            updated_at=transaction.now,
        )
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"case {case_id} is {known.state} ({known.reason}) and cannot become {state}")
    event = "case.closed" if state is CaseState.CLOSED else "case.moved"
    transaction.record(event, "case", case_id, {"from": known.state.value, "to": state.value, "reason": reason})


_FACTS = ("money_at_risk_minor", "bites_on", "planner", "updated_at", "snapshot_id", "body")


def _facts(transaction: Transaction, case: Case) -> dict[str, Any]:
    values = (
        case.money_at_risk.total, case.bites_on, case.planner, transaction.now, case.snapshot_id, canonical_record(case)
    )  # fmt: skip
    return dict(zip(_FACTS, values, strict=True))


def _delete_children(connection: Connection, changed: Sequence[Case]) -> None:
    """Take scopes and this snapshot's findings of the cases away."""
    named = [{"of_case": case.case_id, "of_snapshot": case.snapshot_id} for case in changed]
    connection.execute(delete(case_scopes).where(case_scopes.c.case_id == bindparam("of_case")), named)
    of_snapshot = findings.c.snapshot_id == bindparam("of_snapshot")
    connection.execute(delete(findings).where(findings.c.case_id == bindparam("of_case"), of_snapshot), named)


def _insert_children(connection: Connection, changed: Sequence[Case]) -> None:
    """Scopes and findings of the cases; a case always has both."""
    connection.execute(
        case_scopes.insert(),
        [
            {"case_id": case.case_id, "site": site, "item_class": item_class}
            for case in changed
            for site, item_class in sorted(
                {(finding.site, kind) for finding, kind in zip(case.findings, case.item_classes, strict=True)}
            )
        ],
    )
    connection.execute(
        findings.insert(),
        [
            {
                "case_id": case.case_id,
                "snapshot_id": case.snapshot_id,
                "number": number,
                "item": finding.item,
                "site": finding.site,
                "body": canonical_record(finding),
            }
            for case in changed
            for number, finding in enumerate(case.findings, start=1)
        ],
    )
