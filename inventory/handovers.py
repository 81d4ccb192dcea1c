"""Tasks given to a named person: one proposal each, and only to somebody who may sign it.

Nobody loses a right by it: whoever might sign before still may. It says who is expected to.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from inventory.cases import visible
from inventory.database import Transaction
from inventory.record import Id, Record, Text, Utc, canonical_record, load, short_id
from inventory.records import Scope
from inventory.tables import case_scopes, handovers, proposals


class Handover(Record):
    """One proposal as one person's task."""

    handover_id: Id
    proposal_id: Id
    number: int
    """Counts the handovers of the proposal from 1."""
    by: Id
    to_user: Id
    text: Text = ""
    at: Utc


def insert_handover(transaction: Transaction, proposal_id: str, *, by: str, to_user: str, text: str) -> Handover:
    """Make a proposal a named person's task."""
    newest = select(func.max(handovers.c.number)).where(handovers.c.proposal_id == proposal_id)
    number = 1 + (transaction.connection.execute(newest).scalar_one() or 0)
    made = Handover(
        handover_id=short_id("hand", proposal_id, str(number)),
        proposal_id=proposal_id,
        number=number,
        by=by,
        to_user=to_user,
        text=text,
        at=transaction.now,
    )
    transaction.connection.execute(
        handovers.insert().values(
            handover_id=made.handover_id,
            proposal_id=proposal_id,
            number=number,
            by=by,
            to_user=to_user,
            at=made.at,
            body=canonical_record(made),
        )
    )
    transaction.record("proposal.handed_on", "proposal", proposal_id, made.model_dump(mode="json"))
    return made


def list_handovers(connection: Connection, scope: Scope) -> dict[str, Handover]:
    """The last handover of each proposal the reader may see, by proposal."""
    query = select(handovers.c.body).order_by(handovers.c.proposal_id, handovers.c.number)
    if scope.sites is not None or scope.item_classes is not None:
        query = query.where(
            handovers.c.proposal_id.in_(
                select(proposals.c.proposal_id)
                .join(case_scopes, case_scopes.c.case_id == proposals.c.case_id)
                .where(visible(scope))
            )
        )
    found = [load(Handover, body) for body in connection.execute(query).scalars()]
    return {made.proposal_id: made for made in found}
