"""What a projected stockout costs: units, money, and the day it bites."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, non_negative, same_length
from optimizer.risk.projection import StockProjection


@dataclass(frozen=True)
class StockoutLoss:
    """Loss up to each day.

    Parameters
    ----------
    units_until
        Shape ``(n, horizon_days)``, the most units expected to be owed on any day so far. A unit is counted once,
        however long it is owed; paths that are short on different days are not added up, so the expected units ever
        short are at least this (`state_dp.py` has them exactly).
    money_until
        Shape ``(n, horizon_days)``, the same at the penalty.
    bites_on
        Shape ``(n,)``, first day on which the stockout probability reaches the threshold; -1 if none.
    """

    units_until: FloatArray
    money_until: FloatArray
    bites_on: IntArray


def stockout_loss(projection: StockProjection, penalty_per_unit: ArrayLike, *, threshold: float = 0.5) -> StockoutLoss:
    """Units and money a projection puts at risk.

    Parameters
    ----------
    penalty_per_unit
        Shape ``(n,)``, money per unit short, not negative.
    threshold
        Probability in (0, 1] from which a stockout counts as biting.

    Raises
    ------
    ValueError
        If a penalty is negative, not finite or missing.
    """
    penalty = non_negative("penalty_per_unit", penalty_per_unit)
    same_length(penalty_per_unit=penalty, projection=projection.expected_short_units)
    units = np.maximum.accumulate(projection.expected_short_units, axis=1)
    return StockoutLoss(units, units * penalty[:, None], projection.first_risky_day(threshold))
