r"""One depot that feeds bases, one for one: who waits for how much, by three methods of rising exactness.

Rules
-----
1. Demand at bases is Poisson; every unit is ordered from the depot at once; what the depot owes, it owes in the order
   of arrival, so a backordered unit belongs to base `b` with probability :math:`\lambda_b / \Lambda`.
2. ``metric`` gives each base a Poisson pipeline with the mean wait added (it understates backorders by 7 to 35 %),
   ``vari-metric`` a negative binomial one with two right moments, ``exact`` the binomial share of the depot's
   backorders convolved with what is on the lane.
3. `pipeline` and `backorder_shares` are kernels of the room, whose callers have checked what comes in.
4. Pipelines are those of slow movers: at most 700 units on average at the depot and at a base.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from optimizer.arguments import FloatArray
from optimizer.echelons.backorder_moments import backorder_moments
from optimizer.echelons.shapes import at_most, refuse, spread, table, whole
from optimizer.laws.demand_law import expected_short
from optimizer.laws.loss import poisson_loss, poisson_survival

Method = Literal["metric", "vari-metric", "exact"]
MOST_PIPELINE = 700.0
"""Units; the recursions start from exp(-mean), which is no number much beyond."""


@dataclass(frozen=True)
class DepotAndBases:
    """Demand and times of checked items.

    Parameters
    ----------
    demand_rate, base_lead_time
        ``(items, bases)``, units per period; periods from depot to base.
    depot_lead_time
        ``(items,)``, periods.
    """

    demand_rate: FloatArray
    base_lead_time: FloatArray
    depot_lead_time: FloatArray

    def __post_init__(self) -> None:
        rate = table("demand_rate", self.demand_rate, at_most)
        lane = spread("base_lead_time", self.base_lead_time, rate.shape, at_most)
        depot = spread("depot_lead_time", self.depot_lead_time, rate.shape[:1], at_most)
        total = np.add.accumulate(rate, axis=1)[:, -1]
        refuse("demand_rate", total <= 0.0, total, "positive at one base of each item")
        # A base also waits for the depot at worst its whole lead time.
        waiting = total * depot
        refuse("depot_lead_time", waiting > MOST_PIPELINE, waiting, f"such that at most {MOST_PIPELINE:g} units wait")
        moving = rate * lane
        refuse("base_lead_time", moving > MOST_PIPELINE, moving, f"such that at most {MOST_PIPELINE:g} units move")
        for name, value in (("demand_rate", rate), ("base_lead_time", lane), ("depot_lead_time", depot)):
            object.__setattr__(self, name, value)

    @property
    def total_rate(self) -> FloatArray:
        """Demand on the depot, ``(items,)``; added base by base, so that other items do not touch the digits."""
        return np.asarray(np.add.accumulate(self.demand_rate, axis=1)[:, -1])

    @property
    def depot_mean(self) -> FloatArray:
        """Mean demand over the depot's lead time, ``(items,)``."""
        return self.total_rate * self.depot_lead_time

    @property
    def share(self) -> FloatArray:
        """Probability that a unit asked of the depot is for the base, ``(items, bases)``."""
        return self.demand_rate / self.total_rate[:, None]

    @property
    def lane_mean(self) -> FloatArray:
        """Mean units on the lane to each base, ``(items, bases)``."""
        return self.demand_rate * self.base_lead_time


@dataclass(frozen=True)
class NetworkBackorders:
    """Expected backorders (units) at the depot ``(items,)`` and at bases ``(items, bases)``; mean wait in periods."""

    depot: FloatArray
    depot_wait: FloatArray
    base: FloatArray


@dataclass(frozen=True)
class Pipeline:
    """Mean and variance of what a base is waiting for, units."""

    mean: FloatArray
    variance: FloatArray


