"""Repeats a recorded plan from its own record and compares every quantity."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from inventory.proposals import find_plan_run, find_proposal, list_proposals
from inventory.record import Record
from inventory.records import EVERYTHING, PlanLine, PlanRun, Scope
from inventory.replenishments import run_of_plan
from tools.assemble import plan_outlook
from tools.money import to_minor
from tools.needs import Need, wanted_units
from tools.plan import limits_of_run
from tools.planning import PlanParameters, plan_lines, solve_needs
from tools.replenish_replay import replay_run
from tools.toolbox import Toolbox


class Replay(Record):
    """What a plan came to when it was worked out again."""

    plan_run_id: str
    proposal_ids: tuple[str, ...]
    same: bool
    solver_path: str
    differences: tuple[str, ...]


def replay_plan(toolbox: Toolbox, connection: Connection, plan_run_id: str) -> Replay:
    """Work a plan out again from its snapshot, ledger rows, thresholds, seed and recorded solver path.

    A run in which the solver was killed takes the recorded fallback; every plan is checked for feasibility on the way.
    """
    run = find_plan_run(connection, EVERYTHING, plan_run_id)
    made = run_of_plan(connection, plan_run_id)
    if made is not None:
        return _replayed(connection, run, run.solver_path, replay_run(toolbox, connection, run, made).differences)
    outlook = plan_outlook(toolbox, connection, run)
    rows = outlook.arrays.row_of
    needs = [
        Need(case, rows[(item, site)], wanted_units(outlook, rows[(item, site)]), relief)
        for (case, item, site), relief in zip(run.needs, run.reliefs, strict=True)
    ]
    parameters = PlanParameters(
        minimum_net_benefit=run.parameters["minimum_net_benefit"],
        node_limit=int(run.parameters["node_limit"]),
        hard_kill_seconds=None,
    )
    joint = solve_needs(
        outlook, needs, toolbox.lanes(toolbox.snapshot(run.snapshot_id)), parameters,
        limits=limits_of_run(toolbox, run), force_path=run.solver_path,
    )  # fmt: skip
    again = [
        PlanLine(case_id=decided.need.case_id, line=line, net_value_minor=to_minor(decided.net_value))
        for decided in joint.needs
        for line in plan_lines(outlook, decided, 1)
    ]
    return _replayed(connection, run, joint.solver_path, _differences(list(run.lines), again))


def _replayed(connection: Connection, run: PlanRun, solver_path: str, differences: Sequence[str]) -> Replay:
    proposals = tuple(
        proposal.proposal_id
        for proposal in list_proposals(connection, EVERYTHING)
        if proposal.content.plan_run_id == run.plan_run_id
    )
    return Replay(
        plan_run_id=run.plan_run_id,
        proposal_ids=proposals,
        same=not differences,
        solver_path=solver_path,
        differences=tuple(differences),
    )


def replay_proposal(toolbox: Toolbox, connection: Connection, scope: Scope, proposal_id: str) -> Replay:
    """Replay the plan a proposal came from, and check that the proposal carries the plan's quantities.

    A proposal a person edited carries that person's quantities; its plan is replayed, and the note says so.
    """
    proposal = find_proposal(connection, scope, proposal_id)
    result = replay_plan(toolbox, connection, proposal.content.plan_run_id)
    run = find_plan_run(connection, EVERYTHING, proposal.content.plan_run_id)
    if proposal.requested_by != "evenkeel":
        return result.model_copy(update={"proposal_ids": (proposal.proposal_id,)})
    planned = sorted(
        (line.line.action, line.line.item, line.line.origin, line.line.destination, line.line.quantity)
        for line in run.lines
        if line.case_id == proposal.content.case_id
    )
    carried = sorted(
        (line.action, line.item, line.origin, line.destination, line.quantity)
        for line in proposal.content.lines
        if line.quantity
    )
    extra = () if planned == carried else (f"proposal {proposal.proposal_id} carries {carried}, the plan {planned}",)
    return result.model_copy(
        update={
            "proposal_ids": (proposal.proposal_id,),
            "differences": (*result.differences, *extra),
            "same": result.same and not extra,
        }
    )


def _differences(recorded: list[PlanLine], again: list[PlanLine]) -> list[str]:
    found = [
        f"case {before.case_id}: recorded {_words(before)}, now {_words(after)}"
        for before, after in zip(recorded, again, strict=False)
        if before != after
    ]
    if len(recorded) != len(again):
        found.append(f"{len(recorded)} lines recorded, {len(again)} now")
    return found


def _words(line: PlanLine) -> str:
    move = line.line
    return f"{move.quantity} of {move.item} {move.origin or move.supplier}>{move.destination}"
