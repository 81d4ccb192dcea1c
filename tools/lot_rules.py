"""Which lots a receiver may have: kept cold where they must be, licensed where that is needed, fresh enough on arrival.

Sites tell what they can store through their zones, and what they are licensed for through the items planned there. A
site that names no zones is not held against them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import polars as pl
from sqlalchemy import Connection, select

from inventory.allotment import Wish
from inventory.machine_rules import RuleRecord
from inventory.records import ErpDocument, ProposalContent
from inventory.snapshots import Snapshot
from inventory.tables import stock_lines
from tools.rules.lots import LifeOnArrival

MINIMUM_LIFE = 0.25
"""Share of its shelf life a lot must have left when it arrives."""
_CHUNK = 500


@dataclass(frozen=True)
class LotRules:
    """The rules over the facts of one snapshot."""

    snapshot: Snapshot
    rules: tuple[RuleRecord, ...] = ()
    """Machine rules in force; those on shelf life may ask for more."""

    def applied(
        self, connection: Connection, wishes: Sequence[Wish], contents: Mapping[str, ProposalContent]
    ) -> list[Wish]:
        """The wishes with what their receivers may not have.

        Parameters
        ----------
        contents
            What each proposal says, by proposal id: the line a wish serves tells when its goods arrive.
        """
        expiry = _expiring(connection, {wish.item for wish in wishes if wish.item in self._handled})
        life = LifeOnArrival.of(self.rules, self.snapshot, {(wish.item, wish.destination) for wish in wishes})
        return [self._with_rules(wish, contents[wish.proposal_id], expiry, life) for wish in wishes]

    def _with_rules(
        self, wish: Wish, content: ProposalContent, expiry: dict[tuple[str, str], dict[str, date]], life: LifeOnArrival
    ) -> Wish:
        if wish.item not in self._handled:
            return wish
        arrives = next(line.arrive_on for line in content.lines if line.number == wish.line)
        lots = expiry.get((wish.item, wish.site), {})
        needed = life.needed(wish.item, wish.site, wish.destination, self._shelf_life.get(wish.item, 0))
        barred = [
            (lot, why) for lot, last in sorted(lots.items()) if (why := self.too_old(wish.item, last, arrives, needed))
        ]
        return replace(wish, barred=tuple(barred), impossible=self.no_place(wish.item, wish.destination))

    def no_place(self, item: str, destination: str) -> str:
        """Why the receiver may have none of the item; empty if it may."""
        flags = self._flags.get(item, frozenset())
        stores = self._stores.get(destination, frozenset())
        if "cold_chain" in flags and stores and stores <= {"ambient"}:
            return f"{destination} has no cold storage for it"
        if "regulated" in flags and (item, destination) not in self._planned:
            return f"{destination} is not licensed for it"
        return ""

    def too_old(self, item: str, expiry: date, arrives: date, asked: tuple[int, str] = (0, "")) -> str:
        """Why a lot is not fresh enough for the receiver; empty if it is.

        Parameters
        ----------
        asked
            Days of life machine rules ask for on arrival, and by which clause, in words.
        """
        house = max(round(self._shelf_life.get(item, 0) * MINIMUM_LIFE), 1)
        needed, clause = asked if asked[0] > house else (house, "")
        if expiry >= arrives + timedelta(days=needed):
            return ""
        return f"expires {expiry}, {needed} days of life are needed on arrival {arrives}{clause}"

    def problems_of(self, connection: Connection, documents: Iterable[ErpDocument]) -> list[str]:
        """What the rules say against documents as they stand, a sentence each: the second look before they are sent."""
        found, sent = [], list(documents)
        receivers = {(line.item, document.destination) for document in sent for line in document.lines}
        life = LifeOnArrival.of(self.rules, self.snapshot, receivers)
        for document in sent:
            handled = [line for line in document.lines if line.item in self._handled]
            expiry = _expiring(connection, {line.item for line in handled})
            for line in handled:
                last = expiry.get((line.item, document.origin), {}).get(line.lot)
                why = self.no_place(line.item, document.destination)
                shelf_life = self._shelf_life.get(line.item, 0)
                asked = life.needed(line.item, document.origin, document.destination, shelf_life)
                why = why or (self.too_old(line.item, last, document.arrive_on, asked) if last else "")
                if why:
                    found.append(f"item {line.item}{f' lot {line.lot}' if line.lot else ''}: {why}")
        return found

    @cached_property
    def _items(self) -> pl.DataFrame:
        items = self.snapshot.table("items").select("item", "flags", "lot_controlled", "shelf_life_days")
        return items.with_columns(pl.col("lot_controlled").fill_null(value=False))

    @cached_property
    def _flags(self) -> dict[str, frozenset[str]]:
        told = self._items.select("item", "flags").iter_rows()
        return {item: frozenset(re.split(r"[^a-z_]+", flags or "")) for item, flags in told}

    @cached_property
    def _shelf_life(self) -> dict[str, int]:
        known = self._items.select("item", "shelf_life_days").drop_nulls()
        return {item: int(days) for item, days in known.iter_rows()}

    @cached_property
    def _handled(self) -> frozenset[str]:
        """Items a rule may say something about."""
        lots = self._items.filter("lot_controlled")["item"].to_list()
        watched = [item for item, flags in self._flags.items() if flags & {"cold_chain", "regulated"}]
        dated = self.snapshot.table("stock").filter(pl.col("expiry").is_not_null())["item"].unique().to_list()
        return frozenset([*lots, *watched, *self._shelf_life, *dated])

    @cached_property
    def _stores(self) -> dict[str, frozenset[str]]:
        zones = self.snapshot.table("zones").group_by("site").agg(pl.col("storage").unique())
        return {site: frozenset(kinds) for site, kinds in zones.iter_rows()}

    @cached_property
    def _planned(self) -> frozenset[tuple[str, str]]:
        regulated = [item for item, flags in self._flags.items() if "regulated" in flags]
        rows = self.snapshot.table("item_sites").filter(pl.col("item").is_in(regulated)).select("item", "site")
        return frozenset((item, site) for item, site in rows.iter_rows())


def _expiring(connection: Connection, items: set[str]) -> dict[tuple[str, str], dict[str, date]]:
    """Last usable day of each dated lot, by item and site."""
    wanted, found = sorted(items), dict[tuple[str, str], dict[str, date]]()
    lines = stock_lines.c
    for start in range(0, len(wanted), _CHUNK):
        query = select(lines.item, lines.site, lines.lot, lines.expiry).where(
            lines.item.in_(wanted[start : start + _CHUNK]), lines.expiry.is_not(None)
        )
        for item, site, lot, expiry in connection.execute(query):
            found.setdefault((item, site), {})[lot] = expiry
    return found
