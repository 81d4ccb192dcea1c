"""What could be done about an item at a site, priced: every kind of option through one engine, many needs at once.

All options of a need share one law of demand and one horizon: the days until an order placed at the next regular
review would be here. What happens after that is the business of regular replenishment, not of the exception.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inventory.records import Option
from optimizer.options.choice import chosen_rows
from optimizer.options.pricing import price_on
from optimizer.options.rows import OptionRows, OptionValues
from tools.lanes import Lane
from tools.offer import Offer as Offer
from tools.option_by_hand import offers_by_hand
from tools.option_by_hand import offers_for_surplus as offers_for_surplus
from tools.option_card import DescribedNeed as DescribedNeed
from tools.option_card import describe_all as describe_all
from tools.option_facts import OptionFacts
from tools.option_offers import Full, plain_offers
from tools.option_offers import PlannedMove as PlannedMove
from tools.option_offers import horizon as horizon
from tools.option_rows import option_rows_of, priced_cases
from tools.outlook import Outlook

NEEDS_AT_ONCE = 512
"""Needs priced together: enough to share the work, few enough to stay small."""

__all__ = [
    "DescribedNeed", "Offer", "PlannedMove", "best", "describe", "describe_all", "horizon", "offers",
    "offers_for_surplus", "option_rows", "price", "price_all",
]  # fmt: skip


def offers(
    outlook: Outlook,
    row: int,
    moves: tuple[PlannedMove, ...],
    lanes: tuple[Lane, ...],
    relief_per_unit: float = 0.0,
    facts: OptionFacts | None = None,
    full: Full | None = None,
) -> list[Offer]:
    """Every option of a need; hold first, so that nothing is done unless something is better.

    Parameters
    ----------
    facts
        With them, options a person carries out are offered, too; they are never chosen by themselves.
    full
        What has no room for a further lot, by name of the lane: named where it keeps a transfer from being larger.
    """
    plain = plain_offers(outlook, row, moves, lanes, relief_per_unit, full)
    return plain if facts is None else plain + offers_by_hand(outlook, row, plain, facts)


def option_rows(outlook: Outlook, row: int, options: Sequence[Offer]) -> OptionRows:
    """The offers of one need as rows to price."""
    return option_rows_of(outlook, [row], [options])


def best(values: OptionValues, options: Sequence[Offer], minimum_net_benefit: float) -> int:
    """Index of the option of highest net value that can be posted; hold unless another reaches the minimum."""
    may = np.array([option.feasible and option.executable for option in options])
    case = np.zeros(len(options), dtype=np.int64)
    return int(chosen_rows(values.net_value, case, eligible=may, minimum=minimum_net_benefit)[0])


def price(outlook: Outlook, row: int, options: Sequence[Offer]) -> OptionValues:
    """Prices of the offers of one need."""
    return price_all(outlook, [row], [options])[0]


def price_all(outlook: Outlook, rows: Sequence[int], tables: Sequence[Sequence[Offer]]) -> list[OptionValues]:
    """Prices of the offers of many needs, one answer a need; the same as pricing each alone."""
    answer: list[OptionValues] = []
    for start in range(0, len(rows), NEEDS_AT_ONCE):
        cases = priced_cases(outlook, rows[start : start + NEEDS_AT_ONCE], tables[start : start + NEEDS_AT_ONCE])
        values = price_on(cases.surface, cases.rows)
        answer += [
            values.take(slice(int(low), int(high))) for low, high in zip(cases.first[:-1], cases.first[1:], strict=True)
        ]
    return answer


def describe(
    outlook: Outlook,
    row: int,
    options: Sequence[Offer],
    moves: tuple[PlannedMove, ...],
    *,
    chosen: int,
    minimum_net_benefit: float,
    seed: int,
    draws: int,
) -> tuple[Option, ...]:
    """The priced option table of one need: chosen first, then by net value; hold is always a row."""
    need = DescribedNeed(row, tuple(options), moves, chosen)
    (table,) = describe_all(outlook, [need], minimum_net_benefit=minimum_net_benefit, seed=seed, draws=draws)
    return table
