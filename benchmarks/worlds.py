"""Synthetic networks of any size, straight as the tables a snapshot holds: same seed and size, same world.

Rules
-----
1. One distribution centre buys from suppliers and feeds the stores; every item is planned at every site. Stores also
   send to stores near them, both ways: one on each side where there are ten sites, as many as asked for otherwise.
2. Six in ten item-sites sell every week (Poisson), four in ten now and then (a coin, then a geometric size).
3. Stock lies between a reorder point and an order-up-to level. About one item-site in a hundred is in trouble: most of
   those are nearly empty, the others hold years of stock. A few suppliers are late with everything they owe.
4. A world may have tight lanes: so many lanes between stores carry only a few units a day, and items meet there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from inventory.contract import table
from inventory.stored_tables import HISTORY_WEEKS, empty_table, history_weeks, stored_schema

AS_OF = datetime(2024, 4, 8, 6, 0, tzinfo=UTC)
TODAY = AS_OF.date()
EMPTY_SHARE, FULL_SHARE = 0.012, 0.003
"""Share of item-sites that are nearly empty, and of those that hold years of stock."""
SUPPLIER_ITEMS, LATE_SUPPLIERS = 100, 0.02
"""Items a supplier sells, and the share of suppliers that are late."""
PAST_ORDERS = 6
"""Received orders per item."""
SUPPLIER_DAYS, LANE_DAYS, REVIEW_DAYS = 21, 3, 7
ITEMS_PER_PLANNER = 250

BLOCK = 2_000
"""Items drawn at once, so that memory does not grow with the network."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """What kind of network it is, beside its size."""

    sites: int = 10
    neighbours: int = 1
    """Stores on each side a store exchanges goods with."""
    empty_share: float = EMPTY_SHARE
    tight_lanes: int = 0
    tight_capacity: int = 0
    """Units a day a tight lane carries; other lanes have no limit."""

    @property
    def names(self) -> list[str]:
        """Ids of the sites, the centre first."""
        width = len(str(self.sites - 1))
        return ["DC-0"] + [f"ST-{number:0{width}d}" for number in range(1, self.sites)]


FIFTY_SITES = Shape(sites=50, neighbours=3, empty_share=0.035, tight_lanes=12, tight_capacity=60)
"""The network of the 400,000: a lane from the centre and six between stores for each, 2 % of item-sites short.

Of its 8,000 items some 300 meet on the tight lanes, each of which carries half of what they would send: they are those
decided jointly. With 21 tight lanes some 500 meet there, and some 300 are still sent over one in the end.
"""


@dataclass(frozen=True)
class _Plan:
    """The item-sites of a world, sorted by item and site, shape ``(n,)`` throughout."""

    shape: Shape
    item: Integers
    site: Integers
    weekly: Floats
    """Mean demand, units a week."""
    sd: Floats
    """Its standard deviation."""

    @property
    def names(self) -> dict[str, list[str]]:
        """Columns ``item`` and ``site``."""
        sites = self.shape.names
        return {"item": item_names(self.item), "site": [sites[site] for site in self.site]}

    @property
    def bought(self) -> NDArray[np.bool_]:
        """Rows a supplier replenishes; the others draw on the distribution centre."""
        at_the_centre: NDArray[np.bool_] = self.site == 0
        return at_the_centre

    def reorder_point(self) -> Floats:
        """Mean over the protected weeks and two standard deviations."""
        weeks = (np.where(self.bought, SUPPLIER_DAYS, LANE_DAYS + 1) + REVIEW_DAYS) / 7.0
        return np.asarray(np.ceil(self.weekly * weeks + 2.0 * self.sd * np.sqrt(weeks)))


def item_names(numbers: Integers) -> list[str]:
    """Ids of items, in the order of their numbers."""
    return [f"IT-{number:06d}" for number in numbers]


def network(item_sites: int, *, shape: Shape = Shape(), seed: int = 20240408) -> dict[str, pl.DataFrame]:
    """Stored tables of a network of that many item-sites, rounded up to whole items."""
    generator = np.random.Generator(np.random.PCG64(seed))
    items = -(-item_sites // shape.sites)
    history, plan = _demand(items, shape, generator)
    cost = np.round(generator.lognormal(2.5, 0.8, items) + 0.5, 2)
    stock = _stock(plan, generator)
    return {
        "sites": _frame("sites", site=shape.names, name=shape.names, kind=["dc"] + ["store"] * (shape.sites - 1)),
        "items": _items(cost, generator),
        "suppliers": _suppliers(items),
        "supplier_items": _terms(cost),
        "item_sites": _item_sites(plan),
        "lanes": _lanes(shape),
        "stock": _frame("stock", **plan.names, on_hand=stock, as_of=AS_OF),
        "demand": history,
        "purchase_orders": _orders(plan, generator),
        "transfers": _transfers(plan, generator),
    }


def demand_rows(demand: pl.DataFrame) -> pl.DataFrame:
    """The weekly lists as the rows a feed delivers, weeks without a sale included."""
    weeks = pl.Series("date", history_weeks(AS_OF))
    return (
        demand.select("item", "site", quantity=pl.col("weekly").arr.to_list())
        .explode("quantity")
        .with_columns(
            pl.col("quantity").cast(pl.Int64),
            date=pl.concat([weeks] * demand.height) if demand.height else weeks.clear(),
        )
    )


def _frame(name_of_table: str, **columns: object) -> pl.DataFrame:
    """A stored table from columns and constants; what is not named has the contract's default."""
    schema = stored_schema(name_of_table)
    constants = {column.name: column.default for column in table(name_of_table).columns} | columns
    long = {name: values for name, values in columns.items() if isinstance(values, list | np.ndarray | pl.Series)}
    rows = len(next(iter(long.values())))
    frame = pl.DataFrame({name: pl.Series(name, values).cast(schema[name]) for name, values in long.items()})
    constant = [pl.lit(constants[name]).cast(kind).alias(name) for name, kind in schema.items() if name not in long]
    return frame.with_columns(constant).select(schema.names()) if rows else empty_table(name_of_table)


