"""A generated world with troubles put into it by name, lived through day by day, and looked at as a sweep would.

Rules
-----
1. Every item-site buys from a supplier whose lead times have a known law, reviews on Mondays and orders up to a level
   that hardly ever runs out. In the clean world nothing else happens.
2. Troubles are put on item-sites, suppliers and sites of their own, each from a day of its own. Nobody acts on what is
   found, so what becomes of a trouble is seen: a true stockout is demand that was not met.
3. Day ``t`` is looked at in the morning: receipts are in, its demand is not. Equal seeds give equal worlds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from inventory.contract import table
from inventory.snapshots import Manifest, Snapshot
from inventory.stored_tables import HISTORY_WEEKS, empty_table, history_weeks, stored_schema

START = datetime(2023, 1, 2, 6, 0, tzinfo=UTC)
"""A Monday: day 0."""
SITES = ("DC-1", "DC-2", "ST-1", "ST-2", "ST-3", "ST-4", "ST-5", "ST-6")
ITEMS_PER_SUPPLIER = 10
PAST_DAYS = 7 * HISTORY_WEEKS
"""Days of demand before day 0."""
SETTLE_DAYS, TAIL_DAYS = 182, 45
"""Days lived before the first look, and after the last, in which the end of what was predicted is seen."""
REVIEW_DAYS = 7
SAFETY = 3.7
"""Standard deviations of demand in lead time and review that the ordering protects."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Troubles:
    """What is put into the world, as shares of the item-sites or as numbers."""

    blocked: float = 0.03
    surge: float = 0.02
    drop: float = 0.02
    phantom: float = 0.015
    miscounted: float = 0.015
    excess: float = 0.02
    expiring: float = 0.015
    biased: float = 0.02
    duplicated: float = 0.01
    late_suppliers: int = 2
    drifting_suppliers: int = 1
    dying_items: int = 4
    stale_feeds: int = 3
    silent_sites: int = 1


