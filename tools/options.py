"""What could be done about one item at one site, priced: transfer, purchase, expedite, hold.

All options of a need share one law of demand and one horizon: the days until an order placed at the next regular
review would be here. What happens after that is the business of regular replenishment, not of the exception.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from inventory.record import digest_text
from inventory.records import ActionKind, Option
from optimizer.options import OptionRows, OptionValues, price_options
from optimizer.options.confidence import ranking_confidence
from optimizer.options.flip import flip_point
from optimizer.risk.projection import InboundSchedule
from tools.arrays import NetworkArrays
from tools.columns import FloatArray
from tools.lanes import Lane
from tools.money import penalty_per_unit, to_minor
from tools.needs import donor_floor, wanted_units
from tools.outlook import Outlook

FULL_CONFIDENCE_WEEKS = 78.0
UNIT_COST_RANGE = (0.0, 5.0)
"""Flip points of the unit cost are looked for up to this many times the item's price."""


@dataclass(frozen=True)
class Offer:
    """One option before pricing: what, how much, when, and at which extra cost."""

    action: ActionKind
    quantity: int
    arrival: FloatArray
    unit_cost: float
    fixed_cost: float
    source: str = ""
    mode: str = ""
    replaces: int = -1
    """Open order that arrives earlier instead, as its place in the inbound list; -1 when units are added."""
    p50_day: int | None = None
    p90_day: int | None = None
    relief: float = 0.0
    """Currency the giving sites save by being rid of surplus units."""
    limit: str = ""
    """What stops it from being larger."""
    feasible: bool = True


@dataclass(frozen=True)
class PlannedMove:
    """Units the joint plan sends to a need over one lane."""

    lane: Lane
    units: int
    donor_row: int
    donor_cost: float
    """Expected loss at the donor, currency."""


def horizon(outlook: Outlook, row: int) -> int:
    """Days all options of the row are judged over."""
    return max(int(outlook.window_days[row]), 7)


def offers(
    outlook: Outlook, row: int, moves: tuple[PlannedMove, ...], lanes: tuple[Lane, ...], relief_per_unit: float = 0.0
) -> list[Offer]:
    """Every option of a need; hold first, so that nothing is done unless something is better."""
    days = min(horizon(outlook, row), outlook.arrays.horizon_days)
    hold = Offer(ActionKind.HOLD, 0, np.zeros(days), 0.0, 0.0)
    return [
        hold,
        replace(
            _transfer(outlook, row, moves, lanes, days), relief=relief_per_unit * sum(move.units for move in moves)
        ),
        _purchase(outlook, row, days),
        _expedite(outlook, row, days),
    ]


def _transfer(outlook: Outlook, row: int, moves: tuple[PlannedMove, ...], lanes: tuple[Lane, ...], days: int) -> Offer:
    arrays = outlook.arrays
    units = sum(move.units for move in moves)
    if not units:
        return Offer(
            ActionKind.TRANSFER,
            0,
            np.zeros(days),
            0.0,
            0.0,
            limit=_why_no_transfer(outlook, row, lanes),
            feasible=False,
        )
    arrival = sum((move.units / units * move.lane.arrival_law(arrays.today, days) for move in moves), np.zeros(days))
    unit = sum(move.units * move.lane.unit_cost + move.donor_cost for move in moves) / units
    day = max((move.lane.arrives(arrays.today, 0.5) - arrays.today).days for move in moves)
    late = max((move.lane.arrives(arrays.today, 0.9) - arrays.today).days for move in moves)
    wanted = wanted_units(outlook, row)
    limit = "the need itself" if units >= wanted else _what_stops_more(outlook, moves)
    return Offer(
        ActionKind.TRANSFER,
        units,
        np.minimum(arrival, 1.0),
        unit,
        sum(move.lane.fixed_cost for move in moves),
        source="+".join(sorted({move.lane.origin for move in moves})),
        mode="+".join(sorted({move.lane.mode for move in moves})),
        p50_day=day,
        p90_day=late,
        limit=limit,
    )


