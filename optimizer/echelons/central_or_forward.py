r"""Hold it centrally or forward? The same units of safety stock at the center, at the sites, or divided, each priced.

Rules
-----
1. The units come on top of given order-up-to levels. Everything else is as it is: same levels, lead times, demand.
2. What the center owes a site adds to the site's pipeline with its mean and variance, so stock at the center shortens
   waits for all sites, and stock at a site serves that site alone.
3. Units that go forward are dealt in lots, each to the site where it saves most; ties go to the first site.
4. The parts of an option's price sum to its cost. Ties between options go to the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, IntArray
from optimizer.echelons.backorder_moments import BackorderLaw, backorder_moments
from optimizer.echelons.shapes import at_most, positive, refuse, spread, table, whole
from optimizer.laws.demand_law import exceedance, expected_short

_MOST_LOTS = 64


@dataclass(frozen=True)
class CenterAndSites:
    """A center that feeds sites, per item, and the order-up-to levels they keep.

    Parameters
    ----------
    demand_mean, demand_sd
        ``(items, sites)``, units per day; days are independent.
    center_lead_time_days, site_lead_time_days
        ``(items,)`` to the center, ``(items, sites)`` from the center, the review period of each included.
    center_level, site_level
        ``(items,)`` and ``(items, sites)``, order-up-to levels before the units in question, units.
    """

    demand_mean: FloatArray
    demand_sd: FloatArray
    center_lead_time_days: FloatArray
    site_lead_time_days: FloatArray
    center_level: FloatArray
    site_level: FloatArray

    def __post_init__(self) -> None:
        mean = table("demand_mean", self.demand_mean, at_most)
        checked = {"demand_mean": mean}
        for name in ("demand_sd", "site_lead_time_days", "site_level"):
            checked[name] = spread(name, getattr(self, name), mean.shape, at_most)
        for name in ("center_lead_time_days", "center_level"):
            checked[name] = spread(name, getattr(self, name), mean.shape[:1], at_most)
        certain = (mean == 0.0) & (checked["demand_sd"] > 0.0)
        refuse("demand_sd", certain, checked["demand_sd"], "zero where demand_mean is zero")
        for name, value in checked.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class PlacementOptions:
    """Ways to place the units, in the order of the shares asked for.

    Parameters
    ----------
    central_share
        ``(options,)``, as asked.
    center_units, site_units
        ``(items, options)`` and ``(items, options, sites)``: where the units go.
    center_holding, site_holding, shortage
        ``(items, options)``, parts of the price, money per day.
    cost
        ``(items, options)``, their sum.
    backordered
        ``(items, options)``, units owed to customers at an average moment.
    ready_rate
        ``(items, options)``, share of time with stock on the shelf, sites weighted by demand.
    best
        ``(items,)``, position of the cheapest option.
    saving
        ``(items, options)``, cost of the option less that of the cheapest.
    """

    central_share: FloatArray
    center_units: FloatArray
    site_units: FloatArray
    center_holding: FloatArray
    site_holding: FloatArray
    shortage: FloatArray
    cost: FloatArray
    backordered: FloatArray
    ready_rate: FloatArray
    best: IntArray
    saving: FloatArray


def central_or_forward(
    network: CenterAndSites,
    units: ArrayLike,
    center_holding_cost: ArrayLike,
    site_holding_cost: ArrayLike,
    penalty: ArrayLike,
    *,
    central_shares: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25, 0.0),
    law: BackorderLaw = "gamma",
) -> PlacementOptions:
    r"""Price of holding the units centrally, forward, or divided, per item.

    With :math:`B` the center's backorders, a site's pipeline has mean :math:`\mu_s L_s + f_s E[B]` and variance
    :math:`\sigma_s^2 L_s + f_s (1 - f_s) d E[B] + f_s^2 Var[B]`, where :math:`f_s` is its share of demand and
    :math:`d` the ratio of variance to mean of a day's demand (1 for Poisson demand, which makes it VARI-METRIC). On
    hand and backorders follow from the law matched to these moments.

    Parameters
    ----------
    network
        Demand, times and present levels.
    units
        ``(items,)``, safety stock to place, >= 0; whole under the ``count`` law, as are the levels.
    center_holding_cost
        A number or ``(items,)``, money per unit and day, > 0.
    site_holding_cost, penalty
        A number or ``(items, sites)``, money per unit and day on hand, or owed to a customer, > 0.
    central_shares
        Parts of the units that stay at the center, each in [0, 1]; under ``count`` the center's part is rounded down.
    law
        ``gamma`` for divisible units and fast movers, ``count`` for slow movers.

    Raises
    ------
    ValueError
        If an array is negative, not finite or of another shape, a share is outside [0, 1], or the law is another.

    Source
    ------
    Sherbrooke (1986), *VARI-METRIC*, Operations Research 34(2), for the moments; Eppen (1979), *Effects of
    centralization on expected costs in a multi-location newsboy problem*, Management Science 25(5), for the question.

    Examples
    --------
    >>> stores = np.full((1, 4), 0.5)
    >>> days, level = np.full((1, 4), 2.0), np.full((1, 4), 2.0)
    >>> network = CenterAndSites(stores, np.sqrt(stores), np.array([20.0]), days, np.array([40.0]), level)
    >>> options = central_or_forward(network, [8], 0.02, 0.03, 5.0, central_shares=(1.0, 0.0), law="count")
    >>> options.cost.round(3), options.best
    (array([[3.199, 2.189]]), array([1]))
    """
    shape = network.demand_mean.shape
    check = whole if law == "count" else at_most
    amount = spread("units", units, shape[:1], check)
    at_center = spread("center_holding_cost", center_holding_cost, shape[:1], positive)
    at_site = spread("site_holding_cost", site_holding_cost, shape, positive)
    short = spread("penalty", penalty, shape, positive)
    shares = at_most("central_shares", central_shares)
    refuse("central_shares", shares > 1.0, shares, "at most 1")
    if shares.ndim != 1 or len(shares) == 0:
        raise ValueError(f"central_shares must have shape (options,), got {shares.shape}")
    if law == "count":
        whole("center_level", network.center_level)
        whole("site_level", network.site_level)
    central = amount[:, None] * shares
    if law == "count":
        central = np.floor(central * (1.0 + 1e-9) + 1e-9)
    pipelines, center_on_hand = _pipelines(network, central, law)
    present = np.repeat(network.site_level[:, None], len(shares), axis=1)
    forward = _dealt(amount[:, None] - central, present, at_site, short, pipelines)
    level = present + forward
    owed = pipelines.short(level)
    on_hand = level - pipelines.mean + owed
    parts = (
        at_center[:, None] * center_on_hand,
        _total(at_site[:, None] * on_hand),
        _total(short[:, None] * owed),
    )
    cost = parts[0] + parts[1] + parts[2]
    least = cost.min(axis=1)
    best = (cost <= least[:, None] * (1.0 + 1e-9)).argmax(axis=1)
    weight = network.demand_mean[:, None]
    demand = _total(np.broadcast_to(weight, level.shape))
    ready = _total(weight * pipelines.ready(level)) / np.where(demand > 0.0, demand, 1.0)
    return PlacementOptions(
        central_share=shares,
        center_units=central,
        site_units=forward,
        center_holding=parts[0],
        site_holding=parts[1],
        shortage=parts[2],
        cost=cost,
        backordered=_total(owed),
        ready_rate=np.where(demand > 0.0, np.minimum(ready, 1.0), 1.0),
        best=best,
        saving=cost - np.take_along_axis(cost, best[:, None], axis=1),
    )


@dataclass(frozen=True)
class _Pipelines:
    """What sites wait for, (items, options, sites), under a law of two moments."""

    mean: FloatArray
    variance: FloatArray
    law: BackorderLaw

    def short(self, level: FloatArray) -> FloatArray:
        """Expected units owed to customers."""
        return expected_short(level, self.mean, self.variance, self.law)

    def ready(self, level: FloatArray) -> FloatArray:
        """Probability of stock on the shelf: for counts, of a pipeline below the level."""
        below = level - 1.0 if self.law == "count" else level
        return 1.0 - exceedance(below, self.mean, self.variance, self.law)

    def at(self, site: IntArray) -> _Pipelines:
        """Those of one site per item and option, (items, options)."""
        return _Pipelines(_of(self.mean, site), _of(self.variance, site), self.law)


def _pipelines(network: CenterAndSites, central: FloatArray, law: BackorderLaw) -> tuple[_Pipelines, FloatArray]:
    """Sites' pipelines and the center's expected stock on hand, (items, options)."""
    rate, variance = network.demand_mean, network.demand_sd**2
    total = _total(rate)[:, None]
    lead = network.center_lead_time_days[:, None]
    mean = np.broadcast_to(total * lead, central.shape)
    level = network.center_level[:, None] + central
    center = backorder_moments(level, mean, np.broadcast_to(_total(variance)[:, None] * lead, central.shape), law)
    share = np.where(total > 0.0, rate / np.where(total > 0.0, total, 1.0), 0.0)[:, None]
    dispersion = np.where(rate > 0.0, variance / np.where(rate > 0.0, rate, 1.0), 0.0)[:, None]
    owed = share * center.expected[:, :, None]
    lane = network.site_lead_time_days[:, None]
    spread_ = variance[:, None] * lane + (1.0 - share) * dispersion * owed
    spread_ = spread_ + share * share * center.variance[:, :, None]
    return _Pipelines(rate[:, None] * lane + owed, spread_, law), level - mean + center.expected


def _dealt(
    forward: FloatArray, present: FloatArray, holding: FloatArray, penalty: FloatArray, pipelines: _Pipelines
) -> FloatArray:
    """Forward units (items, options) dealt to sites in lots, each where it saves most."""
    lot = forward / _MOST_LOTS
    if pipelines.law == "count":
        lot = np.ceil(lot * (1.0 - 1e-9))
    holding, penalty = (np.repeat(price[:, None], forward.shape[1], axis=1) for price in (holding, penalty))
    level, left = present.copy(), forward.copy()

    def gain(some: _Pipelines, at: FloatArray, size: FloatArray, on_shelf: FloatArray, short: FloatArray) -> FloatArray:
        return (short + on_shelf) * (some.short(at) - some.short(at + size)) - on_shelf * size

    gains = gain(pipelines, level, np.repeat(lot[:, :, None], level.shape[2], axis=2), holding, penalty)
    while (left > 0.0).any():
        best = gains.max(axis=2)
        site = (gains >= (best - 1e-9 * np.abs(best))[:, :, None]).argmax(axis=2)
        # The last lot takes what is left, whole or not.
        size = np.where(left < lot * (1.0 + 1e-9), left, lot)
        _put(level, site, _of(level, site) + size)
        left = left - size
        at = pipelines.at(site)
        _put(gains, site, gain(at, _of(level, site), lot, _of(holding, site), _of(penalty, site)))
    return level - present


def _of(values: FloatArray, site: IntArray) -> FloatArray:
    return np.take_along_axis(values, site[:, :, None], axis=2)[:, :, 0]


def _put(values: FloatArray, site: IntArray, new: FloatArray) -> None:
    np.put_along_axis(values, site[:, :, None], new[:, :, None], axis=2)


def _total(values: FloatArray) -> FloatArray:
    """Sum over sites, site by site, so that other items do not touch the digits."""
    return np.asarray(np.add.accumulate(values, axis=-1)[..., -1])