CLEAN = Troubles(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass
class Truth:
    """Which trouble sits where and since which day; -1 where there is none."""

    since: dict[str, Ints]
    """Per kind of trouble on item-sites, shape ``(n,)``."""
    late_supplier: dict[int, int] = field(default_factory=dict)
    drifting_supplier: dict[int, int] = field(default_factory=dict)
    stale: dict[tuple[str, str], int] = field(default_factory=dict)
    silent: dict[str, int] = field(default_factory=dict)


@dataclass
class Orders:
    """Purchase orders, a column each."""

    row: list[int] = field(default_factory=list)
    placed: list[int] = field(default_factory=list)
    promised: list[int] = field(default_factory=list)
    arrives: list[int] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    twice: list[bool] = field(default_factory=list)


class InMemory(Snapshot):
    """A snapshot whose tables are at hand."""

    def __init__(self, as_of: datetime, tables: dict[str, pl.DataFrame]) -> None:
        weeks = history_weeks(as_of)
        super().__init__(
            Path(),
            Manifest(
                snapshot_id=f"snap-{as_of:%Y%m%d}", as_of=as_of, parent_id=None, import_id="bench",
                contract_version=1, parts=(), boundaries=(), history_start=weeks[0], history_weeks=len(weeks),
            ),
        )  # fmt: skip
        self.tables = tables

    def _read(self, name: str, parts: object) -> pl.DataFrame:
        return self.tables.get(name, empty_table(name))


class InjectedWorld:
    """The world, lived to its end when it is made.

    Parameters
    ----------
    items
        Items, each planned at eight sites.
    days
        Days on which it can be looked at, ``first_day`` to ``first_day + days - 1``.
    """

    def __init__(self, items: int, days: int, *, seed: int = 7, troubles: Troubles | None = None) -> None:
        self.generator = np.random.Generator(np.random.PCG64(seed))
        self.items, self.days, self.first_day = items, days, SETTLE_DAYS
        self.n, self.last_day = items * len(SITES), SETTLE_DAYS + days + TAIL_DAYS
        self.item, self.site = np.divmod(np.arange(self.n), len(SITES))
        self.suppliers = -(-items // ITEMS_PER_SUPPLIER)
        self.supplier: Ints = self.item // ITEMS_PER_SUPPLIER
        draw = self.generator
        self.weekly = np.clip(draw.lognormal(np.log(9.0), 0.8, self.n), 2.0, 90.0)
        self.cost = np.round(draw.uniform(10.0, 60.0, items), 2)
        self.lead_mean = draw.uniform(12.0, 24.0, self.suppliers)
        self.lead_sd = draw.uniform(1.0, 2.5, self.suppliers)
        self.contract: Ints = np.rint(self.lead_mean + 1.0).astype(np.int64)
        self.truth = self._truth(Troubles() if troubles is None else troubles)
        self.rate = self._rates()
        self.demand: Ints = draw.poisson(self.rate / 7.0)
        protected = self.lead_mean[self.supplier] + REVIEW_DAYS
        mean, spread = self.weekly / 7.0 * protected, self.weekly / 7.0 * self.lead_sd[self.supplier]
        self.reorder_point: Ints = np.ceil(mean + SAFETY * np.sqrt(mean + spread**2) + 1.0).astype(np.int64)
        self.order_up_to: Ints = self.reorder_point + np.ceil(2.0 * self.weekly).astype(np.int64)
        self.orders = Orders()
        self._live()

    # What is put where.

    def _truth(self, troubles: Troubles) -> Truth:
        """Troubles on item-sites of suppliers that are neither late nor drifting, none twice."""
        draw = self.generator
        order = draw.permutation(self.suppliers).tolist()
        late = {number: self._day(10, 25) for number in order[: troubles.late_suppliers]}
        drifting = order[troubles.late_suppliers :][: troubles.drifting_suppliers]
        troubled = np.isin(self.supplier, [*late, *drifting])
        since = {}
        items = draw.permutation(np.unique(self.item[~troubled]))[: troubles.dying_items]
        since["dying"] = np.where(np.isin(self.item, items), self.first_day, -1)
        free = draw.permutation(np.flatnonzero(~troubled & (since["dying"] < 0)))
        for name in ("blocked", "surge", "drop", "phantom", "miscounted", "excess", "expiring", "biased", "duplicated"):
            count = min(int(np.ceil(getattr(troubles, name) * self.n)), free.size)
            rows, free = free[:count], free[count:]
            since[name] = np.full(self.n, -1, dtype=np.int64)
            since[name][rows] = self.first_day + draw.integers(1, 22, count)
        since["biased"] = np.where(since["biased"] >= 0, 0, -1)
        feeds = [(feed, site) for feed in ("stock", "demand", "purchase_orders") for site in SITES]
        stale = [feeds[place] for place in draw.permutation(len(feeds))[: troubles.stale_feeds].tolist()]
        silent = [SITES[place] for place in draw.permutation(len(SITES))[: troubles.silent_sites].tolist()]
        return Truth(
            since=since,
            late_supplier=late,
            drifting_supplier=dict.fromkeys(drifting, self.first_day - 14),
            stale={place: self._day(5, 20) for place in stale},
            silent={site: self.first_day + 7 for site in silent},
        )

    def _day(self, low: int, high: int) -> int:
        return self.first_day + int(self.generator.integers(low, high))

    def _rates(self) -> Floats:
        """Mean weekly demand by day, shape ``(n, days)``, from ``PAST_DAYS`` before day 0."""
        days = np.arange(-PAST_DAYS, self.last_day)
        rate = np.repeat(self.weekly[:, None], days.size, axis=1)
        for name, factor in (("surge", 2.5), ("drop", 0.3), ("dying", 0.0)):
            since = self.truth.since[name]
            rate[(since[:, None] >= 0) & (days >= since[:, None])] *= factor
        return rate

    # Day by day.

    def _live(self) -> None:
        n, since = self.n, self.truth.since
        stock = self.generator.integers(self.reorder_point // 2, self.reorder_point + 1)
        ghost, due = np.zeros(n, np.int64), np.zeros((n, self.last_day + 200), np.int64)
        self.book, self.sold, self.lost = (np.zeros((n, self.last_day), np.int64) for _ in range(3))
        self.on_order = np.zeros((n, self.last_day), np.int64)
        coming = np.zeros(n, np.int64)
        for day in range(self.last_day):
            stock += due[:, day]
            coming -= due[:, day]
            self._delay(day, due)
            for name, weeks in (("excess", 60.0), ("expiring", 16.0)):
                here = since[name] == day
                stock[here] += np.ceil(weeks * self.weekly[here]).astype(np.int64)
            gone = (since["phantom"] >= 0) & (day >= since["phantom"]) & (ghost == 0) & (coming == 0) & (stock > 0)
            ghost[gone], stock[gone] = stock[gone], 0
            self.book[:, day], self.on_order[:, day] = stock + ghost, coming
            wanted = self.demand[:, PAST_DAYS + day]
            self.sold[:, day] = np.minimum(stock, wanted)
            self.lost[:, day] = wanted - self.sold[:, day]
            stock = stock - self.sold[:, day]
            if day % REVIEW_DAYS == 0:
                self._order(day, stock + ghost + coming, coming, due)
        for name in ("phantom",):
            started = (since[name] >= 0) & (ghost == 0)
            since[name][started] = -1

    def _order(self, day: int, position: Ints, coming: Ints, due: Ints) -> None:
        stopped = np.zeros(self.n, np.bool_)
        for name in ("blocked", "phantom", "expiring"):
            stopped |= (self.truth.since[name] >= 0) & (day >= self.truth.since[name])
        rows = np.flatnonzero((position < self.reorder_point) & ~stopped)
        who = self.supplier[rows]
        took = np.maximum(np.rint(self.generator.normal(self.lead_mean[who], self.lead_sd[who])), 2).astype(np.int64)
        for number, from_day in self.truth.drifting_supplier.items():
            took[(who == number) & (day >= from_day)] += 8
        for number, from_day in self.truth.late_supplier.items():
            took[(who == number) & (from_day <= day < from_day + 28)] += 18
        quantity = (self.order_up_to - position)[rows]
        coming[rows] += quantity
        due[rows, day + took] += quantity
        doubled = self.truth.since["duplicated"]
        self.orders.row += rows.tolist()
        self.orders.placed += [day] * rows.size
        self.orders.promised += (day + self.contract[who]).tolist()
        self.orders.arrives += (day + took).tolist()
        self.orders.quantity += quantity.tolist()
        self.orders.twice += ((doubled[rows] >= 0) & (day >= doubled[rows])).tolist()

    def _delay(self, day: int, due: Ints) -> None:
        """What a late supplier owes comes 18 days later from the day it begins."""
        for number, from_day in self.truth.late_supplier.items():
            if day != from_day:
                continue
            rows = np.flatnonzero(self.supplier == number)
            late = due[rows, day + 1 :].copy()
            due[rows, day + 1 :] = 0
            due[rows, day + 19 :] += late[:, :-18]
            mine = set(rows.tolist())
            for place, row in enumerate(self.orders.row):
                if row in mine and self.orders.arrives[place] > day:
                    self.orders.arrives[place] += 18

    # What a sweep sees.

    @property
    def names(self) -> list[tuple[str, str]]:
        """Item and site of each row."""
        return [(f"IT-{item:05d}", SITES[site]) for item, site in zip(self.item, self.site, strict=True)]

    def supplier_name(self, number: int) -> str:
        """Id of a supplier."""
        return f"SUP-{number:03d}"

    def looks(self, every: int = 1) -> Iterator[int]:
        """Days to look at."""
        return iter(range(self.first_day, self.first_day + self.days, every))

    def snapshot(self, day: int) -> InMemory:
        """The facts as they stand in the morning of a day."""
        as_of = START + timedelta(days=day)
        items, sites = ([name[place] for name in self.names] for place in (0, 1))
        ids = [f"IT-{item:05d}" for item in range(self.items)]
        suppliers = [self.supplier_name(number) for number in range(self.suppliers)]
        of_item = [self.supplier_name(number // ITEMS_PER_SUPPLIER) for number in range(self.items)]
        kinds = ["dc" if site.startswith("DC") else "store" for site in SITES]
        tables = {
            "sites": frame("sites", site=list(SITES), name=list(SITES), kind=kinds),
            "items": frame("items", item=ids, name=ids, cost=self.cost, price=np.round(1.7 * self.cost, 2)),
            "suppliers": frame("suppliers", supplier=suppliers, name=suppliers),
            "supplier_items": frame(
                "supplier_items", supplier=of_item, item=ids, price=self.cost,
                contract_lead_time_days=np.repeat(self.contract, ITEMS_PER_SUPPLIER)[: self.items],
            ),
            "item_sites": frame(
                "item_sites", item=items, site=sites, reorder_point=self.reorder_point,
                order_up_to_level=self.order_up_to, source=[of_item[item] for item in self.item],
            ),
            "stock": self._stock(day, as_of, items, sites),
            "demand": self._history(day, items, sites),
            "demand_recent": self._recent(day, as_of, items, sites),
            "purchase_orders": self._purchase_orders(day, items, sites),
            "feeds": self._feeds(day, as_of),
        }  # fmt: skip
        return InMemory(as_of, tables)

    def ledger(self, snapshot: Snapshot) -> pl.DataFrame:
        """The stock ledger of a snapshot, nothing promised."""
        stock = snapshot.table("stock").filter(pl.col("source") == "erp")
        nothing = [pl.lit(0, pl.Int64).alias(name) for name in ("protect", "reserved", "in_flight", "frozen")]
        return stock.select("item", "site", "lot", "on_hand", "allocated", *nothing)

    def forecast(self, weeks: int = 26) -> Floats:
        """One-step-ahead forecasts: what is known of each row's demand, half too much where they are biased."""
        factor = np.where(self.truth.since["biased"] >= 0, 1.5, 1.0)
        return np.repeat((self.weekly * factor)[:, None], weeks, axis=1)

    def _stock(self, day: int, as_of: datetime, items: list[str], sites: list[str]) -> pl.DataFrame:
        expiring = self.truth.since["expiring"]
        lots = (expiring >= 0) & (day >= expiring)
        until = [
            START.date() + timedelta(days=int(since) + 60) if lot else None
            for since, lot in zip(expiring, lots, strict=True)
        ]
        book = frame(
            "stock", item=items, site=sites, on_hand=self.book[:, day], lot=["L1" if lot else "" for lot in lots],
            expiry=until, as_of=as_of,
        )  # fmt: skip
        wrong = self.truth.since["miscounted"]
        counted = np.flatnonzero((wrong >= 0) & (day >= wrong))
        count = frame(
            "stock", item=[items[row] for row in counted], site=[sites[row] for row in counted], source="wms",
            on_hand=np.floor(0.7 * self.book[counted, day]), as_of=as_of,
        )  # fmt: skip
        right = np.flatnonzero(np.arange(self.n) % 10 == 0)
        right = right[~np.isin(right, counted)]
        sound = frame(
            "stock", item=[items[row] for row in right], site=[sites[row] for row in right], source="wms",
            on_hand=self.book[right, day], as_of=as_of,
        )  # fmt: skip
        return pl.concat([book, count, sound]).sort("item", "site", "lot", "status", "source")

    def _history(self, day: int, items: list[str], sites: list[str]) -> pl.DataFrame:
        """Sales of the complete weeks; a week in which the book was empty is marked."""
        end = day - day % 7
        sold = np.concatenate([self.demand[:, :PAST_DAYS], self.sold[:, :end]], axis=1)[:, -PAST_DAYS:]
        empty = np.concatenate(
            [np.zeros((self.n, PAST_DAYS), np.bool_), self.book[:, :end] <= self.sold[:, :end]], axis=1
        )
        shape = (self.n, HISTORY_WEEKS, 7)
        schema = stored_schema("demand")
        columns = {
            "weekly": sold.reshape(shape).sum(axis=2).astype(np.float32),
            "promotion": np.zeros(shape[:2], np.bool_),
            "censored": empty[:, -PAST_DAYS:].reshape(shape).any(axis=2),
        }
        keys = pl.DataFrame({"item": items, "site": sites})
        return keys.with_columns(pl.Series(name, values, schema[name]) for name, values in columns.items())

    def _recent(self, day: int, as_of: datetime, items: list[str], sites: list[str]) -> pl.DataFrame:
        """Sales by day from the last complete week to yesterday."""
        start = day - day % 7 - 7
        row, since = np.nonzero(self.sold[:, start:day])
        lacking = [site for site, began in self.truth.silent.items() if began <= day < began + 7]
        first = history_weeks(as_of)[-1]
        sold = frame(
            "demand", item=[items[at] for at in row], site=[sites[at] for at in row],
            date=[first + timedelta(days=passed) for passed in since.tolist()],
            quantity=self.sold[row, start + since], rows=True,
        )  # fmt: skip
        return sold.filter(~pl.col("site").is_in(lacking))

    def _purchase_orders(self, day: int, items: list[str], sites: list[str]) -> pl.DataFrame:
        orders = self.orders
        known = [place for place, placed in enumerate(orders.placed) if placed < day]
        known += [place for place in known if orders.twice[place] and orders.arrives[place] > day]
        names = [f"PO-{place:06d}" for place in known]
        seen: set[str] = set()
        ids = []
        for name in names:
            ids.append(f"{name}-B" if name in seen else name)
            seen.add(name)
        row = [orders.row[place] for place in known]
        done = [orders.arrives[place] <= day for place in known]
        quantity = [orders.quantity[place] for place in known]
        first = START.date()
        return frame(
            "purchase_orders", order_id=ids, line=1, quantity=quantity,
            supplier=[self.supplier_name(int(self.supplier[at])) for at in row],
            item=[items[at] for at in row], site=[sites[at] for at in row],
            ordered_date=[first + timedelta(days=orders.placed[place]) for place in known],
            promised_date=[first + timedelta(days=orders.promised[place]) for place in known],
            received_date=[
                first + timedelta(days=orders.arrives[place]) if there else None
                for place, there in zip(known, done, strict=True)
            ],
            received_quantity=[units if there else 0 for units, there in zip(quantity, done, strict=True)],
            status=["received" if there else "open" for there in done],
        ).sort("order_id", "line")  # fmt: skip

    def _feeds(self, day: int, as_of: datetime) -> pl.DataFrame:
        stale = {place: since for place, since in self.truth.stale.items() if since <= day < since + 10}
        places = [(feed, site) for feed in ("stock", "demand", "purchase_orders", "transfers") for site in SITES]
        return frame(
            "feeds", feed=[feed for feed, _ in places], site=[site for _, site in places],
            as_of=[START + timedelta(days=stale[place]) if place in stale else as_of for place in places],
        )  # fmt: skip


def frame(name: str, /, *, rows: bool = False, **columns: object) -> pl.DataFrame:
    """A stored table from columns and constants; what is not named has the contract's default.

    Parameters
    ----------
    rows
        As delivered rather than as stored, where the two differ.
    """
    schema = stored_schema("demand_recent" if rows else name)
    constants = {column.name: column.default for column in table(name).columns} | columns
    long = {key: values for key, values in columns.items() if isinstance(values, list | np.ndarray)}
    found = pl.DataFrame({key: pl.Series(key, values).cast(schema[key]) for key, values in long.items()})
    constant = [pl.lit(constants[key]).cast(kind).alias(key) for key, kind in schema.items() if key not in long]
    return found.with_columns(constant).select(schema.names()) if found.height else pl.DataFrame(schema=schema)
