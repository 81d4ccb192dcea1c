"""Where ids become rows: a snapshot and the ledger as arrays over planned item-sites.

Row ``i`` of every array is one planned item at one site, sorted by item then site. Only ``NetworkArrays`` knows which.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl
from inventory.snapshots import Snapshot
from numpy.typing import NDArray

from inventory.records import LedgerRow, ProposalLine

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FLAGS = ("regulated", "customer_specific", "constrained", "cold_chain", "consumable")
"""Item classes from the strictest to the most lenient; an item's class is its first flag, else ``standard``."""


@dataclass(frozen=True)
class Inbound:
    """Open orders and transfers, one row each."""

    series: IntArray
    """Row of the receiving item-site."""
    quantity: FloatArray
    """Units still to come."""
    promised_day: IntArray
    """Days from today to the promise; negative when it has passed."""
    age_days: IntArray
    """Days since it was ordered; 0 for a transfer."""
    group: IntArray
    """Lead-time group of an order, -1 for a transfer."""
    supplier: tuple[str, ...]
    reference: tuple[str, ...]
    """Order or transfer id."""


@dataclass(frozen=True)
class Receipts:
    """Past and open supplier orders for the lead-time law."""

    days: IntArray
    observed: BoolArray
    weight: FloatArray
    group: IntArray


@dataclass(frozen=True)
class NetworkArrays:
    """Everything the mathematics needs to know about the network, shape ``(n,)`` unless said otherwise."""

    today: date
    items: tuple[str, ...]
    """Item of each row."""
    sites: tuple[str, ...]
    """Site of each row."""
    row_of: dict[tuple[str, str], int]
    history: NDArray[np.float32]
    """Shape ``(n, weeks)``, units a week, NaN where not listed or censored by a stockout."""
    on_hand: FloatArray
    allocated: FloatArray
    free: FloatArray
    """On hand less allocated, reserved and in flight: what demand here can still draw on."""
    cost: FloatArray
    price: FloatArray
    holding_rate: FloatArray
    """Per year."""
    service_target: FloatArray
    review_days: FloatArray
    erp_reorder_point: FloatArray
    item_class: tuple[str, ...]
    supplier: tuple[str, ...]
    """Supplier that replenishes the row, directly or through its source site; empty when unknown."""
    source_site: tuple[str, ...]
    """Site that replenishes the row; empty when a supplier does."""
    group: IntArray
    """Lead-time group of the row's supplier and item, -1 when unknown."""
    group_supplier: IntArray
    """Shape ``(groups,)``: pool of each group."""
    group_contract_days: FloatArray
    """Shape ``(groups,)``: contract lead time, days."""
    suppliers: tuple[str, ...]
    """Name of each pool."""
    source_transit_days: FloatArray
    """Mean days from the source site; NaN when a supplier replenishes."""
    source_transit_sd: FloatArray
    minimum_order: FloatArray
    order_multiple: FloatArray
    purchase_price: FloatArray
    """NaN when no supplier sells it."""
    order_cost: FloatArray
    expedite_days: FloatArray
    """NaN when it cannot be expedited."""
    expedite_factor: FloatArray
    expedite_cost: FloatArray
    committed_units: FloatArray
    """Units kept for named customers at the site."""
    commitment_penalty: FloatArray
    """Penalty per committed unit short, currency."""
    customer_tier: tuple[str, ...]
    """Highest tier among customers with a commitment; ``standard`` without any."""
    standstill_per_day: FloatArray
    """Cost of a day without the component at a plant that has orders for it, currency."""
    standstill_day: IntArray
    """Days until the first production order needs it, -1 when none does."""
    known_demand: FloatArray
    """Shape ``(n, horizon)``, units due on top of the forecast."""
    planner: tuple[str, ...]
    launch_age_days: IntArray
    """Days since launch, -1 when unknown."""
    inbound: Inbound
    receipts: Receipts
    horizon_days: int

    @property
    def rows(self) -> int:
        """Number of item-sites."""
        return len(self.items)

    @property
    def margin(self) -> FloatArray:
        """Price less cost, never negative; half the cost where no price is known."""
        return np.where(np.isnan(self.price), 0.5 * self.cost, np.maximum(self.price - self.cost, 0.0))

    @property
    def holding_per_day(self) -> FloatArray:
        """Cost of keeping one unit one day."""
        return self.cost * self.holding_rate / 365.0


