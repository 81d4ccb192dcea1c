"""The real part of the demo company: weekly sales and prices of VN1 client 40, read from the shipped files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

DATA = Path(__file__).parent / "data"

SITE_OF_WAREHOUSE = {
    157: "DC-EAST",
    164: "DC-WEST",
    18: "WH-SOUTH",
    5: "PL-NORTH",
    61: "FC-WEB",
    230: "ST-HARBOUR",
    207: "ST-PINE",
}
"""The seven warehouses of the client and the site each plays in the demo; the roles are invented."""


@dataclass(frozen=True)
class SalesHistory:
    """Weekly sales per item-site and one selling price per item, as the source gives them."""

    pairs: tuple[tuple[str, str], ...]
    """``(item, site)``, ordered; the row order of every array over item-sites."""
    weekly: NDArray[np.int64]
    """Shape ``(n_pairs, 26)``, units sold per week, oldest first."""
    items: tuple[str, ...]
    """Every item once, ordered."""
    price: NDArray[np.float64]
    """Shape ``(n_items,)``, EUR per unit; NaN where the source has none."""

    @property
    def item_row(self) -> NDArray[np.int64]:
        """Shape ``(n_pairs,)``, the row in ``items`` of each item-site's item."""
        row = {item: index for index, item in enumerate(self.items)}
        return np.array([row[item] for item, _ in self.pairs], dtype=np.int64)

    @property
    def row(self) -> dict[tuple[str, str], int]:
        """The array row of each ``(item, site)``."""
        return {pair: index for index, pair in enumerate(self.pairs)}


def read_history(folder: Path = DATA) -> SalesHistory:
    """Reads the two VN1 files; a price is the mean over sites of the last one above zero."""
    key = (
        pl.format("P-{}", "product").alias("item"),
        pl.col("warehouse").replace_strict(SITE_OF_WAREHOUSE).alias("site"),
    )
    sales = pl.read_csv(folder / "vn1_client40_sales.csv").with_columns(key).sort("item", "site")
    prices = pl.read_csv(folder / "vn1_client40_prices.csv").with_columns(key).sort("item", "site")
    known = pl.col("last_price").filter(pl.col("last_price") > 0)
    per_item = prices.group_by("item").agg(known.mean().alias("price")).sort("item")
    weeks = sales.columns[3:29]
    return SalesHistory(
        pairs=tuple(zip(sales["item"].to_list(), sales["site"].to_list(), strict=True)),
        weekly=sales.select(weeks).to_numpy().astype(np.int64),
        items=tuple(per_item["item"].to_list()),
        price=per_item["price"].fill_null(float("nan")).to_numpy().round(2),
    )
