"""Who got less than they wanted in a plan, and which case has what they wanted."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from inventory.capacity import Shortage
from inventory.proposals import find_proposal
from inventory.records import EVERYTHING, PlanRun
from tools.outlook import Outlook
from tools.planning import JointPlan


def short_needs(outlook: Outlook, joint: JointPlan) -> list[tuple[str, str]]:
    """Cases that are sent less than they wanted, and the site that receives."""
    return [
        (plan.need.case_id, outlook.arrays.sites[plan.need.row])
        for plan in joint.needs
        if sum(move.units for move in plan.moves) < plan.need.units
    ]


def with_losers(run: PlanRun, lost: dict[str, tuple[str, str]]) -> PlanRun:
    """The run with the cases that lost to an earlier plan; who lost within this one is told that."""
    return run.model_copy(
        update={
            "lost_to": {case: why for case, (_, why) in lost.items()} | run.lost_to,
            "won_by": {case: winner for case, (winner, _) in lost.items()} | run.won_by,
        }
    )


def with_refused(
    connection: Connection, run: PlanRun, case_of: Mapping[str, str], refused: Mapping[str, Shortage], words: str
) -> PlanRun:
    """The run with the cases whose drafts were refused a claim on capacity, and which case has most of it.

    Parameters
    ----------
    case_of
        Case of each draft of the run.
    """
    told = {case_of[draft]: f"{words}: {why}" for draft, why in refused.items()}
    winners = {
        case_of[draft]: _case_that_holds(connection, case_of, why) for draft, why in refused.items() if why.holders
    }
    return run.model_copy(update={"lost_to": run.lost_to | told, "won_by": run.won_by | winners})


def _case_that_holds(connection: Connection, case_of: Mapping[str, str], why: Shortage) -> str:
    """The case that holds most of what was wanted: of this plan, or of an earlier one."""
    holder = why.holders[0][0]
    return case_of.get(holder) or find_proposal(connection, EVERYTHING, holder).content.case_id
