"""When stock runs out: the day demand has used it up, as quantiles."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gdtrib, ndtri

from optimizer.arguments import FloatArray, non_negative, probability, same_length


def run_out_days(stock: ArrayLike, mean_per_day: ArrayLike, sd_per_day: ArrayLike, chance: ArrayLike) -> FloatArray:
    r"""Days after which demand has reached the stock with each probability, shape ``(n, k)``.

    Demand up to day t is gamma with the moments of t days, :math:`P(D_t \ge S) = Q(kt, S / \theta)`; solved for t.

    Parameters
    ----------
    stock, mean_per_day, sd_per_day
        Shape ``(n,)``, units; days independent.
    chance
        Shape ``(k,)``, in (0, 1): 0.1 is the early day, 0.9 the late one.

    Returns
    -------
    FloatArray
        Days, fractions of one allowed; 0 without stock, infinite without demand.

    Raises
    ------
    ValueError
        If an input is negative, not finite or of another length, or a probability outside (0, 1).

    Source
    ------
    Gamma process of demand; the inverse in the shape is scipy's `gdtrib` (DiDonato & Morris 1992, ACM TOMS 18).

    Examples
    --------
    >>> run_out_days([100.0], [10.0], [0.0], [0.5])
    array([[10.]])
    """
    left, mean = non_negative("stock", stock), non_negative("mean_per_day", mean_per_day)
    sd, at = non_negative("sd_per_day", sd_per_day), probability("chance", chance)
    count = same_length(stock=left, mean_per_day=mean, sd_per_day=sd)
    if at.ndim != 1:
        raise ValueError(f"chance must have shape (k,), got {at.shape}")
    answer = np.empty((count, len(at)))
    none = mean <= 0.0
    certain = ~none & (sd <= 1e-6 * mean)
    answer[none], answer[certain] = np.inf, (left[certain] / mean[certain])[:, None]
    random = np.flatnonzero(~none & ~certain)
    scale, shape = sd[random] ** 2 / mean[random], (mean[random] / sd[random]) ** 2
    y = np.maximum(left[random] / scale, 1e-300)[:, None]
    # Far out the gamma law is normal: sqrt(b) z + b = y solved for b.
    z = -ndtri(1.0 - at)
    normal = (0.5 * (z + np.sqrt(z * z + 4.0 * y))) ** 2
    exact = gdtrib(1.0, 1.0 - at, np.minimum(y, 1e5))
    answer[random] = np.where(y > 1e5, normal, exact) / shape[:, None]
    answer[(left <= 0.0) & ~none] = 0.0
    return answer
