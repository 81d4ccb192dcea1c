"""One order for one interval: the level that balances the cost of leaving over against that of running short."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from optimizer.arguments import FloatArray, non_negative
from optimizer.laws.count_search import smallest_count
from optimizer.laws.loss import poisson_loss, poisson_survival, standard_normal_loss


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
    tail = holding / (short + holding)
    level = smallest_count(lambda x: poisson_survival(x, mean) <= tail * (1.0 + 1e-12), mean)
    cost = holding * (level - mean) + (holding + short) * poisson_loss(level, mean)
    return Newsvendor(level, np.asarray(cost))


def _costs(holding_cost: ArrayLike, penalty: ArrayLike) -> tuple[FloatArray, FloatArray]:
    holding, short = non_negative("holding_cost", holding_cost), non_negative("penalty", penalty)
    if (holding == 0.0).any() or (short == 0.0).any():
        raise ValueError("holding_cost and penalty must be positive: with a free side the best level is unbounded")
    return holding, short
