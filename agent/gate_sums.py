"""Running sums and rates the gate looks at, each computed anew from the store inside the deciding transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, select

from inventory.chronicle import list_overrides
from inventory.records import EVERYTHING, ActionKind, Proposal, ProposalContent, ProposalState
from inventory.tables import approvals
from tools.toolbox import signed_by_policy

S = ProposalState
ACTED = (S.APPROVED, S.LEASED, S.SENT, S.IN_DOUBT, S.EXECUTED)
DECIDED = (*ACTED, S.FAILED, S.REJECTED)
OVERRIDE_WINDOW = timedelta(days=28)
OVERRIDE_MINIMUM = 8
"""Decisions before an override rate means anything."""
LANE_WINDOW = timedelta(hours=24)


def override_rate(now: datetime, connection: Connection, decided: Collection[Proposal], action: ActionKind) -> float:
    """Share of recent decided proposals of a kind that people overruled; 0 while they are too few."""
    since = now - OVERRIDE_WINDOW
    alike = [proposal for proposal in decided if proposal.content.action is action and proposal.created_at >= since]
    overruled = {override.proposal_id for override in list_overrides(connection, EVERYTHING) if override.at >= since}
    judged = [p for p in alike if p.state is not S.SUPERSEDED or p.proposal_id in overruled]
    if len(judged) < OVERRIDE_MINIMUM:
        return 0.0
    return round(sum(p.proposal_id in overruled for p in judged) / len(judged), 4)


def auto_value_today(now: datetime, connection: Connection, acted: Collection[Proposal], sites: Collection[str]) -> int:
    """Moved without a person today at any of some sites, the largest of them, minor units."""
    total = dict.fromkeys(sites, 0)
    sharing = [
        other
        for other in acted
        if other.created_at.date() == now.date()
        and other.content.action is not ActionKind.HOLD
        and set(other.content.sites) & set(total)
    ]
    signed = signed_by_policy(connection, sharing)
    for other in sharing:
        if other.proposal_id in signed:
            for site in set(other.content.sites) & set(total):
                total[site] += other.content.value_minor
    return max(total.values(), default=0)


def lanes_of(content: ProposalContent) -> frozenset[tuple[str, str]]:
    """Lanes a proposal's lines move over, whatever the item: giving site, receiving site."""
    return frozenset((line.origin, line.destination) for line in content.lines if line.origin)


def lane_value(
    now: datetime, connection: Connection, acted: Collection[Proposal], lanes: Collection[tuple[str, str]]
) -> int:
    """Value let through on some lanes within a day, all items together, minor units: splitting adds up.

    What was drafted earlier and signed within the day counts, too.
    """
    since = now - LANE_WINDOW
    on_lane = [other for other in acted if lanes_of(other.content) & set(lanes)]
    if not on_lane:
        return 0
    query = select(approvals.c.proposal_id).where(approvals.c.decision == "approve", approvals.c.at >= since)
    signed = set(connection.execute(query).scalars())
    return sum(
        other.content.value_minor for other in on_lane if other.created_at >= since or other.proposal_id in signed
    )


def moved_lately(
    now: datetime, acted: Collection[Proposal], proposal: Proposal, days: int, direction: Literal["back", "again"]
) -> bool:
    """Whether an item of the proposal moved on the same lane, or the reverse one, within some days."""
    since = now - timedelta(days=days)
    mine = {(line.item, line.origin, line.destination) for line in proposal.content.lines if line.origin}
    if direction == "back":
        mine = {(item, destination, origin) for item, origin, destination in mine}
    return any(
        mine & {(line.item, line.origin, line.destination) for line in other.content.lines if line.origin}
        for other in acted
        if other.created_at >= since
    )
