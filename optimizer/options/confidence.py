"""How sure a ranking of options is: does the best stay best when the parameters are a little wrong?"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, index
from optimizer.laws.demand_law import DemandLaw
from optimizer.options.arrival import shifted_arrival
from optimizer.options.choice import chosen_rows
from optimizer.options.pricing import price_options
from optimizer.options.rows import OptionRows
from optimizer.options.worlds import Worlds

SURENESS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Shares of draws of which a lower bound of the net value is stated."""
WORLDS_AT_ONCE = 1_024
"""Draws are stacked until their worlds fill a block."""


@dataclass(frozen=True)
class ParameterError:
    """How wrong the estimates may be.

    Parameters
    ----------
    mean_cv, spread_cv
        Coefficient of variation of the error of mean demand and of its standard deviation relative to the mean.
    delay_sd_days
        Standard deviation of a shift of each option's arrival, whole days after rounding.
    """

    mean_cv: float = 0.15
    spread_cv: float = 0.20
    delay_sd_days: float = 1.5

    def __post_init__(self) -> None:
        for name in ("mean_cv", "spread_cv", "delay_sd_days"):
            value = getattr(self, name)
            if not np.isfinite(value) or value < 0.0:
                raise ValueError(f"{name} must be finite and not negative, got {value}")


@dataclass(frozen=True)
class RankingConfidence:
    """What the draws say.

    Parameters
    ----------
    best_row
        Shape ``(cases,)``, the row chosen at the given parameters.
    confidence
        Shape ``(cases,)``, the share of draws that choose it again.
    share_best
        Shape ``(rows,)``, the share of draws that choose each row; they sum to one in each case.
    low_net_value
        Shape ``(len(SURENESS), rows)``, the net value each row reaches at least in so large a share of the draws.
    """

    best_row: IntArray
    confidence: FloatArray
    share_best: FloatArray
    low_net_value: FloatArray


@dataclass(frozen=True)
class ParameterDraws:
    """Errors drawn for some cases; draws of cases drawn apart lie beside each other.

    Parameters
    ----------
    level, spread
        Shape ``(draws, cases)``, factors on mean demand and on its coefficient of variation.
    delay
        Shape ``(draws, rows)``, days.
    """

    level: FloatArray
    spread: FloatArray
    delay: FloatArray

    @classmethod
    def drawn(
        cls,
        generator: np.random.Generator,
        draws: int,
        cases: int,
        rows: int,
        error: ParameterError = ParameterError(),
    ) -> "ParameterDraws":
        """Errors of `cases` cases with `rows` options in all, all numbers taken at once."""
        if draws < 1:
            raise ValueError(f"draws must be at least 1, got {draws}")
        level = _lognormal(error.mean_cv, (draws, cases), generator)
        spread = _lognormal(error.spread_cv, (draws, cases), generator)
        delay = np.rint(generator.normal(0.0, 1.0, (draws, rows)) * error.delay_sd_days)
        return cls(level, spread, delay)

    @classmethod
    def beside(cls, parts: Sequence["ParameterDraws"]) -> "ParameterDraws":
        """Draws of several cases, each from a generator of its own, so that none depends on its company."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts], axis=1) for f in fields(cls)))


def ranking_confidence(
    rows: OptionRows,
    case: ArrayLike,
    draws: ParameterDraws,
    *,
    eligible: ArrayLike | None = None,
    minimum: ArrayLike = 0.0,
    law: DemandLaw = "gamma",
) -> RankingConfidence:
    """Share of parameter draws in which the best option of each case stays best, all cases in one call.

    Options of one case see the same error of demand, each its own error of arrival. Ties go to the lowest row.

    Parameters
    ----------
    rows
        Options to rank by net value.
    case
        Shape ``(rows,)``, the case of each row, numbered 0..cases - 1, none without a row; a world belongs to one case.
    draws
        Errors of all cases and rows.
    eligible, minimum
        As in `choice.chosen_rows`.

    Raises
    ------
    ValueError
        If a case has no row, or the draws are of other cases or rows.
    """
    chosen = chosen_rows(price_options(rows, law=law).net_value, case, eligible=eligible, minimum=minimum)
    member = index("case", case, len(chosen))
    if draws.level.shape[1] != len(chosen) or draws.delay.shape[1] != len(member):
        raise ValueError(
            f"draws must be of {len(chosen)} cases and {len(member)} rows, "
            f"got {draws.level.shape[1]} and {draws.delay.shape[1]}"
        )
    owner = np.zeros(len(rows.worlds), dtype=np.int64)
    owner[rows.world] = owner[rows.baseline] = member
    best = np.zeros(len(member))
    count = len(draws.delay)
    seen = np.empty((count, len(member)))
    together = max(WORLDS_AT_ONCE // len(rows.worlds), 1)
    for first in range(0, count, together):
        block = slice(first, min(first + together, count))
        drawn = _drawn(rows, draws.level[block][:, owner], draws.spread[block][:, owner], draws.delay[block])
        seen[block] = price_options(drawn, law=law).net_value.reshape(-1, len(member))
        for worth in seen[block]:
            best[chosen_rows(worth, member, eligible=eligible, minimum=minimum)] += 1.0
    low = np.quantile(seen, [1.0 - sure for sure in SURENESS], axis=0, method="inverted_cdf")
    return RankingConfidence(chosen, best[chosen] / count, best / count, low)


def drawn_rows(rows: OptionRows, case: IntArray, draws: ParameterDraws) -> OptionRows:
    """The rows with the errors of each draw, one draw after the other; `case` ``(rows,)`` owns rows and worlds."""
    owner = np.zeros(len(rows.worlds), dtype=np.int64)
    owner[rows.world] = owner[rows.baseline] = case
    return _drawn(rows, draws.level[:, owner], draws.spread[:, owner], draws.delay)


def _drawn(rows: OptionRows, level: FloatArray, spread: FloatArray, delay: FloatArray) -> OptionRows:
    """The rows once per draw, one draw after the other; errors are ``(draws, worlds)``, delays ``(draws, rows)``."""
    draws, count = delay.shape
    worlds = len(rows.worlds)
    repeated = rows.take(np.tile(np.arange(count), draws))
    offset = np.repeat(np.arange(draws) * worlds, count)
    return replace(
        repeated,
        worlds=scaled_demand(rows.worlds.take(np.tile(np.arange(worlds), draws)), level.ravel(), spread.ravel()),
        world=repeated.world + offset,
        baseline=repeated.baseline + offset,
        arrival_probability=shifted_arrival(repeated.arrival_probability, delay.ravel()),
    )


def scaled_demand(worlds: Worlds, level: FloatArray, spread: FloatArray) -> Worlds:
    """The worlds with mean demand times `level` and its coefficient of variation times `spread`, each ``(worlds,)``."""

    def scaled(values: FloatArray, factor: FloatArray) -> FloatArray:
        return values * factor.reshape(-1, *([1] * (values.ndim - 1)))

    return replace(
        worlds,
        mean_per_day=scaled(worlds.mean_per_day, level),
        sd_per_day=scaled(worlds.sd_per_day, level * spread),
    )


def _lognormal(cv: float, shape: tuple[int, int], generator: np.random.Generator) -> FloatArray:
    """Positive factors with mean one and the given coefficient of variation."""
    sigma = np.sqrt(np.log1p(cv * cv))
    return np.asarray(np.exp(sigma * generator.normal(0.0, 1.0, shape) - 0.5 * sigma * sigma))
