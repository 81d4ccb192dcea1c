"""Expiry: what of each lot is expected to be wasted when the lot that expires first is sold first.

Rules
-----
1. Lots are there at the start, sold first expired, first out. Blocked lots are neither sold nor counted as waste.
2. A lot can be sold on every day before its expiry day, and not on it; one with expiry day 0 or less is waste at once.
3. With Z the units of later lots already sold when a lot expires, and X the demand since the last expiry:
   waste = (Q - Z - X)+, next Z = (Z + X - Q)+. The law of Z is carried on a lattice from lot to lot.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, finite, flags, non_negative, same_length
from optimizer.laws.demand_law import DemandLaw, check_law
from optimizer.options.lattice import cubic, demand_step, shift_step, weighted

_POINTS = 64
_BLOCK = 32


@dataclass(frozen=True)
class ExpiryExposure:
    """Expected waste.

    Parameters
    ----------
    expected_waste
        Shape ``(n, lots)``, units of each lot expected to expire unsold; 0 where blocked.
    total
        Shape ``(n,)``, their sum.
    """

    expected_waste: FloatArray
    total: FloatArray


def expiry_exposure(
    quantity: ArrayLike,
    expiry_day: ArrayLike,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    *,
    blocked: ArrayLike | None = None,
    law: DemandLaw = "gamma",
) -> ExpiryExposure:
    """Waste per lot, all series at once.

    Parameters
    ----------
    quantity
        Shape ``(n, lots)``, units of each lot, in any order; 0 where a series has fewer lots.
    expiry_day
        Shape ``(n, lots)``, days from today to the first day a lot cannot be sold; whole or not.
    mean_per_day, sd_per_day
        Shape ``(n,)``, demand, units.
    blocked
        Shape ``(n, lots)`` of booleans; none when omitted.

    Raises
    ------
    ValueError
        If an input is negative (but `expiry_day`), not finite or of another shape.

    Source
    ------
    FEFO waste is the regulator of stock less demand: Nahmias (2011), Perishable Inventory Systems, ch. 2.
    """
    check_law(law)
    units, day = non_negative("quantity", quantity), finite("expiry_day", expiry_day)
    mean, sd = non_negative("mean_per_day", mean_per_day), non_negative("sd_per_day", sd_per_day)
    if units.ndim != 2 or day.shape != units.shape:
        raise ValueError(f"quantity and expiry_day must have one shape (n, lots), got {units.shape} and {day.shape}")
    out = np.zeros(units.shape, dtype=np.bool_) if blocked is None else flags("blocked", blocked)
    if out.shape != units.shape:
        raise ValueError(f"blocked must have shape {units.shape}, got {out.shape}")
    same_length(quantity=units, mean_per_day=mean, sd_per_day=sd)
    waste = np.zeros_like(units)
    order = np.argsort(np.where(out, np.inf, day), axis=1, kind="stable")
    for start in range(0, len(units), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(units)))
        place = rows[:, None], order[rows]
        sorted_waste = _layers(np.where(out, 0.0, units)[place], np.maximum(day[place], 0.0), mean[rows], sd[rows], law)
        waste[place] = np.where(out[place], 0.0, sorted_waste)
    return ExpiryExposure(waste, waste.sum(axis=1))


def _layers(units: FloatArray, day: FloatArray, mean: FloatArray, sd: FloatArray, law: DemandLaw) -> FloatArray:
    """Waste of lots sorted by expiry; the lattice counts what is left of all lots, from none to all."""
    rows, lots = units.shape
    whole = np.maximum(units.sum(axis=1), 1e-9)
    step = whole / (_POINTS - 1.0)
    left = np.zeros((rows, 1, _POINTS))
    left[:, 0, -1] = 1.0
    waste = np.zeros_like(units)
    before = np.zeros(rows)
    for lot in range(lots):
        some = units[:, lot] > 0.0
        span = np.where(some, np.maximum(day[:, lot] - before, 0.0), 0.0)
        before = np.where(some, day[:, lot], before)
        left, _ = demand_step(mean * span, sd * sd * span, step, _POINTS, law).carried(left)
        waste[:, lot] = np.clip(_overflow(left[:, 0], units[:, lot], step), 0.0, units[:, lot]) * some
        left, _ = shift_step(units[:, lot], step, _POINTS).carried(left)
    return waste


def _overflow(left: FloatArray, units: FloatArray, step: FloatArray) -> FloatArray:
    """Units beyond the highest point once `units` are put back on top: what the lot had left when it expired."""
    base, weight = cubic(units / step)
    place = np.arange(_POINTS)
    over = np.zeros_like(left)
    for tap in range(4):
        target = place + (base[:, None] + (tap - 1))
        over += weight[:, tap, None] * np.maximum(target - (_POINTS - 1), 0)
    return np.asarray(weighted(left, over) * step)
