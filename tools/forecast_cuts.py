"""The demand plan by other cuts: split into channels, summed to family, region and network.

Parts sum to the whole: channels to their item-site, item-sites to whatever they are summed to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from inventory.snapshots import Snapshot
from inventory.stored_tables import RECENT_DEMAND
from optimizer.demand.hierarchy import ChannelDemand, GroupDemand, channel_shares, split_channels
from optimizer.demand.hierarchy import roll_up as sum_groups
from optimizer.demand.horizon import DemandPlan
from tools.arrays import NetworkArrays
from tools.columns import FloatArray, floats_of

Cut = Literal["family", "region", "network"]
EVERYWHERE = "all"


@dataclass(frozen=True)
class ChannelPlan:
    """Demand of each row by channel."""

    channels: tuple[str, ...]
    """Sorted; the empty name alone where the feed names no channel."""
    shares: FloatArray
    """Shape ``(n, channels)``, rows sum to one."""
    per_week: ChannelDemand
    """Shape ``(n, channels, 26)``."""


@dataclass(frozen=True)
class CutPlan:
    """Demand of each family or region, or of all."""

    names: tuple[str, ...]
    per_week: GroupDemand
    """Shape ``(names, 26)``."""


def by_channel(plan: DemandPlan, arrays: NetworkArrays, snapshot: Snapshot) -> ChannelPlan:
    """The plan of each row split into channels.

    Channels are told from the demand rows a snapshot keeps as they came: those of its last complete week and after
    (the weekly lists hold all channels together). Thin rows lean on their item, items on the network.
    """
    at = pl.DataFrame({"item": arrays.items, "site": arrays.sites}, schema={"item": pl.String, "site": pl.String})
    recent = snapshot.table(RECENT_DEMAND).with_columns(
        pl.col("channel").fill_null(""), week=pl.col("date").dt.truncate("1w")
    )
    sold = recent.join(at.with_row_index("row"), on=["item", "site"], how="inner").sort(
        "item", "site", "channel", "date"
    )  # fmt: skip
    names, channel = np.unique(sold["channel"].to_numpy().astype(np.str_), return_inverse=True)
    if not len(names):
        names, channel = np.array([""]), np.zeros(0, dtype=np.int64)
    units = np.zeros((arrays.rows, len(names)))
    np.add.at(units, (sold["row"].cast(pl.Int64).to_numpy(), channel), floats_of(sold, "quantity"))
    weeks = sold.filter(pl.col("quantity") > 0).group_by("row").agg(weeks=pl.col("week").n_unique())
    evidence = np.zeros(arrays.rows)
    evidence[weeks["row"].cast(pl.Int64).to_numpy()] = floats_of(weeks, "weeks")
    items, item = np.unique(np.array(arrays.items, dtype=np.str_), return_inverse=True)
    shares = channel_shares(units, evidence, item, items=max(len(items), 1))
    per_week = split_channels(plan.mean_per_week, plan.variance_per_week, shares)
    return ChannelPlan(tuple(names.tolist()), shares, per_week)


def roll_up(plan: DemandPlan, arrays: NetworkArrays, by: Cut, *, correlation: float = 0.0) -> CutPlan:
    """The plan summed over item-sites; `correlation` is that of any two of them in the same week."""
    labels = {"family": arrays.inputs.family, "region": arrays.inputs.region, "network": (EVERYWHERE,) * arrays.rows}
    names, group = np.unique(np.array(labels[by], dtype=np.str_), return_inverse=True)
    total = sum_groups(
        plan.mean_per_week, plan.variance_per_week, group, groups=max(len(names), 1), correlation=correlation
    )
    return CutPlan(tuple(names.tolist()), total)
