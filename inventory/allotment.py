"""Who gets which units: reads the stock lines asked for once and shares out what is free, promising nothing yet.

Proposals are served in the order they ask in. Each gets all it wishes for or nothing, first-expiring lots first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, tuple_

from inventory.tables import freezes, stock_lines

_CHUNK = 400
"""Item-sites named in one query."""
Place = tuple[str, str]
Kept = dict[tuple[str, str, str, str, str], int]
"""Frozen units by item, site, lot, purpose and freeze."""


@dataclass(frozen=True)
class Wish:
    """Units one line of a proposal asks of a giving site."""

    proposal_id: str
    line: int
    item: str
    site: str
    destination: str
    quantity: int
    purpose: str = ""
    """What units may be frozen for; empty takes what is free for everybody."""
    barred: tuple[tuple[str, str], ...] = ()
    """Lots the receiver may not have, and why: the next lot serves in their place."""
    impossible: str = ""
    """Why the receiver may have no lot at all."""


@dataclass(frozen=True)
class Take:
    """Units of one stock line that serve a wish."""

    wish: Wish
    lot: str
    quantity: int
    freeze_id: str = ""
    """The freeze they are taken from; empty when they were free."""


@dataclass(frozen=True)
class Allotment:
    """What every wish gets."""

    takes: tuple[Take, ...]
    refused: dict[str, str]
    """Proposals that get nothing, and why."""


def allot(connection: Connection, wishes: Sequence[Wish]) -> Allotment:
    """Share out what is free now; it stays free until it is taken."""
    left = _free(connection, {(wish.item, wish.site) for wish in wishes})
    kept = _frozen_for(connection, [wish for wish in wishes if wish.purpose])
    by_proposal: dict[str, list[Wish]] = defaultdict(list)
    for wish in wishes:
        by_proposal[wish.proposal_id].append(wish)
    takes: list[Take] = []
    refused: dict[str, str] = {}
    for proposal_id, mine in by_proposal.items():
        drawn: list[Take] = []
        for wish in mine:
            missing = _draw(wish, left[(wish.item, wish.site)], kept, drawn)
            if missing:
                refused[proposal_id] = _why(wish, missing)
                _give_back(drawn, left, kept)
                break
        else:
            takes += drawn
    return Allotment(tuple(takes), refused)


def _why(wish: Wish, missing: int) -> str:
    """Why a wish is not met, with the lots that were passed over."""
    asked = f"item {wish.item} at site {wish.site}: {wish.quantity} units asked for proposal {wish.proposal_id}"
    if wish.impossible:
        return f"{asked}, and {wish.impossible}"
    passed = "".join(f"; lot {lot or '(none)'} {why}" for lot, why in wish.barred)
    return f"{asked}, only {wish.quantity - missing} free{passed}"


def _draw(wish: Wish, lots: dict[str, int], kept: Kept, drawn: list[Take]) -> int:
    """Take what is frozen for the wish, then from the lots in their order; returns the units still missing."""
    wanted, barred = wish.quantity, dict(wish.barred)
    if wish.impossible:
        return wanted
    for key, units in kept.items() if wish.purpose else ():
        item, site, lot, purpose, freeze_id = key
        # A line that has less than is frozen on it gives nothing before people have said who goes short.
        if (
            (item, site, purpose) == (wish.item, wish.site, wish.purpose)
            and lot not in barred
            and lots.get(lot, -1) >= 0
        ):
            quantity = min(wanted, units)
            if quantity > 0:
                kept[key] = units - quantity
                drawn.append(Take(wish, lot, quantity, freeze_id))
                wanted -= quantity
    for lot, free in lots.items():
        quantity = 0 if lot in barred else min(wanted, free)
        if quantity > 0:
            lots[lot] = free - quantity
            drawn.append(Take(wish, lot, quantity))
            wanted -= quantity
        if wanted <= 0:
            break
    return max(wanted, 0)


def _give_back(drawn: list[Take], left: dict[Place, dict[str, int]], kept: Kept) -> None:
    for take in drawn:
        if take.freeze_id:
            kept[(take.wish.item, take.wish.site, take.lot, take.wish.purpose, take.freeze_id)] += take.quantity
        else:
            left[(take.wish.item, take.wish.site)][take.lot] += take.quantity


def _free(connection: Connection, places: Collection[Place]) -> dict[Place, dict[str, int]]:
    """Free units by item-site and lot, first-expiring lots first."""
    lines = stock_lines.c
    free = lines.on_hand - lines.allocated - lines.protect - lines.frozen - lines.reserved - lines.in_flight
    found: dict[Place, dict[str, int]] = defaultdict(dict)
    order = (lines.expiry.is_(None), lines.expiry, lines.lot)
    for item, site, lot, units in rows_at(connection, places, (lines.item, lines.site, lines.lot, free), order):
        found[(item, site)][lot] = units
    return found


def _frozen_for(connection: Connection, wishes: Collection[Wish]) -> Kept:
    """Units frozen for the purposes of the wishes, that of the earliest end first."""
    found: Kept = {}
    for item, site in sorted({(wish.item, wish.site) for wish in wishes}):
        columns = freezes.c
        query = (
            select(columns.lot, columns.purpose, columns.freeze_id, columns.remaining)
            .where(columns.item == item, columns.site == site, columns.state.in_(("in_force", "lift_asked")))
            .order_by(columns.until, columns.freeze_id)
        )
        for lot, purpose, freeze_id, units in connection.execute(query):
            found[(item, site, lot, purpose, freeze_id)] = units
    return found


def rows_at(
    connection: Connection, places: Collection[Place], columns: Sequence[Any], order: Sequence[ColumnElement[Any]]
) -> Iterator[Any]:
    """Columns of the stock lines at some item-sites, in a stated order within each item-site."""
    wanted = sorted(places)
    at = tuple_(stock_lines.c.item, stock_lines.c.site)
    for start in range(0, len(wanted), _CHUNK):
        query = select(*columns).where(at.in_(wanted[start : start + _CHUNK])).order_by(*order)
        yield from connection.execute(query)
