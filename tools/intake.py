"""Makes a new snapshot's stock the ledger's, in the transaction that makes the snapshot current."""

from __future__ import annotations

import polars as pl

from inventory.cases import find_case, set_case_state
from inventory.database import Transaction
from inventory.ledger import StockLine, absorb, refresh_ledger
from inventory.lifecycle import ARROWS, move
from inventory.proposals import find_proposal
from inventory.records import EVERYTHING, CaseState, ProposalState
from inventory.snapshots import Snapshot


def take_stock(transaction: Transaction, snapshot: Snapshot) -> None:
    """Absorb what the feeds now show, refresh the ledger, and void what no longer fits."""
    transfers = snapshot.table("transfers")
    shown = {key for key in transfers["our_key"].drop_nulls().to_list() if key}
    absorb(transaction, shown, snapshot.feeds(), snapshot.as_of)
    for proposal_id in refresh_ledger(transaction, stock_lines(snapshot), snapshot.as_of):
        proposal = find_proposal(transaction.connection, EVERYTHING, proposal_id)
        if ProposalState.VOID not in ARROWS.get(proposal.state, frozenset()):
            continue
        wanted = ", ".join(
            f"{line.quantity} of {line.item} from {line.origin}" for line in proposal.content.lines if line.origin
        )
        move(
            transaction,
            proposal,
            ProposalState.VOID,
            reason=f"stock fell below what was promised in snapshot {snapshot.snapshot_id}: {wanted}",
        )
        if find_case(transaction.connection, EVERYTHING, proposal.content.case_id).state is not CaseState.CLOSED:
            set_case_state(transaction, proposal.content.case_id, CaseState.OPEN, "stock fell below the promise")


def stock_lines(snapshot: Snapshot) -> list[StockLine]:
    """Usable stock by item, site and lot, as the ERP's book has it."""
    stock = (
        snapshot.table("stock")
        .filter((pl.col("status") == "unrestricted") & (pl.col("source") == "erp"))
        .with_columns(pl.col("lot").fill_null(""))
        .group_by("item", "site", "lot")
        .agg(pl.col("on_hand").sum(), pl.col("allocated").sum(), pl.col("expiry").min())
        .sort("item", "site", "lot")
    )
    return [
        StockLine(
            item=row["item"],
            site=row["site"],
            lot=row["lot"],
            expiry=row["expiry"],
            on_hand=int(row["on_hand"]),
            allocated=int(row["allocated"] or 0),
        )
        for row in stock.iter_rows(named=True)
    ]
