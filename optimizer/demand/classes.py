"""Classes of demand by how often and how evenly it comes.

The two measures have several readings in use, which move items across the cuts. Here the interval is usable periods per
period with demand (not the mean gap), and the squared coefficient of variation is that of the positive sizes with n
(not n - 1) in the denominator. A value on a cut belongs to the wilder class.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import numbers

INTERVAL_CUT = 1.32
SIZE_CV2_CUT = 0.49


class DemandClass(IntEnum):
    """Syntetos, Boylan & Croston (2005) classes, and no demand at all."""

    SMOOTH = 0
    ERRATIC = 1
    INTERMITTENT = 2
    LUMPY = 3
    NONE = 4


def classify(interval: ArrayLike, size_cv2: ArrayLike) -> NDArray[np.int8]:
    """Class per series.

    Parameters
    ----------
    interval
        Usable periods per period with demand, at least 1; infinite without demand. Any shape.
    size_cv2
        Squared coefficient of variation of the positive sizes, at least 0; same shape.

    Returns
    -------
    NDArray[np.int8]
        Values of `DemandClass`.

    Raises
    ------
    ValueError
        If an interval is NaN or below 1, a variation is negative or not finite, or shapes differ.

    Source
    ------
    Syntetos, Boylan & Croston (2005), J. Oper. Res. Soc. 56.
    """
    gap, cv2 = numbers("interval", interval), numbers("size_cv2", size_cv2)
    if gap.shape != cv2.shape:
        raise ValueError(f"interval and size_cv2 must have one shape, got {gap.shape} and {cv2.shape}")
    for name, values, bad in (("interval", gap, ~(gap >= 1.0)), ("size_cv2", cv2, ~((cv2 >= 0.0) & (cv2 < np.inf)))):
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            least = 1 if name == "interval" else 0
            raise ValueError(f"{name} must be a number of at least {least}, at index {place}: {values[place]}")
    code = (cv2 >= SIZE_CV2_CUT) + 2 * (gap >= INTERVAL_CUT)
    return np.where(np.isinf(gap), DemandClass.NONE, code).astype(np.int8)
