"""Who gets which units: reads the stock lines asked for once and shares out what is free, promising nothing yet.

Proposals are served in the order they ask in. Each gets all it wishes for or nothing, first-expiring lots first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, tuple_

from inventory.tables import stock_lines

_CHUNK = 400
"""Item-sites named in one query."""
Place = tuple[str, str]


@dataclass(frozen=True)
class Wish:
    """Units one line of a proposal asks of a giving site."""

    proposal_id: str
    line: int
    item: str
    site: str
    destination: str
    quantity: int


@dataclass(frozen=True)
class Take:
    """Units of one stock line that serve a wish."""

    wish: Wish
    lot: str
    quantity: int


@dataclass(frozen=True)
class Allotment:
    """What every wish gets."""

    takes: tuple[Take, ...]
    refused: dict[str, str]
    """Proposals that get nothing, and why."""


def allot(connection: Connection, wishes: Sequence[Wish]) -> Allotment:
    """Share out what is free now; it stays free until it is taken."""
    left = _free(connection, {(wish.item, wish.site) for wish in wishes})
    by_proposal: dict[str, list[Wish]] = defaultdict(list)
    for wish in wishes:
        by_proposal[wish.proposal_id].append(wish)
    takes: list[Take] = []
    refused: dict[str, str] = {}
    for proposal_id, mine in by_proposal.items():
        drawn: list[Take] = []
        for wish in mine:
            missing = _draw(wish, left[(wish.item, wish.site)], drawn)
            if missing:
                refused[proposal_id] = (
                    f"item {wish.item} at site {wish.site}: {wish.quantity} units asked for proposal {proposal_id}, "
                    f"only {wish.quantity - missing} free"
                )
                _give_back(drawn, left)
                break
        else:
            takes += drawn
    return Allotment(tuple(takes), refused)


def _draw(wish: Wish, lots: dict[str, int], drawn: list[Take]) -> int:
    """Take from the lots in their order; returns the units still missing."""
    wanted = wish.quantity
    for lot, free in lots.items():
        quantity = min(wanted, free)
        if quantity > 0:
            lots[lot] = free - quantity
            drawn.append(Take(wish, lot, quantity))
            wanted -= quantity
        if wanted <= 0:
            break
    return max(wanted, 0)


def _give_back(drawn: list[Take], left: dict[Place, dict[str, int]]) -> None:
    for take in drawn:
        left[(take.wish.item, take.wish.site)][take.lot] += take.quantity


def _free(connection: Connection, places: Collection[Place]) -> dict[Place, dict[str, int]]:
    """Free units by item-site and lot, first-expiring lots first."""
    lines = stock_lines.c
    free = lines.on_hand - lines.allocated - lines.protect - lines.reserved - lines.in_flight
    found: dict[Place, dict[str, int]] = defaultdict(dict)
    order = (lines.expiry.is_(None), lines.expiry, lines.lot)
    for item, site, lot, units in rows_at(connection, places, (lines.item, lines.site, lines.lot, free), order):
        found[(item, site)][lot] = units
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
