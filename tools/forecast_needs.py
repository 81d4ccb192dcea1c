"""What production will ask of its components, through every level of the bill.

Rules
-----
1. An unfinished production order that starts today or later needs the components of its product on its day.
2. A component that is made at the plant itself is netted: stock there and its own production orders serve first, what
   they do not cover must be made, and needs its own components on the same day (the contract knows no time of making).
3. Stock serves production before anyone else.
4. A bill that leads back to itself has no levels. Then only direct needs count, and `Needs.circle` names its items.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from inventory.snapshots import Snapshot
from optimizer.demand.explosion import BillOfMaterials, explode
from optimizer.errors import CyclicBillError
from tools.columns import FloatArray, IntArray, days_of, floats_of

NEED_DAYS = 182
"""Days ahead for which needs are worked out."""
_SCHEMA = {"item": pl.String, "site": pl.String, "date": pl.Date, "quantity": pl.Float64}
_LEAST = 1e-9


@dataclass(frozen=True)
class Circle:
    """A bill of materials that leads back to itself."""

    site: str
    items: tuple[str, ...]
    """Product first; the last is the first again."""

    @classmethod
    def of(cls, nodes: pl.DataFrame, cycle: tuple[int, ...]) -> Circle:
        """Names of numbered nodes; the lines of a bill never leave their plant."""
        return cls(nodes["site"][cycle[0]], tuple(nodes["item"][node] for node in cycle))


@dataclass(frozen=True)
class Needs:
    """Dependent demand of the whole network."""

    frame: pl.DataFrame
    """Columns ``item``, ``site``, ``date``, ``quantity``, sorted; one line per component, plant and day."""
    circle: Circle | None = None
    """Why no bill could be followed to its lower levels; ``None`` when all were."""

    @property
    def fault(self) -> str:
        """The same in words; empty when every bill was followed."""
        if self.circle is None:
            return ""
        return f"the bill at {self.circle.site} leads back to itself: {' → '.join(self.circle.items)}"

    @classmethod
    def of(cls, snapshot: Snapshot) -> Needs:
        """Needs that follow from the production orders of a snapshot."""
        orders = snapshot.table("production_orders").filter(pl.col("status") != "finished")
        bills = snapshot.table("boms")
        bills = bills.filter(pl.col("site").is_in(orders["site"].unique().sort().implode()))
        if orders.is_empty() or bills.is_empty():
            return cls(pl.DataFrame(schema=_SCHEMA))
        nodes = _nodes(bills, orders)
        lines = _numbered(bills, nodes, "product"), _numbered(bills, nodes, "item")
        per = floats_of(bills, "quantity_per")
        made, day = _numbered(orders, nodes, "product"), days_of(orders["start_date"] - snapshot.as_of.date())
        units = floats_of(orders, "quantity")
        needs = _direct(lines, per, made, day, units, nodes.height)
        try:
            bill = BillOfMaterials(lines[0], lines[1], per, items=nodes.height)
        except CyclicBillError as error:
            return cls(_frame(needs, nodes, snapshot), Circle.of(nodes, error.cycle))
        receipts = np.zeros_like(needs)
        soon = day < NEED_DAYS
        np.add.at(receipts, (made[soon], np.maximum(day[soon], 0)), units[soon])
        at_once = np.zeros(nodes.height, dtype=np.int64)
        answer = explode(bill, needs, at_once, on_hand=_stock(snapshot, nodes), receipts=receipts)
        return cls(_frame(answer.gross, nodes, snapshot))

    def of_items(self, items: list[str]) -> Needs:
        """Needs of some items only."""
        return Needs(self.frame.filter(pl.col("item").is_in(items)), self.circle)


def _nodes(bills: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Every item that is made or used somewhere, by plant, with its number."""
    made = pl.concat([bills.select("product", "site"), orders.select("product", "site")])
    every = pl.concat([bills.select("item", "site"), made.rename({"product": "item"})])
    return every.unique().sort("item", "site").with_row_index("node")


def _numbered(frame: pl.DataFrame, nodes: pl.DataFrame, column: str) -> IntArray:
    named = frame.select(pl.col(column).alias("item"), "site")
    found = named.join(nodes, on=["item", "site"], how="left", maintain_order="left")
    return found["node"].cast(pl.Int64).fill_null(-1).to_numpy()


def _direct(
    lines: tuple[IntArray, IntArray], per: FloatArray, made: IntArray, day: IntArray, units: FloatArray, nodes: int
) -> FloatArray:
    """What the orders themselves need, shape ``(nodes, days)``."""
    product, component = lines
    plan = np.zeros((nodes, NEED_DAYS))
    ahead = (day >= 0) & (day < NEED_DAYS)
    np.add.at(plan, (made[ahead], day[ahead]), units[ahead])
    needs = np.zeros((nodes, NEED_DAYS))
    np.add.at(needs, component, plan[product] * per[:, None])
    return needs


def _stock(snapshot: Snapshot, nodes: pl.DataFrame) -> FloatArray:
    """Units of each node that may be used."""
    usable = (pl.col("status") == "unrestricted") & (pl.col("source") == "erp")
    stock = snapshot.table("stock").filter(usable).group_by("item", "site").agg(
        free=pl.col("on_hand").sum() - pl.col("allocated").sum()
    )  # fmt: skip
    found = nodes.join(stock, on=["item", "site"], how="left", maintain_order="left")
    return np.maximum(floats_of(found, "free", 0.0), 0.0)


def _frame(needs: FloatArray, nodes: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    node, day = np.nonzero(needs > _LEAST)
    today = snapshot.as_of.date()
    places = nodes.select("item", "site")[node.tolist()]
    dates = [today + timedelta(days=ahead) for ahead in day.tolist()]
    found = places.with_columns(pl.Series("date", dates, pl.Date), pl.Series("quantity", needs[node, day], pl.Float64))
    return found.select(*_SCHEMA).sort("item", "site", "date")
