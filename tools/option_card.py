"""The option card: each offer priced, how sure its rank is, what would flip it, and what it does to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta

import numpy as np

from inventory.record import digest_text
from inventory.records import ActionKind, Option
from optimizer.options.confidence import SURENESS, ParameterDraws, ranking_confidence
from optimizer.options.option_flips import Ranked, delay_flips, penalty_flips, unit_cost_flips
from optimizer.options.pricing import price_on
from optimizer.options.rows import CostParts, OptionValues
from tools.columns import FloatArray, IntArray
from tools.money import minor_parts, to_minor
from tools.offer import Offer
from tools.option_offers import PlannedMove
from tools.option_rows import PricedCases, priced_cases
from tools.outlook import Outlook

FULL_CONFIDENCE_WEEKS = 78.0
UNIT_COST_RANGE = (0.0, 5.0)
"""Flip points of the unit cost are looked for up to this many times the item's price."""
PENALTY_RANGE = (1.0, 20.0)
"""And those of a hold up to this many times the cost of a unit short."""
DELAY_RANGE = (0.0, 28.0)
"""And those of the arrival up to so many days later."""
WITHOUT_LANES = (ActionKind.HOLD, ActionKind.SUBSTITUTE, ActionKind.MARKDOWN, ActionKind.REALLOCATE)
"""Actions that take no lane or receiving capacity."""


@dataclass(frozen=True)
class DescribedNeed:
    """One need and what was decided about it."""

    row: int
    offers: tuple[Offer, ...]
    moves: tuple[PlannedMove, ...]
    chosen: int


def describe_all(
    outlook: Outlook, needs: Sequence[DescribedNeed], *, minimum_net_benefit: float, seed: int, draws: int
) -> list[tuple[Option, ...]]:
    """The priced option tables of many needs, each as it would be alone: chosen first, then by net value."""
    if not needs:
        return []
    cases = priced_cases(outlook, [need.row for need in needs], [need.offers for need in needs])
    values = price_on(cases.surface, cases.rows)
    may = np.array([offer.feasible and offer.executable for need in needs for offer in need.offers])
    may[cases.first[:-1]] = True
    ranked = Ranked(cases.rows, cases.case, may, minimum_net_benefit)
    chosen = cases.first[:-1] + np.array([need.chosen for need in needs])
    stays, low = _confidence(outlook, needs, ranked, seed, draws)
    flips = _flips(outlook, needs, cases, ranked, values, chosen)
    return [
        _table(
            outlook,
            need,
            values.take(slice(start, end)),
            stays[start:end],
            low[:, start:end],
            cases.displaced[start:end],
            flip,
        )
        for need, start, end, flip in zip(
            needs, cases.first[:-1].tolist(), cases.first[1:].tolist(), flips, strict=True
        )
    ]


def _table(
    outlook: Outlook,
    need: DescribedNeed,
    values: OptionValues,
    stays: FloatArray,
    low: FloatArray,
    displaced: FloatArray,
    flip: str,
) -> tuple[Option, ...]:
    known = min(0.7 + 0.3 * float(outlook.history_weeks[need.row]) / FULL_CONFIDENCE_WEEKS, 1.0)
    table = [
        _option(outlook, need, index, values, float(stays[index]) * known, low[:, index], float(displaced[index]), flip)
        for index in range(len(need.offers))
    ]
    order = sorted(
        range(len(table)),
        key=lambda i: (not table[i].chosen, not table[i].feasible, -table[i].net_value_minor, i),
    )
    return tuple(table[index] for index in order)


def _option(
    outlook: Outlook,
    need: DescribedNeed,
    index: int,
    values: OptionValues,
    confidence: float,
    low: FloatArray,
    displaced: float,
    flip: str,
) -> Option:
    arrays, row, offer = outlook.arrays, need.row, need.offers[index]
    even, cost = float(values.break_even_penalty[index]), to_minor(values.cost[index])
    parts = {field.name: float(getattr(values.parts, field.name)[index]) for field in fields(CostParts)}
    moves = need.moves if offer.action in (ActionKind.TRANSFER, ActionKind.TRANSFER_AND_PURCHASE) else ()
    short = float(values.expected_short_after[index])
    return Option(
        action=offer.action,
        item=arrays.items[row],
        site=arrays.sites[row],
        source=offer.source,
        order_id=arrays.inbound.reference[offer.replaces] if offer.replaces >= 0 else "",
        mode=offer.mode,
        quantity=offer.quantity,
        arrives_p50=None if offer.p50_day is None else arrays.today + timedelta(days=offer.p50_day),
        arrives_p90=None if offer.p90_day is None else arrays.today + timedelta(days=offer.p90_day),
        cost_minor=cost,
        shortage_avoided_units=round(float(values.shortage_avoided_units[index]), 3),
        shortage_avoided_minor=to_minor(values.shortage_avoided_value[index]),
        service_after=round(float(values.service_after[index]), 4),
        donor_cover_days_after=_donor_cover(outlook, moves) if moves else None,
        expected_leftover_units=round(float(values.expected_leftover[index]), 2),
        net_value_minor=to_minor(values.net_value[index]),
        confidence=round(confidence, 3),
        net_value_low_minor=tuple(to_minor(value) for value in low) if np.isfinite(low).all() else (),
        chosen=index == need.chosen,
        feasible=offer.feasible,
        binding_constraint=offer.limit,
        clauses=tuple(dict.fromkeys(rule.passage_id for rule in offer.rules)),
        break_even_penalty_minor=to_minor(even) if np.isfinite(even) and offer.quantity else None,
        flip_point=flip if index == need.chosen else "",
        executable=offer.executable,
        paid_by=offer.paid_by,
        companion=offer.companion,
        cost_parts_minor=minor_parts(cost, parts),
        capital_minor=to_minor(float(values.leftover_added[index]) * float(arrays.cost[row])),
        capacity_units=0.0 if offer.action in WITHOUT_LANES else float(offer.quantity),
        committed_units_late=round(min(float(arrays.committed_units[row]), short), 3),
        other_channels_units=round(offer.elsewhere_units + displaced, 3),
        side_effects=offer.side_effects,
    )


