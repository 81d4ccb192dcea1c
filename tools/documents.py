"""The ERP documents of an approved proposal, and the lots reserved for them."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection

from inventory.ledger import list_reservations
from inventory.outbox import idempotency_key
from inventory.records import EVERYTHING, Approval, ErpDocument, ErpLine, Proposal, ProposalLine
from tools.action_kinds import KINDS, problems
from tools.errors import ToolInputError

Lots = dict[int, list[tuple[str, int]]]
"""Lots and units reserved for each line, by line number."""


def documents_of(proposal: Proposal, approval: Approval, lots: Lots) -> list[ErpDocument]:
    """The ERP documents of an approved proposal: one per lane, supplier, changed order or thing changed.

    Raises
    ------
    ToolInputError
        If a line cannot be carried out as it is written.
    """
    wrong = problems(proposal.content)
    if wrong:
        raise ToolInputError(f"proposal {proposal.proposal_id}: {'; '.join(wrong)}")
    groups: dict[tuple[str, str, str, str], list[ProposalLine]] = defaultdict(list)
    for line in proposal.content.lines:
        if line.action in KINDS and line.quantity:
            groups[line.document_group].append(line)
    return [
        _document(lines, idempotency_key(proposal.digest, number), approval, lots)
        for number, (_, lines) in enumerate(sorted(groups.items()), start=1)
    ]


def _document(lines: list[ProposalLine], key: str, approval: Approval, lots: Lots) -> ErpDocument:
    first = lines[0]
    return ErpDocument(
        key=key,
        action=first.action,
        destination=first.destination,
        origin=first.origin,
        supplier=first.supplier,
        order_id=first.order_id,
        mode=first.mode,
        ship_on=min(line.ship_on for line in lines),
        arrive_on=max(line.arrive_on for line in lines),
        lines=tuple(
            ErpLine(item=line.item, lot=lot, quantity=units)
            for line in lines
            for lot, units in lots.get(line.number, [(line.lot, line.quantity)])
        ),
        approval_id=approval.approval_id,
    )


def reserved_lots(connection: Connection, proposal_id: str) -> Lots:
    """Lots and units reserved for each line of a proposal, first-expiring first as they were taken."""
    lots: Lots = defaultdict(list)
    for held in list_reservations(connection, EVERYTHING, proposal_id=proposal_id):
        if held.state != "released":
            lots[held.line].append((held.lot, held.quantity))
    return dict(lots)
