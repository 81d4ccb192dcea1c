"""Escalations: proposals nobody answered in time, and the role whose task each one became; one per proposal at most."""

from __future__ import annotations

from sqlalchemy import Connection, select

from inventory.cases import visible
from inventory.database import Transaction
from inventory.record import Id, Record, Utc
from inventory.records import Scope
from inventory.tables import case_scopes, escalations, proposals


class Escalated(Record):
    """A proposal that became another role's task."""

    proposal_id: Id
    from_role: Id
    to_role: Id
    at: Utc


def insert_escalation(transaction: Transaction, proposal_id: str, from_role: str, to_role: str) -> Escalated:
    """Make a proposal another role's task; the schema refuses a second time."""
    made = Escalated(proposal_id=proposal_id, from_role=from_role, to_role=to_role, at=transaction.now)
    transaction.connection.execute(
        escalations.insert().values(proposal_id=proposal_id, from_role=from_role, to_role=to_role, at=made.at)
    )
    transaction.record("proposal.escalated", "proposal", proposal_id, {"from": from_role, "to": to_role})
    return made


def list_escalations(connection: Connection, scope: Scope) -> dict[str, Escalated]:
    """Every escalation of a proposal the reader may see, by proposal."""
    query = select(escalations).order_by(escalations.c.at, escalations.c.proposal_id)
    if scope.sites is not None or scope.item_classes is not None:
        query = query.where(
            escalations.c.proposal_id.in_(
                select(proposals.c.proposal_id)
                .join(case_scopes, case_scopes.c.case_id == proposals.c.case_id)
                .where(visible(scope))
            )
        )
    return {
        row.proposal_id: Escalated(proposal_id=row.proposal_id, from_role=row.from_role, to_role=row.to_role, at=row.at)
        for row in connection.execute(query)
    }
