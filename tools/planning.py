"""The joint plan as mathematics: the same inputs give the same lines, on replay too.

All needs compete for the same donors and lanes in one solve. Each need then takes the best of its options; needs that
do better with a supplier give their units back and the rest is solved again, until nobody changes their mind.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from inventory.records import ActionKind, ProposalLine
from optimizer.transfers.problem import SolverPath, TransferPlan
from optimizer.transfers.solve import solve_transfers, verify_plan
from tools.errors import InfeasiblePlanError
from tools.lanes import Lane
from tools.money import to_minor
from tools.needs import JointProblem, Need, donor_losses, joint_problem
from tools.options import Offer, PlannedMove, best, offers, price_all
from tools.outlook import Outlook

MAXIMUM_ROUNDS = 4


@dataclass(frozen=True)
class PlanParameters:
    """What steers a plan besides the facts."""

    minimum_net_benefit: float
    node_limit: int
    hard_kill_seconds: float | None
    """Wall-clock limit of the solver's child process; ``None`` solves in this process."""


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


def solve_needs(
    outlook: Outlook,
    needs: list[Need],
    lanes: dict[str, tuple[Lane, ...]],
    parameters: PlanParameters,
    *,
    force_path: str | None = None,
) -> JointPlan:
    """Decide all needs at once.

    Parameters
    ----------
    force_path
        The recorded ``solver_path`` of an earlier run: each round takes the path it took then, so that a run in which
        the solver was killed replays to the same quantities.

    Raises
    ------
    InfeasiblePlanError
        If the solver's answer breaks a floor, lot or capacity.
    """
    forced = force_path.split("+") if force_path else []
    sharing = list(range(len(needs)))
    paths: list[str] = []
    for attempt in range(MAXIMUM_ROUNDS):
        joint = joint_problem(outlook, [needs[index] for index in sharing], lanes)
        path = forced[attempt] if attempt < len(forced) else None
        plan = _solve(joint, parameters, path)
        paths.append(plan.solver_path)
        plans = _choose(outlook, needs, sharing, joint, plan, lanes, parameters)
        unused = {
            index
            for index, decided in enumerate(plans)
            if decided.moves and decided.offers[decided.chosen].action is not ActionKind.TRANSFER
        }
        if not unused:
            break
        sharing = [index for index in sharing if index not in unused]
    plans = [_without_unused_moves(decided) for decided in plans]
    losers = _losers(outlook, plans, _units_left(joint, plan), lanes)
    arrays = outlook.arrays
    return JointPlan(
        needs=tuple(plans),
        floors={(arrays.items[row], arrays.sites[row]): units for row, units in joint.floors.items()},
        solver_path="+".join(paths),
        objective=round(sum(decided.net_value for decided in plans), 6),
        lost_to={case: why for case, (_, why) in losers.items()},
        won_by={case: winner for case, (winner, _) in losers.items()},
    )


def _solve(joint: JointProblem, parameters: PlanParameters, force: str | None) -> TransferPlan:
    allowed: dict[str, SolverPath] = {
        "milp": "milp", "lp_rounded": "lp_rounded", "greedy_fallback": "greedy_fallback"
    }  # fmt: skip
    plan = solve_transfers(
        joint.problem,
        node_limit=parameters.node_limit,
        hard_kill_seconds=None if force else parameters.hard_kill_seconds,
        force_path=allowed[force] if force else None,
    )
    violations = verify_plan(joint.problem, plan)
    if violations:
        raise InfeasiblePlanError(f"the solver's plan is not feasible: {'; '.join(violations)}")
    return plan


def _choose(
    outlook: Outlook,
    needs: list[Need],
    sharing: list[int],
    joint: JointProblem,
    plan: TransferPlan,
    lanes: dict[str, tuple[Lane, ...]],
    parameters: PlanParameters,
) -> list[NeedPlan]:
    moves = _moves(outlook, sharing, joint, plan)
    tables = [
        offers(
            outlook, need.row, moves.get(index, ()), lanes.get(outlook.arrays.sites[need.row], ()),
            need.relief_per_unit,
        )
        for index, need in enumerate(needs)
    ]  # fmt: skip
    decided = []
    priced = price_all(outlook, [need.row for need in needs], tables)
    for index, (need, table, values) in enumerate(zip(needs, tables, priced, strict=True)):
        chosen = best(values, table, parameters.minimum_net_benefit)
        net_value = float(values.net_value[chosen])
        decided.append(NeedPlan(need, tuple(table), moves.get(index, ()), chosen, net_value))
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
    if decided.offers[decided.chosen].action is ActionKind.TRANSFER:
        return decided
    return NeedPlan(decided.need, decided.offers, (), decided.chosen, decided.net_value)


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
        best_rival = max(winners, key=lambda rival: (rival.net_value, rival.need.case_id))
        for rival in rivals:
            if rival is best_rival or rival.need.case_id == best_rival.need.case_id:
                continue
            got = sum(move.units for move in rival.moves)
            if got < rival.need.units and _emptied(outlook, best_rival, rival, left, lanes):
                units = sum(move.units for move in best_rival.moves)
                lost[rival.need.case_id] = (
                    best_rival.need.case_id,
                    f"{best_rival.need.case_id} takes {units} units of {item} for "
                    f"{arrays.sites[best_rival.need.row]}, where they are worth more",
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
                ship_on=move.lane.departs(today),
                arrive_on=move.lane.arrives(today, 0.5),
            )
            for index, move in enumerate(decided.moves)
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
