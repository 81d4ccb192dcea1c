"""Where an answer changes as one parameter moves, for many cases at once."""

from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import FloatArray, finite

Answers = NDArray[np.int64]


def flip_points(
    evaluate: Callable[[FloatArray], Answers],
    low: ArrayLike,
    high: ArrayLike,
    *,
    tolerance: float = 1e-6,
    samples: int = 16,
) -> FloatArray:
    """First value of each case, going from `low` to `high`, at which its answer differs from that at `low`.

    Parameters
    ----------
    evaluate
        Answers ``(cases,)`` at values ``(cases,)``, such as the chosen options; one call serves all cases.
    low, high
        Shape ``(cases,)``, where to start and where to stop; `high` may lie below `low`.
    tolerance
        Width of the final bracket relative to the range, positive.
    samples
        Equal steps looked at before bisecting, at least 1: an answer that changes and changes back within one step is
        not seen.

    Returns
    -------
    FloatArray
        Shape ``(cases,)``, a value at which the answer differs, within the tolerance of the change; NaN if there is
        none in range.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    start, stop = np.broadcast_arrays(finite("low", low), finite("high", high))
    if not tolerance > 0.0 or samples < 1:
        raise ValueError(f"tolerance must be positive and samples at least 1, got {tolerance} and {samples}")
    answer = evaluate(start.copy())
    same, other = start.copy(), np.full(start.shape, np.nan)
    for step in range(1, samples + 1):
        value = start + (stop - start) * step / samples
        open_ = np.isnan(other)
        changed = open_ & (evaluate(value) != answer)
        other[changed] = value[changed]
        still = open_ & ~changed
        same[still] = value[still]
        if not still.any():
            break
    found = ~np.isnan(other)
    steps = int(np.ceil(np.log2(1.0 / (samples * tolerance)))) if samples * tolerance < 1.0 else 0
    for _ in range(steps if found.any() else 0):
        middle = np.where(found, 0.5 * (same + other), start)
        differs = evaluate(middle) != answer
        other[found & differs] = middle[found & differs]
        same[found & ~differs] = middle[found & ~differs]
    return other


def flip_point(
    evaluate: Callable[[float], Hashable], low: float, high: float, *, tolerance: float = 1e-6, samples: int = 16
) -> float | None:
    """The same for one case with any kind of answer; None if there is none in range.

    Examples
    --------
    >>> round(flip_point(lambda x: x > 2.5, 0.0, 10.0), 3)
    2.5
    >>> flip_point(lambda x: x > 20.0, 0.0, 10.0) is None
    True
    """
    known: dict[Hashable, int] = {}

    def numbered(value: FloatArray) -> Answers:
        return np.array([known.setdefault(evaluate(float(value[0])), len(known))])

    found = flip_points(numbered, [low], [high], tolerance=tolerance, samples=samples)
    return None if np.isnan(found[0]) else float(found[0])