def _donor_cover(outlook: Outlook, moves: tuple[PlannedMove, ...]) -> float | None:
    """Fewest days of supply any donor keeps."""
    covers = []
    for move in moves:
        mean = float(outlook.demand.mean_per_day[move.donor_row])
        left = float(outlook.arrays.free[move.donor_row]) - move.units
        covers.append(min(left / mean, 999.0) if mean > 0 else 999.0)
    return round(min(covers), 1) if covers else None


def _confidence(
    outlook: Outlook, needs: Sequence[DescribedNeed], ranked: Ranked, seed: int, draws: int
) -> tuple[FloatArray, FloatArray]:
    """Share of parameter draws in which each option is best, and lower bounds of what it is worth.

    Each need draws from a stream of its own; options nobody can choose are not drawn, and their bounds are missing.
    """
    arrays = outlook.arrays
    used = np.flatnonzero(ranked.eligible)
    case = ranked.case[used]
    parts = []
    for number, need in enumerate(needs):
        key = int(digest_text(str(seed), arrays.items[need.row], arrays.sites[need.row])[:16], 16)
        generator = np.random.Generator(np.random.Philox(key=key))
        parts.append(ParameterDraws.drawn(generator, draws, 1, int((case == number).sum())))
    found = ranking_confidence(ranked.rows.alone(used), case, ParameterDraws.beside(parts), minimum=ranked.minimum)
    share = np.zeros(len(ranked.case))
    share[used] = found.share_best
    low = np.full((len(SURENESS), len(ranked.case)), np.nan)
    low[:, used] = found.low_net_value
    return share, low


def _flips(
    outlook: Outlook,
    needs: Sequence[DescribedNeed],
    cases: PricedCases,
    ranked: Ranked,
    values: OptionValues,
    chosen: IntArray,
) -> list[str]:
    """What would change each answer: one parameter at a time, all needs bisected together, in stated ranges."""
    alone = ranked.choose(values.net_value)
    many = len(needs)
    dearer = penalty_flips(ranked, cases.surface, *(np.full(many, end) for end in PENALTY_RANGE))
    rows = cases.rows
    # The whole cost per unit moves, freight and handling included.
    per_unit = rows.unit_cost + rows.of("freight_per_unit") + rows.of("handling_per_unit")
    merged = replace(ranked, rows=replace(rows, unit_cost=per_unit, freight_per_unit=None, handling_per_unit=None))
    row = np.array([need.row for need in needs])
    price = np.nan_to_num(outlook.arrays.price[row], nan=0.0)
    price = np.maximum(np.where(price > 0.0, price, 1.5 * outlook.arrays.cost[row]), 0.01)
    low, high = np.full(many, UNIT_COST_RANGE[0]), UNIT_COST_RANGE[1] * price
    at_cost = unit_cost_flips(merged, cases.surface, low, high, row=chosen)
    late = delay_flips(ranked, cases.surface, *(np.full(many, end) for end in DELAY_RANGE), row=chosen)
    return [
        _words(
            need.offers[need.chosen], int(alone[number]) == int(chosen[number]), float(dearer[number]),
            float(at_cost[number]), float(high[number]), float(per_unit[chosen[number]]), float(late[number]),
        )
        for number, need in enumerate(needs)
    ]  # fmt: skip


def _words(offer: Offer, alone: bool, dearer: float, at_cost: float, high: float, now: float, late: float) -> str:
    if not alone:
        return "the joint plan gives the units to a case where they are worth more"
    if offer.action is ActionKind.HOLD:
        if np.isnan(dearer):
            return f"none in range: no option wins even at {PENALTY_RANGE[1]:.0f} times the cost of a unit short"
        return f"acting wins once a unit short costs {dearer:.2f} times as much"
    if np.isnan(at_cost):
        said = f"none in range: it stays best up to {high:.2f} extra cost per unit"
    else:
        said = f"it wins until it costs {at_cost:.2f} per unit (now {now:.2f})"
    return said if np.isnan(late) else f"{said}, or comes {late:.1f} days later"
