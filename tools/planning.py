"""The joint plan as mathematics: the same inputs give the same lines, on replay too.

Needs of an item compete for its donors, and items for lanes that carry only so much. Each need then takes the best of
its options; needs that do better with a supplier give their units back and the rest is solved again, until nobody
changes their mind.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import get_args

import numpy as np

from inventory.records import ActionKind, ProposalLine
from optimizer.transfers.problem import SolverPath, TransferPlan
from optimizer.transfers.solve import solve_transfers, verify_plan
from tools.errors import InfeasiblePlanError
from tools.lanes import Lane
from tools.limits import Limits
from tools.money import to_minor
from tools.needs import JointProblem, Need, donor_losses, joint_problem
from tools.options import Offer, PlannedMove, best, offers, price_all
from tools.outlook import Outlook
from tools.rules.in_force import clause_of
from tools.rules.serving import priority_of
from tools.shared_lanes import each_alone, sent_over

MAXIMUM_ROUNDS = 4
WORTH_MORE = "where they are worth more"
ALONE = "alone"
"""Word for a round in which every item was decided alone."""
_PATHS: dict[str, SolverPath] = {path: path for path in get_args(SolverPath)}


@dataclass(frozen=True)
class PlanParameters:
    """What steers a plan besides the facts."""

    minimum_net_benefit: float
    node_limit: int
    hard_kill_seconds: float | None
    """Wall-clock limit of the solver's child process; ``None`` solves in this process."""
    joint_needs: int = 200
    """Up to so many needs are decided jointly, more in two passes."""


@dataclass(frozen=True)
class NeedPlan:
    """What the plan does for one need."""

    need: Need
    offers: tuple[Offer, ...]
    moves: tuple[PlannedMove, ...]
    chosen: int
    net_value: float


@dataclass(frozen=True)
class JointPlan:
    """What the plan does for every need, and how it was found."""

    needs: tuple[NeedPlan, ...]
    floors: dict[tuple[str, str], int]
    """Donor floors by item and site."""
    solver_path: str
    """One word per round, joined by ``+``."""
    objective: float
    lost_to: dict[str, str]
    """Case that got less than it wanted, and why."""
    won_by: dict[str, str]
    """The same case, and the case that won."""


@dataclass(frozen=True)
class _Decided:
    """Needs decided in one pass."""

    plans: list[NeedPlan]
    floors: dict[int, int]
    left: dict[int, int]
    """Units each donor row could still give."""
    path: str
    """One word per round, joined by ``+``."""


def solve_needs(
    outlook: Outlook,
    needs: list[Need],
    lanes: dict[str, tuple[Lane, ...]],
    parameters: PlanParameters,
    *,
    limits: Limits | None = None,
    force_path: str | None = None,
) -> JointPlan:
    """Decide all needs at once.

    A long list is decided in two passes: every item alone, as if lanes and sites had no end, and then jointly the items
    that meet where less can be carried, received or handled than they would send.

    Parameters
    ----------
    limits
        What lanes share; their own capacities when omitted.
    force_path
        The recorded ``solver_path`` of an earlier run: each round takes the path it took then, so that a run in which
        the solver was killed replays to the same quantities.

    Raises
    ------
    InfeasiblePlanError
        If the solver's answer breaks a floor, lot or capacity.
    """
    limits = Limits.of(lanes) if limits is None else limits
    first_pass, _, second_pass = (force_path or "").partition("|")
    if (force_path is None and len(needs) > parameters.joint_needs) or first_pass.startswith(ALONE):
        decided = _in_two_passes(outlook, needs, lanes, limits, parameters, second_pass)
    else:
        decided = _jointly(outlook, needs, lanes, limits, parameters, first_pass)
    plans = [_without_unused_moves(plan) for plan in decided.plans]
    losers = _losers(outlook, plans, decided.left, lanes)
    arrays = outlook.arrays
    return JointPlan(
        needs=tuple(plans),
        floors={(arrays.items[row], arrays.sites[row]): units for row, units in decided.floors.items()},
        solver_path=decided.path,
        objective=round(sum(plan.net_value for plan in plans), 6),
        lost_to={case: why for case, (_, why) in losers.items()},
        won_by={case: winner for case, (winner, _) in losers.items()},
    )


