"""What earlier proposals left of lanes, and what the lines of a proposal claim of lanes and of their daily budgets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import floor

from sqlalchemy import Connection

from inventory.capacity import CapacityKind, Claim, Slot, slot_holders, taken_capacity
from inventory.capacity_limits import NO_LIMIT
from inventory.records import ActionKind, ProposalContent, ProposalLine
from tools.lanes import Lane

Lanes = Mapping[str, tuple[Lane, ...]]
Room = dict[str, float]
"""Units left on lanes of which somebody took some, by name of the lane."""


@dataclass(frozen=True)
class LaneBudget:
    """What may move over a lane by one day of departure, all modes together, whoever approves it."""

    moves: int
    value_minor: int


LaneBudgets = Callable[[str, str], LaneBudget]
"""The budget from a site to another."""


def room_left(connection: Connection, lanes: Lanes, today: date, *, without: Collection[str] = ()) -> Room:
    """What earlier proposals left of each lane's next departure.

    Parameters
    ----------
    without
        Proposals that count as if they had given theirs back.
    """
    taken = taken_capacity(connection, CapacityKind.LANE, today, without=without)
    left = {}
    for lane in _limited(lanes) if taken else ():
        units = taken.get(_slot(lane, today), 0)
        if units:
            left[lane.name] = max((lane.capacity_per_day or 0.0) - units, 0.0)
    return left


def with_room(lanes: Lanes, room: Mapping[str, float]) -> dict[str, tuple[Lane, ...]]:
    """The lanes with what is left of their capacity."""
    if not room:
        return dict(lanes)
    return {
        site: tuple(replace(lane, capacity_per_day=room[lane.name]) if lane.name in room else lane for lane in ways)
        for site, ways in lanes.items()
    }


def lane_limit(lanes: Lanes, name: str) -> int:
    """Units a lane carries a day: none when there is no such lane any more, no limit when it states none."""
    found = [lane for ways in lanes.values() for lane in ways if lane.name == name]
    if not found:
        return 0
    capacity = found[0].capacity_per_day
    return NO_LIMIT if capacity is None else floor(capacity)


def lane_claims(content: ProposalContent, lanes: Lanes, budgets: LaneBudgets | None) -> list[Claim]:
    """What the transfers of a proposal take of their lanes and, where there are any, of the lanes' daily budgets."""
    claims = []
    for line in content.lines:
        if line.action is not ActionKind.TRANSFER or not line.quantity:
            continue
        lane = next((way for way in lanes.get(line.destination, ()) if _carries(way, line)), None)
        if lane is not None and lane.capacity_per_day is not None:
            slot = Slot(CapacityKind.LANE, lane.name, line.ship_on)
            claims.append(Claim(slot, line.quantity, floor(lane.capacity_per_day), line.number))
        if budgets is not None:
            budget, key = budgets(line.origin, line.destination), f"{line.origin}>{line.destination}"
            moves = Slot(CapacityKind.LANE_MOVES, key, line.ship_on)
            value = Slot(CapacityKind.LANE_VALUE, key, line.ship_on)
            claims.append(Claim(moves, 1, budget.moves, line.number))
            claims.append(Claim(value, _value(content, line), budget.value_minor, line.number))
    return claims


def _value(content: ProposalContent, line: ProposalLine) -> int:
    """The line's part of the proposal's value, in proportion to units, rounded up."""
    return -(-max(content.value_minor, 0) * line.quantity // sum(each.quantity for each in content.lines))


def crowded_out(
    connection: Connection, lanes: Lanes, room: Mapping[str, float], today: date, short: Iterable[tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    """Cases that got less than they wanted where earlier proposals left less than a lot on a lane: who won, and why.

    Parameters
    ----------
    short
        Cases that got less than they wanted, and the site that receives.
    """
    full = [lane for lane in _limited(lanes) if room.get(lane.name, lane.lot) < lane.lot]
    holders = slot_holders(connection, (_slot(lane, today) for lane in full))
    lost: dict[str, tuple[str, str]] = {}
    for case_id, site in short:
        for lane in full:
            held = holders.get(_slot(lane, today), [])
            if lane.destination == site and held and case_id not in lost:
                proposal_id, winner, units = held[0]
                others = f" and {len(held) - 1} more before it" if len(held) > 1 else ""
                lost[case_id] = (
                    winner,
                    f"lane {lane.name} on {lane.departs(today)} carries {lane.capacity_per_day:,.0f} units, of which "
                    f"{winner} was promised {units:,} first ({proposal_id}{others})",
                )
    return lost


def _slot(lane: Lane, today: date) -> Slot:
    return Slot(CapacityKind.LANE, lane.name, lane.departs(today))


def _carries(lane: Lane, line: ProposalLine) -> bool:
    return (lane.origin, lane.mode) == (line.origin, line.mode)


def _limited(lanes: Lanes) -> list[Lane]:
    return [lane for ways in lanes.values() for lane in ways if lane.capacity_per_day is not None]
