"""The demand outlook of a run that comes back every period: past origins are kept, the correction is relearned.

Rules
-----
1. An origin of period t is built from the first t periods alone, so a book that has seen more says the same about t
   as one that has not.
2. The correction used at period t is learned from targets before the last multiple of `refit_every` up to t.
3. With fewer than `least_origins` known targets there is no correction, and the pooled dispersion stands.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray
from optimizer.demand.seasonality import history_table
from optimizer.replenishment.boosting import BoostedTrees
from optimizer.replenishment.features import Origin, origin
from optimizer.replenishment.outlook import (
    DemandOutlook,
    OutlookSettings,
    demand_outlook,
    dispersion,
    learned_correction,
)


class OutlookBook:
    """Past origins and corrections of one set of series.

    Parameters
    ----------
    groups, pools
        ``(n, levels)`` coarse to fine and ``(n, pools)``, codes as in `features.origin`.
    evidence
        Units the parent is worth, ``levels + 2`` numbers as in `seasonal_indices`.
    horizon, season
        Periods ahead and periods of a year.
    first_origin
        Periods of history the first origin needs: a year and some weeks, for an index to exist.
    refit_every, least_origins
        Periods between two fits of the correction; known targets it needs.
    """

    def __init__(
        self,
        groups: ArrayLike,
        pools: ArrayLike,
        *,
        evidence: Sequence[float],
        horizon: int = 3,
        season: int = 52,
        first_origin: int = 60,
        refit_every: int = 1,
        least_origins: int = 12,
        settings: OutlookSettings | None = None,
    ) -> None:
        if refit_every < 1 or least_origins < 1 or first_origin < 13:
            raise ValueError(
                "refit_every and least_origins must be at least 1 and first_origin at least 13, "
                f"got {refit_every}, {least_origins}, {first_origin}"
            )
        self.settings = OutlookSettings() if settings is None else settings
        self._groups, self._pools, self._evidence = groups, pools, tuple(evidence)
        self._horizon, self._season = horizon, season
        self._first, self._every, self._least = first_origin, refit_every, least_origins
        self._origins: dict[int, Origin] = {}
        self._corrections: dict[int, BoostedTrees] = {}
        self._seen: FloatArray = np.zeros((0, 0))

    def outlook(self, history: ArrayLike) -> DemandOutlook:
        """Law of the next periods after `history` ``(n, periods)``, units, NaN where unusable.

        Raises
        ------
        ValueError
            If the history contradicts one seen before.
        """
        table = history_table("history", history)
        self._remember(table)
        now = table.shape[1]
        return demand_outlook(self._origin(table, now), self._correction(table), self._spread(table), self.settings)

    def _remember(self, table: FloatArray) -> None:
        both = min(self._seen.shape[1], table.shape[1])
        if both and not np.array_equal(self._seen[:, :both], table[:, :both], equal_nan=True):
            raise ValueError("history must continue the one seen before, a past period has changed")
        if table.shape[1] > self._seen.shape[1]:
            self._seen = table.copy()

    def _origin(self, table: FloatArray, at: int) -> Origin:
        if at not in self._origins:
            self._origins[at] = origin(
                table[:, :at],
                self._groups,
                self._pools,
                horizon=self._horizon,
                season=self._season,
                evidence=self._evidence,
            )
        return self._origins[at]

    def _known(self, table: FloatArray, until: int) -> list[Origin]:
        """Origins whose last target lies before period `until`."""
        return [self._origin(table, at) for at in range(self._first, until - self._horizon + 1)]

    def _correction(self, table: FloatArray) -> BoostedTrees | None:
        until = table.shape[1] - table.shape[1] % self._every
        if until - self._horizon - self._first + 1 < self._least:
            return None
        if until not in self._corrections:
            first_target = self._first + self._horizon - 1
            self._corrections[until] = learned_correction(
                self._known(table, until), first_target, table[:, :until], self.settings
            )
        return self._corrections[until]

    def _spread(self, table: FloatArray) -> FloatArray:
        known = self._known(table, table.shape[1])
        if not known:
            return np.full(len(table), self.settings.dispersion)
        base = np.stack([o.base[:, -1] for o in known], axis=1)
        return dispersion(base, table[:, -len(known) :], self.settings)
