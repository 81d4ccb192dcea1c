r"""Share of demanded units met from stock: two definitions that give different reorder points, so both have a name.

Rules
-----
1. `fill_rate_one_cycle`: what is short at the end of **one** cycle is charged to that cycle's order,
   :math:`\beta_1 = 1 - E[(X - s)^+] / Q`. It counts a backlog again in the next cycle, so it is low for small Q.
2. `fill_rate_exact`: the **difference form** :math:`\beta = 1 - (E[(X - s)^+] - E[(X - s - Q)^+]) / Q`, the long-run
   share for backorders and orders of Q (or its multiples). X is demand over the lead time **plus the undershoot**:
   how far the position lies below s when the order goes out, which is nothing under continuous review of small demands.
3. The undershoot has the equilibrium law of the demand between two reviews, with mean :math:`E[D^2] / (2 E[D])` and
   second moment :math:`E[D^3] / (3 E[D])`; D is taken as gamma for its third moment. A demand over lead time plus
   review would count half the review period too much, one over the lead time alone half of it too little.

Source
------
Silver, Pyke & Thomas (2017), *Inventory and Production Management in Supply Chains*, 4th ed., ch. 6; Tempelmeier
(2006), *Inventory Management in Supply Networks*, for the difference form with undershoot.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, non_negative, positive, probability
from optimizer.laws.demand_law import DemandLaw, expected_short
from optimizer.laws.demand_level import shortage_level
from optimizer.laws.lead_time_demand import LeadTimeDemand

FillRateForm = Literal["one_cycle", "exact"]


def fill_rate_one_cycle(
    demand: LeadTimeDemand, reorder_point: ArrayLike, order_quantity: ArrayLike, *, law: DemandLaw = "gamma"
) -> FloatArray:
    """One-cycle fill rate 1 - E[(X - s)+] / Q per series, not below zero.

    Parameters
    ----------
    demand
        Moments over the protection interval, ``(n,)``.
    reorder_point, order_quantity
        Units, ``(n,)`` or a number; the quantity is positive.
    """
    level, mean, variance, quantity = _broadcast(demand, reorder_point, order_quantity)
    return np.maximum(1.0 - expected_short(level, mean, variance, law) / quantity, 0.0)


def fill_rate_exact(
    demand: LeadTimeDemand,
    reorder_point: ArrayLike,
    order_quantity: ArrayLike,
    *,
    review_demand: LeadTimeDemand | None = None,
    law: DemandLaw = "gamma",
) -> FloatArray:
    """Long-run fill rate per series, in [0, 1]: the difference form with undershoot.

    Parameters
    ----------
    demand
        Moments over the **lead time alone**, ``(n,)``.
    reorder_point, order_quantity
        Units, ``(n,)`` or a number; the quantity is positive.
    review_demand
        Moments of demand between two reviews, ``(n,)``; None is continuous review, without undershoot.
    """
    level, mean, variance, quantity = _broadcast(with_undershoot(demand, review_demand), reorder_point, order_quantity)
    short = expected_short(level, mean, variance, law) - expected_short(level + quantity, mean, variance, law)
    return np.clip(1.0 - short / quantity, 0.0, 1.0)


def reorder_point_for_fill_rate(
    demand: LeadTimeDemand,
    order_quantity: ArrayLike,
    fill_rate: ArrayLike,
    *,
    form: FillRateForm,
    review_demand: LeadTimeDemand | None = None,
    law: DemandLaw = "gamma",
) -> FloatArray:
    """Reorder point that reaches the fill rate in the named form, per series, never below zero.

    Parameters
    ----------
    demand
        Moments over the protection interval (one-cycle form) or over the lead time alone (exact form).
    order_quantity
        Units, positive, ``(n,)`` or a number.
    fill_rate
        The target, in (0, 1).
    form
        Which definition; there is no default, since an imported number means one or the other.
    review_demand
        For the exact form only; see `fill_rate_exact`.

    Raises
    ------
    ValueError
        If an input is out of range, `form` is unknown, or `review_demand` is given with the one-cycle form.
    """
    quantity, target = positive("order_quantity", order_quantity), probability("fill_rate", fill_rate)
    if form == "one_cycle":
        if review_demand is not None:
            raise ValueError("review_demand belongs to the exact form; in the one-cycle form demand covers the review")
        moments, window = demand, None
    elif form == "exact":
        moments, window = with_undershoot(demand, review_demand), quantity
    else:
        raise ValueError(f"form must be 'one_cycle' or 'exact', got {form!r}")
    point = shortage_level((1.0 - target) * quantity, moments.mean, moments.variance, law, window)
    return np.maximum(point, 0.0)


def with_undershoot(demand: LeadTimeDemand, review_demand: LeadTimeDemand | None) -> LeadTimeDemand:
    """Demand over the lead time plus the undershoot at the moment of ordering, per series."""
    if review_demand is None:
        return demand
    mean, variance = np.broadcast_arrays(review_demand.mean, review_demand.variance)
    safe = np.where(mean > 0.0, mean, 1.0)
    square = variance / (safe * safe)
    first = np.where(mean > 0.0, 0.5 * mean * (1.0 + square), 0.0)
    second = np.where(mean > 0.0, mean * mean * (1.0 + square) * (1.0 + 2.0 * square) / 3.0, 0.0)
    return LeadTimeDemand(demand.mean + first, demand.variance + np.maximum(second - first * first, 0.0))


def _broadcast(
    demand: LeadTimeDemand, reorder_point: ArrayLike, order_quantity: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    level, mean, variance, quantity = np.broadcast_arrays(
        non_negative("reorder_point", reorder_point),
        demand.mean,
        demand.variance,
        positive("order_quantity", order_quantity),
    )
    return level, mean, variance, quantity
