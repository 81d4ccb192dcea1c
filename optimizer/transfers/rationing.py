"""Rationing: dividing too little among sites, channels or customers, in whole units, many items at once.

Rules
-----
1. Nobody gets more than they claim, and what is given out is what is there, or all claims if that is less.
2. Shares are worked out exactly and rounded by largest remainder; equal remainders go to the lower column.
3. Each row is divided by itself: neither the order of rows nor their number matters.

Every function takes `available` of shape ``(rows,)`` and `claim` of shape ``(rows, receivers)``, both whole units.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, non_negative

_GUARD = 1e-9
_SEARCH_STEPS = 60


@dataclass(frozen=True)
class Rationing:
    """Who gets what.

    Parameters
    ----------
    units
        Shape ``(rows, receivers)``, whole units granted.
    fill
        Same shape, granted over claimed, 1 where nothing is claimed.
    left
        Shape ``(rows,)``, units that stay where they are.
    """

    units: IntArray
    fill: FloatArray
    left: IntArray


def fair_shares(available: ArrayLike, claim: ArrayLike) -> Rationing:
    """The same share of the claim for everybody: ``claim * min(1, available / sum of claims)``.

    Raises
    ------
    ValueError
        If an argument is negative, not whole, or of the wrong shape.

    Source
    ------
    Proportional rationing: Silver, Pyke & Thomas (2017), *Inventory and Production Management in Supply Chains*,
    4th ed., ch. 11.
    """
    stock, claims = _amounts(available, claim)
    return _granted(stock, claims, _proportional(stock, claims))


def linear_rationing(available: ArrayLike, claim: ArrayLike, fraction: ArrayLike) -> Rationing:
    """What is missing, shared in fixed proportions: ``max(claim - fraction * theta, 0)``, theta using up the stock.

    Parameters
    ----------
    available, claim
        As in the module.
    fraction
        Shape ``(rows, receivers)``, positive: part of the missing units each receiver bears; only proportions count.
        Whoever would be left with less than nothing gets nothing, and the rest bear it in their proportions.

    Raises
    ------
    ValueError
        If an argument is negative, not whole, of the wrong shape, or a fraction is zero.

    Source
    ------
    van der Heijden, Diks & de Kok (1997), "Stock allocation in general multi-echelon distribution systems with (R, S)
    order-up-to-policies", International Journal of Production Economics 49.
    """
    stock, claims = _amounts(available, claim)
    part = non_negative("fraction", fraction)
    _shaped("fraction", part, claims.shape)
    if (part == 0.0).any():
        place = tuple(int(i) for i in np.argwhere(part == 0.0)[0])
        raise ValueError(f"fraction must be positive, it is zero at index {place}")
    cut_off = claims / part
    order = np.argsort(cut_off, axis=1, kind="stable")
    ratio, part_sorted, claim_sorted = (np.take_along_axis(a, order, axis=1) for a in (cut_off, part, claims))
    part_left, claim_left = (np.cumsum(a[:, ::-1], axis=1)[:, ::-1] for a in (part_sorted, claim_sorted))
    theta = (claim_left - stock[:, None]) / part_left
    # The first receiver, by ratio, who still gets something at the theta that he and those after him would bear.
    first = np.argmax(theta <= ratio * (1.0 + _GUARD), axis=1)
    chosen = np.take_along_axis(theta, first[:, None], axis=1)
    return _granted(stock, claims, np.clip(claims - part * np.maximum(chosen, 0.0), 0.0, claims))


def tiered_shares(available: ArrayLike, claim: ArrayLike, tier: ArrayLike) -> Rationing:
    """Commitments first: the lowest tier is served in full before the next gets anything; fair shares within a tier.

    Parameters
    ----------
    available, claim
        As in the module.
    tier
        Shape ``(rows, receivers)`` or ``(receivers,)``, whole numbers from 0: 0 is served first.

    Raises
    ------
    ValueError
        If an argument is negative, not whole, or of the wrong shape.
    """
    stock, claims = _amounts(available, claim)
    level = _levels(tier, claims.shape)
    units = np.zeros(claims.shape, dtype=np.int64)
    for each in np.unique(level).tolist():
        asked = np.where(level == each, claims, 0)
        given = _granted(stock, asked, _proportional(stock, asked))
        units, stock = units + given.units, given.left
    return _result(units, claims, stock)


def bounded_shares(available: ArrayLike, claim: ArrayLike, value: ArrayLike, spread: float) -> Rationing:
    """Most value with fairness: units go where they are worth most, but fills differ by no more than `spread`.

    Maximises ``sum(value * units)`` subject to ``f <= units / claim <= min(f + spread, 1)`` for a common `f`, all that
    can be given being given. The best `f` is searched (the value is concave in it); rounding to whole units may
    stretch the spread by one unit of each claim.

    Parameters
    ----------
    available, claim
        As in the module.
    value
        Shape ``(rows, receivers)``, money per unit.
    spread
        Largest difference of two fills, in [0, 1]; 0 gives fair shares, 1 gives value first.

    Raises
    ------
    ValueError
        If an argument is negative, not whole, of the wrong shape, or the spread is outside [0, 1].
    """
    stock, claims = _amounts(available, claim)
    worth = non_negative("value", value)
    _shaped("value", worth, claims.shape)
    if not 0.0 <= spread <= 1.0:
        raise ValueError(f"spread must be in [0, 1], got {spread}")
    order = np.argsort(-worth, axis=1, kind="stable")
    wanted, money = (np.take_along_axis(a, order, axis=1) for a in (claims.astype(np.float64), worth))
    total = np.minimum(stock, claims.sum(axis=1)).astype(np.float64)
    high = np.minimum(total / np.maximum(claims.sum(axis=1), 1), 1.0)
    low = _least_floor(wanted, total, high, spread)
    for _ in range(_SEARCH_STEPS):
        left, right = low + (high - low) / 3.0, high - (high - low) / 3.0
        better = _value_at(wanted, money, total, left, spread) >= _value_at(wanted, money, total, right, spread)
        low, high = np.where(better, low, left), np.where(better, right, high)
    share = np.empty(claims.shape)
    np.put_along_axis(share, order, _spread_out(wanted, total, low, spread), axis=1)
    return _granted(stock, claims, share)


def channel_shares(available: ArrayLike, claim: ArrayLike, protected: ArrayLike, tier: ArrayLike) -> Rationing:
    """Channels draw on what is protected for them, then by tier on what is protected for nobody.

    What is protected and not claimed now stays protected: it is part of `left`. If less is there than is protected,
    the protections are kept by tier and shared fairly within one.

    Parameters
    ----------
    available, claim
        As in the module, one receiver per channel.
    protected
        Shape ``(rows, channels)``, whole units no other channel may take.
    tier
        Shape ``(rows, channels)`` or ``(channels,)``, whole numbers from 0: 0 is served first from the free units.

    Raises
    ------
    ValueError
        If an argument is negative, not whole, or of the wrong shape.
    """
    stock, claims = _amounts(available, claim)
    kept = _whole("protected", protected)
    _shaped("protected", kept, claims.shape)
    level = _levels(tier, claims.shape)
    own = tiered_shares(stock, kept, level)
    first = np.minimum(own.units, claims)
    more = tiered_shares(own.left, claims - first, level)
    units = first + more.units
    return _result(units, claims, stock - units.sum(axis=1))


def _least_floor(wanted: FloatArray, total: FloatArray, high: FloatArray, spread: float) -> FloatArray:
    """Least common floor of the fills at which the caps still let everything be given out."""
    low, top = np.zeros_like(high), high.copy()
    enough = (wanted * np.minimum(spread, 1.0)).sum(axis=1) >= total * (1.0 - _GUARD)
    for _ in range(_SEARCH_STEPS):
        middle = 0.5 * (low + top)
        gives = (wanted * np.minimum(middle + spread, 1.0)[:, None]).sum(axis=1) >= total
        low, top = np.where(gives, low, middle), np.where(gives, middle, top)
    return np.where(enough, 0.0, top)


def _spread_out(wanted: FloatArray, total: FloatArray, floor: FloatArray, spread: float) -> FloatArray:
    """Everybody's floor, then the rest in order of worth up to the caps."""
    least = wanted * floor[:, None]
    room = wanted * np.minimum(floor + spread, 1.0)[:, None] - least
    rest = np.maximum(total - least.sum(axis=1), 0.0)[:, None]
    before = np.cumsum(room, axis=1) - room
    return np.asarray(least + np.clip(rest - before, 0.0, room))


