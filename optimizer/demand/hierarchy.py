"""Demand by other cuts: parts summed to family, region and network, item-sites split into channels.

Rules
-----
1. Any grouping is an integer per part. A sum is always taken from the parts themselves, never from sums, so that every
   cut adds up to the same whole.
2. Variances add up under a stated correlation, the same between any two parts of a group: ``(1 - r) sum(v) + r
   (sum(sd))²``. Parts that sell independently have r = 0, parts driven by one cause r = 1.
3. Channel shares of an item-site are shrunk to those of its item, these to the mean over items, these to equal shares;
   the parent counts for `shrinkage` periods with demand. Shares sum to one, so channels sum to the item-site.
4. Channels of an item-site are independent: the variance is split by the same shares and adds up to its variance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from optimizer.arguments import FloatArray, IntArray, non_negative, position, shaped, share


@dataclass(frozen=True)
class GroupDemand:
    """Mean and variance per group and period, shape ``(groups, periods)``."""

    mean: FloatArray
    variance: FloatArray


@dataclass(frozen=True)
class ChannelDemand:
    """Mean and variance per item-site, channel and period, shape ``(n, channels, periods)``."""

    mean: FloatArray
    variance: FloatArray


def roll_up(
    mean: ArrayLike, variance: ArrayLike, group: ArrayLike, *, groups: int, correlation: float = 0.0
) -> GroupDemand:
    """Sum parts to groups.

    Parameters
    ----------
    mean, variance
        Shape ``(n, periods)``, units of one kind (or money) and its square, not negative.
    group
        Shape ``(n,)``, in ``range(groups)``; a group without parts has no demand.
    correlation
        Between any two parts of a group in the same period, in 0..1.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, or a group or the correlation is out of range.

    Examples
    --------
    >>> total = roll_up([[1.0], [2.0]], [[9.0], [16.0]], [0, 0], groups=1, correlation=1.0)
    >>> total.mean, total.variance
    (array([[3.]]), array([[49.]]))
    """
    parts, spread = non_negative("mean", mean), non_negative("variance", variance)
    shaped("mean", parts, len(parts) if parts.ndim else None, None)
    shaped("variance", spread, *parts.shape)
    label = position("group", group, groups)
    shaped("group", label, len(parts))
    common = float(share("correlation", correlation))
    member = _members(label, groups)
    pooled = np.asarray(member @ spread)
    if common > 0.0:
        pooled = (1.0 - common) * pooled + common * np.asarray(member @ np.sqrt(spread)) ** 2
    return GroupDemand(np.asarray(member @ parts), pooled)


def channel_shares(
    sold: ArrayLike, periods_with_demand: ArrayLike, item: ArrayLike, *, items: int, shrinkage: float = 8.0
) -> FloatArray:
    """Share of each channel in the demand of each item-site, shape ``(n, channels)``, rows sum to one.

    Parameters
    ----------
    sold
        Shape ``(n, channels)``, units over a common window, not negative.
    periods_with_demand
        Shape ``(n,)``, periods of the window in which the item-site had demand: its evidence.
    item
        Shape ``(n,)``, in ``range(items)``.
    shrinkage
        Periods the item's shares count for, above 0.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, or an item out of range.

    Examples
    --------
    >>> channel_shares([[8.0, 0.0], [2.0, 10.0]], [8, 8], [0, 0], items=1)
    array([[0.75      , 0.25      ],
           [0.33333333, 0.66666667]])
    """
    units, evidence = non_negative("sold", sold), non_negative("periods_with_demand", periods_with_demand)
    shaped("sold", units, len(units) if units.ndim else None, None)
    shaped("periods_with_demand", evidence, len(units))
    label = position("item", item, items)
    shaped("item", label, len(units))
    if not (np.isfinite(shrinkage) and shrinkage > 0.0):
        raise ValueError(f"shrinkage must be positive, got {shrinkage}")
    of_items = _shares(np.asarray(_members(label, items) @ units))
    known = of_items.any(axis=1)
    channels = units.shape[1]
    usual = of_items[known].mean(axis=0) if known.any() else np.full(channels, 1.0 / channels)
    of_items[~known] = usual
    weight = np.where(units.any(axis=1), evidence / (evidence + shrinkage), 0.0)[:, None]
    blended = weight * _shares(units) + (1.0 - weight) * of_items[label]
    return np.asarray(blended / blended.sum(axis=1, keepdims=True))


def split_channels(mean: ArrayLike, variance: ArrayLike, shares: ArrayLike) -> ChannelDemand:
    """Demand of each item-site divided among its channels.

    Parameters
    ----------
    mean, variance
        Shape ``(n, periods)``, not negative.
    shares
        Shape ``(n, channels)``, rows sum to one.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, or a row of shares does not sum to one.
    """
    whole, spread = non_negative("mean", mean), non_negative("variance", variance)
    shaped("mean", whole, len(whole) if whole.ndim else None, None)
    shaped("variance", spread, *whole.shape)
    part = share("shares", shares)
    shaped("shares", part, len(whole), None)
    total = part.sum(axis=1)
    bad = np.abs(total - 1.0) > 1e-9
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"shares must sum to 1 in each row, row {row} sums to {total[row]}")
    return ChannelDemand(part[:, :, None] * whole[:, None, :], part[:, :, None] * spread[:, None, :])


def _members(group: IntArray, groups: int) -> csr_array:
    """Which part belongs to which group, as a matrix that sums parts in their order."""
    return csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(groups, len(group)))


def _shares(units: FloatArray) -> FloatArray:
    total = units.sum(axis=1, keepdims=True)
    return units / np.where(total > 0.0, total, 1.0)
