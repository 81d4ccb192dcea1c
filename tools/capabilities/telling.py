"""What answers are put together from: rows that are facts and a table at once, and sources and notes they share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inventory.chronicle import list_feed_health
from inventory.errors import NotFoundError
from tools.arrays import age_hours
from tools.capabilities.answer import Column, Fact, Source, Table
from tools.capabilities.facts import of_hours, of_share, of_words
from tools.capabilities.registry import Asking
from tools.outlook import Outlook

ROWS = 20
"""Rows of a table that are shown; the others are counted."""
TOLD = 3
"""Rows told in words."""
OLD_HOURS = 24.0
"""Age of the data from which an answer says so."""
SOUND = 0.8
"""Health of a feed below which an answer says so."""
_FIELD = re.compile(r"\[([a-z_]+)\]")

Row = Mapping[str, Fact | None]


@dataclass(frozen=True)
class Listing:
    """Rows of facts: ``case_1_money`` is a fact, and a cell of the table."""

    name: str
    rows: Sequence[Row]
    facts: dict[str, Fact]
    table: Table

    def told(self, pattern: str, most: int = TOLD, joined: str = " ") -> str:
        """A pattern said of the first rows: ``[site]`` stands for the row's own slot; rows without it are skipped."""
        said = []
        for number, row in enumerate(self.rows[:most], start=1):
            fields = _FIELD.findall(pattern)
            if all(row.get(field) is not None for field in fields):
                said.append(_FIELD.sub(lambda match, n=number: f"{{{{{self.name}_{n}_{match[1]}}}}}", pattern))  # type: ignore[misc]
        return joined.join(said)


def listing(
    name: str, title: str, columns: Sequence[str], rows: Sequence[Row], limit: int = ROWS, total: int | None = None
) -> Listing:
    """Rows as facts and as a table.

    Parameters
    ----------
    name
        Begins the names of the facts: ``case`` gives ``case_1_money``.
    columns
        Fields of the rows in the order they are shown.
    total
        How many rows there are, where only the first were made.
    """
    shown = list(rows[:limit])
    units = {column: next((fact.unit for row in shown if (fact := row.get(column))), "") for column in columns}
    return Listing(
        name=name,
        rows=shown,
        facts={
            f"{name}_{number}_{column}": fact
            for number, row in enumerate(shown, start=1)
            for column in columns
            if (fact := row.get(column)) is not None
        },
        table=Table(
            title=title,
            columns=tuple(Column(name=column, unit=units[column]) for column in columns),
            rows=tuple(
                tuple(None if (fact := row.get(column)) is None else fact.value for column in columns) for row in shown
            ),
            more=max((len(rows) if total is None else total) - len(shown), 0),
        ),
    )


def known(facts: Mapping[str, Fact | None]) -> dict[str, Fact]:
    """The facts that are there."""
    return {name: fact for name, fact in facts.items() if fact is not None}


def data_source(asking: Asking) -> Source:
    """The snapshot in use."""
    snapshot = asking.toolbox.snapshot()
    return Source(kind="snapshot", reference=snapshot.snapshot_id, as_of=snapshot.as_of)


@dataclass(frozen=True)
class Doubts:
    """What a reader must not miss about the data."""

    facts: dict[str, Fact]
    notes: tuple[str, ...]


def doubts(asking: Asking, *sites: str) -> Doubts:
    """Whether the data is old, and whether a feed of the sites asked about is unsound."""
    snapshot, now = asking.toolbox.snapshot(), asking.toolbox.now()
    facts: dict[str, Fact] = {}
    notes = []
    age = age_hours(snapshot.as_of, now)
    if age > OLD_HOURS:
        facts["data_age"] = of_hours(age)
        notes.append("The data is {{data_age}} old.")
    feeds = [
        feed
        for feed in list_feed_health(asking.connection, asking.scope, snapshot.snapshot_id)
        if feed.site in sites and feed.score < SOUND
    ]
    if feeds:
        worst = min(feeds, key=lambda feed: (feed.score, feed.feed, feed.site))
        facts |= {
            "health_site": of_words(worst.site, "site"), "health_feed": of_words(worst.feed),
            "health_score": of_share(worst.score),
        }  # fmt: skip
        notes.append("The {{health_feed}} feed of {{health_site}} is only {{health_score}} sound.")
    return Doubts(facts, tuple(notes))


def look_at(asking: Asking, item: str, site: str) -> tuple[Outlook, int]:
    """The forward look on what is decided, of one item at all its sites, and the row of one of them.

    Raises
    ------
    NotFoundError
        If nothing is planned there, or it is of a class the asker may not see.
    """
    outlook = asking.toolbox.decided_outlook(asking.connection, items=[item])
    row = outlook.arrays.row_of.get((item, site))
    if row is None or not asking.scope.allows(site, outlook.arrays.item_class[row]):
        raise NotFoundError(f"item {item} at site {site}: not planned, or not for {asking.scope.user} to see")
    return outlook, row


def rows_of(asking: Asking, outlook: Outlook, item: str) -> list[int]:
    """Rows of an item the asker may see, by site.

    Raises
    ------
    NotFoundError
        If there are none.
    """
    arrays = outlook.arrays
    found = [
        row
        for row, place in enumerate(zip(arrays.items, arrays.sites, strict=True))
        if place[0] == item and asking.scope.allows(place[1], arrays.item_class[row])
    ]
    if not found:
        raise NotFoundError(f"item {item!r}: not planned at any site {asking.scope.user} may see")
    return found


def currency_of(asking: Asking) -> str:
    """Currency amounts are kept in: that of the company's sites."""
    sites = asking.toolbox.snapshot().table("sites").sort("site")["currency"].drop_nulls()
    return str(sites[0]) if len(sites) else "EUR"


NARROWED = "Only sites you may see are looked at."


def narrowed(asking: Asking) -> tuple[str, ...]:
    """Says that there may be more than the asker may see."""
    return (NARROWED,) if asking.scope.sites is not None else ()