def _what_stops_more(outlook: Outlook, moves: tuple[PlannedMove, ...]) -> str:
    """What keeps a transfer below the need: a floor, or what further units are worth here and elsewhere."""
    free = outlook.arrays.free
    if any(free[move.donor_row] - move.units - donor_floor(outlook, move.donor_row) >= move.lane.lot for move in moves):
        return "further units are worth more in other cases, or cost more than they save"
    return "what donors can give above their floors, in whole lots"


def _why_no_transfer(outlook: Outlook, row: int, lanes: tuple[Lane, ...]) -> str:
    arrays = outlook.arrays
    item = arrays.items[row]
    donors = [lane.origin for lane in lanes if (item, lane.origin) in arrays.row_of]
    if not lanes:
        return "no lane leads to this site"
    if not donors:
        return "no other site keeps this item"
    return "no donor has units above its floor that are worth more here"


def _order_quantity(arrays: NetworkArrays, row: int, wanted: int) -> int:
    multiple = float(arrays.order_multiple[row])
    least = max(float(wanted), float(arrays.minimum_order[row]))
    return int(np.ceil(least / multiple - 1e-9) * multiple)


def _purchase(outlook: Outlook, row: int, days: int) -> Offer:
    arrays = outlook.arrays
    if np.isnan(arrays.purchase_price[row]) or arrays.group[row] < 0:
        return Offer(
            ActionKind.PURCHASE, 0, np.zeros(days), 0.0, 0.0, limit="no supplier sells this item", feasible=False
        )
    law = outlook.lead_times.law.probability[arrays.group[row]]
    reached = np.cumsum(law)
    arrival = np.zeros(days)
    arrival[: min(days, law.size)] = law[:days]
    return Offer(
        ActionKind.PURCHASE,
        _order_quantity(arrays, row, wanted_units(outlook, row)),
        arrival,
        0.0,
        float(arrays.order_cost[row]),
        source=arrays.supplier[row],
        p50_day=int(np.searchsorted(reached, 0.5 * reached[-1])),
        p90_day=int(np.searchsorted(reached, 0.9 * reached[-1])),
        limit="minimum order and multiple",
    )


def _expedite(outlook: Outlook, row: int, days: int) -> Offer:
    """Pull the row's largest open supplier order in, on the supplier's expedite terms."""
    arrays, inbound = outlook.arrays, outlook.arrays.inbound
    none = np.zeros(days)
    if np.isnan(arrays.expedite_days[row]) or np.isnan(arrays.purchase_price[row]):
        return Offer(ActionKind.EXPEDITE, 0, none, 0.0, 0.0, limit="the supplier offers no expedite", feasible=False)
    orders = np.flatnonzero((inbound.series == row) & (inbound.group >= 0)).tolist()
    if not orders:
        return Offer(ActionKind.EXPEDITE, 0, none, 0.0, 0.0, limit="no open order to expedite", feasible=False)
    order = max(orders, key=lambda number: (inbound.quantity[number], inbound.reference[number]))
    lead = int(arrays.expedite_days[row])
    spread = max(int(np.ceil(0.2 * lead)), 1)
    arrival = np.zeros(days)
    for day, share in ((lead, 0.6), (lead + spread, 0.3), (lead + 2 * spread, 0.1)):
        if day < days:
            arrival[day] += share
    return Offer(
        ActionKind.EXPEDITE,
        int(inbound.quantity[order]),
        arrival,
        float(arrays.purchase_price[row]) * (float(arrays.expedite_factor[row]) - 1.0),
        float(arrays.expedite_cost[row]),
        source=inbound.supplier[order],
        replaces=order,
        p50_day=lead,
        p90_day=lead + spread,
        limit="the units of the open order",
    )


