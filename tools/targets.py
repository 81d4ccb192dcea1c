"""Targets, review periods, safety-stock methods and bounds that the stocking policy sets by segment, site and class.

What it leaves to the ERP stays. The look ahead sets its levels by them, so detectors and options mean the same service
as the daily replenishment. An item-site's segment is the one it was last given: what a sweep finds out about segments
holds from the next look on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import polars as pl
from sqlalchemy import Connection

from inventory.records import PolicyTarget
from inventory.segments import places_in_cells
from tools.stocking_policy import StockingPolicy, StockingRow, stocking_policy_in_force

TERMS = {
    "target": pl.Float64, "by_fill_rate": pl.Boolean, "review_days": pl.Int64, "safety_stock": pl.String,
    "floor_days": pl.Float64, "floor_units": pl.Int64, "minimum_days": pl.Float64, "minimum_units": pl.Int64,
    "maximum_units": pl.Int64,
}  # fmt: skip
SCHEMA = {"item": pl.String, "site": pl.String} | TERMS
BOUNDS = ("floor_days", "floor_units", "minimum_days", "minimum_units")
KEY = ("cell", "named_site", "named_class")
"""What a row of the policy holds for; a name is empty where no rule names it."""


@dataclass(frozen=True)
class Targets:
    """What policy sets, a row per item-site it sets something for; the ERP's own settings hold for all others."""

    frame: pl.DataFrame

    @classmethod
    def none(cls) -> Targets:
        """The ERP's settings hold everywhere."""
        return cls(pl.DataFrame(schema=SCHEMA))

    @classmethod
    def in_force(cls, connection: Connection, *, items: Collection[str] | None = None) -> Targets:
        """What the policy in force sets for the segments that are known, of all items or of some."""
        return cls.of(stocking_policy_in_force(connection), connection, items=items)

    @classmethod
    def of(cls, policy: StockingPolicy, connection: Connection, *, items: Collection[str] | None = None) -> Targets:
        """What a policy sets for the segments that are known."""
        rows = _set_by_policy(policy)
        if rows.is_empty():
            return cls.none()
        known = places_in_cells(connection, rows["cell"].unique().to_list(), items=items).with_columns(
            named_site=_named("site", policy.sites), named_class=_named("item_class", policy.item_classes)
        )
        return cls(known.join(rows, on=list(KEY), how="inner", maintain_order="left").select(*SCHEMA))

    @classmethod
    def of_records(cls, records: Iterable[PolicyTarget]) -> Targets:
        """What was set when a plan was made, from its record."""
        rows = [tuple(one.model_dump().values()) for one in records]
        return cls(pl.DataFrame(rows, schema=SCHEMA, orient="row"))

    def records(self, places: pl.DataFrame) -> tuple[PolicyTarget, ...]:
        """What is set for some item-sites (columns ``item`` and ``site``), to be kept with a plan."""
        named = self.frame.join(places, on=["item", "site"], how="semi", maintain_order="left")
        fields = tuple(PolicyTarget.model_fields)
        return tuple(PolicyTarget.model_validate(dict(zip(fields, row, strict=True))) for row in named.iter_rows())

    def of_items(self, items: Collection[str]) -> Targets:
        """What is set for some items."""
        return Targets(self.frame.filter(pl.col("item").is_in(sorted(items)))) if self.frame.height else self

    def over(self, planned: pl.DataFrame) -> pl.DataFrame:
        """Planned rows with their target (cycle service level, or ``fill_rate_target``), review period and bounds."""
        names = ["safety_stock", *BOUNDS, "maximum_units"]
        # The ERP may have columns of these names; what counts here is policy.
        found = planned.drop(names, strict=False).join(
            self.frame, on=["item", "site"], how="left", maintain_order="left"
        )
        cycle = pl.when(~pl.col("by_fill_rate")).then(pl.col("target"))
        return found.with_columns(
            pl.col("safety_stock").fill_null("gamma"),
            *(pl.col(name).cast(pl.Float64).fill_null(0.0) for name in BOUNDS),
            pl.col("maximum_units").cast(pl.Float64).fill_null(float("inf")),
            service_target=pl.coalesce(cycle, pl.col("service_target").cast(pl.Float64)),
            fill_rate_target=pl.when(pl.col("by_fill_rate")).then(pl.coalesce("target", "service_target")),
            review_period_days=pl.coalesce(pl.col("review_days"), pl.col("review_period_days")),
        ).drop("target", "by_fill_rate", "review_days")


def _named(column: str, names: Collection[str]) -> pl.Expr:
    return pl.when(pl.col(column).is_in(sorted(names))).then(pl.col(column)).otherwise(pl.lit(""))


@lru_cache(maxsize=4)
def _set_by_policy(policy: StockingPolicy) -> pl.DataFrame:
    """What each segment and kind of place is set that is not left to the ERP."""
    rows = [
        (*place, *_target(row), row.safety_stock, *(getattr(row, name) for name in BOUNDS), row.maximum_units)
        for place, row in policy.table.items()
        if row.sets_levels
    ]
    key = {"cell": pl.Int64, "named_site": pl.String, "named_class": pl.String}
    return pl.DataFrame(rows, schema=key | TERMS, orient="row")


def _target(row: StockingRow) -> tuple[float | None, bool, int | None]:
    """Target, whether it is a fill rate, and review period; none where the ERP's own stay."""
    if row.source == "policy":
        return row.service_target, row.measure == "fill_rate", row.review_days
    return None, row.safety_stock == "exact_fill_rate", None
