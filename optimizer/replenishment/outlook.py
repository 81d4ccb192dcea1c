"""Demand of the next periods as a law per series: mean path, variance, shared uncertainty of the level.

Rules
-----
1. The mean is the plain forecast (level times season) times a correction learned over all series and past origins by
   boosted trees, taken with a share below one: the trees see what the season does not, the plain forecast holds in
   weeks unlike any they have seen.
2. A past origin is learned from only when its target lies in the visible past. Newer origins weigh more; a row weighs
   ``m / (1 + dispersion m)``, the information a negative binomial count of mean m carries about its rate.
3. Variance is ``m + dispersion m²`` per period. The dispersion of a series comes from its own past misses, each capped,
   shrunk to the pooled value by `dispersion_evidence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative
from optimizer.demand.seasonality import history_table
from optimizer.replenishment.boosting import BoostedTrees, BoostingSettings, boosted_trees
from optimizer.replenishment.features import Origin


@dataclass(frozen=True)
class OutlookSettings:
    """What the outlook takes for granted, as tuned on the windows named in ``benchmarks/results/vn2.md``.

    Parameters
    ----------
    correction_share
        Exponent on the learned correction, in [0, 1]; 0 is the plain forecast.
    lowest_correction
        The learned factor is not taken below this.
    origin_discount
        Weight of an origin against the next.
    dispersion, dispersion_evidence
        Pooled dispersion, and the squared units it is worth.
    largest_miss
        Squared misses are capped at this many variances.
    level_cv
        Coefficient of variation of the level that all periods ahead share.
    trees
        How the correction is grown.
    """

    correction_share: float = 0.7
    lowest_correction: float = 0.1
    origin_discount: float = 0.99
    dispersion: float = 0.25
    dispersion_evidence: float = 60.0
    largest_miss: float = 9.0
    level_cv: float = 0.1
    trees: BoostingSettings = field(default_factory=BoostingSettings)

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        if not 0.0 <= self.correction_share <= 1.0:
            raise ValueError(f"correction_share must be in [0, 1], got {self.correction_share}")
        if not 0.0 < self.origin_discount <= 1.0:
            raise ValueError(f"origin_discount must be in (0, 1], got {self.origin_discount}")
        for name in ("lowest_correction", "dispersion", "dispersion_evidence", "largest_miss"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0.0):
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}")
        if not 0.0 <= self.level_cv <= 2.0:
            raise ValueError(f"level_cv must be in [0, 2], got {self.level_cv}")


@dataclass(frozen=True)
class DemandOutlook:
    """Law of demand of the next periods.

    Parameters
    ----------
    mean, variance
        ``(n, horizon)``, units and squared units of each period given the level.
    level_cv
        ``(n,)``, coefficient of variation of the level, shared by the periods of a series.
    """

    mean: FloatArray
    variance: FloatArray
    level_cv: FloatArray


def learned_correction(
    origins: Sequence[Origin], first_target: int, history: ArrayLike, settings: OutlookSettings
) -> BoostedTrees:
    """Correction to the plain forecast of the last period ahead, learned from consecutive past origins.

    Parameters
    ----------
    origins
        Consecutive origins; origin k has its last target in period ``first_target + k`` of the history.
    first_target
        Column of `history` that the first origin's last period ahead is.
    history
        ``(n, periods)``, units, NaN where unusable; every target must lie in it.
    """
    table = history_table("history", history)
    if not origins or first_target < 0 or first_target + len(origins) > table.shape[1]:
        raise ValueError(
            f"origins must be one or more with targets in the {table.shape[1]} periods of history, "
            f"got {len(origins)} from {first_target}"
        )
    base = np.stack([o.base[:, -1] for o in origins])
    actual = table[:, first_target : first_target + len(origins)].T
    if base.shape != actual.shape:
        raise ValueError(f"history must have the {base.shape[1]} series of the origins, got {actual.shape[1]}")
    known = ~np.isnan(actual) & (base > 0.02)
    age = np.broadcast_to(np.arange(len(origins) - 1, -1, -1)[:, None], base.shape)[known]
    mean = base[known]
    weight = settings.origin_discount**age * mean / (1.0 + settings.dispersion * mean)
    features = np.concatenate([o.features[rows, -1] for o, rows in zip(origins, known, strict=True)])
    return boosted_trees(features, actual[known] / mean, weight, age, settings.trees)


def dispersion(
    base: ArrayLike, actual: ArrayLike, settings: OutlookSettings, *, period_discount: float = 0.98
) -> FloatArray:
    """Excess of the variance over Poisson as a multiple of the squared mean, per series, shape ``(n,)``.

    Parameters
    ----------
    base, actual
        ``(n, origins)``, past forecasts and what came, units; `actual` is NaN where unknown.
    period_discount
        Weight of an origin against the next.
    """
    mean, came = non_negative("base", base), history_table("actual", actual)
    if mean.shape != came.shape:
        raise ValueError(f"base must have the shape of actual, {came.shape}, got {mean.shape}")
    known = (~np.isnan(came)).astype(np.float64)
    pooled, worth = settings.dispersion, settings.dispersion_evidence
    weight = known * period_discount ** np.arange(mean.shape[1] - 1, -1, -1)
    miss = np.where(known > 0.0, came - mean, 0.0) ** 2
    excess = np.minimum(miss, settings.largest_miss * (mean + pooled * mean * mean)) - mean
    own, information = (weight * excess).sum(axis=1), (weight * mean * mean).sum(axis=1)
    return np.asarray(np.clip((own + worth * pooled) / (information + worth), 0.02, 2.0))


def demand_outlook(
    now: Origin, correction: BoostedTrees | None, spread: ArrayLike, settings: OutlookSettings
) -> DemandOutlook:
    """Law of the next periods from the origin of today, with `spread` ``(n,)`` from `dispersion`."""
    n, horizon, width = now.features.shape
    extra = non_negative("spread", spread)
    if extra.shape != (n,):
        raise ValueError(f"spread must have shape ({n},), got {extra.shape}")
    mean = now.base
    if correction is not None:
        factor = correction.predict(now.features.reshape(n * horizon, width)).reshape(n, horizon)
        mean = mean * np.maximum(factor, settings.lowest_correction) ** settings.correction_share
    return DemandOutlook(mean, mean + extra[:, None] * mean * mean, np.full(n, settings.level_cv))
