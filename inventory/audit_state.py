"""Log against state: what the tables should say, told from the events alone, and the first row that says otherwise.

A ``StateBook`` observes every entry in order. Each event that sets a row leaves, under the row's table and key, the
facts the row must show and the entry that said so. What the log never told is not compared. Whole records are compared
by a hash of their canonical text, so that a book of a million events stays small.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from inventory.chain import AuditEntry
from inventory.record import canonical

Facts = dict[str, Any]
Fold = Callable[["StateBook", AuditEntry], None]
Rows = Callable[[Connection], Iterator[tuple[str, Facts]]]

BODY = "body"
"""Name of the fact that is the hash of a record's canonical text."""


@dataclass
class Expected:
    """What the log says of one row."""

    sequence: int
    """Entry that made it."""
    facts: Facts
    later: dict[str, int] = field(default_factory=dict)
    """Entry that said a fact last, where another than the first did."""
    least: dict[str, int] = field(default_factory=dict)
    """Numbers that only grow, and not every step is told: what they have reached at least."""

    def said_by(self, name: str) -> int:
        """Entry that says a fact."""
        return self.later.get(name, self.sequence)


@dataclass(frozen=True)
class RowDifference:
    """A row the log does not account for, or accounts for otherwise."""

    table: str
    key: str
    sequence: int | None
    """Entry that says what the row should be; none when no entry speaks of it."""
    problem: str

    @property
    def words(self) -> str:
        """One line for people."""
        return f"{self.table} {self.key}: {self.problem}"


@dataclass
class StateBook:
    """Rows as the events tell them."""

    folds: Mapping[str, Fold]
    tables: dict[str, dict[str, Expected]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """How often something happened to a subject, where a row is named by its number."""
    parts: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """Keys of the rows of a table that belong to one subject."""

    def observe(self, entry: AuditEntry) -> None:
        """Take one entry in; they must come in order."""
        fold = self.folds.get(entry.event)
        if fold is not None:
            fold(self, entry)

    def put(self, table: str, key: str, entry: AuditEntry, /, **facts: Any) -> None:
        """The entry made the row."""
        self.tables.setdefault(table, {})[key] = Expected(entry.sequence, facts)

    def change(self, table: str, key: str, entry: AuditEntry, /, **facts: Any) -> None:
        """The entry changed some facts of the row."""
        known = self.tables.setdefault(table, {}).setdefault(key, Expected(entry.sequence, {}))
        known.facts.update(facts)
        known.later.update(dict.fromkeys(facts, entry.sequence))

    def reached(self, table: str, key: str, entry: AuditEntry, /, **numbers: int) -> None:
        """The entry tells how far numbers of the row that only grow have come."""
        known = self.tables.setdefault(table, {}).setdefault(key, Expected(entry.sequence, {}))
        known.least.update(numbers)
        known.later.update(dict.fromkeys(numbers, entry.sequence))

    def told(self, table: str) -> dict[str, Expected]:
        """Rows of a table, by key."""
        return self.tables.get(table, {})


def body_hash(text: str) -> str:
    """Hash of a canonical JSON text; minus zero is zero, as in every stored record."""
    if "-0.0" in text:
        text = canonical(_one_zero(json.loads(text)))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _one_zero(value: Any) -> Any:
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, dict):
        return {name: _one_zero(part) for name, part in value.items()}
    return [_one_zero(part) for part in value] if isinstance(value, list) else value


def stored_body_hash(value: Any) -> str:
    """The same of a column as the database gives it, whatever was put there."""
    try:
        return body_hash(value if isinstance(value, str) else repr(value))
    except ValueError:
        return "unreadable"


def differences(book: StateBook, connection: Connection, readers: Mapping[str, Rows]) -> Iterator[RowDifference]:
    """Rows that differ, by table in the order given and then by key.

    Parameters
    ----------
    readers
        By table: every row as key and the facts the book may hold of it.
    """
    for table, rows in readers.items():
        told = book.told(table)
        found = dict(rows(connection))
        for key in sorted(told.keys() | found.keys()):
            wrong = _difference(connection, table, key, told.get(key), found.get(key))
            if wrong is not None:
                yield wrong


def _difference(
    connection: Connection, table: str, key: str, told: Expected | None, found: Facts | None
) -> RowDifference | None:
    if told is None:
        return RowDifference(table, key, None, "is in the table, but no entry tells of it")
    if found is None:
        return RowDifference(table, key, told.sequence, f"entry {told.sequence} tells of it, but the row is gone")
    for name, least in told.least.items():
        if not isinstance(found.get(name), int) or found[name] < least:
            by = told.said_by(name)
            return RowDifference(table, key, by, f"{name} is {found.get(name)!r}, entry {by} says at least {least}")
    for name, expected in told.facts.items():
        if found.get(name) != expected:
            by = told.said_by(name)
            return RowDifference(table, key, by, _wrong(connection, by, name, expected, found))
    return None


def _wrong(connection: Connection, sequence: int, name: str, expected: Any, found: Facts) -> str:
    """What is wrong with one fact, naming the field of a record that differs."""
    if name != BODY:
        return f"{name} is {found.get(name)!r}, entry {sequence} says {expected!r}"
    from inventory.tables import audit

    text = connection.execute(select(audit.c.body).where(audit.c.sequence == sequence)).scalar_one_or_none()
    try:
        said, shown = json.loads(text or "{}"), json.loads(found["text"])
        fields = sorted(set(said) | set(shown))
        first = next(each for each in fields if said.get(each) != shown.get(each))
    except (ValueError, TypeError, AttributeError, StopIteration, KeyError):
        return f"its record is not the one of entry {sequence}"
    return f"{first} is {shown.get(first)!r}, entry {sequence} says {said.get(first)!r}"
