"""Lead time as a law over whole days, from receipts and from orders still open.

Rules
-----
1. A received order of `days` d arrived on day d. An order still open in the morning of its day a has survived the days
   before a and says nothing yet about day a itself: it is at risk on days 0..a-1.
2. Hazard of a day = (receipts of the group + shrinkage x receipts of the base law) / (at risk + shrinkage x base law
   still open): `shrinkage` is the number of orders the base law counts for. The base law of a group is its pool's, or
   a point at the prior days where the pool has no receipt.
3. What never arrived by the last day anyone waited is put on the day after (Efron), so that a law always sums to one.
4. Weights (units, say) are scaled per group so that they count as many orders as they are worth (Kish): counting in
   pieces or in pallets gives the same law, and pieces of one order count as one order when `order` says so.
5. With lanes, the pool's law leans on the law of the group's lane before the group leans on the pool: group, supplier,
   lane. A supplier may ship over several lanes.
6. A group without any receipt to learn from follows its contract: on the day (`point`), or as late or early as the
   orders of all suppliers were against theirs (`scaled`, see `contract_law.py`).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import (
    BoolArray,
    FloatArray,
    IntArray,
    flags,
    non_negative,
    position,
    same_length,
    whole,
)
from optimizer.lead_time.contract_law import on_contract, scaled_to_contract
from optimizer.lead_time.law import LeadTimeLaw

__all__ = ["LeadTimeLaw", "kaplan_meier_lead_time"]

UnknownLaw = Literal["point", "scaled"]
_NO_MASS = 1e-9


def kaplan_meier_lead_time(
    days: ArrayLike,
    observed: ArrayLike,
    weight: ArrayLike,
    group: ArrayLike,
    groups: int,
    *,
    horizon_days: int = 180,
    pool: ArrayLike | None = None,
    shrinkage: float = 5.0,
    prior_days: ArrayLike | None = None,
    lane: ArrayLike | None = None,
    lane_shrinkage: float = 5.0,
    order: ArrayLike | None = None,
    unknown: UnknownLaw = "point",
) -> LeadTimeLaw:
    """Lead-time law of each group, open orders censored, drawn towards its pool where evidence is thin.

    Parameters
    ----------
    days
        Shape ``(m,)``, whole days from order to receipt, or to now when open; longer than the horizon counts as its
        last day.
    observed
        Shape ``(m,)``, true when received.
    weight
        Shape ``(m,)``, not negative: units of the receipt, or 1.
    group
        Shape ``(m,)``, in ``range(groups)``.
    horizon_days
        Number of days of the law, 0..horizon_days - 1.
    pool
        Shape ``(groups,)``, the pool of each group; None puts all groups in one.
    shrinkage
        Orders the pool's law counts for, not negative.
    prior_days
        Shape ``(groups,)``, contract lead time, used where neither pool nor lane has a receipt.
    lane
        Shape ``(groups,)``, the lane of each group (all alike: one pool of everything); None for one level of pools.
    lane_shrinkage
        Orders the lane's law counts for in the pool's, not negative.
    order
        Shape ``(m,)``, whole numbers: entries with the same number in the same group are pieces of one order.
    unknown
        Law of a group with nothing to learn from, rule 6.

    Raises
    ------
    ValueError
        If an argument is out of range, or a pool has neither a receipt nor prior days.

    Source
    ------
    Kaplan & Meier (1958), J. Amer. Stat. Assoc. 53; Efron (1967) for the tail.
    """
    _check_strength("shrinkage", shrinkage)
    _check_strength("lane_shrinkage", lane_shrinkage)
    if unknown not in ("point", "scaled"):
        raise ValueError(f"unknown must be 'point' or 'scaled', got {unknown!r}")
    orders = _Orders.of(days, observed, weight, position("group", group, groups), horizon_days, order)
    prior = None if prior_days is None else non_negative("prior_days", prior_days)
    if prior is not None:
        same_length(prior_days=prior, groups=np.empty(groups))
    if not groups:
        return LeadTimeLaw(np.zeros((0, horizon_days)))
    counts = orders.counts(groups)
    member = np.zeros(groups, dtype=np.int64) if pool is None else _dense("pool", pool, groups)
    lanes = np.zeros(groups, dtype=np.int64) if lane is None else _dense("lane", lane, groups)
    of_pool, of_lane = counts.together(member), counts.together(lanes)
    has_pool = of_pool.received.sum(axis=1) > 0.0
    has_lane = (of_lane.received.sum(axis=1) > 0.0) & np.bool_(lane is not None)
    pair, of_pair = np.unique(np.stack([member, lanes], axis=1), axis=0, return_inverse=True)
    lane_law = _law(of_lane, np.zeros_like(of_lane.received), 0.0)[pair[:, 1]] * has_lane[pair[:, 1], None]
    strength = np.where(has_lane[pair[:, 1]], lane_shrinkage, 0.0)[:, None]
    base = _law(of_pool.rows(pair[:, 0]), lane_law, strength)[of_pair.reshape(-1)]
    blank = ~(has_pool[member] | has_lane[lanes])
    if blank.any():
        base[blank] = _contract_laws(orders, prior, blank, unknown)
    return LeadTimeLaw(_law(counts.scaled(), base, shrinkage))


def _check_strength(name: str, value: float) -> None:
    if not np.isfinite(value) or value < 0.0:
        raise ValueError(f"{name} must be finite and not negative, got {value}")


def _contract_laws(orders: "_Orders", prior: FloatArray | None, blank: BoolArray, unknown: UnknownLaw) -> FloatArray:
    """Laws of the blank groups from their contracts."""
    if prior is None:
        raise ValueError(f"group {int(np.argmax(blank))} has no receipt in its pool and no prior_days were given")
    if unknown == "point":
        return on_contract(prior[blank], orders.horizon)
    contract = prior[orders.group]
    return scaled_to_contract(orders.waited, orders.observed, orders.weight, contract, prior[blank], orders.horizon)


@dataclass(frozen=True)
class _Orders:
    """Checked observations; `last` is the last day an order was at risk (-1: none yet), `waited` its days."""

    last: IntArray
    waited: IntArray
    observed: BoolArray
    weight: FloatArray
    group: IntArray
    horizon: int
    order: IntArray | None

    @classmethod
    def of(
        cls,
        days: ArrayLike,
        observed: ArrayLike,
        weight: ArrayLike,
        group: IntArray,
        horizon: int,
        order: ArrayLike | None,
    ) -> "_Orders":
        if horizon < 1:
            raise ValueError(f"horizon_days must be at least 1, got {horizon}")
        waited = np.floor(non_negative("days", days)).astype(np.int64)
        received = flags("observed", observed)
        heavy = non_negative("weight", weight)
        same_length(days=waited, observed=received, weight=heavy, group=group)
        last = np.minimum(np.where(received, waited, waited - 1), horizon - 1)
        pieces = None
        if order is not None:
            number = whole("order", order)
            same_length(order=number, group=group)
            pieces = np.unique(np.stack([group, number], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
        return cls(last, waited, received, heavy, group, horizon, pieces)

    def counts(self, groups: int) -> "_Counts":
        """Receipts and orders at risk of each group."""
        size, shape = groups * self.horizon, (groups, self.horizon)
        cell = self.group * self.horizon + np.maximum(self.last, 0)
        received = np.bincount(cell, self.weight * self.observed, size).reshape(shape)
        leaving = np.bincount(cell, self.weight * (self.last >= 0), size).reshape(shape)
        at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
        units, owner = self.weight, self.group
        if self.order is not None:
            units = np.bincount(self.order, self.weight).astype(np.float64)
            owner = np.zeros(len(units), dtype=np.int64)
            owner[self.order] = self.group
        parts = (received, at_risk, np.bincount(owner, units, groups), np.bincount(owner, units * units, groups))
        return _Counts(*(part.astype(np.float64, copy=False) for part in parts))


@dataclass(frozen=True)
class _Counts:
    """Receipts and orders at risk by day, ``(rows, days)``, and the sums of the weights and of their squares."""

    received: FloatArray
    at_risk: FloatArray
    total: FloatArray
    squares: FloatArray

    def together(self, member: IntArray) -> "_Counts":
        """Rows with one number in `member` added up, in effective orders."""
        order = np.argsort(member, kind="stable")
        starts = np.flatnonzero(np.diff(member[order], prepend=-1))
        parts = (self.received, self.at_risk, self.total, self.squares)
        return _Counts(*(np.add.reduceat(part[order], starts, axis=0) for part in parts)).scaled()

    def scaled(self) -> "_Counts":
        """Weights made to sum to the number of equal orders they are worth."""
        scale = np.divide(self.total, self.squares, out=np.zeros_like(self.total), where=self.squares > 0.0)
        return _Counts(self.received * scale[:, None], self.at_risk * scale[:, None], self.total, self.squares)

    def rows(self, which: IntArray) -> "_Counts":
        """Some rows, in that order."""
        return _Counts(self.received[which], self.at_risk[which], self.total[which], self.squares[which])


def _law(counts: _Counts, base: FloatArray, shrinkage: float | FloatArray) -> FloatArray:
    """Kaplan-Meier law with `shrinkage` orders that follow the base law; rows sum to one unless nothing is known."""
    base_open = np.cumsum(base[:, ::-1], axis=1)[:, ::-1]
    exposed = counts.at_risk + shrinkage * base_open
    events = counts.received + shrinkage * base
    hazard = np.divide(events, exposed, out=np.zeros_like(events), where=exposed > _NO_MASS)
    still_open = np.cumprod(1.0 - np.minimum(hazard, 1.0), axis=1)
    before = np.concatenate([np.ones((len(hazard), 1)), still_open[:, :-1]], axis=1)
    law = before * hazard
    days = law.shape[1]
    waited = (exposed > _NO_MASS).sum(axis=1)
    row = np.arange(len(law))
    law[row, np.minimum(waited, days - 1)] += still_open[:, -1]
    law = np.maximum(law, 0.0)
    return np.asarray(law / law.sum(axis=1, keepdims=True))


def _dense(name: str, pool: ArrayLike, groups: int) -> IntArray:
    """Pool numbers as 0..p-1."""
    labels = position(name, pool, np.iinfo(np.int64).max)
    if labels.shape != (groups,):
        raise ValueError(f"{name} must have shape ({groups},), got {labels.shape}")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