def network_backorders(
    network: DepotAndBases, depot_stock: ArrayLike, base_stock: ArrayLike, *, method: Method
) -> NetworkBackorders:
    """Expected backorders at given stock levels.

    Parameters
    ----------
    network
        Demand and times.
    depot_stock, base_stock
        ``(items,)`` and ``(items, bases)``, whole units >= 0.
    method
        See rule 2.

    Raises
    ------
    ValueError
        If a level is negative, not whole or of another shape, or the method has another name.

    Source
    ------
    Sherbrooke (1968), *METRIC*, Operations Research 16(1); Sherbrooke (1986), *VARI-METRIC*, Operations Research
    34(2); Graves (1985), *A multi-echelon inventory model for a repairable item with one-for-one replenishment*,
    Management Science 31(10), for the two moments; Simon (1971), Operations Research 19(6), for the exact shares.

    Examples
    --------
    >>> pair = DepotAndBases(np.array([[0.1, 0.1]]), np.array([[2.0, 2.0]]), np.array([14.0]))
    >>> network_backorders(pair, [3], [[1, 1]], method="exact").base.round(8)
    array([[0.13395698, 0.13395698]])
    """
    if method not in ("metric", "vari-metric", "exact"):
        raise ValueError(f"method must be 'metric', 'vari-metric' or 'exact', got {method!r}")
    stock = spread("depot_stock", depot_stock, network.depot_mean.shape, whole)
    levels = spread("base_stock", base_stock, network.demand_rate.shape, whole)
    depot = backorder_moments(stock, network.depot_mean, network.depot_mean, "count")
    share, lane = network.share, network.lane_mean
    if method == "metric":
        base = poisson_loss(levels, lane + share * depot.expected[:, None])
    elif method == "vari-metric":
        waiting = pipeline(share, lane, depot.expected[:, None], depot.variance[:, None])
        base = expected_short(levels.astype(np.float64), waiting.mean, waiting.variance, "count")
    else:
        base = np.zeros(levels.shape)
        for units, mass in enumerate(backorder_shares(network.depot_mean[:, None], stock[:, None], share)):
            base += mass * poisson_loss(levels - units, lane)
    return NetworkBackorders(depot.expected, depot.expected / network.total_rate, base)


def pipeline(
    share: FloatArray, lane_mean: FloatArray, depot_expected: FloatArray, depot_variance: FloatArray
) -> Pipeline:
    r"""Two moments of what a base waits for, inputs broadcast together.

    Mean :math:`\lambda t + f E[B]`, variance :math:`\lambda t + f (1 - f) E[B] + f^2 Var[B]`.
    """
    owed = share * depot_expected
    return Pipeline(lane_mean + owed, lane_mean + (1.0 - share) * owed + share * share * depot_variance)


def backorder_shares(
    depot_mean: FloatArray, depot_stock: FloatArray, share: FloatArray, units: int | None = None
) -> FloatArray:
    r"""P(the base is owed j units by the depot), shape ``(j, *broadcast shape)``, exact; all j, or those under `units`.

    The generating function :math:`\sum_k P(B = k)(1 - f + f z)^k` is expanded by Horner's rule: the depot's
    backorders are Poisson beyond its stock, each unit the base's with probability :math:`f`.
    """
    mean, stock, own = np.broadcast_arrays(depot_mean, depot_stock, share)
    # Beyond this a Poisson law has less than 1e-16 left; each item stops at its own, whatever its neighbors need.
    last = np.maximum(np.ceil(mean + 8.5 * np.sqrt(mean) + 15.0) - stock, 0.0)
    length = int(last.max(initial=0.0)) + 1
    # A coefficient feeds none below it, so the upper ones may be left out.
    rows = length if units is None else min(length, units)
    mass = np.zeros((rows, *mean.shape))
    log_mean = np.log(np.maximum(mean, np.finfo(np.float64).tiny))
    other = 1.0 - own
    for backorders in range(length - 1, -1, -1):
        top = min(length - backorders, rows)
        mass[1:top] = mass[1:top] * other + mass[: top - 1] * own
        mass[0] = mass[0] * other + np.where(backorders <= last, _owed(backorders, stock, mean, log_mean), 0.0)
    return mass


def _owed(backorders: int, stock: FloatArray, mean: FloatArray, log_mean: FloatArray) -> FloatArray:
    """P(depot owes exactly this many)."""
    if backorders == 0:
        return 1.0 - poisson_survival(stock, mean)
    count = stock + backorders
    return np.exp(count * log_mean - mean - gammaln(count + 1.0))
