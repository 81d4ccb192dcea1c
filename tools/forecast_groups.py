"""Groups of item-sites that learn from each other: items of one family at the sites of one region.

Rules
-----
1. Every item-site has a group; items without a family, or sites without a region, share the one of the empty name.
2. Sums over groups are kept in whole multiples of a small step. Whole numbers add up the same in any order, hence what
   is learnt does not depend on how the network is cut into parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from inventory.snapshots import Snapshot
from tools.columns import BoolArray, FloatArray, IntArray

STEP = 2.0**-20
"""Sums over groups are multiples of it."""


@dataclass(frozen=True)
class Groups:
    """The families and regions of a network."""

    frame: pl.DataFrame
    """Columns ``family``, ``region``, ``group`` (0 and up)."""
    family_of: pl.DataFrame
    """Columns ``item`` and ``family``."""
    region_of: pl.DataFrame
    """Columns ``site`` and ``region``."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Groups:
        """Groups of the item-sites of a snapshot."""
        items = snapshot.table("items").select("item", pl.col("family").fill_null(""))
        sites = snapshot.table("sites").select("site", pl.col("region").fill_null(""))
        places = snapshot.table("item_sites").select("item", "site")
        named = places.join(items, on="item", how="inner").join(sites, on="site", how="inner")
        pairs = named.select("family", "region").unique().sort("family", "region")
        return cls(pairs.with_row_index("group").select("family", "region", "group"), items, sites)

    @property
    def count(self) -> int:
        """How many groups there are."""
        return self.frame.height

    @property
    def families(self) -> IntArray:
        """Number of each group's family, shape ``(groups,)``."""
        names = self.frame["family"].to_numpy().astype(np.str_)
        return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.int64)

    def of_items(self, items: list[str]) -> Groups:
        """The same groups, knowing the families of some items only."""
        return replace(self, family_of=self.family_of.filter(pl.col("item").is_in(items)))

    def numbers(self, places: pl.DataFrame) -> IntArray:
        """Group of each line's item and site; -1 for places that are not planned."""
        found = (
            places.select("item", "site")
            .join(self.family_of, on="item", how="left", maintain_order="left")
            .join(self.region_of, on="site", how="left", maintain_order="left")
            .join(self.frame, on=["family", "region"], how="left", maintain_order="left")
        )
        return found["group"].cast(pl.Int64).fill_null(-1).to_numpy()


def group_sums(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Sums of the rows of each group, shape ``(groups, columns)``, exact in whatever order parts are added."""
    member = csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(groups, len(group)))
    steps = values / STEP
    return np.asarray(member @ np.rint(steps, out=steps)) * STEP


def whole_sums(marked: BoolArray, weight: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Sums of the weights of the marked rows, by group and column; weights are multiples of `STEP` already."""
    member = csr_array((weight, (group, np.arange(len(group)))), shape=(groups, len(group)))
    return np.asarray(member @ marked.astype(np.float64))
