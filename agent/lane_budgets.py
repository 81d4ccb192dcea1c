"""Daily budgets of lanes, read from the approval policy where the lane begins and ends: the stricter holds."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection

from agent.gate_facts import Place
from agent.policy_document import MINOR_PER_UNIT
from agent.ruling import policy_book
from tools.lane_claims import LaneBudget, LaneBudgets
from tools.toolbox import Toolbox


def lane_budgets(toolbox: Toolbox, connection: Connection) -> LaneBudgets:
    """What may move over each lane a day, by the policy in force now."""
    book = policy_book(connection, at=toolbox.now())
    region_of = dict(toolbox.snapshot().table("sites").select("site", "region").iter_rows())

    @cache
    def at(origin: str, destination: str) -> LaneBudget:
        ends = (Place(region=region_of.get(site) or "", site=site) for site in (origin, destination))
        thrash = book.over(ends).thrash
        return LaneBudget(thrash.lane_moves_per_day, thrash.lane_value_per_day * MINOR_PER_UNIT)

    return at
