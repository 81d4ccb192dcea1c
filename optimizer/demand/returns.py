"""Units that come back fit for use: how many, when, and what they leave of demand.

Rules
-----
1. A shipped unit comes back with its series' rate, after a delay drawn from its pool's law. The rate is estimated on
   periods for which all shipments that could have come back are on record, and shipments count only as far as their
   delay has run: young shipments that are still out do not depress it.
2. Rates are shrunk to the pool (category and channel), the pool to all; a parent counts for `shrinkage` shipped units.
   A unit is a trial, hence shrinkage is in the unit of the shipments.
3. Prediction: past shipments whose delay is still running, and planned ones.
4. Netting: returns serve the earliest demand first, what they exceed it by is kept for later days.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, mass_function, non_negative, position, shaped, share
from optimizer.demand.explosion import net_requirements


@dataclass(frozen=True)
class PredictedReturns:
    """Returns per series and coming period, shape ``(n, periods)``, units.

    Parameters
    ----------
    mean
        Expected units.
    variance
        Of whole units that return independently of each other: at most the mean.
    """

    mean: FloatArray
    variance: FloatArray


def return_rate(
    shipped: ArrayLike,
    returned: ArrayLike,
    pool: ArrayLike,
    delay: ArrayLike,
    *,
    shrinkage: float = 50.0,
) -> FloatArray:
    """Probability that a shipped unit comes back fit for use, shape ``(n,)``.

    Parameters
    ----------
    shipped, returned
        Shape ``(n, periods)``, units, oldest first; `periods` more than the longest delay.
    pool
        Shape ``(n,)``, in ``range(pools)``.
    delay
        Shape ``(pools, delays)``, probability of each delay in periods (0 first) of a unit that does come back.
    shrinkage
        Shipped units a parent counts for, above 0.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, or the record is not longer than the longest delay.

    Source
    ------
    Goh & Varaprasad (1986), A statistical methodology for the analysis of the life-cycle of reusable containers, IIE
    Transactions 18; Kelle & Silver (1989), J. Operations Management 8 (returns as delayed thinning of issues).
    """
    out, back = non_negative("shipped", shipped), non_negative("returned", returned)
    shaped("shipped", out, len(out) if out.ndim else None, None)
    shaped("returned", back, *out.shape)
    law, label = _law(delay, pool, len(out))
    longest = law.shape[1] - 1
    if out.shape[1] <= longest:
        raise ValueError(
            f"shipped must reach back more than the longest delay of {longest} periods, got {out.shape[1]}"
        )
    if not (np.isfinite(shrinkage) and shrinkage > 0.0):
        raise ValueError(f"shrinkage must be positive, got {shrinkage}")
    due = _delayed(out, law[label])[:, longest : out.shape[1]].sum(axis=1)
    came = back[:, longest:].sum(axis=1)
    everywhere = came.sum() / due.sum() if due.sum() > 0.0 else 0.0
    pools = len(law)
    pooled = (np.bincount(label, came, pools) + shrinkage * everywhere) / (np.bincount(label, due, pools) + shrinkage)
    return np.asarray(np.minimum((came + shrinkage * pooled[label]) / (due + shrinkage), 1.0))


def predicted_returns(
    shipped: ArrayLike, planned: ArrayLike, rate: ArrayLike, pool: ArrayLike, delay: ArrayLike
) -> PredictedReturns:
    """Returns of the coming periods.

    Parameters
    ----------
    shipped
        Shape ``(n, past)``, units of the past periods, oldest first.
    planned
        Shape ``(n, periods)``, units to be shipped in the coming periods.
    rate
        Shape ``(n,)``, in 0..1.
    pool, delay
        As in `return_rate`.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, or a rate above 1.

    Examples
    --------
    >>> predicted_returns([[10.0]], [[0.0, 20.0]], [0.5], [0], [[0.0, 1.0]]).mean
    array([[5., 0.]])
    """
    out, ahead = non_negative("shipped", shipped), non_negative("planned", planned)
    shaped("shipped", out, len(out) if out.ndim else None, None)
    shaped("planned", ahead, len(out), None)
    probability = share("rate", rate)
    shaped("rate", probability, len(out))
    law, label = _law(delay, pool, len(out))
    chance = probability[:, None] * law[label]
    everything = np.concatenate([out, ahead], axis=1)
    coming = slice(out.shape[1], everything.shape[1])
    return PredictedReturns(
        _delayed(everything, chance)[:, coming], _delayed(everything, chance * (1.0 - chance))[:, coming]
    )


def net_of_returns(demand: ArrayLike, returns: ArrayLike) -> FloatArray:
    """Demand that returns do not serve, shape ``(n, days)``, by rule 4; neither may be negative."""
    needed, back = non_negative("demand", demand), non_negative("returns", returns)
    shaped("demand", needed, len(needed) if needed.ndim else None, None)
    shaped("returns", back, *needed.shape)
    return net_requirements(needed, back)


def _law(delay: ArrayLike, pool: ArrayLike, n: int) -> tuple[FloatArray, IntArray]:
    law = mass_function("delay", delay)
    shaped("delay", law, None, None)
    total = law.sum(axis=1)
    if (total < 1.0 - 1e-9).any():
        row = int(np.argmax(total < 1.0 - 1e-9))
        raise ValueError(f"delay must sum to 1 in each row, row {row} sums to {total[row]}")
    label = position("pool", pool, len(law))
    shaped("pool", label, n)
    return law, label


def _delayed(shipped: FloatArray, chance: FloatArray) -> FloatArray:
    """Units per period of return, the convolution of shipments and chances row by row, over the same periods."""
    arriving = np.zeros_like(shipped)
    periods = shipped.shape[1]
    for lag in range(min(chance.shape[1], periods)):
        arriving[:, lag:] += chance[:, lag, None] * shipped[:, : periods - lag]
    return arriving
