"""What rules ask of an order: a least quantity, whole multiples, and no more than is sold before a delisting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inventory.machine_rules import OrderQuantity, PlannedDelisting, RuleRecord
from tools.columns import FloatArray, IntArray
from tools.outlook import Outlook
from tools.rules.in_force import clause_of
from tools.rules.rows import RuleRows


@dataclass(frozen=True)
class OrderTerms:
    """Least order and multiple of each row, shape ``(rows,)``, units, with what rules make of them."""

    minimum: FloatArray
    multiple: FloatArray
    rule: IntArray
    """Place of the last rule that changed a row's terms, -1 for none."""


def order_terms(rules: RuleRows, minimum: FloatArray, multiple: FloatArray) -> OrderTerms:
    """Terms under which both the supplier's and the rules' minimum and multiple are kept.

    Parameters
    ----------
    minimum, multiple
        The supplier's, shape ``(rows,)``, units; multiples are whole and at least 1.
    """
    which = np.full(minimum.shape, -1, dtype=np.int64)
    for number, rule in enumerate(rules.rules):
        if not isinstance(rule, OrderQuantity):
            continue
        speaks = rules.speaks[:, number]
        least = np.where(speaks, np.fmax(minimum, float(rule.minimum or 0)), minimum)
        whole = np.maximum(np.rint(multiple), 1.0).astype(np.int64)
        steps = np.where(speaks, np.lcm(whole, rule.multiple or 1).astype(np.float64), multiple)
        changed = speaks & ((least > np.nan_to_num(minimum)) | (steps > multiple))
        minimum, multiple, which = least, steps, np.where(changed, number, which)
    return OrderTerms(minimum, multiple, which)


@dataclass(frozen=True)
class MostBought:
    """Units of each row that may be bought, shape ``(rows,)``; infinite where no rule bounds them."""

    units: FloatArray
    rule: IntArray
    """Place of the rule, -1 for none."""


def most_bought(outlook: Outlook) -> MostBought:
    """What can be sold before a delisting, over what is there and on its way, and only once an order has arrived.

    Worked out once and kept beside the look's own cached figures.
    """
    known = vars(outlook).get("_most_bought")
    if not isinstance(known, MostBought):
        known = vars(outlook)["_most_bought"] = _most_bought(outlook)
    return known


def _most_bought(outlook: Outlook) -> MostBought:
    arrays = outlook.arrays
    units, which = np.full(arrays.rows, np.inf), np.full(arrays.rows, -1, dtype=np.int64)
    for number, rule in enumerate(arrays.rules.rules):
        if not isinstance(rule, PlannedDelisting):
            continue
        days = max((rule.delisted_on - arrays.today).days, 0)
        due = arrays.known_demand[:, :days].sum(axis=1)
        until = outlook.demand.mean_per_day * days + due
        after_arrival = outlook.demand.mean_per_day * np.maximum(days - outlook.lead_time_mean, 0.0) + due
        over = until - np.maximum(arrays.free, 0.0) - outlook.on_order
        sold = np.floor(np.maximum(np.minimum(over, after_arrival), 0.0) + 1e-9)
        less = arrays.rules.speaks[:, number] & (sold < units)
        units, which = np.where(less, sold, units), np.where(less, number, which)
    return MostBought(units, which)


@dataclass(frozen=True)
class Ordered:
    """An order of one row as supplier and rules allow it; no units where they allow none."""

    units: int
    limit: str
    """What keeps it from being another, in words."""
    rules: tuple[RuleRecord, ...] = ()


def ordered(outlook: Outlook, row: int, wanted: int) -> Ordered:
    """Least order of at least so many units, as far as it may be bought."""
    arrays = outlook.arrays
    minimum, multiple = float(arrays.minimum_order[row]), float(arrays.order_multiple[row])
    plain = whole_order(minimum, multiple, wanted)
    if not arrays.rules:
        return Ordered(plain, PLAIN_LIMIT)
    here = arrays.rules.take(np.array([row]))
    terms = order_terms(here, np.array([minimum]), np.array([multiple]))
    units = whole_order(float(terms.minimum[0]), float(terms.multiple[0]), wanted)
    limit, rules = PLAIN_LIMIT, tuple[RuleRecord, ...]()
    if units != plain:
        rules = (here.rules[int(terms.rule[0])],)
        steps = f" in steps of {int(terms.multiple[0]):,}" if terms.multiple[0] > 1 else ""
        limit = f"orders of at least {int(terms.minimum[0]):,}{steps} by {clause_of(rules[0])}; {plain:,} without it"
    most = most_bought(outlook)
    if units <= most.units[row]:
        return Ordered(units, limit, rules)
    delisting = arrays.rules.rules[int(most.rule[row])]
    fits = int(np.floor(most.units[row] / terms.multiple[0] + 1e-9) * terms.multiple[0])
    fits = fits if fits >= max(float(terms.minimum[0]), 1.0) else 0
    said = f"{int(most.units[row]):,} units can be sold before the delisting by {clause_of(delisting)}"
    return Ordered(fits, f"{said}; {units:,} without it", (*rules, delisting))


PLAIN_LIMIT = "minimum order and multiple"


def whole_order(minimum: float, multiple: float, wanted: int) -> int:
    """Least order of at least so many units: minimum and multiple kept."""
    return int(np.ceil(max(float(wanted), minimum) / multiple - 1e-9) * multiple)