def build_arrays(
    snapshot: Snapshot,
    ledger: list[LedgerRow],
    *,
    horizon_days: int,
    committed: list[ProposalLine] | None = None,
) -> NetworkArrays:
    """Arrays of a snapshot as the ledger sees it.

    Parameters
    ----------
    ledger
        Rows with reservations; stock the ledger does not hold counts as none.
    committed
        Lines of live proposals, and of posted ones the feeds do not show yet: on order at their destination.
    """
    today = snapshot.as_of.date()
    planned = _planned(snapshot)
    keys = list(zip(planned["item"], planned["site"], strict=True))
    row_of = {key: row for row, key in enumerate(keys)}
    groups = _Groups.of(snapshot, planned)
    stock = _stock(ledger, row_of)
    inbound = _inbound(snapshot, row_of, groups, today, committed or [])
    commitments = _commitments(snapshot, planned, row_of)
    standstill = _standstill(snapshot, row_of, today, horizon_days)
    flags = [_class_of(value) for value in planned["flags"].to_list()]
    launch = planned["launch_date"].to_list()
    return NetworkArrays(
        today=today,
        items=tuple(planned["item"]),
        sites=tuple(planned["site"]),
        row_of=row_of,
        history=_history(snapshot, planned),
        on_hand=stock[0],
        allocated=stock[1],
        free=stock[0] - stock[1] - stock[2],
        cost=_floats(planned, "cost"),
        price=_floats(planned, "price"),
        holding_rate=_floats(planned, "holding_rate_per_year"),
        service_target=_floats(planned, "service_target"),
        review_days=_floats(planned, "review_period_days"),
        erp_reorder_point=_floats(planned, "reorder_point"),
        item_class=tuple(flags),
        supplier=tuple(planned["supplier"].fill_null("")),
        source_site=tuple(planned["source_site"].fill_null("")),
        group=groups.of_rows,
        group_supplier=groups.pool,
        group_contract_days=groups.contract_days,
        suppliers=groups.suppliers,
        source_transit_days=_floats(planned, "transit_days"),
        source_transit_sd=_floats(planned, "transit_sd_days"),
        minimum_order=_floats(planned, "minimum_order_quantity", 1.0),
        order_multiple=np.maximum(_floats(planned, "order_multiple", 1.0), 1.0),
        purchase_price=_floats(planned, "purchase_price"),
        order_cost=_floats(planned, "order_cost", 0.0),
        expedite_days=_floats(planned, "expedite_lead_time_days"),
        expedite_factor=_floats(planned, "expedite_price_factor", 1.0),
        expedite_cost=_floats(planned, "expedite_fixed_cost", 0.0),
        committed_units=commitments[0],
        commitment_penalty=commitments[1],
        customer_tier=commitments[2],
        standstill_per_day=standstill[0],
        standstill_day=standstill[1],
        known_demand=_known_demand(snapshot, row_of, today, horizon_days),
        planner=tuple(planned["planner"].fill_null("")),
        launch_age_days=np.array([(today - day).days if day else -1 for day in launch], dtype=np.int64),
        inbound=inbound,
        receipts=_receipts(snapshot, groups, today),
        horizon_days=horizon_days,
    )


def _class_of(flags: str | None) -> str:
    present = set((flags or "").replace(";", ",").replace("|", ",").replace(" ", "").split(","))
    return next((flag for flag in FLAGS if flag in present), "standard")


def _floats(frame: pl.DataFrame, name: str, missing: float = np.nan) -> FloatArray:
    return frame[name].cast(pl.Float64).fill_null(missing).to_numpy().astype(np.float64)


def _planned(snapshot: Snapshot) -> pl.DataFrame:
    """One row per item-site with the item's, site's, supplier's and source lane's columns."""
    sites = snapshot.table("sites").select("site", "holding_rate_per_year")
    items = snapshot.table("items").select("item", "cost", "price", "flags", "launch_date")
    known_sites = set(sites["site"])
    plan = snapshot.table("item_sites").sort("item", "site")
    terms = snapshot.table("supplier_items")
    bought = terms.sort("item", "price", "supplier").unique("item", keep="first", maintain_order=True)
    bought = bought.select("item", supplier_of_item="supplier")
    is_site = pl.col("source").is_in(sorted(known_sites))
    plan = plan.join(bought, on="item", how="left").with_columns(
        source_site=pl.when(is_site).then(pl.col("source")),
        supplier=pl.when(is_site | pl.col("source").is_null())
        .then(pl.col("supplier_of_item"))
        .otherwise(pl.col("source")),
    )
    terms = terms.select(
        "supplier", "item", "minimum_order_quantity", "order_multiple", "order_cost", "expedite_lead_time_days",
        "expedite_price_factor", "expedite_fixed_cost", "contract_lead_time_days", purchase_price="price",
    )  # fmt: skip
    lanes = (
        snapshot.table("lanes")
        .sort("origin", "destination", "transit_days", "mode")
        .unique(["origin", "destination"], keep="first", maintain_order=True)
        .select(
            source_site="origin", site="destination", transit_days="transit_days", transit_sd_days="transit_sd_days"
        )
    )
    return (
        plan.join(items, on="item", how="left")
        .join(sites, on="site", how="left")
        .join(terms, on=["supplier", "item"], how="left")
        .join(lanes, on=["source_site", "site"], how="left")
        .sort("item", "site")
    )


