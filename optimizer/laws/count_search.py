"""Search for the smallest whole number that satisfies a rising condition, over whole arrays at once."""

from collections.abc import Callable

import numpy as np

from optimizer.arguments import BoolArray, FloatArray


def smallest_count(reached: Callable[[FloatArray], BoolArray], start: FloatArray) -> FloatArray:
    """Smallest whole x >= 0 at which `reached` holds, per entry; `reached` must stay true once true.

    `start` is any guess of the size of the answer: it sets the first upper end, which doubles until it is reached.
    """
    high = np.ceil(np.maximum(start, 1.0))
    done = reached(high)
    while not done.all():
        high = np.where(done, high, 2.0 * high)
        done = reached(high)
    low = np.full_like(high, -1.0)
    while (high - low > 1.0).any():
        middle = np.floor((low + high) / 2.0)
        hit = reached(middle) & (middle > low)
        open_ = high - low > 1.0
        high = np.where(open_ & hit, middle, high)
        low = np.where(open_ & ~hit, middle, low)
    return high