def transfer_alone(
    outlook: Outlook,
    need: Need,
    lanes: dict[str, tuple[Lane, ...]],
    parameters: PlanParameters,
    limits: Limits | None = None,
) -> tuple[PlannedMove, ...]:
    """What would be sent to one need were it decided by transfers alone; empty where no unit is worth moving."""
    joint = joint_problem(outlook, [need], lanes, Limits.of(lanes) if limits is None else limits)
    return _moves(outlook, [0], joint, _solve(joint, parameters, None)).get(0, ())


def _in_two_passes(
    outlook: Outlook,
    needs: list[Need],
    lanes: dict[str, tuple[Lane, ...]],
    limits: Limits,
    parameters: PlanParameters,
    second_path: str,
) -> _Decided:
    """Every item alone; then the items that meet where room is short, jointly, over what the others leave."""
    first = _each_alone(outlook, needs, lanes, parameters)
    item_of = [outlook.arrays.items[need.row] for need in needs]
    used = [_transfers(plan) for plan in first.plans]
    full = limits.overfull(sent_over(move for moves in used for move in moves))
    meeting = {item for item, moves in zip(item_of, used, strict=True) if any(move.lane.name in full for move in moves)}
    if not meeting:
        return first
    apart = (move for item, moves in zip(item_of, used, strict=True) if item not in meeting for move in moves)
    again = [number for number, item in enumerate(item_of) if item in meeting]
    left = limits.after(sent_over(apart))
    second = _jointly(outlook, [needs[number] for number in again], lanes, left, parameters, second_path)
    plans = list(first.plans)
    for number, plan in zip(again, second.plans, strict=True):
        plans[number] = plan
    return _Decided(plans, first.floors, first.left | second.left, f"{first.path}|{second.path}")


def _each_alone(
    outlook: Outlook, needs: list[Need], lanes: dict[str, tuple[Lane, ...]], parameters: PlanParameters
) -> _Decided:
    """Every item for itself; only items whose needs changed their mind are solved again."""
    item_of = [outlook.arrays.items[need.row] for need in needs]
    sharing = list(range(len(needs)))
    plans: dict[int, NeedPlan] = {}
    floors: dict[int, int] = {}
    left: dict[int, int] = {}
    rounds = 0
    while sharing and rounds < MAXIMUM_ROUNDS:
        joint = joint_problem(outlook, [needs[index] for index in sharing], lanes, Limits.none())
        plan = _sound(joint, each_alone(joint.problem))
        plans |= _choose(outlook, needs, sharing, sharing, joint, plan, lanes, parameters)
        floors |= joint.floors
        left |= _units_left(joint, plan)
        rounds += 1
        unused = _unused(plans, sharing)
        changed = {item_of[index] for index in unused}
        sharing = [index for index in sharing if item_of[index] in changed and index not in unused]
    return _Decided([plans[index] for index in range(len(needs))], floors, left, "+".join([ALONE] * rounds))


def _jointly(
    outlook: Outlook,
    needs: list[Need],
    lanes: dict[str, tuple[Lane, ...]],
    limits: Limits,
    parameters: PlanParameters,
    force_path: str,
) -> _Decided:
    """All needs compete for donors and lanes in one solve, until nobody changes their mind."""
    forced = force_path.split("+") if force_path else []
    everyone = list(range(len(needs)))
    sharing, paths = everyone, list[str]()
    for attempt in range(MAXIMUM_ROUNDS):
        joint = joint_problem(outlook, [needs[index] for index in sharing], lanes, limits)
        plan = _solve(joint, parameters, forced[attempt] if attempt < len(forced) else None)
        paths.append(plan.solver_path)
        plans = _choose(outlook, needs, everyone, sharing, joint, plan, lanes, parameters)
        unused = _unused(plans, everyone)
        if not unused:
            break
        sharing = [index for index in sharing if index not in unused]
    return _Decided([plans[index] for index in everyone], joint.floors, _units_left(joint, plan), "+".join(paths))


