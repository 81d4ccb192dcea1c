"""Offers of many needs as one set of rows for the option engine.

Offers of a need that only bring units share one world; each that moves an open order, changes demand or takes stock
away has one of its own. The first offer of a need is hold: its world is what happens if nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.options.lost_sales import LossSurface
from optimizer.options.pricing import shelf_days, surface_of
from optimizer.options.rows import OptionRows
from optimizer.options.substitution import substitution
from optimizer.options.worlds import Worlds
from optimizer.risk.inbound import InboundSchedule
from tools.columns import FloatArray, IntArray
from tools.money import penalties
from tools.offer import Offer
from tools.option_offers import orders_by_row
from tools.outlook import Outlook

WRITE_OFF_SHARE = 0.15
"""Of the cost of a unit left at the excess horizon; as `planning.excess_write_off_share` is packaged."""


@dataclass(frozen=True)
class PricedCases:
    """Rows of several needs, with the walk that prices them.

    Parameters
    ----------
    rows, case
        One row an offer, and the need it belongs to.
    first
        First row of each need, and one past the last.
    surface
        Expected losses of every world.
    displaced
        Units the stand-in's own customers lose, per row.
    """

    rows: OptionRows
    case: IntArray
    first: IntArray
    surface: LossSurface
    displaced: FloatArray


def priced_cases(outlook: Outlook, rows: Sequence[int], tables: Sequence[Sequence[Offer]]) -> PricedCases:
    """Walk the worlds of all needs at once."""
    options = option_rows_of(outlook, rows, tables)
    count = np.array([len(table) for table in tables])
    case = np.repeat(np.arange(len(tables)), count)
    first = np.concatenate([[0], np.cumsum(count)])
    surface = surface_of(options)
    offers = [offer for table in tables for offer in table]
    options, displaced = _with_substitutes(outlook, options, surface, offers, np.asarray(rows)[case])
    return PricedCases(options, case, first, surface, displaced)


def option_rows_of(outlook: Outlook, rows: Sequence[int], tables: Sequence[Sequence[Offer]]) -> OptionRows:
    """The rows alone; see `priced_cases`."""
    arrays = outlook.arrays
    of_case = np.asarray(rows, dtype=np.int64)
    offers = [offer for table in tables for offer in table]
    case = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    changed = np.array([offer.changes_world for offer in offers])
    starts = np.concatenate([[0], np.cumsum([len(table) for table in tables])])[:-1]
    # Options by hand that only bring units have a copy of the world for themselves: they change no other's price.
    aside = ~changed & np.array([not offer.executable and _added_units(offer) > 0.0 for offer in offers])
    _, first_aside = np.unique(case[aside], return_index=True)
    first_aside = np.flatnonzero(aside)[first_aside]
    changed[starts] = changed[first_aside] = True
    world = np.cumsum(changed) - 1
    base = world[starts][case]
    of_hand = np.zeros(len(tables), dtype=np.int64)
    of_hand[case[first_aside]] = world[first_aside]
    hand = of_hand[case]
    makers = [offer for offer, own in zip(offers, changed.tolist(), strict=True) if own]
    own_case = case[changed]
    # Within a need, offers that change nothing live in the world of hold.
    world = np.where(changed, world, np.where(aside, hand, base))
    row = of_case[case]

    def figure(of: Callable[[Offer], float]) -> FloatArray:
        return np.array([of(offer) for offer in offers], dtype=np.float64)

    days = max(table[0].arrival.size for table in tables)
    arrival = np.zeros((len(offers), days))
    for place, offer in enumerate(offers):
        if offer.quantity:
            arrival[place, : offer.arrival.size] = offer.arrival
    price = np.nan_to_num(arrays.price[row], nan=0.0)
    priced = figure(lambda offer: offer.price_share)
    reduced = priced < 1.0
    obsolete = WRITE_OFF_SHARE * outlook.excess.probability_leftover[row] * arrays.cost[row]
    return OptionRows(
        worlds=_worlds(outlook, of_case[own_case], makers, [tables[number][0] for number in own_case.tolist()], days),
        world=world,
        baseline=np.where(aside, hand, base),
        quantity=figure(_added_units),
        arrival_probability=arrival,
        unit_cost=figure(lambda offer: offer.unit_cost),
        fixed_cost=figure(lambda offer: offer.fixed_cost),
        freight_per_unit=figure(lambda offer: offer.freight_per_unit),
        freight=figure(lambda offer: offer.freight),
        handling_per_unit=figure(lambda offer: offer.handling_per_unit),
        elsewhere_cost=figure(lambda offer: offer.elsewhere),
        credit=figure(lambda offer: offer.relief),
        # A price cut wins demand that would not be there: the margin of what it sells counts, not what it misses.
        penalty_per_unit=np.where(reduced, 0.0, penalties(outlook, of_case)[case]),
        sale_value=np.where(reduced, price * priced - arrays.cost[row], 0.0),
        baseline_sale_value=np.where(reduced, price - arrays.cost[row], 0.0),
        holding_cost_per_unit_day=arrays.holding_per_day[row],
        write_off_per_unit=obsolete,
    )


def _added_units(offer: Offer) -> float:
    """Units that come on top of the world: none where the offer takes units away or serves from elsewhere."""
    return 0.0 if offer.takes or offer.stand_in >= 0 or offer.lift != 1.0 else float(offer.quantity)


def _worlds(outlook: Outlook, row: IntArray, makers: list[Offer], holds: list[Offer], days: int) -> Worlds:
    arrays = outlook.arrays
    lift = np.array([offer.lift for offer in makers])
    replaced = np.array([offer.replaces for offer in makers], dtype=np.int64)
    index = orders_by_row(outlook)
    count = index.first[row + 1] - index.first[row]
    world = np.repeat(np.arange(len(makers)), count)
    order = index.order[np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + index.first[row][world]]
    kept = order != replaced[world]
    extra = [(number, *receipt) for number, offer in enumerate(makers) for receipt in offer.extra]
    come = np.zeros((len(extra), days))
    for place, (_, _, law) in enumerate(extra):
        come[place, : law.size] = law
    known = arrays.known_demand[row, :days]
    return Worlds(
        on_hand=arrays.free[row] - np.array([float(offer.takes) for offer in makers]),
        mean_per_day=outlook.demand.mean_per_day[row] * lift,
        sd_per_day=outlook.demand.sd_per_day[row] * np.sqrt(lift),
        horizon_days=np.array([hold.arrival.size for hold in holds]),
        inbound=InboundSchedule(
            np.concatenate([world[kept], np.array([number for number, _, _ in extra], dtype=np.int64)]),
            np.concatenate([outlook.arrivals.quantity[order[kept]], np.array([units for _, units, _ in extra])]),
            np.concatenate([outlook.arrivals.arrival_probability[order[kept], :days], come]),
        ),
        known_demand=known if known.any() else None,
    )


def _with_substitutes(
    outlook: Outlook, rows: OptionRows, surface: LossSurface, offers: list[Offer], site_row: IntArray
) -> tuple[OptionRows, FloatArray]:
    """What stand-ins serve of the units short, and what that costs their own customers and the margin."""
    displaced = np.zeros(len(offers))
    place = np.array([number for number, offer in enumerate(offers) if offer.stand_in >= 0], dtype=np.int64)
    if not place.size:
        return rows, displaced
    other = np.array([offers[number].stand_in for number in place.tolist()])
    horizon = rows.worlds.horizon_days[rows.world[place]]
    holds = [
        Offer(offers[number].action, 0, np.zeros(int(days)), 0.0, 0.0)
        for number, days in zip(place, horizon, strict=True)
    ]
    stand_in = _worlds(outlook, other, holds, holds, rows.worlds.days)
    lost = np.diff(shelf_days(surface).lost[rows.world[place]], axis=1, prepend=0.0)
    done = substitution(lost, np.array([offers[number].acceptance for number in place.tolist()]), stand_in)
    margin = outlook.arrays.margin
    given_up = np.maximum(margin[site_row[place]] - margin[other], 0.0) * done.served
    served, elsewhere = rows.of("served_elsewhere").copy(), rows.of("elsewhere_cost").copy()
    served[place] = done.served
    elsewhere[place] += given_up + penalties(outlook, other) * done.displaced
    displaced[place] = done.displaced
    return replace(rows, served_elsewhere=served, elsewhere_cost=elsewhere), displaced
