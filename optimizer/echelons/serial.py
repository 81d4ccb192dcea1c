r"""A serial system: what its solvers share. Stage 0 faces the customer, the last stage orders from outside.

Rules
-----
1. Echelon stock of a stage is everything at or below it, less backorders; stage `j` keeps its echelon position at a
   level :math:`S_j`. Echelon holding cost is the local cost less that of the stage above.
2. Review is continuous, or periodic with a period `review_period`, which the customer stage must cover *in addition*
   to its lead time. Never one for the other: the difference is a whole period of demand. Under periodic review the
   cost counts a higher stage's echelon stock before the period's demand, the customer stage's after it.
3. With :math:`C_j(y) = a_j + b_j y + R_j(y)`, where :math:`b_j = \sum_{i \le j} h_i - (p + \sum_i h_i)` is the slope
   far below, the rest :math:`R_j` is convex, rises from zero and needs no truncation at the negative end.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray
from optimizer.echelons.shapes import at_most, positive, spread, table


@dataclass(frozen=True)
class SerialPolicy:
    """Echelon base-stock levels, units, ``(items, stages)``, and least expected cost per period, ``(items,)``.

    The cost is of holding and backorders, stock on its way between two stages included at the upper stage's rate;
    stock on its way from outside, which no decision changes, is not.
    """

    echelon_base_stock: FloatArray
    expected_cost: FloatArray


@dataclass(frozen=True)
class SerialCosts:
    r"""Checked costs and exposure: slopes and critical ratios ``(items, stages)``, the rest as given.

    Parameters
    ----------
    slope
        :math:`b_j`, negative.
    backorder
        ``(items,)``, :math:`p + \sum_i h_i`: what a unit short costs in echelon terms.
    lower_ratio, upper_ratio
        Newsvendor ratios whose quantiles of demand over all lead times so far enclose each level (Shang and Song).
    exposure
        Periods each stage must cover, the review period included at the first.
    """

    slope: FloatArray
    backorder: FloatArray
    lower_ratio: FloatArray
    upper_ratio: FloatArray
    exposure: FloatArray


def serial_costs(
    echelon_holding_cost: ArrayLike, penalty: ArrayLike, lead_time: ArrayLike, review_period: ArrayLike
) -> SerialCosts:
    r"""Slopes, bounds and exposure of checked inputs.

    The level of stage `j` lies between the quantiles of demand over the lead times of stages 1 to `j` at
    :math:`(p + \sum_{i>j} h_i) / (p + \sum_i h_i)` and :math:`(p + \sum_{i>j} h_i) / (p + \sum_{i \ge j} h_i)`.

    Source
    ------
    Shang & Song (2003), *Newsvendor bounds and heuristic for optimal policies in serial supply chains*, Management
    Science 49(5).
    """
    holding = table("echelon_holding_cost", echelon_holding_cost, positive)
    items, _ = holding.shape
    lead = table("lead_time", lead_time, at_most)
    if lead.shape != holding.shape:
        raise ValueError(f"lead_time must have shape {holding.shape}, got {lead.shape}")
    short = spread("penalty", penalty, (items,), positive)
    review = spread("review_period", review_period, (items,), at_most)
    below = np.add.accumulate(holding, axis=1)
    # Added from the top and without subtraction, so that a huge cost below takes no digits from the stages above.
    higher = np.add.accumulate(np.column_stack((short, holding[:, :0:-1])), axis=1)
    above = higher[:, ::-1]
    exposure = lead.copy()
    exposure[:, 0] += review
    backorder = above[:, 0] + holding[:, 0]
    return SerialCosts(-above, backorder, above / (above + below), above / (above + holding), exposure)
