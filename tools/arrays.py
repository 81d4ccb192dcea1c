"""Where ids become rows: a snapshot and the ledger as arrays over planned item-sites.

Row ``i`` of every array is one planned item at one site, sorted by item then site. Only ``NetworkArrays`` knows which.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from itertools import compress

import numpy as np
import polars as pl
from numpy.typing import NDArray

from inventory.records import ProposalLine
from inventory.snapshots import Snapshot
from tools.columns import BoolArray, FloatArray, IntArray, days_of, floats_of
from tools.forecast_inputs import ForecastInputs, forecast_inputs
from tools.lead_times import LeadTimes
from tools.rows import join_rows, take_rows
from tools.rules.rows import RuleRows
from tools.safety_stock import SAFETY_STOCK, Bounds
from tools.shared import SharedFacts

FLAGS = ("regulated", "customer_specific", "engineered_to_order", "constrained", "cold_chain", "consumable")
"""Item classes from the strictest to the most lenient; an item's class is its first flag, else ``standard``."""
_NESTED = ("inbound", "inputs", "rules")
OUR_LINE = "decided"
"""Reference of an inbound row that is a decided line of ours and in no feed yet."""


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

    def take(self, lines: IntArray) -> Inbound:
        """Only some lines."""
        return take_rows(self, lines)


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
    """Cycle service level asked for by the ERP, or by policy for the row's segment."""
    fill_rate_target: FloatArray
    """Fill rate policy asks for instead; NaN where it asks for none. The look ahead puts its cycle level above."""
    review_days: FloatArray
    safety_stock: IntArray
    """Method by which the target becomes a reorder point, place in ``SAFETY_STOCK``."""
    floor_days: FloatArray
    """Bounds policy sets, as in `Bounds`."""
    floor_units: FloatArray
    minimum_days: FloatArray
    minimum_units: FloatArray
    maximum_units: FloatArray
    erp_reorder_point: FloatArray
    item_class: tuple[str, ...]
    supplier: tuple[str, ...]
    """Supplier that replenishes the row, directly or through its source site; empty when unknown."""
    source_site: tuple[str, ...]
    """Site that replenishes the row; empty when a supplier does."""
    group: IntArray
    """Lead-time group of the row's supplier and item, -1 when unknown."""
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
    """Shape ``(n, horizon)``, units that are certain to be due, whether the forecast expects them or not."""
    planner: tuple[str, ...]
    launch_age_days: IntArray
    """Days since launch, -1 when unknown."""
    inbound: Inbound
    horizon_days: int
    inputs: ForecastInputs
    """What the forecast is made from beside the history."""
    rules: RuleRows = field(default_factory=RuleRows)
    """Machine rules that speak about the rows."""

    @property
    def rows(self) -> int:
        """Number of item-sites."""
        return len(self.items)

    @property
    def bounds(self) -> Bounds:
        """What policy bounds stock by."""
        return Bounds(self.floor_days, self.floor_units, self.minimum_days, self.minimum_units, self.maximum_units)

    @property
    def helped(self) -> BoolArray:
        """Rows to which a decided line of ours is on its way that no feed shows yet."""
        ours = np.array([reference == OUR_LINE for reference in self.inbound.reference], dtype=np.bool_)
        helped = np.zeros(self.rows, dtype=np.bool_)
        helped[self.inbound.series[ours]] = True
        return helped

    def take(self, rows: IntArray) -> NetworkArrays:
        """Only some rows, in the order given, with the open orders for them."""
        taken = take_rows(self, rows, besides=_NESTED)
        place = np.full(self.rows, -1, dtype=np.int64)
        place[rows] = np.arange(rows.size)
        kept = self.inbound.take(np.flatnonzero(place[self.inbound.series] >= 0))
        return replace(
            taken,
            row_of={key: row for row, key in enumerate(zip(taken.items, taken.sites, strict=True))},
            inbound=replace(kept, series=place[kept.series]),
            inputs=self.inputs.take(rows),
            rules=self.rules.take(rows),
        )

    @classmethod
    def join(cls, parts: Sequence[NetworkArrays]) -> NetworkArrays:
        """Parts of one network end to end."""
        joined = join_rows(parts, besides=_NESTED)
        starts = np.cumsum([0, *(part.rows for part in parts[:-1])])
        inbound = [
            replace(part.inbound, series=part.inbound.series + start)
            for part, start in zip(parts, starts.tolist(), strict=True)
        ]
        return replace(
            joined,
            row_of={key: row for row, key in enumerate(zip(joined.items, joined.sites, strict=True))},
            inbound=join_rows(inbound),
            inputs=ForecastInputs.join([part.inputs for part in parts]),
            rules=RuleRows.join([part.rules for part in parts]),
        )

    @cached_property
    def margin(self) -> FloatArray:
        """Price less cost, never negative; half the cost where no price is known."""
        return np.where(np.isnan(self.price), 0.5 * self.cost, np.maximum(self.price - self.cost, 0.0))

    @cached_property
    def holding_per_day(self) -> FloatArray:
        """Cost of keeping one unit one day."""
        return self.cost * self.holding_rate / 365.0


