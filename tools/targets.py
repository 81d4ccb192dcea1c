"""Service targets and review periods that the stocking policy sets by segment, where it does not leave them to the ERP.

The look ahead sets its levels by them, so detectors and options mean the same service as the daily replenishment. An
item-site's segment is the one it was last given: what a sweep finds out about segments holds from the next look on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import polars as pl
from sqlalchemy import Connection

from inventory.records import PolicyTarget
from inventory.segment_words import CELLS
from inventory.segments import places_in_cells
from tools.stocking_policy import StockingPolicy, stocking_policy_in_force

SCHEMA = {
    "item": pl.String, "site": pl.String, "target": pl.Float64, "by_fill_rate": pl.Boolean, "review_days": pl.Int64,
}  # fmt: skip


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
        if not rows:
            return cls.none()
        known = places_in_cells(connection, list(rows), items=items)
        # Column for column as in the schema.
        terms = pl.DataFrame(
            [(cell, *term) for cell, term in rows.items()],
            schema={"cell": pl.Int64} | dict(list(SCHEMA.items())[2:]),
            orient="row",
        )
        return cls(known.join(terms, on="cell", how="inner", maintain_order="left").select(*SCHEMA))

    @classmethod
    def of_records(cls, records: Iterable[PolicyTarget]) -> Targets:
        """What was set when a plan was made, from its record."""
        rows = [(one.item, one.site, one.service_target, one.by_fill_rate, one.review_days) for one in records]
        return cls(pl.DataFrame(rows, schema=SCHEMA, orient="row"))

    def records(self, places: pl.DataFrame) -> tuple[PolicyTarget, ...]:
        """What is set for some item-sites (columns ``item`` and ``site``), to be kept with a plan."""
        named = self.frame.join(places, on=["item", "site"], how="semi", maintain_order="left")
        return tuple(
            PolicyTarget(item=item, site=site, service_target=target, by_fill_rate=by_fill, review_days=review)
            for item, site, target, by_fill, review in named.iter_rows()
        )

    def of_items(self, items: Collection[str]) -> Targets:
        """What is set for some items."""
        return Targets(self.frame.filter(pl.col("item").is_in(sorted(items)))) if self.frame.height else self

    def over(self, planned: pl.DataFrame) -> pl.DataFrame:
        """Planned rows with their target (cycle service level, or ``fill_rate_target``) and review period as set."""
        if self.frame.is_empty():
            return planned.with_columns(fill_rate_target=pl.lit(None, pl.Float64))
        found = planned.join(self.frame, on=["item", "site"], how="left", maintain_order="left")
        cycle = pl.when(~pl.col("by_fill_rate")).then(pl.col("target"))
        return found.with_columns(
            service_target=pl.coalesce(cycle, pl.col("service_target").cast(pl.Float64)),
            fill_rate_target=pl.when(pl.col("by_fill_rate")).then(pl.col("target")),
            review_period_days=pl.coalesce(pl.col("review_days"), pl.col("review_period_days")),
        ).drop("target", "by_fill_rate", "review_days")


@lru_cache(maxsize=4)
def _set_by_policy(policy: StockingPolicy) -> dict[int, tuple[float, bool, int]]:
    """Target, its measure and review period of each cell whose settings are the policy's own."""
    rows = {cell: policy.row(cell) for cell in range(CELLS)}
    return {
        cell: (row.service_target, row.measure == "fill_rate", row.review_days)
        for cell, row in rows.items()
        if row.source == "policy"
    }