def _demand(items: int, shape: Shape, generator: np.random.Generator) -> tuple[pl.DataFrame, _Plan]:
    """Weekly history and the moments it was drawn from, a block of items at a time."""
    blocks = [_block(min(BLOCK, items - start), shape, generator) for start in range(0, items, BLOCK)]
    units = [block["weekly"].to_numpy() for block in blocks]
    item, site = np.divmod(np.arange(items * shape.sites), shape.sites)
    mean, sd = (
        np.concatenate([moment(block, axis=1, dtype=np.float64) for block in units]) for moment in (np.mean, np.std)
    )
    plan = _Plan(shape, item, site, mean, sd)
    names = pl.DataFrame(plan.names, schema={"item": pl.String(), "site": pl.String()})
    return pl.concat([names, pl.concat(blocks)], how="horizontal"), plan


def _block(items: int, shape: Shape, generator: np.random.Generator) -> pl.DataFrame:
    """The lists of some items' demand, item by item."""
    n = items * shape.sites
    weekly = generator.lognormal(1.2, 0.9, n)
    weekly[:: shape.sites] *= 4.0
    often = generator.random(n) < 0.6
    chance = np.where(often, 1.0, generator.uniform(0.1, 0.4, n))
    size = np.where(often, weekly, 1.0 + weekly / 2.0)
    weeks = (n, HISTORY_WEEKS)
    units = generator.poisson(weekly[:, None], weeks)
    lumps = (generator.random(weeks) < chance[:, None]) * generator.geometric(1.0 / size.clip(1.0)[:, None], weeks)
    quiet = np.zeros(weeks, dtype=np.bool_)
    columns = {
        "weekly": np.where(often[:, None], units, lumps).astype(np.float32), "promotion": quiet, "censored": quiet
    }  # fmt: skip
    schema = stored_schema("demand")
    return pl.DataFrame([pl.Series(name, values, schema[name]) for name, values in columns.items()])


def _stock(plan: _Plan, generator: np.random.Generator) -> Integers:
    level, n = plan.reorder_point(), len(plan.item)
    stock = np.ceil(level + generator.uniform(0.1, 0.9, n) * np.maximum(plan.weekly, 1.0))
    fate = generator.random(n)
    stock = np.where(fate < plan.shape.empty_share, np.floor(generator.uniform(0.0, 0.5, n) * plan.weekly), stock)
    full = fate > 1.0 - FULL_SHARE
    return np.where(full, np.ceil(150.0 * plan.weekly) + 40.0, stock).astype(np.int64)


def _items(cost: Floats, generator: np.random.Generator) -> pl.DataFrame:
    classes = generator.choice(["", "consumable", "constrained", "regulated"], len(cost), p=[0.7, 0.2, 0.06, 0.04])
    names = item_names(np.arange(len(cost)))
    return _frame(
        "items", item=names, name=names, cost=cost, price=np.round(cost * 1.7, 2),
        flags=classes.tolist(), launch_date=date(2020, 1, 6),
    )  # fmt: skip


def _supplier_of(items: Integers) -> list[str]:
    return [f"SUP-{number // SUPPLIER_ITEMS:04d}" for number in items]


def _suppliers(items: int) -> pl.DataFrame:
    names = sorted(set(_supplier_of(np.arange(items))))
    return _frame("suppliers", supplier=names, name=names)


