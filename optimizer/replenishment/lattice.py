"""Laws of demand and stock as masses on a grid, many series at once, and the stock recursion on it.

Rules
-----
1. Counts are kept on the whole numbers as long as 256 cells hold every level that matters; beyond, and for
   continuous demand, a cell is a fixed share of that range and a mass belongs to the nearest cell.
2. The level all periods share is a gamma factor with mean one, cut into equally likely parts; each part is followed on
   its own, so bad weeks come together as they do when the level was misjudged.
3. Stock never falls below zero: demand beyond it is lost. The mean of what is lost is the difference of two means.
"""

from typing import Literal

import numpy as np
from scipy.special import gammainc, gammaincinv, gammaln

from optimizer.arguments import FloatArray, IntArray

OutlookLaw = Literal["count", "gamma"]
WIDTHS = (32, 64, 128, 256)
LEVEL_PARTS = 4
_SPREADS = 8.0


def grid(total_mean: FloatArray, total_sd: FloatArray, law: OutlookLaw) -> tuple[IntArray, FloatArray]:
    """Cells and size of a cell (units) per series, so that demand above the grid has a probability below 1e-6."""
    top = total_mean + _SPREADS * total_sd
    if law == "count":
        top = np.ceil(top) + 6.0
    width = np.full(len(top), WIDTHS[-1])
    if law == "gamma":
        return width, np.where(top > 0.0, top, 1.0) / (WIDTHS[-1] - 1)
    for cells in WIDTHS[:-1][::-1]:
        width[top <= cells - 1] = cells
    return width, np.maximum(top / (WIDTHS[-1] - 1), 1.0)


def level_factors(cv: FloatArray) -> FloatArray:
    """Mean of the gamma factor in each of its equally likely parts, ``(n, parts)``; ones where cv is zero."""
    # One coefficient is often shared by all, and inverting a gamma function costs more than finding that out.
    some, where = np.unique(cv, return_inverse=True)
    return np.asarray(_factors(some)[where])


def _factors(cv: FloatArray) -> FloatArray:
    sure = cv <= 1e-6
    shape = 1.0 / np.where(sure, 1.0, cv)[:, None] ** 2
    edges = gammaincinv(shape, np.linspace(0.0, 1.0, LEVEL_PARTS + 1)[1:-1])
    below = np.concatenate([np.zeros((len(cv), 1)), gammainc(shape + 1.0, edges), np.ones((len(cv), 1))], axis=1)
    return np.where(sure[:, None], 1.0, LEVEL_PARTS * np.diff(below, axis=1))


def masses(mean: FloatArray, variance: FloatArray, cell: FloatArray, width: int, law: OutlookLaw) -> FloatArray:
    """Probability of each cell, ``(rows, width)``, from arrays ``(rows,)``; the last cell holds what lies beyond."""
    answer = np.zeros((len(mean), width))
    answer[:, 0] = 1.0
    counted = (cell == 1.0) & (mean > 0.0) if law == "count" else np.zeros(len(mean), dtype=bool)
    spread = ~counted & (mean > 0.0)
    if counted.any():
        answer[counted] = _counts(mean[counted], variance[counted], width)
    if spread.any():
        answer[spread] = _cells(mean[spread], variance[spread], cell[spread], width)
    return answer


def _counts(mean: FloatArray, variance: FloatArray, width: int) -> FloatArray:
    """Negative binomial where the variance exceeds the mean, else Poisson."""
    k = np.arange(width)[:, None]
    over = variance > mean * (1.0 + 1e-6)
    r = mean**2 / np.where(over, variance - mean, 1.0)
    p = np.where(over, mean / np.where(over, variance, 1.0), 1.0)
    # Each mass from the one before it: a product instead of three gamma functions.
    zero = np.where(over, r * np.log(p), -mean)
    ratio = np.where(over, (k + r) * (1.0 - p), mean) / (k + 1.0)
    mass = np.empty((width, len(mean)))
    mass[0] = np.exp(zero)
    for j in range(width - 1):
        np.multiply(mass[j], ratio[j], out=mass[j + 1])
    # A start below the smallest float would lose everything: such rows go through logarithms.
    lost = zero < -600.0
    if lost.any():
        rk, pk, mk = r[lost], p[lost], mean[lost]
        binomial = gammaln(k + rk) - gammaln(rk) + rk * np.log(pk) + k * np.log1p(-np.minimum(pk, 1.0 - 1e-16))
        poisson = k * np.log(mk) - mk
        mass[:, lost] = np.exp(np.where(over[lost], binomial, poisson) - gammaln(k + 1.0))
    mass[-1] = np.maximum(1.0 - mass[:-1].sum(axis=0), 0.0)
    return mass.T


