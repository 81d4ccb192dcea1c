"""Demand during the time that stock must protect: lead time plus, under periodic review, the review period."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincc

from optimizer.arguments import FloatArray, finite, mass_function, non_negative, probability, same_length
from optimizer.laws.count_search import smallest_count


@dataclass(frozen=True)
class LeadTimeDemand:
    """Mean (units) and variance (units squared) of demand over the protection interval, shape ``(n,)``."""

    mean: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        mean, variance = non_negative("mean", self.mean), non_negative("variance", self.variance)
        if mean.shape != variance.shape:
            raise ValueError(f"mean and variance must have one shape, got {mean.shape} and {variance.shape}")

    @property
    def sd(self) -> FloatArray:
        """Standard deviation, units."""
        return np.sqrt(self.variance)


def lead_time_demand_moments(
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    lead_time_mean_days: ArrayLike,
    lead_time_sd_days: ArrayLike,
    review_period_days: ArrayLike = 0.0,
) -> LeadTimeDemand:
    r"""Moments of demand over lead time plus review period, inputs broadcast together.

    Mean :math:`\mu (L + R)`, variance :math:`(L + R)\sigma^2 + \mu^2\sigma_L^2`; days are independent of each other
    and of the lead time.

    Raises
    ------
    ValueError
        If an input is negative or not finite.

    Examples
    --------
    >>> lead_time_demand_moments([2500.0], [500.0], 7.0, 7.0).sd.round(2)
    array([17549.93])
    """
    demand, spread = non_negative("mean_per_day", mean_per_day), non_negative("sd_per_day", sd_per_day)
    lead, lead_sd = (
        non_negative("lead_time_mean_days", lead_time_mean_days),
        non_negative("lead_time_sd_days", lead_time_sd_days),
    )
    interval = lead + non_negative("review_period_days", review_period_days)
    mean, variance = np.broadcast_arrays(demand * interval, interval * spread**2 + (demand * lead_sd) ** 2)
    return LeadTimeDemand(mean.copy(), variance.copy())


@dataclass(frozen=True)
class PoissonMixture:
    """Poisson demand over a random number of days, exact: rates ``(n,)`` per day, laws ``(n, days)`` of the duration.

    Bimodal lead times (air and sea) keep both humps, which two moments would blur.
    """

    mean_per_day: FloatArray
    duration: FloatArray

    def __post_init__(self) -> None:
        non_negative("mean_per_day", self.mean_per_day)
        total = mass_function("duration", self.duration).sum(axis=1)
        same_length(mean_per_day=self.mean_per_day, duration=self.duration)
        off = np.abs(total - 1.0) > 1e-6
        if off.any():
            row = int(np.argmax(off))
            raise ValueError(f"each row of duration must sum to 1, row {row} sums to {total[row]}")

    def moments(self) -> LeadTimeDemand:
        """Mean and variance by conditioning on the duration."""
        days = np.arange(self.duration.shape[1], dtype=np.float64)
        mean_days = self.duration @ days
        variance_days = self.duration @ (days * days) - mean_days**2
        mean = self.mean_per_day * mean_days
        return LeadTimeDemand(mean, mean + self.mean_per_day**2 * variance_days)

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(demand <= x), `x` a number or ``(n,)``."""
        level = np.broadcast_to(finite("x", x), self.mean_per_day.shape)
        whole = np.floor(np.maximum(level, 0.0))[:, None]
        total = np.zeros(len(self.mean_per_day))
        # Only the days some series can have are worth a call.
        for day in np.flatnonzero(self.duration.any(axis=0)):
            total += self.duration[:, day] * gammaincc(whole[:, 0] + 1.0, self.mean_per_day * day)
        return np.where(level < 0.0, 0.0, np.minimum(total, 1.0))

    def quantile(self, p: ArrayLike) -> FloatArray:
        """Smallest whole demand that is not exceeded with probability `p` in (0, 1), a number or ``(n,)``."""
        level = np.broadcast_to(probability("p", p), self.mean_per_day.shape)
        return smallest_count(lambda x: self.cdf(x) >= level * (1.0 - 1e-12), self.moments().mean)
