"""One order for one interval: the level that balances the cost of leaving over against that of running short.

The interval is the one the order must last for: one selling season, or lead time **plus review** under a base-stock
policy. The best level reaches the critical ratio penalty / (penalty + holding cost) of the demand's law.

Source
------
Snyder & Shen (2019), *Fundamentals of Supply Chain Theory*, 2nd ed., ch. 4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from optimizer.arguments import FloatArray, non_negative
from optimizer.laws.count_quantile import poisson_level
from optimizer.laws.demand_law import DemandLaw, expected_short
from optimizer.laws.demand_level import demand_quantile
from optimizer.laws.loss import poisson_loss, standard_normal_loss


@dataclass(frozen=True)
class Newsvendor:
    """Best level (units) and its expected cost (money) per series."""

    order_up_to_level: FloatArray
    expected_cost: FloatArray


def newsvendor_normal(
    demand_mean: ArrayLike, demand_sd: ArrayLike, holding_cost: ArrayLike, penalty: ArrayLike
) -> Newsvendor:
    """Newsvendor with normal demand, inputs broadcast together; costs per unit and interval, both positive.

    Examples
    --------
    >>> newsvendor_normal([50.0], 8.0, 0.18, 0.70).order_up_to_level.round(4)
    array([56.604])
    """
    holding, short = _costs(holding_cost, penalty)
    mean, sd = non_negative("demand_mean", demand_mean), non_negative("demand_sd", demand_sd)
    z = ndtri(short / (short + holding))
    level = np.asarray(mean + z * sd)
    # Left over minus short is level minus mean, so one loss gives both.
    cost = sd * (holding * z + (holding + short) * standard_normal_loss(z))
    return Newsvendor(level, np.asarray(cost))


def newsvendor_poisson(demand_mean: ArrayLike, holding_cost: ArrayLike, penalty: ArrayLike) -> Newsvendor:
    """Newsvendor with Poisson demand, inputs broadcast together; the smallest best level is returned."""
    holding, short = _costs(holding_cost, penalty)
    mean, holding, short = np.broadcast_arrays(non_negative("demand_mean", demand_mean), holding, short)
    level = poisson_level(holding / (short + holding), mean)
    cost = holding * (level - mean) + (holding + short) * poisson_loss(level, mean)
    return Newsvendor(level, np.asarray(cost))


def newsvendor(
    demand_mean: ArrayLike,
    demand_variance: ArrayLike,
    holding_cost: ArrayLike,
    penalty: ArrayLike,
    *,
    law: DemandLaw = "gamma",
) -> Newsvendor:
    """Newsvendor with any demand law, inputs broadcast together; costs per unit and interval, both positive.

    Raises
    ------
    ValueError
        If a cost is not positive, or a moment is negative or not finite.
    """
    holding, short = _costs(holding_cost, penalty)
    mean, variance, holding, short = np.broadcast_arrays(
        non_negative("demand_mean", demand_mean), non_negative("demand_variance", demand_variance), holding, short
    )
    level = demand_quantile(short / (short + holding), mean, variance, law)
    cost = holding * (level - mean) + (holding + short) * expected_short(level, mean, variance, law)
    return Newsvendor(level, np.asarray(cost))


def _costs(holding_cost: ArrayLike, penalty: ArrayLike) -> tuple[FloatArray, FloatArray]:
    holding, short = non_negative("holding_cost", holding_cost), non_negative("penalty", penalty)
    if (holding == 0.0).any() or (short == 0.0).any():
        raise ValueError("holding_cost and penalty must be positive: with a free side the best level is unbounded")
    return holding, short
