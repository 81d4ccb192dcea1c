"""Lead times of every supplier and item of a snapshot: what the item-sites of one supplier share.

They are estimated once for the whole network, since an item nobody ordered lately leans on its supplier's others; a
part of the network then takes the rows it needs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from inventory.snapshots import Snapshot
from optimizer.lead_time.disruption import disruption_risk
from optimizer.lead_time.kaplan_meier import LeadTimeLaw, kaplan_meier_lead_time
from tools.columns import BoolArray, FloatArray, IntArray, days_of, floats_of

LEAST_ORDERS = 5
"""Recent orders from which a supplier's record is told."""
UNKNOWN_LEAD_TIME = 30.0
"""Days assumed where no contract names a lead time."""
BADLY_LATE_SHARE = 0.15
"""Share of badly late orders above which a supplier's delays are taken to be shared by its orders."""


@dataclass(frozen=True)
class Receipts:
    """Past and open supplier orders."""

    days: IntArray
    observed: BoolArray
    weight: FloatArray
    group: IntArray
    age_days: IntArray
    """Days since ordering, received or not."""


@dataclass(frozen=True)
class LeadTimes:
    """Supplier-item pairs as lead-time groups, pooled by supplier; arrays are of shape ``(groups,)``."""

    frame: pl.DataFrame
    """Columns ``supplier``, ``item`` and ``group``."""
    pool: IntArray
    """Place of the supplier in ``suppliers``."""
    contract_days: FloatArray
    suppliers: tuple[str, ...]
    receipts: Receipts
    law: LeadTimeLaw
    mean_days: FloatArray
    sd_days: FloatArray
    disrupted: BoolArray
    """Shape ``(suppliers,)``: the record says that orders are often badly late, hence late together."""
    overdue: pl.DataFrame
    """Open order lines past their promise: columns ``supplier`` and ``days_late``, of all items."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> LeadTimes:
        """Lead times as the receipts and open orders of a snapshot show them."""
        terms = snapshot.table("supplier_items").select("supplier", "item", "contract_lead_time_days")
        orders = snapshot.table("purchase_orders")
        pairs = pl.concat([terms.select("supplier", "item"), orders.select("supplier", "item")])
        pairs = pairs.unique().sort("supplier", "item").with_row_index("group")
        promised = pairs.join(terms, on=["supplier", "item"], how="left", maintain_order="left")
        days = floats_of(promised, "contract_lead_time_days", UNKNOWN_LEAD_TIME)
        contract_days = np.where(days == 0.0, UNKNOWN_LEAD_TIME, days)
        suppliers, pool = np.unique(pairs["supplier"].to_numpy().astype(np.str_), return_inverse=True)
        receipts = _receipts(snapshot, pairs)
        law = kaplan_meier_lead_time(
            receipts.days, receipts.observed, receipts.weight, receipts.group, pairs.height,
            pool=pool.astype(np.int64), prior_days=contract_days, unknown="scaled",
        )  # fmt: skip
        names = tuple(suppliers.tolist())
        return cls(
            pairs, pool.astype(np.int64), contract_days, names, receipts, law, law.mean_days(), law.sd_days(),
            _disrupted(receipts, pool.astype(np.int64), contract_days, len(names)),
            _overdue(orders, snapshot.as_of.date()),
        )  # fmt: skip

    def late_lines(self, days: float) -> dict[str, int]:
        """Open lines at least so many days past their promise, by supplier."""
        late = self.overdue.filter(pl.col("days_late") >= days).group_by("supplier").len()
        return dict(late.iter_rows())

    def numbers(self, frame: pl.DataFrame) -> IntArray:
        """Group of each line's supplier and item, -1 where it is unknown."""
        return group_numbers(self.frame, frame)

    def of_items(self, items: Collection[str]) -> tuple[LeadTimes, IntArray]:
        """The groups of some items, numbered anew, and the number each had."""
        mine = self.frame.filter(pl.col("item").is_in(sorted(set(items))))
        number = mine["group"].cast(pl.Int64).to_numpy()
        nothing, none = np.zeros(0), np.zeros(0, dtype=np.int64)
        return replace(
            self,
            frame=mine.drop("group").with_row_index("group"),
            pool=self.pool[number],
            contract_days=self.contract_days[number],
            receipts=Receipts(none, nothing.astype(np.bool_), nothing, none, none),
            law=LeadTimeLaw(self.law.probability[number]),
            mean_days=self.mean_days[number],
            sd_days=self.sd_days[number],
        ), number


def group_numbers(groups: pl.DataFrame, frame: pl.DataFrame) -> IntArray:
    """Group of each line's supplier and item, -1 where it is unknown."""
    found = frame.select("supplier", "item").join(groups, on=["supplier", "item"], how="left", maintain_order="left")
    return found["group"].cast(pl.Int64).fill_null(-1).to_numpy()


def _overdue(orders: pl.DataFrame, today: date) -> pl.DataFrame:
    left = pl.col("quantity") > pl.col("received_quantity").fill_null(0)
    late = orders.filter((pl.col("status") == "open") & left & (pl.col("promised_date") < today))
    return late.select("supplier", days_late=(pl.lit(today) - pl.col("promised_date")).dt.total_days())


def _receipts(snapshot: Snapshot, groups: pl.DataFrame) -> Receipts:
    today = snapshot.as_of.date()
    orders = snapshot.table("purchase_orders").filter(pl.col("status") != "cancelled").sort("order_id", "line")
    waited = orders["received_date"].fill_null(today) - orders["ordered_date"]
    return Receipts(
        days=np.maximum(days_of(waited), 0),
        observed=orders["received_date"].is_not_null().to_numpy(),
        weight=np.maximum(floats_of(orders, "quantity"), 1.0),
        group=group_numbers(groups, orders),
        age_days=np.maximum(days_of(today - orders["ordered_date"]), 0),
    )


def _disrupted(receipts: Receipts, pool: IntArray, contract_days: FloatArray, suppliers: int) -> BoolArray:
    """Suppliers of whose recent orders, with 95 % confidence, more than `BADLY_LATE_SHARE` were badly late."""
    if not suppliers:
        return np.zeros(0, dtype=np.bool_)
    contract = contract_days[receipts.group]
    risk = disruption_risk(
        receipts.days, receipts.observed, receipts.age_days, contract, pool[receipts.group], suppliers
    )
    # A supplier without a record of its own would be judged by that of the others.
    often: BoolArray = (risk.low > BADLY_LATE_SHARE) & (risk.recent_orders >= LEAST_ORDERS)
    return often