def _value_at(wanted: FloatArray, money: FloatArray, total: FloatArray, floor: FloatArray, spread: float) -> FloatArray:
    return np.asarray((_spread_out(wanted, total, floor, spread) * money).sum(axis=1))


def _proportional(stock: IntArray, claims: IntArray) -> FloatArray:
    total = claims.sum(axis=1)
    return np.asarray(claims * np.minimum(stock / np.maximum(total, 1), 1.0)[:, None])


def _granted(stock: IntArray, claims: IntArray, share: FloatArray) -> Rationing:
    """Shares in whole units by largest remainder; they use up the stock or meet all claims."""
    base = np.minimum(np.floor(share + _GUARD * np.maximum(share, 1.0)).astype(np.int64), claims)
    missing = np.minimum(stock, claims.sum(axis=1)) - base.sum(axis=1)
    remainder = np.where(base < claims, np.round(share - base, 9), -np.inf)
    rank = np.argsort(np.argsort(-remainder, axis=1, kind="stable"), axis=1, kind="stable")
    # Rounding leaves fewer units than receivers with room, or the guard a unit too many; both are settled by rank.
    units = base + ((rank < missing[:, None]) & (base < claims))
    over = np.maximum(-missing, 0)[:, None]
    last = np.argsort(np.argsort(np.where(base > 0, remainder, np.inf), axis=1, kind="stable"), axis=1, kind="stable")
    units = units - ((last < over) & (base > 0))
    return _result(units, claims, stock - units.sum(axis=1))


def _result(units: IntArray, claims: IntArray, left: IntArray) -> Rationing:
    fill = np.where(claims > 0, units / np.maximum(claims, 1), 1.0)
    return Rationing(units, fill, left)


def _amounts(available: ArrayLike, claim: ArrayLike) -> tuple[IntArray, IntArray]:
    stock, claims = _whole("available", available), _whole("claim", claim)
    if claims.ndim != 2 or claims.shape[1] == 0:
        raise ValueError(f"claim must have shape (rows, receivers) with a receiver, got {claims.shape}")
    _shaped("available", stock, (len(claims),))
    return stock, claims


def _levels(tier: ArrayLike, shape: tuple[int, ...]) -> IntArray:
    level = _whole("tier", tier)
    if level.shape not in (shape, shape[1:]):
        raise ValueError(f"tier must have shape {shape} or {shape[1:]}, got {level.shape}")
    return np.broadcast_to(level, shape)


def _whole(name: str, values: ArrayLike) -> IntArray:
    array = non_negative(name, values)
    bad = array != np.rint(array)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} must be whole units, got {array[place]} at index {place}")
    return array.astype(np.int64)


def _shaped(name: str, values: FloatArray | IntArray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {values.shape}")
