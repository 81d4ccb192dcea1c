"""What promotions do, learnt per product group from the whole network and leant on by each item-site.

Shrinkage is that of `optimizer.demand.promotion`, taken apart so that the sums over a group can come from everywhere
while an item-site's own part is computed where its history is: series → group → network → no effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inventory.demand_history import DemandHistory
from optimizer.demand.promotion import PromotionEffect, promotion_effect
from tools.columns import BoolArray, FloatArray, IntArray
from tools.forecast_groups import Groups, group_sums
from tools.forecast_season import DIP_WEEKS, Seasons, after_promotion

SHRINKAGE = 4.0
"""Promoted weeks a parent counts for."""
LEAST_INDEX = 0.2
"""Seasonal index below which a week says too little of a level to be divided by it."""
_BLOCK_ROWS = 4_096
_ALONE = 1e-100
"""Shrinkage of an estimate that leans on nothing: changes no digit of what was seen, and its cube is still a number."""


@dataclass(frozen=True)
class Promotions:
    """Factor on demand during and after a promotion, of each group, shape ``(groups,)``."""

    uplift: FloatArray
    dip: FloatArray


@dataclass(frozen=True)
class _Seen:
    """What each series' own promotions showed, shape ``(n,)``: factor times evidence, and the evidence in weeks."""

    uplift: FloatArray
    uplift_weeks: FloatArray
    dip: FloatArray
    dip_weeks: FloatArray


def learn_promotions(histories: Iterable[DemandHistory], groups: Groups, seasons: Seasons) -> Promotions:
    """Effect of promotions in each group from the demand of the whole network, in whatever parts it comes."""
    total = np.zeros((groups.count, 4))
    for history in histories:
        if not history.promotion.any():
            continue
        group = groups.numbers(history.keys)
        promoted = np.flatnonzero((group >= 0) & history.promotion.any(axis=1))
        for start in range(0, promoted.size, _BLOCK_ROWS):
            rows = promoted[start : start + _BLOCK_ROWS]
            table = np.where(history.censored[rows], np.float32(np.nan), history.weekly[rows])
            seen = _seen(table, history.promotion[rows], factors(seasons, group[rows], table.shape[1]))
            columns = [seen.uplift, seen.uplift_weeks, seen.dip, seen.dip_weeks]
            total += group_sums(np.stack(columns, axis=1), group[rows], groups.count)
    return Promotions(_of_groups(total[:, 0], total[:, 1]), _of_groups(total[:, 2], total[:, 3]))


def own_effect(
    history: NDArray[np.floating], promoted: BoolArray, factor: FloatArray, group: IntArray, known: Promotions
) -> PromotionEffect:
    """Effect on each series: what its own promotions showed, drawn towards its group.

    Parameters
    ----------
    history, promoted, factor
        Shape ``(n, weeks)``: demand, NaN where unknown; whether a promotion ran; seasonal index, positive.
    """
    uplift, dip, weeks = known.uplift[group], known.dip[group], np.zeros(len(group))
    rows = np.flatnonzero(promoted.any(axis=1))
    if rows.size:
        seen = _seen(history[rows], promoted[rows], factor[rows])
        uplift[rows] = (seen.uplift + SHRINKAGE * uplift[rows]) / (seen.uplift_weeks + SHRINKAGE)
        dip[rows] = (seen.dip + SHRINKAGE * dip[rows]) / (seen.dip_weeks + SHRINKAGE)
        weeks[rows] = seen.uplift_weeks
    return PromotionEffect(uplift, dip, weeks, DIP_WEEKS)


def factors(seasons: Seasons, group: IntArray, weeks: int) -> FloatArray:
    """Seasonal index of each series in each week, kept away from zero."""
    return np.maximum(seasons.history(group, weeks), LEAST_INDEX)


def _seen(history: NDArray[np.floating], promoted: BoolArray, factor: FloatArray) -> _Seen:
    n = len(history)
    effect = promotion_effect(
        history, promoted, np.arange(n), groups=max(n, 1), expected_factor=factor, dip_periods=DIP_WEEKS,
        shrinkage=_ALONE,
    )  # fmt: skip
    known = ~np.isnan(history)
    weeks = (known & promoted).sum(axis=1)
    # What one week of a series counts for is the same during and after its promotions.
    per_week = effect.evidence_periods / np.maximum(weeks, 1)
    dip_weeks = per_week * (known & after_promotion(promoted)).sum(axis=1)
    return _Seen(
        np.where(weeks > 0, effect.uplift * effect.evidence_periods, 0.0), effect.evidence_periods,
        np.where(dip_weeks > 0.0, effect.dip * dip_weeks, 0.0), dip_weeks,
    )  # fmt: skip


def _of_groups(weighted: FloatArray, weeks: FloatArray) -> FloatArray:
    everywhere = (weighted.sum() + SHRINKAGE) / (weeks.sum() + SHRINKAGE)
    return np.asarray((weighted + SHRINKAGE * everywhere) / (weeks + SHRINKAGE))