def option_rows(outlook: Outlook, row: int, options: list[Offer]) -> OptionRows:
    """The offers of one need as rows to price."""
    arrays, count, days = outlook.arrays, len(options), options[0].arrival.size
    mine = np.flatnonzero(outlook.arrivals.series == row)
    coming = [mine[mine != option.replaces] for option in options]
    orders = np.concatenate(coming)
    known = float(arrays.known_demand[row, :days].sum())
    full = np.full
    return OptionRows(
        quantity=np.array([float(option.quantity) for option in options]),
        arrival_probability=np.array([option.arrival for option in options]),
        unit_cost=np.array([option.unit_cost for option in options]),
        fixed_cost=np.array([option.fixed_cost for option in options]),
        penalty_per_unit=full(count, penalty_per_unit(outlook, row)),
        holding_cost_per_unit_day=full(count, float(arrays.holding_per_day[row])),
        on_hand=full(count, float(arrays.free[row])),
        mean_per_day=full(count, float(outlook.demand.mean_per_day[row]) + known / days),
        sd_per_day=full(count, float(outlook.demand.sd_per_day[row])),
        inbound=InboundSchedule(
            np.repeat(np.arange(count), [len(kept) for kept in coming]),
            outlook.arrivals.quantity[orders],
            outlook.arrivals.arrival_probability[orders, :days],
        ),
        credit=np.array([option.relief for option in options]),
        baseline=np.zeros(count, dtype=np.int64),
    )


def best(values: OptionValues, options: list[Offer], minimum_net_benefit: float) -> int:
    """Index of the feasible option of highest net value; hold unless another beats it by the minimum."""
    chosen = 0
    worth = values.net_value
    for index in range(1, len(options)):
        better = worth[index] > worth[chosen] + 1e-9
        if options[index].feasible and better and worth[index] >= minimum_net_benefit:
            chosen = index
    return chosen


def price(outlook: Outlook, row: int, options: list[Offer]) -> OptionValues:
    """Prices of the offers of one need."""
    return price_options(option_rows(outlook, row, options))


def price_all(outlook: Outlook, rows: list[int], tables: list[list[Offer]]) -> list[OptionValues]:
    """Prices of the offers of many needs."""
    return [price(outlook, row, table) for row, table in zip(rows, tables, strict=True)]


def describe(
    outlook: Outlook,
    row: int,
    options: list[Offer],
    moves: tuple[PlannedMove, ...],
    *,
    chosen: int,
    minimum_net_benefit: float,
    seed: int,
    draws: int,
) -> tuple[Option, ...]:
    """The priced option table of one need: chosen first, then by net value; hold is always a row."""
    arrays = outlook.arrays
    item, site = arrays.items[row], arrays.sites[row]
    rows = option_rows(outlook, row, options)
    values = price_options(rows)
    possible = [index for index, option in enumerate(options) if option.feasible]
    generator = np.random.Generator(np.random.Philox(key=int(digest_text(str(seed), item, site)[:16], 16)))
    stays = _confidence(_take(rows, possible), possible, chosen, draws, generator)
    known = min(0.7 + 0.3 * float(outlook.history_weeks[row]) / FULL_CONFIDENCE_WEEKS, 1.0)
    table = []
    for index, option in enumerate(options):
        even = float(values.break_even_penalty[index])
        table.append(
            Option(
                action=option.action,
                item=item,
                site=site,
                source=option.source,
                order_id=arrays.inbound.reference[option.replaces] if option.replaces >= 0 else "",
                mode=option.mode,
                quantity=option.quantity,
                arrives_p50=None if option.p50_day is None else arrays.today + timedelta(days=option.p50_day),
                arrives_p90=None if option.p90_day is None else arrays.today + timedelta(days=option.p90_day),
                cost_minor=to_minor(values.cost[index]),
                shortage_avoided_units=round(float(values.shortage_avoided_units[index]), 3),
                shortage_avoided_minor=to_minor(values.shortage_avoided_value[index]),
                service_after=round(float(values.service_after[index]), 4),
                donor_cover_days_after=_donor_cover(outlook, moves) if option.action is ActionKind.TRANSFER else None,
                expected_leftover_units=round(float(values.expected_leftover[index]), 2),
                net_value_minor=to_minor(values.net_value[index]),
                confidence=round(stays * known, 3) if index == chosen else round((1.0 - stays) * known, 3),
                chosen=index == chosen,
                feasible=option.feasible,
                binding_constraint=option.limit,
                break_even_penalty_minor=to_minor(even) if np.isfinite(even) and option.quantity else None,
                flip_point=_flip(outlook, row, rows, options, chosen, minimum_net_benefit) if index == chosen else "",
            )
        )
    order = sorted(
        range(len(table)), key=lambda i: (not table[i].chosen, not table[i].feasible, -table[i].net_value_minor, i)
    )
    return tuple(table[index] for index in order)


