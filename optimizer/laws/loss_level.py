r"""Level at which the expected shortage is a given number of units: Halley's step on the **logarithm** of the loss.

Rules
-----
1. Solved is :math:`L(s) - L(s + w) = a` with the loss :math:`L(s) = E[(X - s)^+]`: without w the shortage of one
   cycle, with the order quantity as w the exact difference form. Both share the derivatives
   :math:`L' = -P(X > s)` and :math:`L'' = f(s)`, so a step costs one tail.
2. The logarithm is nearly straight where the loss itself bends by orders of magnitude: two or three steps do from
   the starts below, where plain Newton needs a dozen. A step's error is about the cube of the step.
3. Where no stock at all loses less than allowed, the gamma law's level is zero; a normal level may be negative.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from optimizer.arguments import FloatArray, finite, positive
from optimizer.errors import ConvergenceError
from optimizer.laws.gamma_terms import density_term, upper_tail

_STEPS = 40
# Cubed, this is below 1e-9.
_SHORT_STEP = 5e-4
_TINY = float(np.finfo(np.float64).tiny)
_DENSITY_AT_ZERO = 1.0 / np.sqrt(2.0 * np.pi)


@dataclass(frozen=True)
class _Shortage:
    """Loss, tail and density at a level, each less its value one window further."""

    loss: FloatArray
    tail: FloatArray
    density: FloatArray

    def less(self, other: "_Shortage") -> "_Shortage":
        return _Shortage(self.loss - other.loss, self.tail - other.tail, self.density - other.density)


def gamma_loss_level(
    allowed: ArrayLike, shape: ArrayLike, scale: ArrayLike, window: ArrayLike | None = None
) -> FloatArray:
    """Level s >= 0 of a gamma law with E[(X - s)+] = `allowed`, to 1e-8; with `window` w, less E[(X - s - w)+].

    Parameters
    ----------
    allowed
        Units short, positive; with a window also less than the window.
    shape, scale, window
        Positive, broadcast together with `allowed`; `scale` and `window` in units.

    Raises
    ------
    ValueError
        If an argument is out of range or not finite, with its name and position.
    ConvergenceError
        If a series does not settle.

    Examples
    --------
    >>> gamma_loss_level([15.0], 2.0, 60.0).round(4)
    array([179.6799])
    """
    units, k, theta = np.broadcast_arrays(
        positive("allowed", allowed), positive("shape", shape), positive("scale", scale)
    )
    wide = None if window is None else (np.broadcast_to(positive("window", window), k.shape) / theta).ravel()
    return theta * _gamma_level((units / theta).ravel(), k.ravel(), wide).reshape(k.shape)


def normal_loss_level(
    allowed: ArrayLike, mean: ArrayLike, sd: ArrayLike, window: ArrayLike | None = None
) -> FloatArray:
    """Level of a normal law with E[(X - s)+] = `allowed`; arguments as in `gamma_loss_level`, `sd` > 0, any mean."""
    units, centre, spread = np.broadcast_arrays(positive("allowed", allowed), finite("mean", mean), positive("sd", sd))
    wide = None if window is None else (np.broadcast_to(positive("window", window), centre.shape) / spread).ravel()
    return centre + spread * _normal_level((units / spread).ravel(), wide).reshape(centre.shape)


def _gamma_level(allowed: FloatArray, k: FloatArray, window: FloatArray | None) -> FloatArray:
    at_zero = k if window is None else k - _gamma(k, window).loss
    y = np.zeros(k.size)
    todo = np.flatnonzero(at_zero > allowed)
    units, shape = allowed[todo], k[todo]
    y[todo] = _gamma_start(units if window is None else np.minimum(units, shape * units / at_zero[todo]), shape)
    for _ in range(_STEPS):
        if todo.size == 0:
            return y
        level = y[todo]
        here = _gamma(shape, level)
        if window is not None:
            here = here.less(_gamma(shape, level + window[todo]))
        step = np.clip(_halley(here, units), -0.9 * level, 2.0 * level + 4.0)
        y[todo] = level + step
        # Short beside the level and, for large shapes, beside the standard deviation.
        on = np.abs(step) > np.minimum(_SHORT_STEP * level, 2.0 * _SHORT_STEP * np.cbrt(shape * shape))
        todo, units, shape = todo[on], units[on], shape[on]
    raise ConvergenceError(f"no level after {_STEPS} steps for series {int(todo[0])}: allowed {allowed[todo[0]]}")


def _normal_level(allowed: FloatArray, window: FloatArray | None) -> FloatArray:
    if window is not None and (allowed >= window).any():
        where = int(np.argmax(allowed >= window))
        raise ValueError(f"allowed must be less than window at index {(where,)}: in sd {allowed[where]}")
    # Far below the mean the difference is the window less what is left of it: by symmetry the level mirrors itself.
    mirrored = np.zeros(allowed.size, dtype=np.bool_) if window is None else allowed > 0.5 * window
    units = allowed if window is None else np.where(mirrored, window - allowed, allowed)
    z = _normal_start(units)
    todo = np.arange(allowed.size)
    for _ in range(_STEPS):
        if todo.size == 0:
            return z if window is None else np.where(mirrored, -z - window, z)
        level = z[todo]
        here = _normal(level)
        if window is not None:
            here = here.less(_normal(level + window[todo]))
        step = np.clip(_halley(here, units[todo]), -4.0, 4.0)
        z[todo] = level + step
        todo = todo[np.abs(step) > _SHORT_STEP]
    raise ConvergenceError(f"no level after {_STEPS} steps for series {int(todo[0])}: allowed {allowed[todo[0]]} sd")


def _halley(here: _Shortage, allowed: FloatArray) -> FloatArray:
    """Halley's step on g = ln(loss / allowed), with g' = -tail / loss and g'' = density / loss - g'^2."""
    loss, tail = np.maximum(here.loss, _TINY), np.maximum(here.tail, _TINY)
    newton = loss / tail * np.log(loss / allowed)
    bend = tail / loss - here.density / tail
    return newton / (1.0 + np.clip(0.5 * newton * bend, -0.5, 0.5))


