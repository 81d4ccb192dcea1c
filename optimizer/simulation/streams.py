"""Random numbers that depend on the item and not on how the work was cut up.

Rules
-----
1. Items are drawn in blocks of `BLOCK_ITEMS`. A block's numbers come from a counter-based generator (Philox) keyed by
   seed, kind of number and block, so that any worker that holds whole blocks draws the same.
2. Demand and lead times are drawn once, before anything is simulated, and reused by every scenario and policy: common
   random numbers.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray, counts, mass_function, non_negative

BLOCK_ITEMS = 256
"""Items drawn together; a partition starts at a multiple of it."""

DrawnLaw = Literal["gamma", "count"]


class Kind(IntEnum):
    """What a stream is for: streams of different kinds never share a number."""

    DEMAND = 0
    LEAD_TIME = 1
    CUSTOMER_ORDERS = 2
    OTHER = 3


def stream(seed: int, kind: Kind, block: int) -> np.random.Generator:
    """Generator of one block of items.

    Parameters
    ----------
    seed
        In ``0 .. 2**64 - 1``.
    block
        Number of the block, in ``0 .. 2**32 - 1``.

    Raises
    ------
    ValueError
        If either is out of range.

    Source
    ------
    Salmon, Moraes, Dror & Shaw (2011), *Parallel random numbers: as easy as 1, 2, 3*, SC '11.
    """
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be in 0..2**64 - 1, got {seed}")
    if not 0 <= block < 2**32:
        raise ValueError(f"block must be in 0..2**32 - 1, got {block}")
    key = np.array([seed, (int(kind) << 32) + block], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def drawn_by_block(
    seed: int,
    kind: Kind,
    items: int,
    draw: Callable[[np.random.Generator, slice], FloatArray],
    *,
    first_item: int = 0,
) -> FloatArray:
    """What `draw` gives for each block of items, side by side along the last axis.

    Parameters
    ----------
    items
        Items of this partition.
    draw
        From the block's generator and the positions of its items within the partition, an array whose last axis is
        those items.
    first_item
        Number of the partition's first item within the whole, a multiple of `BLOCK_ITEMS`.

    Raises
    ------
    ValueError
        If there is no item, or the partition does not start on a block.
    """
    if items < 1:
        raise ValueError(f"items must be at least 1, got {items}")
    if first_item < 0 or first_item % BLOCK_ITEMS:
        raise ValueError(f"first_item must be a multiple of {BLOCK_ITEMS}, got {first_item}")
    parts = [
        draw(stream(seed, kind, (first_item + start) // BLOCK_ITEMS), slice(start, min(start + BLOCK_ITEMS, items)))
        for start in range(0, items, BLOCK_ITEMS)
    ]
    return np.concatenate(parts, axis=-1)


def draw_demand(
    seed: int,
    mean_per_day: ArrayLike,
    sd_per_day: ArrayLike,
    days: int,
    *,
    law: DrawnLaw = "gamma",
    first_item: int = 0,
) -> FloatArray:
    """Independent demand of each day.

    Parameters
    ----------
    mean_per_day, sd_per_day
        Shape ``(sites, items)``, units per day.
    days
        At least 1.
    law
        ``gamma``, or ``count``: negative binomial, Poisson where the variance does not exceed the mean.

    Returns
    -------
    FloatArray
        Shape ``(days, sites, items)``, units.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    mean, sd = non_negative("mean_per_day", mean_per_day), non_negative("sd_per_day", sd_per_day)
    if mean.ndim != 2 or sd.shape != mean.shape:
        raise ValueError(
            f"mean_per_day and sd_per_day must have one shape (sites, items), got {mean.shape}, {sd.shape}"
        )
    if days < 1:
        raise ValueError(f"days must be at least 1, got {days}")
    if law not in ("gamma", "count"):
        raise ValueError(f"law must be 'gamma' or 'count', got {law!r}")
    surplus = sd * sd - (mean if law == "count" else 0.0)
    random = (mean > 0.0) & (surplus > 1e-12 * mean * mean)
    shape = np.where(random, mean * mean / np.where(random, surplus, 1.0), 1.0)
    scale = np.where(random, mean / shape, 0.0)

    def draw(generator: np.random.Generator, block: slice) -> FloatArray:
        size = (days, len(mean), block.stop - block.start)
        rate = generator.standard_gamma(shape[:, block], size) * scale[:, block]
        rate += np.where(random, 0.0, mean)[:, block]
        return generator.poisson(rate).astype(np.float64) if law == "count" else rate

    return drawn_by_block(seed, Kind.DEMAND, mean.shape[1], draw, first_item=first_item)


def draw_lead_times(seed: int, probability: ArrayLike, group: ArrayLike, days: int, *, first_item: int = 0) -> IntArray:
    """Lead time of whatever is ordered on each day.

    Parameters
    ----------
    probability
        Shape ``(groups, lead times)``, chance of 0, 1, 2, ... days, rows sum to one.
    group
        Shape ``(sites, items)``, row of each item-site.
    days
        At least 1.

    Returns
    -------
    IntArray
        Shape ``(days, sites, items)``, whole days.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    law = mass_function("probability", probability)
    short = law.sum(axis=1) < 1.0 - 1e-9
    if short.any():
        raise ValueError(f"probability must sum to 1 in each row, row {int(np.argmax(short))} does not")
    row = counts("group", group)
    if row.ndim != 2 or (row >= len(law)).any():
        raise ValueError(f"group must have shape (sites, items) and be below {len(law)}, got {row.shape}")
    if days < 1:
        raise ValueError(f"days must be at least 1, got {days}")
    # One ascending table of all rows, each lifted by its number, makes one search of all draws.
    cumulative = np.minimum(np.cumsum(law, axis=1), 1.0)
    cumulative[:, -1] = 1.0
    table = (cumulative + np.arange(len(law))[:, None]).ravel()

    def draw(generator: np.random.Generator, block: slice) -> FloatArray:
        uniform = generator.random((days, len(row), block.stop - block.start))
        place = np.searchsorted(table, uniform + row[:, block], side="right")
        return np.asarray(place - row[:, block] * law.shape[1], dtype=np.float64)

    drawn = drawn_by_block(seed, Kind.LEAD_TIME, row.shape[1], draw, first_item=first_item)
    return np.asarray(np.minimum(drawn, law.shape[1] - 1), dtype=np.int64)
