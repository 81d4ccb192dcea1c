"""Holds each stated flip point against two new solutions: just before it the planned option wins, just beyond another.

The words of the option table are read, the options are priced anew from the plan's own record, and the winner is
picked here by its net value; the search that found the flip point takes no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection

from inventory.cases import find_case
from inventory.proposals import find_situation, list_proposals
from inventory.record import Record
from inventory.records import EVERYTHING, Option, Proposal
from optimizer.options.arrival import shifted_arrival
from optimizer.options.option_flips import DELAY_TOLERANCE
from optimizer.options.pricing import price_on, surface_of
from optimizer.options.rows import OptionRows
from service.bootstrap import House
from tools.assemble import described_needs, plan_outlook
from tools.offer import Offer
from tools.option_card import DELAY_RANGE
from tools.option_rows import priced_cases

_UNIT_COST = re.compile(r"it wins until it costs ([\d.]+) per unit \(now ([\d.]+)\)")
_BEST_UP_TO = re.compile(r"none in range: it stays best up to ([\d.]+) extra cost per unit")
_DELAY = re.compile(r"or comes ([\d.]+) days later")
_PENALTY = re.compile(r"acting wins once a unit short costs ([\d.]+) times as much")
_NO_PENALTY = re.compile(r"none in range: no option wins even at ([\d.]+) times the cost of a unit short")
COST_STEP = 0.006
"""Half of the last digit a unit cost is told with, and a little."""
DELAY_STEP = 0.05 + DELAY_TOLERANCE * DELAY_RANGE[1]
"""Half of the last digit of a delay, and how closely it is searched for."""
STEPS = 20
"""Places at which *none in range* is looked at."""


class FlipCheck(Record):
    """One stated flip point and the winners on its two sides."""

    proposal_id: str
    stated: str
    holds: bool
    seen: str


@dataclass(frozen=True)
class _Need:
    """The options of one need, and how to solve it anew."""

    rows: OptionRows
    offers: tuple[Offer, ...]
    chosen: int
    minimum: float

    def winner(self, rows: OptionRows) -> int:
        """The row that wins: the highest net value that reaches the minimum, hold otherwise; ties to the first."""
        net = price_on(surface_of(rows), rows).net_value
        may = [
            at for at, offer in enumerate(self.offers)
            if at and offer.feasible and offer.executable and net[at] >= self.minimum and net[at] > net[0]
        ]  # fmt: skip
        return max(may, key=lambda at: (net[at], -at), default=0)

    def at_unit_cost(self, value: float) -> int:
        """The winner when the planned option costs so much per unit, freight and handling included."""
        cost = self.rows.unit_cost.copy()
        cost[self.chosen] = value - self._per_unit_besides()
        return self.winner(replace(self.rows, unit_cost=cost))

    def _per_unit_besides(self) -> float:
        return float(self.rows.of("freight_per_unit")[self.chosen] + self.rows.of("handling_per_unit")[self.chosen])

    def at_delay(self, days: float) -> int:
        """The winner when the planned option comes so many days later."""
        delay = np.zeros(len(self.rows))
        delay[self.chosen] = days
        return self.winner(
            replace(self.rows, arrival_probability=shifted_arrival(self.rows.arrival_probability, delay))
        )

    def at_penalty(self, factor: float) -> int:
        """The winner when a unit short costs so many times as much."""
        return self.winner(replace(self.rows, penalty_per_unit=self.rows.penalty_per_unit * factor))


def check_flips(house: House) -> list[FlipCheck]:
    """Every flip point stated for a planned option in a home."""
    with house.database.read() as connection:
        return [
            check
            for proposal in list_proposals(connection, EVERYTHING)
            for option, need in _planned(house, connection, proposal)
            for check in _checks(proposal.proposal_id, option, need)
        ]


def _planned(house: House, connection: Connection, proposal: Proposal) -> Iterator[tuple[Option, _Need]]:
    """Planned options of a proposal with their needs, as its plan priced them."""
    situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    case = find_case(connection, EVERYTHING, proposal.content.case_id).case
    run = house.toolbox.plan_run(connection, proposal.content.plan_run_id)
    outlook = plan_outlook(house.toolbox, connection, run)
    chosen = {(option.item, option.site): option for option in situation.options if option.chosen} if situation else {}
    for need in described_needs(house.toolbox, connection, case, proposal):
        option = chosen.get((outlook.arrays.items[need.row], outlook.arrays.sites[need.row]))
        if option is not None:
            rows = priced_cases(outlook, [need.row], [need.offers]).rows
            yield option, _Need(rows, need.offers, need.chosen, run.parameters["minimum_net_benefit"])


def _checks(name: str, option: Option, need: _Need) -> Iterator[FlipCheck]:
    """The stated points of one planned option; what is said without a figure holds no point."""
    said = option.flip_point
    if found := _UNIT_COST.search(said):
        yield _two_sides(name, said, need, need.at_unit_cost, float(found[1]), COST_STEP)
    if found := _DELAY.search(said):
        yield _two_sides(name, said, need, need.at_delay, float(found[1]), DELAY_STEP)
    if found := _PENALTY.search(said):
        yield _two_sides(name, said, need, need.at_penalty, float(found[1]), COST_STEP)
    if found := _BEST_UP_TO.search(said):
        yield _nowhere(name, said, need, need.at_unit_cost, 0.0, float(found[1]))
    if found := _NO_PENALTY.search(said):
        yield _nowhere(name, said, need, need.at_penalty, 1.0, float(found[1]))


def _two_sides(
    name: str, said: str, need: _Need, solve: Callable[[float], int], point: float, step: float
) -> FlipCheck:
    before, beyond = solve(point - step), solve(point + step)
    seen = f"{_offer(need, before)} at {point - step:.3f}, {_offer(need, beyond)} at {point + step:.3f}"
    return FlipCheck(proposal_id=name, stated=said, holds=before == need.chosen != beyond, seen=seen)


def _nowhere(name: str, said: str, need: _Need, solve: Callable[[float], int], low: float, high: float) -> FlipCheck:
    winners = {solve(value) for value in np.linspace(low, high, STEPS)}
    seen = ", ".join(_offer(need, at) for at in sorted(winners))
    return FlipCheck(proposal_id=name, stated=said, holds=winners == {need.chosen}, seen=seen)


def _offer(need: _Need, at: int) -> str:
    offer = need.offers[at]
    return f"{offer.action} {offer.quantity} {offer.source}".strip()
