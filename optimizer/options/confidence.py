"""How sure a ranking of options is: does the best stay best when the parameters are a little wrong?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, index
from optimizer.laws.demand_law import DemandLaw
from optimizer.options.pricing import OptionRows, price_options
from optimizer.risk.projection import InboundSchedule

BLOCK_ROWS = 16_384
"""Rows priced at once: draws are stacked until they fill a block."""


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
    """Per case, shape ``(cases,)``: the row chosen at the given parameters, and the share of draws that choose it."""

    best_row: IntArray
    confidence: FloatArray


def ranking_confidence(
    rows: OptionRows,
    case: ArrayLike,
    *,
    draws: int,
    generator: np.random.Generator,
    error: ParameterError = ParameterError(),
    law: DemandLaw = "gamma",
) -> RankingConfidence:
    """Share of parameter draws in which the best option of each case stays best.

    Options of one case see the same error of demand, each its own error of arrival. Ties go to the lowest row.

    Parameters
    ----------
    rows
        Options to rank by net value.
    case
        Shape ``(rows,)``, the case of each row, numbered 0..cases - 1, none without a row.
    draws
        Number of draws, at least 1.
    generator
        Source of randomness; all numbers are drawn before anything is computed.

    Raises
    ------
    ValueError
        If a case has no row, or an argument is out of range.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    cases = int(np.max(case, initial=-1)) + 1
    member = index("case", case, cases)
    if len(member) != len(rows.quantity) or np.bincount(member, minlength=cases).min(initial=1) == 0:
        raise ValueError(f"every row needs a case and every case in 0..{cases - 1} a row")
    level = _lognormal(error.mean_cv, (draws, cases), generator)
    spread = _lognormal(error.spread_cv, (draws, cases), generator)
    delay = np.rint(generator.normal(0.0, 1.0, (draws, len(member))) * error.delay_sd_days).astype(np.int64)
    chosen = _best_rows(price_options(rows, law=law).net_value, member)
    kept = np.zeros(cases)
    together = max(BLOCK_ROWS // max(len(member), 1), 1)
    for first in range(0, draws, together):
        block = slice(first, min(first + together, draws))
        value = price_options(
            _drawn(rows, level[block, member], spread[block, member], delay[block]), law=law
        ).net_value
        for worth in value.reshape(-1, len(member)):
            kept += _best_rows(worth, member) == chosen
    return RankingConfidence(chosen, kept / draws)


def _drawn(rows: OptionRows, level: FloatArray, spread: FloatArray, delay: IntArray) -> OptionRows:
    """The rows once per draw, one draw after the other; the errors have shape ``(draws, rows)``."""
    draws, count = delay.shape

    def repeated(values: FloatArray) -> FloatArray:
        return np.tile(values, (draws,) + (1,) * (values.ndim - 1))

    offset = np.arange(draws)[:, None] * count
    inbound = rows.inbound
    if inbound is not None:
        inbound = InboundSchedule(
            (inbound.series + offset).ravel(), repeated(inbound.quantity), repeated(inbound.arrival_probability)
        )
    return OptionRows(
        quantity=repeated(rows.quantity),
        unit_cost=repeated(rows.unit_cost),
        fixed_cost=repeated(rows.fixed_cost),
        penalty_per_unit=repeated(rows.penalty_per_unit),
        holding_cost_per_unit_day=repeated(rows.holding_cost_per_unit_day),
        on_hand=repeated(rows.on_hand),
        credit=repeated(rows.saved_elsewhere),
        mean_per_day=(rows.mean_per_day * level).ravel(),
        sd_per_day=(rows.sd_per_day * level * spread).ravel(),
        arrival_probability=_shifted(repeated(rows.arrival_probability), delay.ravel()),
        inbound=inbound,
        baseline=(rows.nothing_done + offset).ravel(),
    )


def _lognormal(cv: float, shape: tuple[int, int], generator: np.random.Generator) -> FloatArray:
    """Positive factors with mean one and the given coefficient of variation."""
    sigma = np.sqrt(np.log1p(cv * cv))
    return np.asarray(np.exp(sigma * generator.normal(0.0, 1.0, shape) - 0.5 * sigma * sigma))


def _best_rows(value: FloatArray, member: IntArray) -> IntArray:
    """Row of highest value per case, the lowest row among equals."""
    order = np.lexsort((np.arange(len(value)), -value, member))
    first = np.searchsorted(member[order], np.arange(int(member.max(initial=-1)) + 1))
    return order[first].astype(np.int64)


def _shifted(arrival: FloatArray, delay: IntArray) -> FloatArray:
    """Arrival laws moved by whole days: what would come before today comes today, what leaves the horizon is late."""
    days = arrival.shape[1]
    target = np.maximum(np.arange(days) + delay[:, None], 0)
    moved = np.zeros((len(arrival), days + 1))
    row = np.broadcast_to(np.arange(len(arrival))[:, None], target.shape)
    np.add.at(moved, (row, np.minimum(target, days)), arrival)
    return moved[:, :days]