def _cells(mean: FloatArray, variance: FloatArray, cell: FloatArray, width: int) -> FloatArray:
    """Gamma law; mass of the half-open interval around each cell."""
    random = variance > 1e-6 * mean * mean
    shape = mean**2 / np.where(random, variance, 1.0)
    edge = (np.arange(width - 1) + 0.5)[None, :] * (cell / mean)[:, None]
    below = np.where(random[:, None], gammainc(shape[:, None], edge * shape[:, None]), (edge >= 1.0).astype(np.float64))
    full = np.concatenate([np.zeros((len(mean), 1)), below, np.ones((len(mean), 1))], axis=1)
    return np.asarray(np.diff(full, axis=1))


def placed(units: FloatArray, cell: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
    """Masses ``(n, width)`` of a known stock, split over two cells, and the units above the grid ``(n,)``."""
    position = units / cell
    inside = np.minimum(position, width - 1.0)
    low = np.minimum(np.floor(inside + 1e-9), width - 1.0)
    part = np.clip(inside - low, 0.0, 1.0)
    answer = np.zeros((len(units), width))
    rows = np.arange(len(units))
    answer[rows, low.astype(np.int64)] = 1.0 - part
    answer[rows, np.minimum(low + 1.0, width - 1.0).astype(np.int64)] += part
    return answer, np.maximum(units - (width - 1.0) * cell, 0.0)


def received(stock: FloatArray, units: FloatArray, cell: FloatArray) -> FloatArray:
    """Stock ``(n, parts, width)`` after a known receipt ``(n,)``; the last cell holds what rises above the grid."""
    width = stock.shape[-1]
    position = np.minimum(units / cell, width)
    low = np.floor(position + 1e-9)
    part = np.clip(position - low, 0.0, 1.0)[:, None, None]
    # A zero in front stands for every cell below the lowest.
    padded = np.concatenate([np.zeros((*stock.shape[:-1], 1)), stock], axis=-1)
    place = np.arange(width)[None, None, :] - low.astype(np.int64)[:, None, None] + 1
    answer = (1.0 - part) * np.take_along_axis(padded, np.maximum(place, 0), axis=-1)
    if (part > 0.0).any():
        answer += part * np.take_along_axis(padded, np.maximum(place - 1, 0), axis=-1)
    # Without a receipt there is no overflow but rounding, which must not depend on the neighbors in the block.
    answer[..., -1] += np.where(position > 0.0, np.maximum(1.0 - answer.sum(axis=-1).T, 0.0), 0.0).T
    return np.asarray(answer)


def consumed(stock: FloatArray, demand: FloatArray) -> FloatArray:
    """Stock after demand, both ``(n, parts, width)``, what is short lost."""
    width = stock.shape[-1]
    difference = _convolved(stock, demand[..., ::-1])
    left = difference[..., width - 1 :].copy()
    left[..., 0] += difference[..., : width - 1].sum(axis=-1)
    return np.asarray(left)


def added(total: FloatArray, demand: FloatArray) -> FloatArray:
    """Sum of two demands, ``(n, parts, width)``; what lies beyond is held by the last cell."""
    width = total.shape[-1]
    both = _convolved(total, demand)
    answer = both[..., :width].copy()
    answer[..., -1] += both[..., width:].sum(axis=-1)
    return np.asarray(answer)


def need_at_most(demand: FloatArray, stock: FloatArray) -> FloatArray:
    """P(demand - stock <= x) for x = 0, 1, ... cells, ``(n, width)``, averaged over the parts."""
    width = stock.shape[-1]
    # Beyond the grid the distribution function is one: pad it, so that stock plus x may leave the grid.
    below = np.concatenate([np.cumsum(demand, axis=-1), np.ones_like(demand)], axis=-1)
    joint = _convolved(below, stock[..., ::-1])[..., width - 1 : 2 * width - 1]
    return np.asarray(np.clip(joint.mean(axis=1), 0.0, 1.0))


def mean_cells(mass: FloatArray) -> FloatArray:
    """Mean of masses ``(n, parts, width)`` over the grid, in cells, averaged over the parts."""
    return np.asarray((mass * np.arange(mass.shape[-1])).sum(axis=-1).mean(axis=-1))


def _convolved(a: FloatArray, b: FloatArray) -> FloatArray:
    """Full convolution along the last axis; rounding below 1e-15 is no mass."""
    length = a.shape[-1] + b.shape[-1] - 1
    size = 1 << (length - 1).bit_length()
    answer = np.fft.irfft(np.fft.rfft(a, size) * np.fft.rfft(b, size), size)[..., :length]
    answer[np.abs(answer) < 1e-15] = 0.0
    return np.asarray(np.maximum(answer, 0.0))
