"""What promotions do to demand: uplift while they run, dip after they end, and a history without either.

Rules
-----
1. A period is promoted when flagged, *after* when not flagged but within `dip_periods` of a flagged one, else base.
   The level of a series is its base demand over the sum of its expected factors (season, trend) in base periods.
2. Uplift of a series = its promoted demand over level times expected factors in the same periods; dip likewise.
3. Evidence counts in periods: a promoted period of a steady series is one, of a series whose base varies more it is
   less, in proportion to the squared coefficient of variation, so that a lucky sale of a slow mover is not an uplift.
   This is the Poisson number of expected events in a form that does not depend on the unit.
4. Estimates are shrunk series → group → all → 1 (no effect); each parent counts for `shrinkage` periods.
5. Unobserved periods (NaN: sold out, not listed) are no evidence and stay NaN.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import (
    BoolArray,
    FloatArray,
    IntArray,
    flags,
    non_negative,
    observed,
    position,
    positive,
    same_length,
    shaped,
)

STEADY_CV2 = 0.25
"""Squared coefficient of variation of the base up to which a promoted period counts in full."""


@dataclass(frozen=True)
class PromotionEffect:
    """Effect of a promotion on each series, shape ``(n,)``.

    Parameters
    ----------
    uplift
        Factor on demand while a promotion runs, above 0.
    dip
        Factor on demand in the periods after, above 0; 1 where nothing is known.
    evidence_periods
        Promoted periods the series itself contributed, after rule 3; 0 where the group speaks for it.
    dip_periods
        How many periods after a promotion the dip lasts.
    """

    uplift: FloatArray
    dip: FloatArray
    evidence_periods: FloatArray
    dip_periods: int

    def __post_init__(self) -> None:
        uplift, dip = positive("uplift", self.uplift), positive("dip", self.dip)
        evidence = non_negative("evidence_periods", self.evidence_periods)
        same_length(uplift=uplift, dip=dip, evidence_periods=evidence)
        if self.dip_periods < 0:
            raise ValueError(f"dip_periods must not be negative, got {self.dip_periods}")


def promotion_effect(
    history: ArrayLike,
    promotion: ArrayLike,
    group: ArrayLike,
    *,
    groups: int,
    expected_factor: ArrayLike | None = None,
    dip_periods: int = 2,
    shrinkage: float = 4.0,
) -> PromotionEffect:
    """Uplift and post-promotion dip of each series from its flagged periods and its group's.

    Parameters
    ----------
    history
        Shape ``(n, periods)``, units, oldest first, NaN where not observed.
    promotion
        Shape ``(n, periods)``, booleans: a promotion ran.
    group
        Shape ``(n,)``, the pool of each series (product group and region, say), in ``range(groups)``.
    expected_factor
        Shape ``(n, periods)``, season times trend relative to the level, positive; 1 when left out.
    dip_periods
        Periods after a promotion that may be depressed, 0 for none.
    shrinkage
        Periods a parent counts for, above 0.

    Raises
    ------
    ValueError
        If an array is of another shape or type, or a number is out of range.

    Source
    ------
    van Heerde, Leeflang & Wittink (2000), The estimation of pre- and postpromotion dips with store-level scanner data,
    J. Marketing Research 37 (baseline, uplift and dip as separate factors); Morris (1983), Parametric empirical Bayes
    inference, J. Am. Stat. Assoc. 78 (shrinkage in proportion to evidence).

    Examples
    --------
    >>> effect = promotion_effect([[10.0, 10.0, 30.0, 10.0]], [[False, False, True, False]], [0], groups=1,
    ...                           dip_periods=0, shrinkage=1.0)
    >>> effect.uplift, effect.evidence_periods
    (array([2.75]), array([1.]))
    """
    table, promoted = observed("history", history), flags("promotion", promotion)
    shaped("history", table, len(table) if table.ndim else None, None)
    shaped("promotion", promoted, *table.shape)
    label = position("group", group, groups)
    shaped("group", label, len(table))
    if dip_periods < 0:
        raise ValueError(f"dip_periods must not be negative, got {dip_periods}")
    if not (np.isfinite(shrinkage) and shrinkage > 0.0):
        raise ValueError(f"shrinkage must be positive, got {shrinkage}")
    factor = None if expected_factor is None else positive("expected_factor", expected_factor)
    if factor is not None:
        shaped("expected_factor", factor, *table.shape)
    # Only series that were ever promoted carry evidence, so only they are looked at.
    rows = np.flatnonzero(promoted.any(axis=1))
    demand = table[rows].astype(np.float64)
    seen = ~np.isnan(demand)
    expected = np.ones_like(demand) if factor is None else factor[rows]
    demand[~seen] = 0.0
    after = _after(promoted[rows], dip_periods)
    base = seen & ~promoted[rows] & ~after
    level, weight = _base_level(demand, expected, base)
    uplift, evidence = np.zeros(len(table)), np.zeros(len(table))
    dip, dip_evidence = np.zeros(len(table)), np.zeros(len(table))
    uplift[rows], evidence[rows] = _ratio(demand, expected, seen & promoted[rows], level, weight)
    dip[rows], dip_evidence[rows] = _ratio(demand, expected, seen & after, level, weight)
    return PromotionEffect(
        _shrunk(uplift, evidence, label, groups, shrinkage),
        _shrunk(dip, dip_evidence, label, groups, shrinkage),
        evidence,
        dip_periods,
    )


def cleaned_history(history: ArrayLike, promotion: ArrayLike, effect: PromotionEffect) -> NDArray[np.floating]:
    """History as it would have been without promotions: promoted periods over the uplift, those after over the dip.

    Shape and float type of `history`; NaN stays NaN, and a series never promoted is unchanged.

    Raises
    ------
    ValueError
        If an array is of another shape or type, or negative or infinite.
    """
    table, promoted = observed("history", history), flags("promotion", promotion)
    shaped("history", table, len(effect.uplift), None)
    shaped("promotion", promoted, *table.shape)
    rows = np.flatnonzero(promoted.any(axis=1))
    cleaned = table.copy()
    cleaned[rows] /= _factor(promoted[rows], _after(promoted[rows], effect.dip_periods), effect, rows)
    return cleaned


def promotion_factor(
    effect: PromotionEffect, planned: ArrayLike, *, promoted_before: ArrayLike | None = None
) -> FloatArray:
    """Factor on the forecast of each period, shape ``(n, periods)``, from the promotions planned.

    Parameters
    ----------
    planned
        Shape ``(n, periods)``, booleans, the first period is the next one.
    promoted_before
        Shape ``(n, past)``, booleans, the latest past periods, oldest first: a promotion that just ended dips the first
        periods of the forecast.

    Raises
    ------
    ValueError
        If an array is of another shape or type.
    """
    plan = flags("planned", planned)
    shaped("planned", plan, len(effect.uplift), None)
    past = np.zeros((len(plan), 0), dtype=np.bool_)
    if promoted_before is not None:
        past = flags("promoted_before", promoted_before)
        shaped("promoted_before", past, len(plan), None)
    after = _after(np.concatenate([past, plan], axis=1), effect.dip_periods)[:, past.shape[1] :]
    return _factor(plan, after, effect, np.arange(len(plan)))


def _after(promoted: BoolArray, dip_periods: int) -> BoolArray:
    """Not promoted, but within `dip_periods` of a promoted period."""
    after = np.zeros_like(promoted)
    for lag in range(1, min(dip_periods, promoted.shape[1] - 1) + 1):
        after[:, lag:] |= promoted[:, :-lag]
    return after & ~promoted


def _factor(promoted: BoolArray, after: BoolArray, effect: PromotionEffect, rows: IntArray) -> FloatArray:
    dip = np.where(after, effect.dip[rows, None], 1.0)
    return np.where(promoted, effect.uplift[rows, None], dip)


def _base_level(demand: FloatArray, expected: FloatArray, base: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Level per series, 0 without base demand, and what a promoted period of the series counts for (rule 3)."""
    periods = base.sum(axis=1)
    total = np.where(base, expected, 0.0).sum(axis=1)
    level = np.where(base, demand, 0.0).sum(axis=1) / np.where(total > 0.0, total, 1.0)
    relative = np.where(base, demand, 0.0) / np.where(level > 0.0, level, 1.0)[:, None]
    squares = (np.where(base, relative - expected, 0.0) ** 2).sum(axis=1)
    # A single base period says nothing of the spread: taken as that of an exponential, cv2 = 1.
    cv2 = np.where(periods > 1, squares / np.maximum(periods - 1, 1), 1.0)
    return level, np.where(level > 0.0, STEADY_CV2 / np.maximum(cv2, STEADY_CV2), 0.0)


def _ratio(
    demand: FloatArray, expected: FloatArray, chosen: BoolArray, level: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Demand over expectation in the chosen periods, and the evidence for it in periods."""
    foreseen = level * np.where(chosen, expected, 0.0).sum(axis=1)
    got = np.where(chosen, demand, 0.0).sum(axis=1)
    return got / np.where(foreseen > 0.0, foreseen, 1.0), weight * chosen.sum(axis=1)


def _shrunk(ratio: FloatArray, evidence: FloatArray, group: IntArray, groups: int, shrinkage: float) -> FloatArray:
    weighted = ratio * evidence
    everywhere = (weighted.sum() + shrinkage) / (evidence.sum() + shrinkage)
    pooled = np.bincount(group, weighted, groups) + shrinkage * everywhere
    pooled /= np.bincount(group, evidence, groups) + shrinkage
    return np.asarray((weighted + shrinkage * pooled[group]) / (evidence + shrinkage))
