"""From an answer back to the level: the quantile of a demand law, and the level of an expected shortage."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from optimizer.arguments import FloatArray, non_negative, positive, probability
from optimizer.laws.count_quantile import negative_binomial_level, poisson_level
from optimizer.laws.count_search import smallest_count
from optimizer.laws.demand_law import DemandLaw, check_law, expected_short, is_dispersed, is_random
from optimizer.laws.gamma_quantile import gamma_quantile
from optimizer.laws.loss_level import gamma_loss_level, normal_loss_level


def demand_quantile(
    q: ArrayLike, mean: ArrayLike, variance: ArrayLike, law: DemandLaw = "gamma", *, exact: bool = False
) -> FloatArray:
    """Level that demand stays within with probability `q`, arguments broadcast together.

    Parameters
    ----------
    q
        In (0, 1).
    mean, variance
        Units and units squared, not negative; a certain demand is its own quantile.
    law
        Under "count" the answer is whole: the smallest that reaches `q`. Under "normal" it may be negative.
    exact
        For the gamma law, relative error 1e-14 instead of 1e-6.

    Raises
    ------
    ValueError
        If an argument is out of range, with its name and position.

    Examples
    --------
    >>> demand_quantile(0.95, [6.0, 6.0], [18.0, 0.0]).round(3)
    array([14.232,  6.   ])
    """
    check_law(law)
    target, centre, spread = np.broadcast_arrays(
        probability("q", q), non_negative("mean", mean), non_negative("variance", variance)
    )
    if law == "normal":
        return np.asarray(centre + ndtri(target) * np.sqrt(spread))
    answer = np.array(centre)
    random = is_random(centre, spread, law)
    target, m, v = target[random], centre[random], spread[random]
    if law == "gamma":
        answer[random] = gamma_quantile(target, m * m / v, v / m, exact=exact)
        return answer
    level = np.empty(m.size)
    over = is_dispersed(m, v)
    level[~over] = poisson_level(1.0 - target[~over], m[~over])
    p = m[over] / v[over]
    level[over] = negative_binomial_level(1.0 - target[over], m[over] * p / (1.0 - p), p)
    answer[random] = level
    return answer


def shortage_level(
    allowed: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    law: DemandLaw = "gamma",
    window: ArrayLike | None = None,
) -> FloatArray:
    """Level s with E[(demand - s)+] = `allowed`, or with `window` w, less E[(demand - s - w)+]; to 1e-8.

    Parameters
    ----------
    allowed
        Units short, positive; with a window also less than the window.
    mean, variance
        Units and units squared, not negative, broadcast together with `allowed`.
    law
        Under "count" the smallest whole level within the allowance, and under "gamma" the level, are not below zero;
        under "normal" it may be negative.
    window
        Units, positive: an order quantity.

    Raises
    ------
    ValueError
        If an argument is out of range, with its name and position.
    """
    check_law(law)
    units, centre, spread = np.broadcast_arrays(
        positive("allowed", allowed), non_negative("mean", mean), non_negative("variance", variance)
    )
    wide = None if window is None else np.broadcast_to(positive("window", window), units.shape)
    if wide is not None and (units >= wide).any():
        place = tuple(int(i) for i in np.argwhere(units >= wide)[0])
        raise ValueError(f"allowed must be less than window at index {place}: {units[place]}")
    random = is_random(centre, spread, law)
    if law == "normal":
        random = spread > 1e-12 * centre * centre
    # A certain demand d is short by d - s, but never by more than the window.
    answer = np.array(centre - units if law == "normal" else np.maximum(centre - units, 0.0))
    within = None if wide is None else wide[random]
    a, m, v = units[random], centre[random], spread[random]
    if law == "gamma":
        answer[random] = gamma_loss_level(a, m * m / v, v / m, within)
    elif law == "normal":
        answer[random] = normal_loss_level(a, m, np.sqrt(v), within)
    else:
        answer[random] = _count_level(a, m, v, within)
    return answer


def _count_level(allowed: FloatArray, mean: FloatArray, variance: FloatArray, window: FloatArray | None) -> FloatArray:
    bound = allowed * (1.0 + 1e-9)

    def reached(level: FloatArray) -> np.typing.NDArray[np.bool_]:
        short = expected_short(level, mean, variance, "count")
        if window is not None:
            short = short - expected_short(level + window, mean, variance, "count")
        return short <= bound

    return smallest_count(reached, np.maximum(mean + np.sqrt(variance), 1.0))
