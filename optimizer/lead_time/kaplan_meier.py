"""Lead time as a law over whole days, from receipts and from orders still open.

Rules
-----
1. A received order of `days` d arrived on day d. An order still open in the morning of its day a has survived the days
   before a and says nothing yet about day a itself: it is at risk on days 0..a-1.
2. Hazard of a day = (receipts of the group + shrinkage x receipts of the base law) / (at risk + shrinkage x base law
   still open): `shrinkage` is the number of orders the base law counts for. The base law of a group is its pool's, or
   a point at the prior days where the pool has no receipt.
3. What never arrived by the last day anyone waited is put on the day after (Efron), so that a law always sums to one.
4. Weights (units, say) are scaled per group so that they count as many orders as they are worth (Kish): counting in
   pieces or in pallets gives the same law.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import BoolArray, FloatArray, IntArray, index, non_negative, same_length

_NO_MASS = 1e-9


@dataclass(frozen=True)
class LeadTimeLaw:
    """Probability of each lead time in days, shape ``(groups, days)``, rows sum to one."""

    probability: FloatArray

    def __post_init__(self) -> None:
        if self.probability.ndim != 2 or not self.probability.shape[1]:
            raise ValueError(f"probability must have shape (groups, days), got {self.probability.shape}")
        if (self.probability < 0.0).any() or not np.allclose(self.probability.sum(axis=1), 1.0, atol=1e-9):
            raise ValueError("probability must not be negative and each row must sum to 1")

    def mean_days(self) -> FloatArray:
        """Mean lead time, shape ``(groups,)``."""
        return np.asarray(self.probability @ np.arange(self.probability.shape[1], dtype=np.float64))

    def sd_days(self) -> FloatArray:
        """Standard deviation, shape ``(groups,)``."""
        days = np.arange(self.probability.shape[1], dtype=np.float64)
        deviation = days - self.mean_days()[:, None]
        return np.asarray(np.sqrt((self.probability * deviation * deviation).sum(axis=1)))

    def quantile_days(self, p: ArrayLike) -> IntArray:
        """Smallest day by which a share `p` in (0, 1] has arrived; `p` a number or ``(groups,)``."""
        level = np.broadcast_to(np.asarray(p, dtype=np.float64), (len(self.probability),))
        if not ((level > 0.0) & (level <= 1.0)).all():
            raise ValueError(f"p must be in (0, 1], got {level}")
        arrived = np.cumsum(self.probability, axis=1)
        # The guard keeps a sum of 0.95 - 1 ulp from costing a day.
        return np.asarray((arrived < level[:, None] * (1.0 - 1e-9)).sum(axis=1), dtype=np.int64)

    def given_age(self, age_days: ArrayLike, group: ArrayLike) -> FloatArray:
        """Law of the *remaining* days of orders still open in the morning of their day `age_days`.

        Parameters
        ----------
        age_days
            Shape ``(k,)``, whole days since ordering, not negative.
        group
            Shape ``(k,)``, row of the law.

        Returns
        -------
        FloatArray
            Shape ``(k, days)``; column 0 is arrival today. Where the law has no mass left at that age, a geometric
            law whose mean is the law's standard deviation (at least a day), cut at the last column and scaled to one.
        """
        row = index("group", group, len(self.probability))
        age = np.floor(non_negative("age_days", age_days)).astype(np.int64)
        same_length(age_days=age, group=row)
        days = self.probability.shape[1]
        column = age[:, None] + np.arange(days)
        remaining: FloatArray = self.probability[row[:, None], np.minimum(column, days - 1)]
        remaining[column >= days] = 0.0
        mass = remaining.sum(axis=1)
        late = mass < _NO_MASS
        remaining /= np.where(late, 1.0, mass)[:, None]
        remaining[late] = _geometric(np.maximum(self.sd_days()[row[late]], 1.0), days)
        return remaining


def kaplan_meier_lead_time(
    days: ArrayLike,
    observed: ArrayLike,
    weight: ArrayLike,
    group: ArrayLike,
    groups: int,
    *,
    horizon_days: int = 180,
    pool: ArrayLike | None = None,
    shrinkage: float = 5.0,
    prior_days: ArrayLike | None = None,
) -> LeadTimeLaw:
    """Lead-time law of each group, open orders censored, drawn towards its pool where evidence is thin.

    Parameters
    ----------
    days
        Shape ``(m,)``, whole days from order to receipt, or to now when open; longer than the horizon counts as its
        last day.
    observed
        Shape ``(m,)``, true when received.
    weight
        Shape ``(m,)``, not negative: units of the receipt, or 1.
    group
        Shape ``(m,)``, in ``range(groups)``.
    horizon_days
        Number of days of the law, 0..horizon_days - 1.
    pool
        Shape ``(groups,)``, the pool of each group; None puts all groups in one.
    shrinkage
        Orders the pool's law counts for, not negative.
    prior_days
        Shape ``(groups,)``, contract lead time, used where the pool has no receipt.

    Raises
    ------
    ValueError
        If an argument is out of range, or a pool has neither a receipt nor prior days.

    Source
    ------
    Kaplan & Meier (1958), J. Amer. Stat. Assoc. 53; Efron (1967) for the tail.
    """
    orders = _Orders.of(days, observed, weight, index("group", group, groups), horizon_days)
    if not np.isfinite(shrinkage) or shrinkage < 0.0:
        raise ValueError(f"shrinkage must be finite and not negative, got {shrinkage}")
    member = np.zeros(groups, dtype=np.int64) if pool is None else _dense(pool, groups)
    pools = int(member.max()) + 1 if groups else 0
    shape = (pools, horizon_days)
    pooled = _law(*orders.counts(member[orders.group], pools), np.zeros(shape), 0.0)
    has_receipt = np.zeros(pools, dtype=np.bool_)
    has_receipt[member[orders.group[orders.observed & (orders.weight > 0.0)]]] = True
    base = _base_law(pooled, has_receipt, member, prior_days)
    received, at_risk = orders.counts(orders.group, groups)
    return LeadTimeLaw(_law(received, at_risk, base, shrinkage))


@dataclass(frozen=True)
class _Orders:
    """Checked observations; `last` is the last day an order was at risk (-1: none yet)."""

    last: IntArray
    observed: BoolArray
    weight: FloatArray
    group: IntArray
    horizon: int

    @classmethod
    def of(cls, days: ArrayLike, observed: ArrayLike, weight: ArrayLike, group: IntArray, horizon: int) -> "_Orders":
        if horizon < 1:
            raise ValueError(f"horizon_days must be at least 1, got {horizon}")
        waited = np.floor(non_negative("days", days)).astype(np.int64)
        received = np.asarray(observed, dtype=np.bool_)
        heavy = non_negative("weight", weight)
        same_length(days=waited, observed=received, weight=heavy, group=group)
        last = np.minimum(np.where(received, waited, waited - 1), horizon - 1)
        return cls(last, received, heavy, group, horizon)

    def counts(self, row: IntArray, rows: int) -> tuple[FloatArray, FloatArray]:
        """Receipts and orders at risk, each shape ``(rows, days)``, in effective orders."""
        weight = self.weight * _kish_scale(self.weight, row, rows)[row]
        size, shape = rows * self.horizon, (rows, self.horizon)
        cell = row * self.horizon + np.maximum(self.last, 0)
        received = np.bincount(cell, weight * self.observed, size).reshape(shape).astype(np.float64)
        leaving = np.bincount(cell, weight * (self.last >= 0), size).reshape(shape).astype(np.float64)
        at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
        return received, at_risk


def _kish_scale(weight: FloatArray, row: IntArray, rows: int) -> FloatArray:
    """Factor per row that makes the weights sum to the number of equal orders they are worth."""
    total = np.bincount(row, weight, rows)
    squares = np.bincount(row, weight * weight, rows)
    return np.divide(total, squares, out=np.zeros(rows), where=squares > 0.0)


def _law(received: FloatArray, at_risk: FloatArray, base: FloatArray, shrinkage: float) -> FloatArray:
    """Kaplan-Meier law with `shrinkage` orders that follow the base law; rows sum to one unless nothing is known."""
    base_open = np.cumsum(base[:, ::-1], axis=1)[:, ::-1]
    exposed = at_risk + shrinkage * base_open
    events = received + shrinkage * base
    hazard = np.divide(events, exposed, out=np.zeros_like(events), where=exposed > _NO_MASS)
    still_open = np.cumprod(1.0 - np.minimum(hazard, 1.0), axis=1)
    before = np.concatenate([np.ones((len(hazard), 1)), still_open[:, :-1]], axis=1)
    law = before * hazard
    days = law.shape[1]
    waited = (exposed > _NO_MASS).sum(axis=1)
    row = np.arange(len(law))
    law[row, np.minimum(waited, days - 1)] += still_open[:, -1]
    law = np.maximum(law, 0.0)
    return np.asarray(law / law.sum(axis=1, keepdims=True))


def _base_law(pooled: FloatArray, has_receipt: BoolArray, member: IntArray, prior_days: ArrayLike | None) -> FloatArray:
    """Law each group leans on: its pool's, or a point at its prior days."""
    base = pooled[member]
    blank = ~has_receipt[member]
    if not blank.any():
        return base
    if prior_days is None:
        raise ValueError(f"group {int(np.argmax(blank))} has no receipt in its pool and no prior_days were given")
    prior = non_negative("prior_days", prior_days)
    same_length(prior_days=prior, pool=member)
    point = np.minimum(np.ceil(prior[blank] * (1.0 - 1e-9)), base.shape[1] - 1).astype(np.int64)
    base[blank] = 0.0
    base[np.flatnonzero(blank), point] = 1.0
    return base


def _dense(pool: ArrayLike, groups: int) -> IntArray:
    """Pool numbers as 0..p-1."""
    labels = np.asarray(pool)
    if labels.shape != (groups,):
        raise ValueError(f"pool must have shape ({groups},), got {labels.shape}")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _geometric(mean: FloatArray, days: int) -> FloatArray:
    """Geometric laws on 0..days-1 with the given means before cutting, shape ``(len(mean), days)``."""
    ratio = mean / (1.0 + mean)
    law = ratio[:, None] ** np.arange(days)
    return np.asarray(law / law.sum(axis=1, keepdims=True))
