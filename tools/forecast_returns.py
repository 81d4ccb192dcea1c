"""How much of what an item-site sells comes back fit for sale, learnt once from the whole network.

Rules
-----
1. An item that anybody ever sent back has a rate of return at every site; the sites of an item share their experience.
2. A returns feed does not say which sale a unit comes from, so the delay is stated, not estimated: `RETURN_DELAY`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from inventory.snapshots import Snapshot
from optimizer.demand.horizon import DemandPlan
from optimizer.demand.returns import net_of_returns, predicted_returns, return_rate
from tools.columns import FloatArray, floats_of

RETURN_DELAY = (0.1, 0.3, 0.3, 0.2, 0.1)
"""Share of returns that come in the week of the sale, the week after, and so on."""
RECORD_WEEKS = 26
"""Weeks of the past from which rates are learnt."""


@dataclass(frozen=True)
class Returns:
    """Rate of return, in 0..1, of each item-site that has one."""

    frame: pl.DataFrame
    """Columns ``item``, ``site``, ``rate``."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Returns:
        """Rates of a whole snapshot."""
        start = snapshot.weeks[-RECORD_WEEKS]
        stop = snapshot.weeks[-1] + timedelta(weeks=1)
        back = snapshot.table("returns").filter((pl.col("date") >= start) & (pl.col("date") < stop))
        if back.is_empty():
            return cls(pl.DataFrame(schema={"item": pl.String, "site": pl.String, "rate": pl.Float64}))
        sold = snapshot.of_items(back["item"].unique().to_list()).demand()
        shipped = np.nan_to_num(sold.weekly[:, -RECORD_WEEKS:].astype(np.float64))
        found = back.join(sold.keys.with_row_index("row"), on=["item", "site"], how="inner").sort(
            "item", "site", "date"
        )
        week = ((found["date"] - start).dt.total_days() // 7).cast(pl.Int64).to_numpy()
        returned = np.zeros_like(shipped)
        units = floats_of(found, "quantity") * floats_of(found, "reusable_share", 1.0)
        np.add.at(returned, (found["row"].cast(pl.Int64).to_numpy(), week), units)
        items, pool = np.unique(sold.keys["item"].to_numpy().astype(np.str_), return_inverse=True)
        rate = return_rate(shipped, returned, pool, np.tile(RETURN_DELAY, (len(items), 1)))
        return cls(sold.keys.with_columns(pl.Series("rate", rate, pl.Float64)))

    def of_items(self, items: list[str]) -> Returns:
        """Rates of some items only."""
        return Returns(self.frame.filter(pl.col("item").is_in(items)))

    def rates(self, places: pl.DataFrame) -> FloatArray:
        """Rate of each place, 0 where there is none."""
        found = places.select("item", "site").join(
            self.frame, on=["item", "site"], how="left", maintain_order="left"
        )  # fmt: skip
        return floats_of(found, "rate", 0.0)


def without_returns(plan: DemandPlan, history: FloatArray, rate: FloatArray) -> DemandPlan:
    """The plan less what comes back: returns serve the earliest demand first, and their number is uncertain too.

    Parameters
    ----------
    history
        Shape ``(n, weeks)``, demand of the past, NaN where unknown.
    """
    rows = np.flatnonzero(rate > 0.0)
    if not rows.size:
        return plan
    shipped = np.nan_to_num(history[rows, -len(RETURN_DELAY) :])
    gross = plan.mean_per_week[rows]
    pool = np.zeros(rows.size, dtype=np.int64)
    back = predicted_returns(shipped, gross, rate[rows], pool, [RETURN_DELAY])
    net = net_of_returns(gross, back.mean)
    kept = np.divide(net, gross, out=np.zeros_like(net), where=gross > 0.0)
    by_day = np.repeat(kept[:, : plan.mean_per_day.shape[1] // 7], 7, axis=1)
    # Uncertain returns only matter where there is demand they could have served.
    noise = np.where(gross > 0.0, back.variance, 0.0)
    changed = {
        "mean_per_week": net,
        "mean_per_day": plan.mean_per_day[rows] * by_day,
        "variance_per_week": plan.variance_per_week[rows] + noise,
        "variance_per_day": plan.variance_per_day[rows] + np.repeat(noise[:, : by_day.shape[1] // 7], 7, axis=1) / 7.0,
        "known_per_week": np.minimum(plan.known_per_week[rows], net),
        "known_per_day": np.minimum(plan.known_per_day[rows], plan.mean_per_day[rows] * by_day),
    }
    whole = {}
    for name, values in changed.items():
        whole[name] = getattr(plan, name).copy()
        whole[name][rows] = values
    return replace(plan, **whole)
