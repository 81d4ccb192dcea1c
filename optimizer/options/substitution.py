"""A substitute: units of A that are short are offered B, whose own customers then find less of it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, same_length, share
from optimizer.laws.demand_law import DemandLaw
from optimizer.options.lost_sales import loss_surface
from optimizer.options.worlds import Worlds


@dataclass(frozen=True)
class Substitution:
    """What a substitute does, units over the horizon, shape ``(n,)``.

    Parameters
    ----------
    served
        Units short of A that take B instead.
    displaced
        Units B's own customers lose by it.
    sold_from
        Further units of B sold in all: `served` less `displaced`.
    """

    served: FloatArray
    displaced: FloatArray
    sold_from: FloatArray


def substitution(
    short: ArrayLike, acceptance: ArrayLike, substitute: Worlds, *, law: DemandLaw = "gamma"
) -> Substitution:
    """Shift accepted shortage of A to B and see what B can serve.

    Parameters
    ----------
    short
        Shape ``(n,)``, units of A short over the horizon, or ``(n, days)`` by day.
    acceptance
        Shape ``(n,)``, share of customers who take B instead, in [0, 1].
    substitute
        What lies ahead of B, one world per row.

    Notes
    -----
    The accepted units are extra demand of B, in proportion on its days, as random as B's own. Customers come in no
    order, so both kinds go without in the same proportion.

    Raises
    ------
    ValueError
        If a length differs, a unit is negative, or an acceptance lies outside [0, 1].
    """
    missing, taking = non_negative("short", short), share("acceptance", acceptance)
    same_length(short=missing, acceptance=taking, substitute=substitute.on_hand)
    extra = taking * (missing if missing.ndim == 1 else missing.sum(axis=1))
    own = substitute.expected_demand()
    mean, sd = _raised(substitute, missing, taking)
    raised = replace(substitute, mean_per_day=mean, sd_per_day=sd)
    none = np.zeros(len(substitute))
    before = loss_surface(substitute, none, law=law).lost
    after = loss_surface(raised, none, law=law).lost
    unserved = np.divide(after, own + extra, out=np.zeros_like(after), where=own + extra > 0.0)
    served = extra * np.clip(1.0 - unserved, 0.0, 1.0)
    displaced = np.maximum(after - extra * unserved - before, 0.0)
    return Substitution(served, displaced, served - displaced)


def _raised(worlds: Worlds, missing: FloatArray, taking: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and spread of B's demand with the accepted units: independent, with B's ratio of variance to mean."""
    days = worlds.days
    mean, variance = worlds.mean_per_day, worlds.sd_per_day**2
    if missing.ndim == 1:
        extra = taking * missing / worlds.horizon_days
    else:
        if missing.shape[1] < days:
            raise ValueError(f"short must have at least {days} days, got {missing.shape}")
        extra = taking[:, None] * missing[:, : mean.shape[1] if mean.ndim == 2 else days]
    if extra.ndim != mean.ndim or mean.ndim != variance.ndim:
        shape = (len(mean), mean.shape[1] if mean.ndim == 2 else days)
        mean, variance, extra = (
            np.broadcast_to(values if values.ndim == 2 else values[:, None], shape)
            for values in (mean, variance, extra)
        )
    ratio = np.divide(variance, mean, out=np.ones_like(mean), where=mean > 0.0)
    return mean + extra, np.sqrt(variance + ratio * extra)
