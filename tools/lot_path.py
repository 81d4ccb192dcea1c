"""Where a lot came from, where it lies, and every proposal and document that moved some of it."""

from __future__ import annotations

from datetime import date

import polars as pl
from sqlalchemy import Connection

from inventory.ledger import ledger_rows, list_reservations
from inventory.outbox import list_outbox, list_receipts
from inventory.record import Record
from inventory.records import OutboxRow, Receipt, Scope
from inventory.snapshots import Snapshot


class LotStep(Record):
    """One thing known about a lot."""

    on: date | None
    """Day it happened; none for what is still to come."""
    what: str
    """``received``, ``promised``, the kind of a document, or ``lies there``."""
    item: str
    units: int
    site: str
    """Where the units were, or are."""
    to: str = ""
    proposal_id: str = ""
    key: str = ""
    reference: str = ""
    """The ERP's number of the document, or the supplier's of the lot."""
    state: str = ""


def lot_path(connection: Connection, scope: Scope, lot: str, snapshot: Snapshot | None) -> tuple[LotStep, ...]:
    """Everything the reader may see about a lot, in the order it happened; what lies there last.

    Parameters
    ----------
    snapshot
        The current one; it tells from which supplier lots ours came.
    """
    documents = [row for row in list_outbox(connection, scope) if any(line.lot == lot for line in row.document.lines)]
    receipts = {receipt.key: receipt for receipt in list_receipts(connection, scope)}
    moved = [step for row in documents for step in _moves(row, lot, receipts.get(row.key))]
    enqueued = {(row.proposal_id) for row in documents}
    promised = [
        LotStep(
            on=None, what="promised", item=held.item, units=held.quantity, site=held.site, to=held.destination,
            proposal_id=held.proposal_id, state=held.state,
        )
        for held in list_reservations(connection, scope, states=("held", "committed"))
        if held.lot == lot and held.proposal_id not in enqueued
    ]  # fmt: skip
    lies = [
        LotStep(on=None, what="lies there", item=row.item, units=row.on_hand, site=row.site)
        for row in ledger_rows(connection, scope)
        if row.lot == lot
    ]
    items = {step.item for step in (*moved, *promised, *lies)}
    came = [step for step in _receipts(snapshot, lot) if scope.sites is None or step.item in items]
    return (*sorted([*came, *moved], key=_when), *promised, *lies)


def _when(step: LotStep) -> tuple[date, str, str]:
    return (step.on or date.max, step.proposal_id, step.item)


def _receipts(snapshot: Snapshot | None, lot: str) -> list[LotStep]:
    if snapshot is None:
        return []
    rows = snapshot.table("supplier_lots").filter(pl.col("lot") == lot)
    return [
        LotStep(
            on=row["received_date"], what="received", item=row["item"], units=0, site=row["supplier"],
            reference=row["supplier_lot"],
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip


def _moves(row: OutboxRow, lot: str, receipt: Receipt | None) -> list[LotStep]:
    document = row.document
    return [
        LotStep(
            on=receipt.posted_at.date() if receipt else document.ship_on,
            what=document.action.value,
            item=line.item,
            units=line.quantity,
            site=document.origin or document.destination,
            to=document.destination if document.origin else document.supplier,
            proposal_id=row.proposal_id,
            key=row.key,
            reference=receipt.erp_reference if receipt else "",
            state=row.state.value,
        )
        for line in document.lines
        if line.lot == lot
    ]
