"""Segments of items by value, variability, stage of life and supply, as whole-number codes that do not flicker.

Rules
-----
1. ABC: an item's class depends on the share of value held by items **strictly more valuable** than it: A while that is
   below the first cut. So the item that crosses a cut belongs above it, and equal values share a class.
2. XYZ: by coefficient of variation; an item without demand is in the last class.
3. Stage, the first that holds: end of life (announced, or silent for long), launch (young), growth and decline (recent
   demand against earlier demand), mature.
4. Constrained: supply within the horizon covers less than a share of what is needed.
5. Hysteresis: given yesterday's codes, a measure must leave yesterday's class by more than the band before the class
   changes; then the plain rule decides. -1 in yesterday's codes is a new item. Ages and announcements have no band.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import (
    BoolArray,
    FloatArray,
    IntArray,
    non_negative,
    non_negative_or_infinite,
    positive,
    same_length,
    whole_numbers,
)


class AbcClass(IntEnum):
    """By value, highest first."""

    A = 0
    B = 1
    C = 2


class XyzClass(IntEnum):
    """By variability, steadiest first."""

    X = 0
    Y = 1
    Z = 2


class Stage(IntEnum):
    """Of an item's life."""

    LAUNCH = 0
    GROWTH = 1
    MATURE = 2
    DECLINE = 3
    END_OF_LIFE = 4


@dataclass(frozen=True)
class SegmentCodes:
    """Codes per item ``(n,)``: `AbcClass`, `XyzClass`, `Stage`, and 1 where supply is constrained."""

    value: IntArray
    variability: IntArray
    stage: IntArray
    constrained: IntArray

    def __post_init__(self) -> None:
        sizes = {"value": 3, "variability": 3, "stage": 5, "constrained": 2}
        same_length(**{name: whole_numbers(name, getattr(self, name), 0, size - 1) for name, size in sizes.items()})

    @property
    def cell(self) -> IntArray:
        """One number 0..89 per item: the row of a policy table ordered by value, variability, stage, constrained."""
        return ((self.value * 3 + self.variability) * 5 + self.stage) * 2 + self.constrained

    def changed_from(self, previous: "SegmentCodes") -> BoolArray:
        """Items whose segment is another than in `previous`, which lists the same items in the same order."""
        if len(previous.value) != len(self.value):
            raise ValueError(f"previous must hold {len(self.value)} items, got {len(previous.value)}")
        return np.asarray(self.cell != previous.cell)


def value_classes(
    value: ArrayLike, cuts: ArrayLike = (0.80, 0.95), *, previous: ArrayLike | None = None, band: float = 0.0
) -> IntArray:
    """ABC class of each item, ``(n,)``.

    Parameters
    ----------
    value
        ``(n,)``, money per year (demand times cost), not negative; if nothing has value all are in the last class.
    cuts
        Rising cumulative shares in (0, 1).
    previous, band
        Yesterday's classes ``(n,)``, -1 for none, and how far in share an item must be beyond its class to leave it.

    Examples
    --------
    >>> value_classes([5.0, 80.0, 15.0])
    array([2, 0, 1])
    """
    worth = _flat("value", non_negative("value", value))
    total = worth.sum()
    if total == 0.0:
        return _with_band(np.ones(worth.size), _cuts(cuts), None, 0.0)
    # Value of strictly more valuable items, as a share.
    levels, place = np.unique(worth, return_inverse=True)
    mass = np.bincount(place) * levels
    above = np.concatenate([np.cumsum(mass[::-1])[::-1][1:], [0.0]]) / total
    return _with_band(above[place], _cuts(cuts), _previous(previous, worth.size, 3), band)


def variability_classes(
    coefficient_of_variation: ArrayLike,
    cuts: ArrayLike = (0.5, 1.0),
    *,
    previous: ArrayLike | None = None,
    band: float = 0.0,
) -> IntArray:
    """XYZ class of each item, ``(n,)``.

    Parameters
    ----------
    coefficient_of_variation
        ``(n,)``, sd over mean of demand per period, not negative; infinity (or no demand) is the last class.
    cuts
        Rising, positive.
    previous, band
        As in `value_classes`, in units of the coefficient.
    """
    name = "coefficient_of_variation"
    spread = _flat(name, non_negative_or_infinite(name, coefficient_of_variation))
    return _with_band(spread, _cuts(cuts), _previous(previous, spread.size, 3), band)