def _unused(plans: dict[int, NeedPlan], numbers: list[int]) -> set[int]:
    """Needs that do better with a supplier, or with nothing, than with the units they got."""
    return {number for number in numbers if plans[number].moves and not _transfers(plans[number])}


def _transfers(plan: NeedPlan) -> tuple[PlannedMove, ...]:
    """Moves of a need that chose to be sent units."""
    return plan.moves if plan.offers[plan.chosen].action is ActionKind.TRANSFER else ()


def _solve(joint: JointProblem, parameters: PlanParameters, force: str | None) -> TransferPlan:
    plan = solve_transfers(
        joint.problem,
        node_limit=parameters.node_limit,
        hard_kill_seconds=None if force else parameters.hard_kill_seconds,
        force_path=_PATHS[force] if force else None,
    )
    return _sound(joint, plan)


def _sound(joint: JointProblem, plan: TransferPlan) -> TransferPlan:
    """The plan, once it is seen to be feasible."""
    violations = verify_plan(joint.problem, plan)
    if violations:
        raise InfeasiblePlanError(f"the solver's plan is not feasible: {'; '.join(violations)}")
    return plan


def _choose(
    outlook: Outlook,
    needs: list[Need],
    numbers: list[int],
    sharing: list[int],
    joint: JointProblem,
    plan: TransferPlan,
    lanes: dict[str, tuple[Lane, ...]],
    parameters: PlanParameters,
) -> dict[int, NeedPlan]:
    """The best option of the needs of those numbers, given what the plan sends to those that share."""
    moves = _moves(outlook, sharing, joint, plan)
    tables = [
        offers(
            outlook, needs[number].row, moves.get(number, ()), lanes.get(outlook.arrays.sites[needs[number].row], ()),
            needs[number].relief_per_unit,
        )
        for number in numbers
    ]  # fmt: skip
    decided = {}
    priced = price_all(outlook, [needs[number].row for number in numbers], tables)
    for number, table, values in zip(numbers, tables, priced, strict=True):
        chosen = best(values, table, parameters.minimum_net_benefit)
        net_value = float(values.net_value[chosen])
        decided[number] = NeedPlan(needs[number], tuple(table), moves.get(number, ()), chosen, net_value)
    return decided


def _moves(
    outlook: Outlook, sharing: list[int], joint: JointProblem, plan: TransferPlan
) -> dict[int, tuple[PlannedMove, ...]]:
    """What the plan sends to each need, with what giving it costs the donor."""
    used = np.flatnonzero(plan.units)
    donor = joint.problem.lane_donor[used]
    losses = donor_losses(
        outlook, joint.problem.donor_series[donor], joint.problem.donor_available[donor], plan.units[used]
    )
    moves: dict[int, tuple[PlannedMove, ...]] = defaultdict(tuple)
    for lane, loss in zip(used.tolist(), losses.tolist(), strict=True):
        choice = joint.choices[lane]
        moves[sharing[choice.need]] += (PlannedMove(choice.lane, int(plan.units[lane]), choice.donor_row, loss),)
    return dict(moves)


def _without_unused_moves(decided: NeedPlan) -> NeedPlan:
    return replace(decided, moves=_transfers(decided))


def _units_left(joint: JointProblem, plan: TransferPlan) -> dict[int, int]:
    """Units each donor row of the problem could still give."""
    given = np.bincount(joint.problem.lane_donor, plan.units, len(joint.problem.donor_series))
    left = joint.problem.donor_available - given
    return {int(row): int(units) for row, units in zip(joint.problem.donor_series, left, strict=True)}


