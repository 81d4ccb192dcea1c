"""Recursive estimates of demand per period: exponential smoothing, Croston, Syntetos-Boylan, Teunter-Syntetos-Babai.

Which one to trust depends on the class of the series (`optimizer.demand.moments` chooses): Croston's ratio is biased
upwards by about half its weight, and the Syntetos-Boylan factor that repairs this overcorrects when demand comes nearly
every period; neither ever learns of a silence, which TSB does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, finite
from optimizer.demand.history import Block, blocks, checked_history, precise, weight
from optimizer.demand.recursion import Recursion, recursion

FirstInterval = Literal["record", "between"]
_Estimate = TypeVar("_Estimate", bound="IntermittentDemand")


@dataclass(frozen=True)
class IntermittentDemand:
    """Estimates after the last period, shape ``(n,)`` throughout; 0 without demand.

    Parameters
    ----------
    size, interval
        Croston's smoothed size (units) and interval (periods).
    probability
        TSB's chance of demand in a period.
    croston, sba, tsb
        Units per period: ``size / interval``, that times ``1 - alpha / 2``, and ``probability * size``.
    since
        Usable periods since the last demand (all of them when there was none).
    events, periods
        Usable periods with demand, and usable periods.
    """

    size: FloatArray
    interval: FloatArray
    probability: FloatArray
    croston: FloatArray
    sba: FloatArray
    tsb: FloatArray
    since: FloatArray
    events: FloatArray
    periods: FloatArray


@dataclass(frozen=True)
class SmoothedDemand(IntermittentDemand):
    """The same, and the level of demand that comes every period, shape ``(n,)``.

    Parameters
    ----------
    level
        Exponential smoothing, units per period, with weights that sum to one over the usable periods, so that a short
        history is not ruled by its first value.
    """

    level: FloatArray


@dataclass(frozen=True)
class CrostonEstimate:
    """Smoothed size (units), interval (periods) and their ratio per series, shape ``(n,)``; 0 without demand."""

    size: FloatArray
    interval: FloatArray
    rate_per_period: FloatArray


def smooth(
    history: ArrayLike,
    *,
    alpha: float = 0.1,
    beta: float = 0.1,
    initial_probability: ArrayLike | None = None,
    first_interval: FirstInterval = "record",
) -> SmoothedDemand:
    r"""All recursive estimates of each series in one pass.

    .. math::
        z \leftarrow z + \alpha (y - z), \quad p \leftarrow p + \alpha (q - p) \quad \text{when } y > 0; \qquad
        \pi \leftarrow \pi + \beta (1_{y > 0} - \pi) \quad \text{always}

    with size z, interval p, periods q since the last demand, probability :math:`\pi`.

    Parameters
    ----------
    history
        Shape ``(n, periods)``, units per period, oldest first, NaN where unusable. float32 is smoothed in float32
        (4e-7 relative), anything else in float64.
    alpha
        Weight of the newest size, interval and level, in (0, 1).
    beta
        Weight of the newest period in TSB's probability, in (0, 1).
    initial_probability
        TSB's chance of demand before the first period, in [0, 1], one number or shape ``(n,)``. By default the share
        of usable periods with demand: there is no neutral constant, and 1 or 0 would colour a hundred periods.
    first_interval
        Croston's first interval is cut off by the start of the record. ``"record"`` counts it from there, as the method
        was published; ``"between"`` takes the mean gap between demands instead (periods per demand when there is only
        one), which is right when the item was sold before the record begins.

    Raises
    ------
    ValueError
        If a usable period is negative or infinite, or a parameter is out of range.

    Source
    ------
    Croston (1972), Oper. Res. Quarterly 23; Syntetos & Boylan (2005), Int. J. Forecasting 21; Teunter, Syntetos &
    Babai (2011), Eur. J. Oper. Res. 214.

    Examples
    --------
    >>> smooth([[1, 0, 0, 0, 2, 0, 0]], initial_probability=1.0).croston.round(6)
    array([0.846154])
    """
    return _joined(
        SmoothedDemand(level=leveled(block, state, alpha), **vars(estimate))
        for block, state, estimate in _parts(history, alpha, beta, initial_probability, first_interval, level=True)
    )


def smooth_intermittent(
    history: ArrayLike,
    *,
    alpha: float = 0.1,
    beta: float = 0.1,
    initial_probability: ArrayLike | None = None,
    first_interval: FirstInterval = "record",
) -> IntermittentDemand:
    """Croston, SBA and TSB without the level: `smooth` for those who need no more. Arguments and errors are the same.

    Examples
    --------
    >>> smooth_intermittent([[0, 0, 8]]).sba.round(6)
    array([2.533333])
    """
    parts = _parts(history, alpha, beta, initial_probability, first_interval, level=False)
    return _joined(estimate for _, _, estimate in parts)


def croston(history: ArrayLike, smoothing: float) -> CrostonEstimate:
    """Croston's estimate per series of ``(n, periods)``, started with the first size and the first interval.

    Raises
    ------
    ValueError
        If a usable period is negative or infinite, or `smoothing` is outside (0, 1).

    Examples
    --------
    >>> croston([[1, 0, 0, 0, 2, 0, 0]], 0.1).rate_per_period.round(6)
    array([0.846154])
    """
    smoothed = smooth_intermittent(history, alpha=weight("smoothing", smoothing))
    return CrostonEstimate(smoothed.size, smoothed.interval, smoothed.croston)


def _parts(
    history: ArrayLike,
    alpha: float,
    beta: float,
    initial_probability: ArrayLike | None,
    first_interval: FirstInterval,
    *,
    level: bool,
) -> Iterator[tuple[Block, Recursion, IntermittentDemand]]:
    alpha, beta = weight("alpha", alpha), weight("beta", beta)
    table = precise(checked_history(history), alpha)
    if first_interval not in ("record", "between"):
        raise ValueError(f"first_interval must be 'record' or 'between', got {first_interval!r}")
    start = _initial(initial_probability, len(table))
    for block in blocks(table):
        state = recursion(block, alpha, beta, level=level, spread=False)
        chance = None if start is None else start[block.rows]
        yield block, state, estimates(block, state, alpha, beta, chance, first_interval)


def leveled(block: Block, state: Recursion, alpha: float) -> FloatArray:
    """Exponential smoothing of a block, its weights summing to one over the usable periods."""
    periods = np.maximum(block.usable_periods(), 1.0)
    return np.asarray(alpha * state.level.astype(np.float64) / -np.expm1(periods * np.log1p(-alpha)))


def estimates(
    block: Block,
    state: Recursion,
    alpha: float,
    beta: float,
    initial_probability: FloatArray | None = None,
    first_interval: FirstInterval = "record",
) -> IntermittentDemand:
    """What the state of a block's recursion says about demand per period."""
    periods, events, since = block.usable_periods(), state.events, state.since
    some = events > 0.0
    start = events / np.maximum(periods, 1.0) if initial_probability is None else initial_probability
    probability = beta * state.chance + start * (1.0 - beta) ** periods
    probability = np.where(some, np.clip(probability, 0.0, 1.0), 0.0)
    size = alpha * state.size.astype(np.float64)
    interval = (state.backlog - since) * (alpha / (1.0 - alpha))
    if first_interval == "between":
        forgotten = (1.0 - alpha) ** np.maximum(events - 1.0, 0.0)
        interval = interval + forgotten * _other_start(state.first_interval, since, events, periods)
    interval = np.where(some, interval, 0.0)
    ratio = size / np.where(some, interval, 1.0)
    sba, tsb = (1.0 - alpha / 2.0) * ratio, probability * size
    counted = np.broadcast_to(periods, events.shape)
    return IntermittentDemand(size, interval, probability, ratio, sba, tsb, since, events, counted)


def _other_start(first: FloatArray, since: FloatArray, events: FloatArray, periods: FloatArray) -> FloatArray:
    """By how much a start with the mean gap lies above one with the first interval (the recursion is linear in it)."""
    gap = (periods - since - first) / np.maximum(events - 1.0, 1.0)
    return np.where(events > 1.0, gap, periods / np.maximum(events, 1.0)) - first


def _initial(values: ArrayLike | None, n: int) -> FloatArray | None:
    if values is None:
        return None
    chance = finite("initial_probability", values)
    if chance.ndim and chance.shape != (n,):
        raise ValueError(f"initial_probability must be one number or have shape ({n},), got {chance.shape}")
    bad = (chance < 0.0) | (chance > 1.0)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"initial_probability must be in [0, 1], at index {place}: {chance[place]}")
    return np.broadcast_to(chance, (n,))


def _joined(parts: Iterable[_Estimate]) -> _Estimate:
    """Blocks of estimates as one."""
    whole = list(parts)
    kind = type(whole[0])
    return kind(*(np.concatenate([getattr(part, field.name) for part in whole]) for field in fields(kind)))