def _terms(cost: Floats) -> pl.DataFrame:
    items = np.arange(len(cost))
    return _frame(
        "supplier_items", supplier=_supplier_of(items), item=item_names(items), price=cost,
        minimum_order_quantity=10, order_multiple=5, contract_lead_time_days=SUPPLIER_DAYS, order_cost=20.0,
        expedite_lead_time_days=7, expedite_price_factor=1.3, expedite_fixed_cost=50.0,
    )  # fmt: skip


def _item_sites(plan: _Plan) -> pl.DataFrame:
    level = plan.reorder_point()
    suppliers = _supplier_of(plan.item)
    return _frame(
        "item_sites", **plan.names, reorder_point=level, order_up_to_level=level + np.ceil(plan.weekly),
        service_target=0.95, review_period_days=REVIEW_DAYS,
        source=[supplier if site == 0 else "DC-0" for supplier, site in zip(suppliers, plan.site, strict=True)],
        planner=[f"planner-{item // ITEMS_PER_PLANNER}" for item in plan.item],
    )  # fmt: skip


def _lanes(shape: Shape) -> pl.DataFrame:
    """From the distribution centre to every store, and between stores that are near each other, both ways."""
    stores = shape.names[1:]
    between = [
        way
        for step in range(1, shape.neighbours + 1)
        for a, b in zip(stores, stores[step:], strict=False)
        for way in ((a, b), (b, a))
    ]
    ways = [(shape.names[0], store) for store in stores] + between
    tight = {ways[len(stores) + place * len(between) // shape.tight_lanes] for place in range(shape.tight_lanes)}
    capacity = pl.Series([shape.tight_capacity if way in tight else None for way in ways], dtype=pl.Int64)
    return _frame(
        "lanes", origin=[a for a, _ in ways], destination=[b for _, b in ways], mode="truck",
        transit_days=float(LANE_DAYS), transit_sd_days=0.7, unit_cost=0.4, fixed_cost=8.0, lot_multiple=1,
        calendar="1234567", capacity_per_day=capacity,
    )  # fmt: skip


def _days(offsets: Integers) -> list[date]:
    return [TODAY + timedelta(days=offset) for offset in offsets.tolist()]


def _orders(plan: _Plan, generator: np.random.Generator) -> pl.DataFrame:
    """Received orders of every item, and an open one for a quarter of the items; a late supplier's are overdue."""
    items = plan.item[plan.bought]
    weekly = plan.weekly[plan.bought]
    past = np.repeat(items, PAST_ORDERS)
    ordered = -np.tile(40 + 30 * np.arange(PAST_ORDERS), len(items))
    took = np.maximum(np.rint(generator.normal(SUPPLIER_DAYS, 3.0, len(past))), 3).astype(np.int64)
    waiting = np.flatnonzero(generator.random(len(items)) < 0.25)
    age = generator.integers(1, SUPPLIER_DAYS, len(waiting))
    suppliers = len(set(_supplier_of(items)))
    late = np.flatnonzero(generator.random(suppliers) < LATE_SUPPLIERS)
    overdue = np.isin(items[waiting] // SUPPLIER_ITEMS, late)
    age = np.where(overdue, SUPPLIER_DAYS + 6, age)
    open_items = items[waiting]
    received = _frame(
        "purchase_orders", order_id=[f"PO-{number:07d}" for number in range(len(past))], line=1,
        supplier=_supplier_of(past), item=item_names(past), site="DC-0", ordered_date=_days(ordered),
        promised_date=_days(ordered + SUPPLIER_DAYS), received_date=_days(ordered + took), quantity=50,
        received_quantity=50, status="received",
    )  # fmt: skip
    still_open = _frame(
        "purchase_orders", order_id=[f"PX-{number:07d}" for number in range(len(open_items))], line=1,
        supplier=_supplier_of(open_items), item=item_names(open_items), site="DC-0", ordered_date=_days(-age),
        promised_date=_days(SUPPLIER_DAYS - age), quantity=np.ceil(3.0 * weekly[waiting]) + 1.0, received_quantity=0,
        status="open",
    )  # fmt: skip
    return pl.concat([received, still_open])


def _transfers(plan: _Plan, generator: np.random.Generator) -> pl.DataFrame:
    """One store in twenty has something on its way from the distribution centre."""
    sites = plan.shape.names
    moving = np.flatnonzero(~plan.bought & (generator.random(len(plan.item)) < 0.05))
    return _frame(
        "transfers", transfer_id=[f"TR-{number:07d}" for number in range(len(moving))], line=1,
        item=item_names(plan.item[moving]), origin="DC-0", destination=[sites[site] for site in plan.site[moving]],
        mode="truck", shipped_date=TODAY - timedelta(days=1), expected_date=TODAY + timedelta(days=2),
        quantity=np.ceil(plan.weekly[moving]) + 1.0, received_quantity=0, status="in_transit",
    )  # fmt: skip