def _gamma(k: FloatArray, y: FloatArray) -> _Shortage:
    tail, term = upper_tail(k, y), density_term(k, y)
    return _Shortage((k - y) * tail + term, tail, term / y)


def _normal(z: FloatArray) -> _Shortage:
    density, tail = _DENSITY_AT_ZERO * np.exp(-0.5 * z * z), ndtr(-z)
    return _Shortage(density - z * tail, np.asarray(tail), density)


def _gamma_start(allowed: FloatArray, k: FloatArray) -> FloatArray:
    """Wilson and Hilferty's bend of the normal level for larger shapes, the exponential law's level for small ones."""
    part = 1.0 / (9.0 * k)
    root = np.maximum(1.0 - part + _normal_start(allowed / np.sqrt(k)) * np.sqrt(part), 0.1)
    return np.where(k > 1.0, k * root * root * root, np.maximum(np.log(k / allowed), 1e-3))


def _normal_start(allowed: FloatArray) -> FloatArray:
    """Level of the standard normal loss, to about .01 up to 5 sd; below the mean the loss is nearly the distance.

    The rational form is Silver, Pyke & Thomas (2017), *Inventory and Production Management in Supply Chains*, 4th ed.,
    appendix on the unit normal distribution.
    """
    unit = np.minimum(allowed, 3.0)
    a = np.sqrt(np.log(25.0 / np.maximum(unit * unit, 1e-28)))
    top = -5.3925569 + a * (5.6211054 + a * (-3.8836830 + a * 1.0897299))
    bottom = 1.0 + a * (-7.2496485e-1 + a * (5.07326622e-1 + a * (6.69136868e-2 - a * 3.29129114e-3)))
    return np.where(allowed > 3.0, -allowed, np.asarray(top / bottom))