def build_arrays(
    snapshot: Snapshot,
    ledger: pl.DataFrame,
    shared: SharedFacts,
    *,
    horizon_days: int,
    committed: Sequence[ProposalLine] = (),
    places: pl.DataFrame | None = None,
) -> NetworkArrays:
    """Arrays of a snapshot as the ledger sees it.

    Parameters
    ----------
    ledger
        Rows with reservations; stock the ledger does not hold counts as none.
    shared
        Facts of at least the items of the snapshot, from the whole network.
    committed
        Lines of live proposals, and of posted ones the feeds do not show yet: on order at their destination.
    places
        Columns ``item`` and ``site``: the only rows wanted; all that are planned when omitted.
    """
    today = snapshot.as_of.date()
    planned = shared.targets.over(_planned(snapshot, places))
    items, sites = tuple(planned["item"].to_list()), tuple(planned["site"].to_list())
    row_of = {key: row for row, key in enumerate(zip(items, sites, strict=True))}
    at = planned.select("item", "site").with_row_index("row")
    stock = _stock(ledger, at)
    commitments = _commitments(snapshot, planned, at)
    standstill = _standstill(snapshot, at, today, horizon_days)
    history, promoted = _history(snapshot, planned)
    inputs = forecast_inputs(snapshot, planned, shared, promoted)
    return NetworkArrays(
        today=today,
        items=items,
        sites=sites,
        row_of=row_of,
        history=history,
        on_hand=stock[0],
        allocated=stock[1],
        free=stock[0] - stock[1] - stock[2],
        cost=floats_of(planned, "cost"),
        price=floats_of(planned, "price"),
        holding_rate=floats_of(planned, "holding_rate_per_year"),
        service_target=floats_of(planned, "service_target"),
        fill_rate_target=floats_of(planned, "fill_rate_target"),
        review_days=floats_of(planned, "review_period_days"),
        safety_stock=np.array([SAFETY_STOCK.index(name) for name in planned["safety_stock"]], dtype=np.int64),
        floor_days=floats_of(planned, "floor_days"),
        floor_units=floats_of(planned, "floor_units"),
        minimum_days=floats_of(planned, "minimum_days"),
        minimum_units=floats_of(planned, "minimum_units"),
        maximum_units=floats_of(planned, "maximum_units"),
        erp_reorder_point=floats_of(planned, "reorder_point"),
        item_class=_classes(planned["flags"]),
        supplier=tuple(planned["supplier"].fill_null("").to_list()),
        source_site=tuple(planned["source_site"].fill_null("").to_list()),
        group=shared.lead_times.numbers(planned),
        source_transit_days=floats_of(planned, "transit_days"),
        source_transit_sd=floats_of(planned, "transit_sd_days"),
        minimum_order=floats_of(planned, "minimum_order_quantity", 1.0),
        order_multiple=np.maximum(floats_of(planned, "order_multiple", 1.0), 1.0),
        purchase_price=floats_of(planned, "purchase_price"),
        order_cost=floats_of(planned, "order_cost", 0.0),
        expedite_days=floats_of(planned, "expedite_lead_time_days"),
        expedite_factor=floats_of(planned, "expedite_price_factor", 1.0),
        expedite_cost=floats_of(planned, "expedite_fixed_cost", 0.0),
        committed_units=commitments[0],
        commitment_penalty=commitments[1],
        customer_tier=commitments[2],
        standstill_per_day=standstill[0],
        standstill_day=standstill[1],
        known_demand=_known_demand(inputs, len(items), horizon_days),
        planner=tuple(planned["planner"].fill_null("").to_list()),
        launch_age_days=days_of(today - planned["launch_date"]),
        inbound=_inbound(snapshot, at, row_of, shared.lead_times, today, committed),
        horizon_days=horizon_days,
        inputs=inputs,
        rules=RuleRows.of(shared.rules, snapshot, planned, today),
    )


