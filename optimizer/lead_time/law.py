"""A law of lead time over whole days, and what it says of an order that has already waited.

An order that has outlived its law is not expected at once: what it has waited beyond the law is what it is expected to
wait on (Lindy), at least the law's standard deviation and a day.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, finite, non_negative, position, same_length

_NO_MASS = 1e-9


@dataclass(frozen=True)
class LeadTimeLaw:
    """Probability of each lead time in days, shape ``(groups, days)``, rows sum to one."""

    probability: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "probability", non_negative("probability", self.probability))
        if self.probability.ndim != 2 or not self.probability.shape[1]:
            raise ValueError(f"probability must have shape (groups, days), got {self.probability.shape}")
        if not np.allclose(self.probability.sum(axis=1), 1.0, atol=1e-9):
            raise ValueError("probability must sum to 1 in each row")

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
        level = np.broadcast_to(finite("p", p), (len(self.probability),))
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
            law whose mean is the days waited beyond the law's last (at least its standard deviation and a day), cut
            at the last column and scaled to one.
        """
        row = position("group", group, len(self.probability))
        age = np.floor(non_negative("age_days", age_days)).astype(np.int64)
        same_length(age_days=age, group=row)
        days = self.probability.shape[1]
        column = age[:, None] + np.arange(days)
        remaining: FloatArray = self.probability[row[:, None], np.minimum(column, days - 1)]
        remaining[column >= days] = 0.0
        mass = remaining.sum(axis=1)
        late = mass < _NO_MASS
        remaining /= np.where(late, 1.0, mass)[:, None]
        if late.any():
            last = days - 1 - (self.probability[row[late], ::-1] > _NO_MASS).argmax(axis=1)
            overdue = np.maximum(age[late] - last, 1)
            remaining[late] = _geometric(np.maximum(self.sd_days()[row[late]], overdue.astype(np.float64)), days)
        return remaining


def _geometric(mean: FloatArray, days: int) -> FloatArray:
    """Geometric laws on 0..days-1 with the given means before cutting, shape ``(len(mean), days)``."""
    ratio = mean / (1.0 + mean)
    law = ratio[:, None] ** np.arange(days)
    return np.asarray(law / law.sum(axis=1, keepdims=True))