def _take(rows: OptionRows, keep: list[int]) -> OptionRows:
    """Only some rows, the first (hold) among them, their inbound renumbered."""
    inbound = rows.inbound
    if inbound is not None:
        place = np.full(rows.quantity.size, -1)
        place[keep] = np.arange(len(keep))
        mine = place[inbound.series] >= 0
        inbound = InboundSchedule(
            place[inbound.series[mine]], inbound.quantity[mine], inbound.arrival_probability[mine]
        )
    names = (
        "quantity", "arrival_probability", "unit_cost", "fixed_cost", "penalty_per_unit", "holding_cost_per_unit_day",
        "on_hand", "mean_per_day", "sd_per_day", "credit", "baseline",
    )  # fmt: skip
    return replace(rows, **{name: getattr(rows, name)[keep] for name in names}, inbound=inbound)


def _confidence(
    rows: OptionRows, possible: list[int], chosen: int, draws: int, generator: np.random.Generator
) -> float:
    """Share of parameter draws in which the chosen option stays best; a plan's other choice counts as its opposite."""
    if len(possible) == 1:
        return 1.0
    ranked = ranking_confidence(rows, np.zeros(len(possible), dtype=np.int64), draws=draws, generator=generator)
    share = float(ranked.confidence[0])
    return share if possible[int(ranked.best_row[0])] == chosen else 1.0 - share


def _donor_cover(outlook: Outlook, moves: tuple[PlannedMove, ...]) -> float | None:
    """Fewest days of supply any donor keeps."""
    covers = []
    for move in moves:
        mean = float(outlook.demand.mean_per_day[move.donor_row])
        left = float(outlook.arrays.free[move.donor_row]) - move.units
        covers.append(min(left / mean, 999.0) if mean > 0 else 999.0)
    return round(min(covers), 1) if covers else None


def _flip(
    outlook: Outlook, row: int, rows: OptionRows, options: list[Offer], chosen: int, minimum_net_benefit: float
) -> str:
    """What would change the answer: one parameter at a time, by re-pricing in a stated range."""
    price_of_item = float(np.nan_to_num(outlook.arrays.price[row], nan=1.5 * float(outlook.arrays.cost[row])))

    def winner(changed: OptionRows) -> int:
        return best(price_options(changed), options, minimum_net_benefit)

    if chosen != winner(rows):
        return "the joint plan gives the units to a case where they are worth more"
    if options[chosen].action is ActionKind.HOLD:
        low, high = 1.0, 20.0
        found = flip_point(
            lambda factor: winner(replace(rows, penalty_per_unit=rows.penalty_per_unit * factor)), low, high
        )
        return (
            f"acting wins once a unit short costs {found:.2f} times as much"
            if found is not None
            else f"none in range: no option wins even at {high:.0f} times the cost of a unit short"
        )
    low, high = UNIT_COST_RANGE[0], UNIT_COST_RANGE[1] * max(price_of_item, 0.01)

    def with_unit_cost(value: float) -> int:
        cost = rows.unit_cost.copy()
        cost[chosen] = value
        return winner(replace(rows, unit_cost=cost))

    found = flip_point(with_unit_cost, low, high)
    if found is None:
        return f"none in range: it stays best up to {high:.2f} extra cost per unit"
    return f"it wins until it costs {found:.2f} per unit (now {float(rows.unit_cost[chosen]):.2f})"
