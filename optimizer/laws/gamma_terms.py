"""The density term and the tail of the gamma law that its loss, its quantile and their slopes share, for any shape."""

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln

from optimizer.arguments import FloatArray

_LARGE_SHAPE = 1_000.0
_LOG_TWO_PI = float(np.log(2.0 * np.pi))


def density_term(shape: FloatArray, y: FloatArray) -> FloatArray:
    r"""The term :math:`y^k e^{-y} / \Gamma(k)`, i.e. y times the density of a gamma law with scale one.

    Arrays of one shape; `shape` k > 0, `y` >= 0; zero at y = 0 for every k, however small. Works in logarithms, and
    for large k around its mode, where :math:`k \ln y - y - \ln\Gamma(k)` would lose a digit for each power of ten of k.
    """
    with np.errstate(divide="ignore"):
        exponent = shape * np.log(y) - y - gammaln(shape)
    large = shape > _LARGE_SHAPE
    if large.any():
        exponent[large] = _around_the_mode(shape[large], y[large])
    return np.exp(exponent)


def upper_tail(shape: FloatArray, y: FloatArray, least: float = 1e-4) -> FloatArray:
    """Q(k, y), relative error 1e-16 / `least`, for flat arrays of one shape.

    Below shape one the upper function costs two to eight times the lower one, so there it is called only where the
    complement, one minus the lower function, is below `least` and would run out of digits.
    """
    small = shape < 1.0
    if not small.any():
        return np.asarray(gammaincc(shape, y))
    tail = np.zeros(shape.shape)
    few = np.flatnonzero(small)
    tail[few] = 1.0 - gammainc(shape[few], y[few])
    rest = np.flatnonzero(tail < least)
    tail[rest] = gammaincc(shape[rest], y[rest])
    return tail


def _around_the_mode(shape: FloatArray, y: FloatArray) -> FloatArray:
    """The same exponent by Stirling's series, in the relative distance from the mean."""
    distance = (y - shape) / shape
    with np.errstate(divide="ignore"):
        drop = distance - np.log1p(distance)
    correction = 1.0 / (12.0 * shape) - 1.0 / (360.0 * shape**3)
    return 0.5 * (np.log(shape) - _LOG_TWO_PI) - shape * drop - correction