def _history(snapshot: Snapshot, planned: pl.DataFrame) -> NDArray[np.float32]:
    demand = snapshot.demand()
    at = demand.keys.with_row_index("row")
    rows = planned.select("item", "site").join(at, on=["item", "site"], how="left")["row"]
    index = rows.cast(pl.Int64).fill_null(-1).to_numpy()
    history = np.full((len(planned), demand.weekly.shape[1]), np.nan, dtype=np.float32)
    found = index >= 0
    history[found] = demand.weekly[index[found]]
    censored = np.zeros(history.shape, dtype=bool)
    censored[found] = demand.censored[index[found]]
    history[censored] = np.nan
    return history


def _stock(ledger: list[LedgerRow], row_of: dict[tuple[str, str], int]) -> tuple[FloatArray, FloatArray, FloatArray]:
    on_hand, allocated, promised = (np.zeros(len(row_of)) for _ in range(3))
    for line in ledger:
        row = row_of.get((line.item, line.site))
        if row is not None:
            on_hand[row] += line.on_hand
            allocated[row] += line.allocated
            promised[row] += line.reserved + line.in_flight
    return on_hand, allocated, promised


@dataclass(frozen=True)
class _Groups:
    """Supplier-item pairs as lead-time groups, pooled by supplier."""

    index: dict[tuple[str, str], int]
    of_rows: IntArray
    pool: IntArray
    contract_days: FloatArray
    suppliers: tuple[str, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, planned: pl.DataFrame) -> _Groups:
        terms = snapshot.table("supplier_items").sort("supplier", "item")
        ordered = snapshot.table("purchase_orders").select("supplier", "item").unique()
        pairs = sorted(
            set(zip(terms["supplier"], terms["item"], strict=True))
            | set(zip(ordered["supplier"], ordered["item"], strict=True))
        )
        index = {pair: group for group, pair in enumerate(pairs)}
        suppliers = tuple(sorted({supplier for supplier, _ in pairs}))
        place = {supplier: number for number, supplier in enumerate(suppliers)}
        promised = dict(
            zip(
                zip(terms["supplier"], terms["item"], strict=True),
                terms["contract_lead_time_days"].to_list(),
                strict=True,
            )
        )
        rows = [
            index.get((supplier or "", item), -1)
            for supplier, item in zip(planned["supplier"], planned["item"], strict=True)
        ]
        return cls(
            index=index,
            of_rows=np.array(rows, dtype=np.int64),
            pool=np.array([place[supplier] for supplier, _ in pairs], dtype=np.int64),
            contract_days=np.array([float(promised.get(pair) or 30.0) for pair in pairs]),
            suppliers=suppliers,
        )


def _receipts(snapshot: Snapshot, groups: _Groups, today: date) -> Receipts:
    orders = snapshot.table("purchase_orders").filter(pl.col("status") != "cancelled").sort("order_id", "line")
    received = orders["received_date"].to_list()
    ordered = orders["ordered_date"].to_list()
    observed = np.array([day is not None for day in received], dtype=np.bool_)
    days = [max(((end or today) - start).days, 0) for start, end in zip(ordered, received, strict=True)]
    pairs = zip(orders["supplier"], orders["item"], strict=True)
    return Receipts(
        days=np.array(days, dtype=np.int64),
        observed=observed,
        weight=np.maximum(orders["quantity"].cast(pl.Float64).to_numpy(), 1.0),
        group=np.array([groups.index[pair] for pair in pairs], dtype=np.int64),
    )


