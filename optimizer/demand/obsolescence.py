"""Is the item dying? What a silence says that Croston's ratio never hears.

Rules
-----
1. While the item lives, a period has demand with the chance seen up to and including the last demand, p. A silence of k
   periods then has probability ``(1 - p) ** k``; below `significance` it is no accident, and the item counts as dying.
2. At least three demands are needed: from fewer no chance can be told.
3. The hazard is the rate, per period of silence, at which TSB's probability has fallen from p: carried on, what is left
   of demand after t more periods is ``exp(-hazard * t)``, and of a rate r some ``r / hazard`` units will yet be sold.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, same_length
from optimizer.demand.smoothing import IntermittentDemand

_LEAST_EVENTS = 3.0
_SIGNIFICANCE = 0.01


@dataclass(frozen=True)
class Obsolescence:
    """What the present silence of each series means, shape ``(n,)``.

    Parameters
    ----------
    dying
        The silence is no accident.
    silence_probability
        Chance of a silence at least this long while the item lives; 1 where nothing can be told.
    hazard_per_period
        Share of demand lost per period, exponential rate, at least 0; 0 unless dying.
    """

    dying: BoolArray
    silence_probability: FloatArray
    hazard_per_period: FloatArray


def obsolescence(smoothed: IntermittentDemand, *, significance: float = _SIGNIFICANCE) -> Obsolescence:
    """Signs of dying in each series of a `smooth` or `smooth_intermittent` answer.

    Parameters
    ----------
    smoothed
        From `optimizer.demand.smoothing`, shape ``(n,)``.
    significance
        Chance, in (0, 1), of calling a living item dying at a given moment.

    Raises
    ------
    ValueError
        If `significance` is outside (0, 1).

    Source
    ------
    Teunter, Syntetos & Babai (2011), Eur. J. Oper. Res. 214 (the decaying probability).
    """
    if not 0.0 < significance < 1.0:
        raise ValueError(f"significance must be in (0, 1), got {significance}")
    same_length(
        since=smoothed.since, events=smoothed.events, periods=smoothed.periods, probability=smoothed.probability
    )
    alive, silence = _silence(smoothed)
    dying = silence < significance
    left = np.clip(smoothed.probability / np.where(alive > 0.0, alive, 1.0), np.finfo(np.float64).tiny, 1.0)
    hazard = np.where(dying, -np.log(left) / np.maximum(smoothed.since, 1.0), 0.0)
    return Obsolescence(dying, silence, hazard)


def fallen_silent(smoothed: IntermittentDemand) -> BoolArray:
    """Whether the silence of each series is no accident, shape ``(n,)``: `Obsolescence.dying` by itself."""
    return np.asarray(_silence(smoothed)[1] < _SIGNIFICANCE)


def _silence(smoothed: IntermittentDemand) -> tuple[FloatArray, FloatArray]:
    """Chance of demand in a period while the item lives, and of a silence as long as the present one."""
    enough = smoothed.events >= _LEAST_EVENTS
    alive = np.where(enough, smoothed.events / np.maximum(smoothed.periods - smoothed.since, 1.0), 0.0)
    return alive, np.where(enough, np.maximum(1.0 - alive, 0.0) ** smoothed.since, 1.0)