def _losers(
    outlook: Outlook, plans: list[NeedPlan], left: dict[int, int], lanes: dict[str, tuple[Lane, ...]]
) -> dict[str, tuple[str, str]]:
    """Needs that got less than they wanted because a winner emptied a donor they could draw on: who won, and why."""
    arrays = outlook.arrays
    by_item: dict[str, list[NeedPlan]] = defaultdict(list)
    for decided in plans:
        by_item[arrays.items[decided.need.row]].append(decided)
    lost: dict[str, tuple[str, str]] = {}
    for item, rivals in by_item.items():
        winners = [rival for rival in rivals if rival.moves]
        if len(rivals) < 2 or not winners:
            continue
        first = {id(rival): priority_of(outlook, rival.need.row) for rival in rivals}
        best_rival = max(winners, key=lambda one: (first[id(one)] is not None, one.net_value, one.need.case_id))
        comes_first = first[id(best_rival)]
        for rival in rivals:
            if rival is best_rival or rival.need.case_id == best_rival.need.case_id:
                continue
            got = sum(move.units for move in rival.moves)
            if got < rival.need.units and _emptied(outlook, best_rival, rival, left, lanes):
                units = sum(move.units for move in best_rival.moves)
                why = WORTH_MORE
                if comes_first is not None and first[id(rival)] is None:
                    why = f"which is served first by {clause_of(comes_first)}"
                lost[rival.need.case_id] = (
                    best_rival.need.case_id,
                    f"{best_rival.need.case_id} takes {units} units of {item} for "
                    f"{arrays.sites[best_rival.need.row]}, {why}",
                )
    return lost


def _emptied(
    outlook: Outlook, winner: NeedPlan, loser: NeedPlan, left: dict[int, int], lanes: dict[str, tuple[Lane, ...]]
) -> bool:
    """Whether a donor of the winner has too little left for one more lot to the loser."""
    arrays = outlook.arrays
    drained = {move.donor_row for move in winner.moves}
    item, site = arrays.items[loser.need.row], arrays.sites[loser.need.row]
    ways = ((arrays.row_of.get((item, lane.origin)), lane.lot) for lane in lanes.get(site, ()))
    return any(row in drained and left.get(row, 0) < lot for row, lot in ways if row is not None)


def plan_lines(outlook: Outlook, decided: NeedPlan, first_number: int) -> list[ProposalLine]:
    """The chosen option of a need as proposal lines, numbered from ``first_number``; a hold gives none."""
    arrays, row = outlook.arrays, decided.need.row
    offer = decided.offers[decided.chosen]
    item, site, today = arrays.items[row], arrays.sites[row], arrays.today
    if offer.action is ActionKind.TRANSFER:
        return [
            ProposalLine(
                number=first_number + index,
                action=ActionKind.TRANSFER,
                item=item,
                origin=move.lane.origin,
                destination=site,
                mode=move.lane.mode,
                quantity=move.units,
                cost_minor=to_minor(move.units * move.lane.unit_cost + move.lane.fixed_cost),
                ship_on=departure,
                arrive_on=arrival,
            )
            for index, move in enumerate(decided.moves)
            for departure, arrival in [_days(move.lane, today)]
        ]
    if offer.action in (ActionKind.PURCHASE, ActionKind.EXPEDITE):
        return [
            ProposalLine(
                number=first_number,
                action=offer.action,
                item=item,
                supplier=offer.source,
                order_id=arrays.inbound.reference[offer.replaces] if offer.replaces >= 0 else "",
                destination=site,
                quantity=offer.quantity,
                cost_minor=to_minor(_supplier_cost(outlook, row, offer)),
                ship_on=today,
                arrive_on=today + timedelta(days=offer.p50_day or 0),
            )
        ]
    return []


@lru_cache(maxsize=4096)
def _days(lane: Lane, today: date) -> tuple[date, date]:
    """When a shipment leaves, and when it is there as likely as not."""
    return lane.departs(today), lane.arrives(today, 0.5)


def _supplier_cost(outlook: Outlook, row: int, offer: Offer) -> float:
    """What is paid: goods and order cost for a purchase, only the premium for an order that is pulled in."""
    if offer.action is ActionKind.EXPEDITE:
        return offer.quantity * offer.unit_cost + offer.fixed_cost
    return offer.quantity * float(outlook.arrays.purchase_price[row]) + offer.fixed_cost


def hold_line(action: ActionKind, item: str, site: str, today: date) -> ProposalLine:
    """A line that moves nothing: a hold, or a correction for a person to make."""
    return ProposalLine(
        number=1, action=action, item=item or "none", destination=site, quantity=0, cost_minor=0,
        ship_on=today, arrive_on=today,
    )  # fmt: skip