def _inbound(
    snapshot: Snapshot,
    row_of: dict[tuple[str, str], int],
    groups: _Groups,
    today: date,
    committed: list[ProposalLine],
) -> Inbound:
    rows: list[tuple[int, float, int, int, int, str, str]] = []
    orders = snapshot.table("purchase_orders").filter(pl.col("status") == "open").sort("order_id", "line")
    for order in orders.iter_rows(named=True):
        row = row_of.get((order["item"], order["site"]))
        left = order["quantity"] - (order["received_quantity"] or 0)
        if row is not None and left > 0:
            promised, age = (order["promised_date"] - today).days, (today - order["ordered_date"]).days
            group = groups.index[(order["supplier"], order["item"])]
            rows.append((row, left, promised, max(age, 0), group, order["supplier"], order["order_id"]))
    transfers = snapshot.table("transfers").filter(pl.col("status").is_in(["open", "in_transit"]))
    for move in transfers.sort("transfer_id", "line").iter_rows(named=True):
        row = row_of.get((move["item"], move["destination"]))
        left = move["quantity"] - (move["received_quantity"] or 0)
        if row is not None and left > 0:
            rows.append((row, left, (move["expected_date"] - today).days, 0, -1, "", move["transfer_id"]))
    for line in committed:
        row = row_of.get((line.item, line.destination))
        if row is not None and line.quantity > 0:
            rows.append((row, line.quantity, (line.arrive_on - today).days, 0, -1, "", line.order_id or "proposed"))
    return Inbound(
        series=np.array([row[0] for row in rows], dtype=np.int64),
        quantity=np.array([row[1] for row in rows], dtype=np.float64),
        promised_day=np.array([row[2] for row in rows], dtype=np.int64),
        age_days=np.array([row[3] for row in rows], dtype=np.int64),
        group=np.array([row[4] for row in rows], dtype=np.int64),
        supplier=tuple(row[5] for row in rows),
        reference=tuple(row[6] for row in rows),
    )


_TIERS = ("standard", "key", "strategic")


def _commitments(
    snapshot: Snapshot, planned: pl.DataFrame, row_of: dict[tuple[str, str], int]
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    units, penalty = np.zeros(len(row_of)), np.zeros(len(row_of))
    tiers = ["standard"] * len(row_of)
    promised = snapshot.table("commitments").join(snapshot.table("customers"), on="customer", how="left")
    today = snapshot.as_of.date()
    price = _floats(planned, "price")
    for promise in promised.sort("customer", "item", "site").iter_rows(named=True):
        row = row_of.get((promise["item"], promise["site"]))
        if row is None or (promise["until"] is not None and promise["until"] < today):
            continue
        units[row] += promise["protected_quantity"]
        if not np.isnan(price[row]):
            penalty[row] = max(penalty[row], float(promise["penalty_share"] or 0.0) * price[row])
        tiers[row] = max(tiers[row], promise["tier"] or "standard", key=_TIERS.index)
    return units, penalty, tuple(tiers)


def _standstill(
    snapshot: Snapshot, row_of: dict[tuple[str, str], int], today: date, horizon_days: int
) -> tuple[FloatArray, IntArray]:
    cost, day = np.zeros(len(row_of)), np.full(len(row_of), -1, dtype=np.int64)
    per_day = dict(snapshot.table("sites").select("site", "standstill_cost_per_day").iter_rows())
    orders = snapshot.table("production_orders").filter(pl.col("status") != "finished")
    needs = orders.join(snapshot.table("boms"), on=["product", "site"], how="inner").sort("start_date", "order_id")
    for need in needs.iter_rows(named=True):
        row = row_of.get((need["item"], need["site"]))
        start = (need["start_date"] - today).days
        if row is not None and 0 <= start < horizon_days and day[row] < 0:
            cost[row], day[row] = float(per_day.get(need["site"]) or 0.0), start
    return cost, day


def _known_demand(snapshot: Snapshot, row_of: dict[tuple[str, str], int], today: date, horizon_days: int) -> FloatArray:
    known = np.zeros((len(row_of), horizon_days))
    due = snapshot.table("known_demand").filter(pl.col("adds_to_forecast"))
    for order in due.sort("reference", "item", "site").iter_rows(named=True):
        row = row_of.get((order["item"], order["site"]))
        day = (order["due_date"] - today).days
        if row is not None and 0 <= day < horizon_days:
            known[row, day] += order["quantity"]
    orders = snapshot.table("production_orders").filter(pl.col("status") != "finished")
    needs = orders.join(snapshot.table("boms"), on=["product", "site"], how="inner", suffix="_bom")
    for need in needs.sort("order_id", "item").iter_rows(named=True):
        row = row_of.get((need["item"], need["site"]))
        day = (need["start_date"] - today).days
        if row is not None and 0 <= day < horizon_days:
            known[row, day] += need["quantity"] * need["quantity_per"]
    return known


def age_hours(as_of: datetime, now: datetime) -> float:
    """Hours between two moments, never negative."""
    return max((now - as_of).total_seconds() / 3600.0, 0.0)