def frame_of_places(places: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Item-sites as a frame with columns ``item`` and ``site``."""
    return pl.DataFrame(list(places), schema={"item": pl.String, "site": pl.String}, orient="row")


def _classes(flags: pl.Series) -> tuple[str, ...]:
    """Item class of each row; the few texts there are get read once."""
    known = {text: class_of(text) for text in flags.unique().to_list()}
    return tuple(known[text] for text in flags.to_list())


def class_of(flags: str | None) -> str:
    """Class of an item by its flags: the first that counts, in the order of `FLAGS`."""
    present = set((flags or "").replace(";", ",").replace("|", ",").replace(" ", "").split(","))
    return next((flag for flag in FLAGS if flag in present), "standard")


def _row_numbers(frame: pl.DataFrame, places: pl.DataFrame, site: str = "site") -> IntArray:
    """Row of each line's item and site, -1 where it is not planned there."""
    found = frame.select("item", pl.col(site).alias("site")).join(
        places, on=["item", "site"], how="left", maintain_order="left"
    )
    return found["row"].cast(pl.Int64).fill_null(-1).to_numpy()


def _planned(snapshot: Snapshot, places: pl.DataFrame | None) -> pl.DataFrame:
    """One row per item-site with the item's, site's, supplier's and source lane's columns."""
    sites = snapshot.table("sites").select("site", "region", "holding_rate_per_year")
    items = snapshot.table("items").select(
        "item", "family", "cost", "price", "flags", "launch_date", "end_of_life_date"
    )
    known_sites = set(sites["site"])
    plan = snapshot.table("item_sites").sort("item", "site")
    if places is not None:
        plan = plan.join(places, on=["item", "site"], how="semi", maintain_order="left")
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


def _history(snapshot: Snapshot, planned: pl.DataFrame) -> tuple[NDArray[np.float32], BoolArray]:
    """Demand of each row, NaN where unknown or sold out, and whether a promotion ran."""
    demand = snapshot.demand()
    at = demand.keys.with_row_index("row")
    index = _row_numbers(planned, at)
    history = np.full((len(planned), demand.weekly.shape[1]), np.nan, dtype=np.float32)
    found = index >= 0
    history[found] = demand.weekly[index[found]]
    censored, promoted = np.zeros(history.shape, dtype=np.bool_), np.zeros(history.shape, dtype=np.bool_)
    censored[found] = demand.censored[index[found]]
    promoted[found] = demand.promotion[index[found]]
    history[censored] = np.nan
    return history, promoted


def _stock(ledger: pl.DataFrame, places: pl.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Units on hand, allocated, and promised, in flight or frozen, of each row."""
    row = _row_numbers(ledger, places)
    known = row >= 0
    promised = floats_of(ledger, "reserved") + floats_of(ledger, "in_flight") + floats_of(ledger, "frozen")
    columns = (floats_of(ledger, "on_hand"), floats_of(ledger, "allocated"), promised)
    on_hand, allocated, held = (
        np.bincount(row[known], column[known], places.height).astype(np.float64) for column in columns
    )
    return on_hand, allocated, held


def _inbound(
    snapshot: Snapshot,
    places: pl.DataFrame,
    row_of: dict[tuple[str, str], int],
    lead_times: LeadTimes,
    today: date,
    committed: Sequence[ProposalLine],
) -> Inbound:
    orders = snapshot.table("purchase_orders").filter(pl.col("status") == "open").sort("order_id", "line")
    moves = snapshot.table("transfers").filter(pl.col("status").is_in(["open", "in_transit"]))
    moves = moves.sort("transfer_id", "line")
    lines = [line for line in committed if (line.item, line.destination) in row_of and line.quantity > 0]
    # Transfers and lines of our own have neither a lead-time law nor a supplier.
    others = len(moves) + len(lines)
    left = _still_to_come(pl.concat([orders.select(*_UNITS), moves.select(*_UNITS)]))
    series = np.concatenate([_row_numbers(orders, places), _row_numbers(moves, places, "destination")])
    coming = np.concatenate([(series >= 0) & (left > 0.0), np.ones(len(lines), dtype=np.bool_)])
    promised = pl.concat([orders["promised_date"], moves["expected_date"].alias("promised_date")]) - today
    references = orders["order_id"].to_list() + moves["transfer_id"].to_list()
    references += [line.order_id or OUR_LINE for line in lines]
    suppliers = orders["supplier"].to_list() + [""] * others
    return Inbound(
        series=np.concatenate([series, _integers(row_of[(line.item, line.destination)] for line in lines)])[coming],
        quantity=np.concatenate([left, _integers(line.quantity for line in lines)])[coming].astype(np.float64),
        promised_day=np.concatenate([days_of(promised), _integers((line.arrive_on - today).days for line in lines)])[
            coming
        ],
        age_days=np.concatenate([np.maximum(days_of(today - orders["ordered_date"]), 0), np.zeros(others, np.int64)])[
            coming
        ],
        group=np.concatenate([lead_times.numbers(orders), np.full(others, -1)])[coming],
        supplier=tuple(compress(suppliers, coming)),
        reference=tuple(compress(references, coming)),
    )


_UNITS = ("quantity", "received_quantity")


def _still_to_come(lines: pl.DataFrame) -> FloatArray:
    return floats_of(lines, "quantity") - floats_of(lines, "received_quantity", 0.0)


def _integers(values: Iterable[int]) -> IntArray:
    return np.array(list(values), dtype=np.int64)


_TIERS = ("standard", "key", "strategic")


def _commitments(
    snapshot: Snapshot, planned: pl.DataFrame, places: pl.DataFrame
) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    units, penalty, tier = np.zeros(len(places)), np.zeros(len(places)), np.zeros(len(places), dtype=np.int64)
    promised = snapshot.table("commitments").join(snapshot.table("customers"), on="customer", how="left")
    today = snapshot.as_of.date()
    promised = promised.filter(pl.col("until").is_null() | (pl.col("until") >= today)).sort("customer", "item", "site")
    row = _row_numbers(promised, places)
    known = row >= 0
    row = row[known]
    np.add.at(units, row, floats_of(promised, "protected_quantity")[known])
    owed = floats_of(promised, "penalty_share", 0.0)[known] * floats_of(planned, "price")[row]
    np.fmax.at(penalty, row, owed)
    rank = promised["tier"].fill_null(_TIERS[0]).replace_strict(list(_TIERS), range(len(_TIERS)), return_dtype=pl.Int64)
    np.maximum.at(tier, row, rank.to_numpy()[known])
    return units, penalty, tuple(_TIERS[place] for place in tier.tolist())


def _component_needs(snapshot: Snapshot) -> pl.DataFrame:
    """Components of unfinished production orders at the plant that makes them."""
    orders = snapshot.table("production_orders").filter(pl.col("status") != "finished")
    return orders.join(snapshot.table("boms"), on=["product", "site"], how="inner")


def _standstill(
    snapshot: Snapshot, places: pl.DataFrame, today: date, horizon_days: int
) -> tuple[FloatArray, IntArray]:
    cost, day = np.zeros(len(places)), np.full(len(places), -1, dtype=np.int64)
    per_day = snapshot.table("sites").select("site", "standstill_cost_per_day")
    needs = _component_needs(snapshot).join(per_day, on="site", how="left").sort("start_date", "order_id")
    row, start = _row_numbers(needs, places), days_of(needs["start_date"] - today)
    soon = np.flatnonzero((row >= 0) & (start >= 0) & (start < horizon_days))[::-1]
    # From the last to the first, so that the first need of a row is the one that stays.
    cost[row[soon]], day[row[soon]] = floats_of(needs, "standstill_cost_per_day", 0.0)[soon], start[soon]
    return cost, day


def _known_demand(inputs: ForecastInputs, rows: int, horizon_days: int) -> FloatArray:
    known = inputs.known.in_buckets(series=rows, first_day=0, buckets=horizon_days, days_per_bucket=1)
    return known.part + known.added


def age_hours(as_of: datetime, now: datetime) -> float:
    """Hours between two moments, never negative."""
    return max((now - as_of).total_seconds() / 3600.0, 0.0)
