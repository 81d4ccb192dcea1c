"""What is open at the moment: the memory that keeps a value at its threshold from opening and closing a case."""

from __future__ import annotations

from sqlalchemy import Connection, and_, select

from inventory.records import CaseState
from inventory.tables import cases, findings
from tools.detectors.scan import Place


def open_places(connection: Connection) -> frozenset[Place]:
    """``(kind, item, site)`` of the findings of cases that are not closed, as they were last found."""
    latest = and_(findings.c.case_id == cases.c.case_id, findings.c.snapshot_id == cases.c.snapshot_id)
    rows = connection.execute(
        select(cases.c.kind, findings.c.item, findings.c.site)
        .join(findings, latest)
        .where(cases.c.state != CaseState.CLOSED.value, findings.c.item != "")
    )
    return frozenset((kind, item, site) for kind, item, site in rows)


def open_identities(connection: Connection) -> frozenset[tuple[str, str, str]]:
    """``(kind, scope, cause)`` of the cases that are not closed."""
    rows = connection.execute(
        select(cases.c.kind, cases.c.scope, cases.c.cause).where(cases.c.state != CaseState.CLOSED.value)
    )
    return frozenset((kind, scope, cause) for kind, scope, cause in rows)
