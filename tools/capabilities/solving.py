"""Options of one item-site solved anew: the plan and the option table of the product, for one need alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inventory.cases import cases_at
from inventory.proposals import find_situation, list_proposals
from inventory.records import Option, Proposal
from tools.capabilities.registry import Asking
from tools.lane_claims import room_left, with_room
from tools.lanes import Lane
from tools.limits import Limits, site_days
from tools.needs import Need, surplus_units, wanted_units
from tools.options import PlannedMove, best, describe, offers, offers_for_surplus, price
from tools.outlook import Outlook
from tools.plan import LIVE, plan_parameters
from tools.planning import transfer_alone
from tools.toolbox import committed_lines

Lanes = dict[str, tuple[Lane, ...]]
SHORT = 0.5
"""Units expected short from which there is a need."""


@dataclass(frozen=True)
class Standing:
    """The proposal that is about an item and site already, with the options it was drafted from."""

    proposal: Proposal
    options: tuple[Option, ...]


def standing(asking: Asking, item: str, site: str) -> Standing | None:
    """The newest live proposal of a case at an item and site; ``None`` without one, or before it is explained."""
    for row in cases_at(asking.connection, asking.scope, item, site):
        live = list_proposals(asking.connection, asking.scope, states=LIVE, case_id=row.case.case_id)
        situation = find_situation(asking.connection, asking.scope, live[-1].proposal_id) if live else None
        here = [o for o in situation.options if (o.item, o.site) == (item, site)] if situation else []
        if here:
            return Standing(live[-1], tuple(here))
    return None


def lanes_for(asking: Asking) -> Lanes:
    """Lanes with the room they have left, from sites the asker may see."""
    toolbox, snapshot = asking.toolbox, asking.toolbox.snapshot()
    lanes = toolbox.lanes(snapshot)
    left = with_room(lanes, room_left(asking.connection, lanes, snapshot.as_of.date()))
    seen = asking.scope.sites
    return {to: tuple(lane for lane in ways if seen is None or lane.origin in seen) for to, ways in left.items()}


def limits_for(asking: Asking, lanes: Lanes) -> Limits:
    """What lanes and sites can take, less what is decided."""
    snapshot = asking.toolbox.snapshot()
    return Limits.of(lanes, site_days(snapshot, committed_lines(asking.connection, snapshot)))


def solve(asking: Asking, outlook: Outlook, row: int, lanes: Lanes | None = None) -> tuple[Option, ...]:
    """The priced options of one row, chosen first; those that could be used up elsewhere are not held back.

    Parameters
    ----------
    outlook
        The world as it is, or as it would be.
    lanes
        Ways there are; all the asker may see when omitted.
    """
    toolbox = asking.toolbox
    snapshot, thresholds = toolbox.snapshot(), toolbox.thresholds(asking.connection)
    parameters, facts = plan_parameters(toolbox, thresholds), toolbox.option_facts(snapshot)
    lanes = lanes_for(asking) if lanes is None else lanes
    site = outlook.arrays.sites[row]
    if outlook.short_units(row) < SHORT and surplus_units(outlook, row) > 0:
        moves: tuple[PlannedMove, ...] = ()
        table = offers_for_surplus(outlook, row, facts)
    else:
        need, limits = Need("asked", row, wanted_units(outlook, row)), limits_for(asking, lanes)
        moves = transfer_alone(outlook, need, lanes, parameters, limits) if outlook.planned[row] else ()
        ways = lanes.get(site, ())
        table = offers(outlook, row, moves, ways, 0.0, facts, {lane.name: limits.stops(lane) for lane in ways})
    chosen = best(price(outlook, row, table), table, parameters.minimum_net_benefit)
    draws = int(thresholds.value("planning", "confidence_draws"))
    return describe(
        outlook, row, table, moves, chosen=chosen, minimum_net_benefit=parameters.minimum_net_benefit,
        seed=toolbox.seed, draws=draws,
    )  # fmt: skip


def chance_out(outlook: Outlook, row: int) -> float:
    """Highest probability of being out before a normal order could be there."""
    return float(np.max(outlook.projection.stockout_probability[row, : int(outlook.window_days[row])]))
