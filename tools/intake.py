"""Makes a new snapshot's stock and capacity the ledger's, in the transaction that makes the snapshot current."""

from __future__ import annotations

import polars as pl

from inventory.capacity import CapacityKind
from inventory.capacity_limits import refresh_limits
from inventory.cases import find_case, set_case_state
from inventory.database import Transaction
from inventory.freezes import end_freezes, grow_freezes
from inventory.ledger import absorb
from inventory.ledger_refresh import StockLine, refresh_ledger
from inventory.lifecycle import ARROWS, move
from inventory.outbox import list_outbox, withdraw
from inventory.proposals import find_proposal
from inventory.records import EVERYTHING, CaseState, DocumentState, ProposalState
from inventory.snapshots import Snapshot
from tools.action_kinds import KINDS
from tools.lane_claims import lane_limit
from tools.lanes import read_lanes


def take_stock(transaction: Transaction, snapshot: Snapshot) -> None:
    """Absorb what the feeds now show, refresh the ledger, and void what no longer fits."""
    shown = {key for name in ("transfers", "purchase_orders") for key in snapshot.table(name)["our_key"].drop_nulls()}
    shown = (shown | _shown_by_stock_alone(transaction)) - {""}
    absorb(transaction, shown, snapshot.feeds(), snapshot.as_of)
    end_freezes(transaction)
    for proposal_id in refresh_ledger(transaction, stock_lines(snapshot), snapshot.as_of):
        _void(transaction, proposal_id, f"stock fell below what was promised in snapshot {snapshot.snapshot_id}")
    grow_freezes(transaction)
    lanes = read_lanes(snapshot)
    lost = refresh_limits(
        transaction, CapacityKind.LANE, snapshot.as_of.date(), lambda slot: lane_limit(lanes, slot.key)
    )
    for proposal_id, why in lost.items():
        _void(transaction, proposal_id, f"capacity fell below what was promised: {why}")


def _void(transaction: Transaction, proposal_id: str, why: str) -> None:
    """Void a proposal that lost its reservations, in words that say what changed, and open its case again."""
    proposal = find_proposal(transaction.connection, EVERYTHING, proposal_id)
    if ProposalState.VOID not in ARROWS.get(proposal.state, frozenset()):
        return
    wanted = ", ".join(
        f"{line.quantity} of {line.item} from {line.origin}" for line in proposal.content.lines if line.origin
    )
    move(transaction, proposal, ProposalState.VOID, reason=f"{why}: {wanted}")
    withdraw(transaction, proposal_id, why)
    if find_case(transaction.connection, EVERYTHING, proposal.content.case_id).state is not CaseState.CLOSED:
        what = why.partition(" ")[0]
        set_case_state(transaction, proposal.content.case_id, CaseState.OPEN, f"{what} fell below the promise")


def _shown_by_stock_alone(transaction: Transaction) -> set[str]:
    """Keys of documents that no transfer feed ever shows: a return, a substitution, a change of channel or status."""
    executed = list_outbox(transaction.connection, EVERYTHING, states=(DocumentState.EXECUTED,))
    return {row.key for row in executed if not KINDS[row.document.action].goods_travel}


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
