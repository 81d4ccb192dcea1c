"""Piecewise linear money curves read in whole lots.

A lot that spans two pieces becomes a piece of its own, so that the curve through whole lots is exact: still concave
for needs and convex for donors.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.arguments import FloatArray, IntArray

_ROUNDING = 1e-9


@dataclass(frozen=True)
class LotPieces:
    """Shapes ``(rows, pieces)``: whole lots of each piece (some 0) and money of each of its lots."""

    lots: IntArray
    money_per_lot: FloatArray


def lot_pieces(piece_units: FloatArray, rate: FloatArray, most_units: IntArray, lot: IntArray) -> LotPieces:
    """Curves of `rate` money per unit in lots.

    Parameters
    ----------
    piece_units, rate
        Shape ``(rows, pieces)``; the last piece of a row may be endless. Beyond the last piece the rate is zero.
    most_units, lot
        Shape ``(rows,)``: units the row can take at most, and units of its lot, at least 1.
    """
    ends = np.cumsum(piece_units, axis=1) / lot[:, None]
    most = (most_units // lot).astype(np.float64)[:, None]
    breaks = np.concatenate([np.floor(ends + _ROUNDING), np.ceil(ends - _ROUNDING), most], axis=1)
    breaks = np.sort(np.minimum(breaks, most), axis=1)
    money = curve_money(piece_units, rate, breaks * lot[:, None])
    lots = np.diff(breaks, axis=1, prepend=0.0)
    per_lot = np.diff(money, axis=1, prepend=0.0) / np.maximum(lots, 1.0)
    held = np.append(True, lots[:, 1:].max(axis=0, initial=0.0) > 0.0)
    return LotPieces(lots[:, held].astype(np.int64), per_lot[:, held])


def curve_money(piece_units: FloatArray, rate: FloatArray, units: FloatArray) -> FloatArray:
    """Money of the first `units` ``(rows, points)`` of each row's curve ``(rows, pieces)``, pieces filled in order."""
    left, money = units.astype(np.float64), np.zeros(units.shape)
    for piece in range(piece_units.shape[1]):
        filled = np.minimum(left, piece_units[:, piece, None])
        money += filled * rate[:, piece, None]
        left = left - filled
    return money
