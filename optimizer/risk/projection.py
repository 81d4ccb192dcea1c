"""Stock by day over a short horizon, in closed form: expected on-hand, probability of a stockout, expected shortage.

Rules
-----
1. Column 0 is today. Receipts of a day come before its demand. Nothing but the dated inbound arrives.
2. Unmet demand is owed, so a figure of a day depends only on demand and supply *up to* that day. "Out on the day" is
   not "ever out by the day": the first can fall again after a receipt.
3. Demand up to a day follows one law with that many daily means and variances; known demand is certain and comes on
   top of it.
4. Arrivals are independent of each other and of demand. Per series the two most uncertain orders are mixed exactly;
   of the others, mean and variance up to the day are used.
5. A series that would not run out by the horizon even without inbound (probability below 1e-9) is not computed by day.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, finite, index, mass_function, non_negative, same_length
from optimizer.laws.demand_law import DemandLaw, check_law, demand_tail, exceedance
from optimizer.risk.supply import SupplyStates, supply_states

_NEGLIGIBLE = 1e-9
_BLOCK = 4096


@dataclass(frozen=True)
class InboundSchedule:
    """Open orders as arrays.

    Parameters
    ----------
    series
        Shape ``(k,)``, row of the stock each order is for.
    quantity
        Shape ``(k,)``, units, not negative.
    arrival_probability
        Shape ``(k, horizon_days)``, probability of arrival on each day, column 0 today; rows sum to at most one, the
        rest arrives after the horizon.
    """

    series: IntArray
    quantity: FloatArray
    arrival_probability: FloatArray


@dataclass(frozen=True)
class StockProjection:
    """Stock by day, shape ``(n, horizon_days)`` throughout.

    Parameters
    ----------
    expected_on_hand
        Units expected on the shelf at the end of the day.
    stockout_probability
        Probability that demand up to and including the day exceeds supply up to the day.
    expected_short_units
        Units expected to be owed at the end of the day.
    """

    expected_on_hand: FloatArray
    stockout_probability: FloatArray
    expected_short_units: FloatArray

    def first_risky_day(self, threshold: float) -> IntArray:
        """First day on which the stockout probability reaches `threshold` in (0, 1], shape ``(n,)``; -1 if none."""
        if not 0.0 < threshold <= 1.0:
            raise ValueError(f"threshold must be in (0, 1], got {threshold}")
        risky = self.stockout_probability >= threshold
        return np.where(risky.any(axis=1), risky.argmax(axis=1), -1)


def project_stock(
    on_hand: ArrayLike,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    *,
    horizon_days: int,
    known_demand: ArrayLike | None = None,
    inbound: InboundSchedule | None = None,
    law: DemandLaw = "gamma",
) -> StockProjection:
    """Stock of every series by day.

    Parameters
    ----------
    on_hand
        Shape ``(n,)``, units free to be sold; negative when units are already owed.
    mean_per_day, sd_per_day
        Shape ``(n,)``, units, days independent.
    horizon_days
        Days to project, at least 1.
    known_demand
        Shape ``(n, horizon_days)``, units due on each day on top of the daily law.
    inbound
        Orders that may arrive, with `horizon_days` columns.
    law
        Law of demand, see `demand_law`.

    Raises
    ------
    ValueError
        If a shape, sign or index is wrong.
    """
    stock, mean = finite("on_hand", on_hand), non_negative("mean_per_day", mean_per_day)
    variance = non_negative("sd_per_day", sd_per_day) ** 2
    n = same_length(on_hand=stock, mean_per_day=mean, sd_per_day=variance)
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, got {horizon_days}")
    check_law(law)
    shape = (n, horizon_days)
    known = np.zeros(shape) if known_demand is None else np.cumsum(_known(known_demand, shape), axis=1)
    checked = None if inbound is None else checked_inbound(inbound, n, horizon_days)
    supply = supply_states(stock, known, checked)
    projection = _safe(supply, mean)
    lowest = stock - known[:, -1]
    total = (float(horizon_days) * mean, float(horizon_days) * variance)
    risky = np.flatnonzero(exceedance(lowest, *total, law) > _NEGLIGIBLE)
    for start in range(0, len(risky), _BLOCK):
        _project(projection, risky[start : start + _BLOCK], supply, mean, variance, law)
    return projection


def checked_inbound(inbound: InboundSchedule, n: int, horizon_days: int) -> InboundSchedule:
    """The schedule with every array checked and typed, or a ValueError."""
    series = index("inbound.series", inbound.series, n)
    quantity = non_negative("inbound.quantity", inbound.quantity)
    arrival = mass_function("inbound.arrival_probability", inbound.arrival_probability)
    same_length(series=series, quantity=quantity, arrival_probability=arrival)
    if arrival.shape[1] != horizon_days:
        raise ValueError(f"inbound.arrival_probability must have {horizon_days} days, got {arrival.shape[1]}")
    return InboundSchedule(series, quantity, arrival)


def _known(known_demand: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    known = non_negative("known_demand", known_demand)
    if known.shape != shape:
        raise ValueError(f"known_demand must have shape {shape}, got {known.shape}")
    return known


def _safe(supply: SupplyStates, mean: FloatArray) -> StockProjection:
    """The projection of series that never run out: plain arithmetic."""
    days = np.arange(1.0, supply.certain.shape[1] + 1.0)
    on_hand = supply.expected() - mean[:, None] * days
    return StockProjection(np.maximum(on_hand, 0.0), np.zeros(on_hand.shape), np.zeros(on_hand.shape))


def _project(
    projection: StockProjection,
    rows: IntArray,
    supply: SupplyStates,
    mean: FloatArray,
    variance: FloatArray,
    law: DemandLaw,
) -> None:
    """Fill the rows: one pass per receipt state over the cells in which it can occur."""
    days = np.arange(1.0, supply.certain.shape[1] + 1.0)
    demand_mean = mean[rows, None] * days
    spread = variance[rows, None] * days + supply.variance(rows)
    out, short = np.zeros(demand_mean.shape), np.zeros(demand_mean.shape)
    for weight, level in supply.mixture(rows):
        cells = np.nonzero(weight > _NEGLIGIBLE * 1e-3)
        tail = demand_tail(level[cells], demand_mean[cells], spread[cells], law)
        out[cells] += weight[cells] * tail.exceedance
        short[cells] += weight[cells] * tail.expected_short
    projection.stockout_probability[rows] = np.minimum(out, 1.0)
    projection.expected_short_units[rows] = short
    projection.expected_on_hand[rows] = np.maximum(supply.expected(rows) - demand_mean + short, 0.0)
