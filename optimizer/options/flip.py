"""Where an answer changes as one parameter moves."""

from collections.abc import Callable, Hashable

import numpy as np


def flip_point(
    evaluate: Callable[[float], Hashable], low: float, high: float, *, tolerance: float = 1e-6, samples: int = 16
) -> float | None:
    """First value, going from `low` to `high`, at which `evaluate` differs from its answer at `low`.

    Parameters
    ----------
    evaluate
        The answer at a value, such as the chosen option.
    low, high
        Where to start and where to stop; `high` may lie below `low`.
    tolerance
        Width of the final bracket relative to the range, positive.
    samples
        Equal steps looked at before bisecting, at least 1: an answer that changes and changes back within one step is
        not seen.

    Returns
    -------
    float | None
        A value at which the answer differs, within the tolerance of the change; None if there is none in range.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(flip_point(lambda x: x > 2.5, 0.0, 10.0), 3)
    2.5
    >>> flip_point(lambda x: x > 20.0, 0.0, 10.0) is None
    True
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"low and high must be finite, got {low} and {high}")
    if tolerance <= 0.0 or samples < 1:
        raise ValueError(f"tolerance must be positive and samples at least 1, got {tolerance} and {samples}")
    answer = evaluate(low)
    same = low
    for step in range(1, samples + 1):
        other = low + (high - low) * step / samples
        if evaluate(other) != answer:
            return _bisect(evaluate, answer, same, other, tolerance * abs(high - low))
        same = other
    return None


def _bisect(evaluate: Callable[[float], Hashable], answer: Hashable, same: float, other: float, width: float) -> float:
    """The end of the bracket at which the answer differs, once it is no wider than `width`."""
    while abs(other - same) > width:
        middle = 0.5 * (same + other)
        if middle in (same, other):
            break
        if evaluate(middle) == answer:
            same = middle
        else:
            other = middle
    return other
