"""A small Pareto set: of candidate policies, those no other beats in cost, service and capital at once."""

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, finite, share

_NEAR = 1e-9


def pareto_set(cost: ArrayLike, service: ArrayLike, capital: ArrayLike) -> IntArray:
    """Candidates not dominated, by rising cost (then falling service, rising capital, index).

    A candidate is dominated if another is no worse in all three and better in one, to 1e-9 relative; of equal ones the
    lowest index stays.

    Parameters
    ----------
    cost, capital
        Shape ``(n,)``, money, less is better.
    service
        Shape ``(n,)``, in [0, 1], more is better.

    Raises
    ------
    ValueError
        If the lengths differ, a figure is not finite, or a service lies outside [0, 1].

    Examples
    --------
    >>> pareto_set([1.0, 2.0, 3.0], [0.90, 0.95, 0.94], [5.0, 6.0, 7.0])
    array([0, 1])
    """
    money, met, bound = finite("cost", cost), share("service", service), finite("capital", capital)
    if not money.ndim == met.ndim == bound.ndim == 1 or not len(money) == len(met) == len(bound):
        raise ValueError(
            f"cost, service and capital must have one shape (n,), got {money.shape}, {met.shape}, {bound.shape}"
        )
    order = np.lexsort((np.arange(len(money)), bound, -met, money))
    kept: list[int] = []
    for candidate in order.tolist():
        figures = (money[candidate], -met[candidate], bound[candidate])
        if not _beaten(figures, money[kept], -met[kept], bound[kept]):
            kept.append(candidate)
    return np.array(kept, dtype=np.int64)


def _beaten(figures: tuple[float, float, float], *others: FloatArray) -> bool:
    """Whether one of the others is no worse in all figures (less is better)."""
    if not others[0].size:
        return False
    worse = [values > figure + _NEAR * max(abs(figure), 1e-12) for figure, values in zip(figures, others, strict=True)]
    return bool((~np.any(worse, axis=0)).any())