def life_stages(
    age_days: ArrayLike,
    silent_days: ArrayLike,
    recent_demand: ArrayLike,
    earlier_demand: ArrayLike,
    ends_within_days: ArrayLike,
    *,
    launch_days: float = 90.0,
    silence_days: float = 365.0,
    ending_days: float = 90.0,
    trend: float = 0.25,
    previous: ArrayLike | None = None,
    band: float = 0.0,
) -> IntArray:
    """Stage of life of each item, ``(n,)``.

    Parameters
    ----------
    age_days, silent_days
        ``(n,)``: days since the first demand, and since the last.
    recent_demand, earlier_demand
        ``(n,)``, units per day over two windows of equal season; both zero is neither growth nor decline.
    ends_within_days
        ``(n,)``, days to an announced end; infinity where none is.
    launch_days, silence_days, ending_days
        Younger than the first is launch; silent for the second or ending within the third is end of life.
    trend
        Relative change beyond which an item grows or declines.
    previous, band
        Yesterday's stages, -1 for none, and the relative change by which growth or decline is left later and entered
        later than `trend` says.
    """
    age, silent = _flat("age_days", non_negative("age_days", age_days)), non_negative("silent_days", silent_days)
    recent, earlier = (
        non_negative("recent_demand", recent_demand),
        non_negative("earlier_demand", earlier_demand),
    )
    ends = non_negative_or_infinite("ends_within_days", ends_within_days)
    for name, array in (
        ("silent_days", silent),
        ("recent_demand", recent),
        ("earlier_demand", earlier),
        ("ends_within_days", ends),
    ):
        if array.shape != age.shape:
            raise ValueError(f"{name} must have the shape of age_days, {age.shape}, got {array.shape}")
    # A start from nothing is growth without end; nothing after nothing is no change.
    ratio = np.divide(recent, earlier, out=np.where(recent > 0.0, np.inf, 1.0), where=earlier > 0.0)
    yesterday = _previous(previous, age.size, len(Stage))
    if yesterday is not None:
        # Only the trend is banded: decline, mature, growth in rising order of the ratio.
        position = np.full(len(Stage) + 1, -1)
        position[[Stage.DECLINE, Stage.MATURE, Stage.GROWTH]] = [0, 1, 2]
        yesterday = position[yesterday]
    by_trend = _with_band(ratio, np.array([1.0 - trend, np.nextafter(1.0 + trend, np.inf)]), yesterday, band)
    stage = np.array([Stage.DECLINE, Stage.MATURE, Stage.GROWTH])[by_trend]
    over = (ends <= ending_days) | (silent >= silence_days)
    return np.select([over, age < launch_days], [int(Stage.END_OF_LIFE), int(Stage.LAUNCH)], stage).astype(np.int64)


def constrained_supply(
    supply: ArrayLike, need: ArrayLike, share: float = 0.9, *, previous: ArrayLike | None = None, band: float = 0.0
) -> IntArray:
    """1 where the supply within the horizon covers less than `share` of the need, else 0, ``(n,)``.

    `supply` and `need` in units, not negative; without need nothing is constrained. `previous` and `band` as in
    `value_classes`, in shares of the need.
    """
    offered, wanted = _flat("supply", non_negative("supply", supply)), non_negative("need", need)
    if offered.shape != wanted.shape:
        raise ValueError(f"need must have the shape of supply, {offered.shape}, got {wanted.shape}")
    covered = np.divide(offered, wanted, out=np.full(offered.shape, np.inf), where=wanted > 0.0)
    yesterday = _previous(previous, offered.size, 2)
    if yesterday is not None:
        yesterday = np.where(yesterday < 0, -1, 1 - yesterday)
    return 1 - _with_band(covered, np.array([share]), yesterday, band)


def _with_band(measure: FloatArray, cuts: FloatArray, previous: IntArray | None, band: float) -> IntArray:
    """Number of cuts at or below the measure, but yesterday's class while the measure is within its band."""
    width = float(non_negative("band", band))
    plain = np.searchsorted(cuts * (1.0 - 1e-12), measure, side="right").astype(np.int64)
    if previous is None:
        return plain
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    known = previous >= 0
    yesterday = np.where(known, previous, 0)
    stays = known & (measure >= edges[yesterday] - width) & (measure < edges[yesterday + 1] + width)
    return np.where(stays, yesterday, plain)


def _cuts(values: ArrayLike) -> FloatArray:
    cuts = positive("cuts", values)
    if cuts.shape != (2,) or cuts[1] <= cuts[0]:
        raise ValueError(f"cuts must be two rising positive numbers, got {cuts.tolist()}")
    return cuts


def _previous(previous: ArrayLike | None, size: int, classes: int) -> IntArray | None:
    """Yesterday's codes, one per item, -1 for none."""
    if previous is None:
        return None
    codes = whole_numbers("previous", previous, -1, classes - 1)
    if codes.shape != (size,):
        raise ValueError(f"previous must have shape {(size,)}, got {codes.shape}")
    return codes


def _flat(name: str, array: FloatArray) -> FloatArray:
    if array.ndim != 1:
        raise ValueError(f"{name} must be flat, got shape {array.shape}")
    return array
