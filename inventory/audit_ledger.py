"""What the log says of promises: units of stock lines, and shares of capacity, each step of their life.

A promise is told of when it is held, with every part it consists of. Units that are committed or lifted off go along
with the arrows of their proposal; every other step has an entry of its own. The columns of stock lines and slots are
the sums of the promises that stand, so they are told from the same entries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from inventory.audit_state import Facts, StateBook
from inventory.chain import AuditEntry

UNITS, CLAIMS = "reservations", "capacity_holds"
COLUMN_OF = {
    UNITS: {"held": "reserved", "committed": "reserved", "in_flight": "in_flight", "posted": "in_flight"},
    CLAIMS: {
        "held": "reserved", "committed": "reserved", "in_flight": "used", "posted": "used", "absorbed": "used",
    },
}  # fmt: skip
"""Column of a stock line or a slot in which a promise of a state counts; none once it has come to its end."""
FROZEN_AT = "frozen at"
"""Under it the book keeps the stock line of each freeze."""
FREEZE_HOLDS = ("in_force", "lift_asked")


def stock_key(item: str, site: str, lot: str) -> str:
    """Name of a stock line; ids hold no spaces."""
    return f"{item} at {site}" + (f" lot {lot}" if lot else "")


def slot_key(kind: str, key: str, day: str) -> str:
    """Name of a slot of capacity."""
    return f"{kind} {key} {day}"


def units_held(book: StateBook, entry: AuditEntry) -> None:
    """Units were reserved, some of them out of a freeze."""
    for part in entry.data["units"]:
        facts = {**part, "state": "held", "key": ""}
        key = facts.pop("reservation_id")
        book.put(UNITS, key, entry, proposal_id=entry.subject_id, **facts)
        book.parts[(UNITS, entry.subject_id)].append(key)
        _count(book, entry, UNITS, facts, "held", +1)
        if facts["freeze_id"]:
            _thaw(book, entry, facts, facts["quantity"])


def claims_held(book: StateBook, entry: AuditEntry) -> None:
    """Shares of capacity were reserved; each tells the limit of its slot at that moment."""
    for part in entry.data["claims"]:
        facts = {**part, "state": "held", "document": ""}
        key, limit = facts.pop("hold_id"), facts.pop("limit")
        book.put(CLAIMS, key, entry, proposal_id=entry.subject_id, **facts)
        book.change("capacity", slot_key(facts["kind"], facts["key"], facts["day"]), entry, limit_amount=limit)
        _count(book, entry, CLAIMS, facts, "held", +1)


def claims_moved(book: StateBook, entry: AuditEntry) -> None:
    """Shares of capacity came into another state."""
    told = {name: entry.data[name] for name in ("document",) if name in entry.data}
    _advance(book, entry, CLAIMS, entry.data["holds"], entry.data["state"], **told)


def committed(book: StateBook, entry: AuditEntry) -> None:
    """Approved, or back from a lease that was lost before anything was sent."""
    _advance(book, entry, UNITS, _of(book, entry, ("held", "in_flight")), "committed")


def lifted(book: StateBook, entry: AuditEntry) -> None:
    """Leased: what was committed is on its way."""
    _advance(book, entry, UNITS, _of(book, entry, ("committed",)), "in_flight")


def posted(book: StateBook, entry: AuditEntry) -> None:
    """Somebody has the document of these lines."""
    mine = _of(book, entry, ("in_flight",), entry.data["lines"])
    _advance(book, entry, UNITS, mine, "posted", key=entry.data["key"])


def absorbed(book: StateBook, entry: AuditEntry) -> None:
    """The feeds show these units, which no longer count here."""
    _advance(book, entry, UNITS, [entry.data["reservation_id"]], "absorbed")


def released(book: StateBook, entry: AuditEntry) -> None:
    """Units were given back; a freeze that still holds takes its own."""
    keys = entry.data.get("reservations", [])
    for facts in (book.told(UNITS)[key].facts for key in keys if key in book.told(UNITS)):
        if facts["freeze_id"]:
            _thaw(book, entry, facts, -facts["quantity"])
    _advance(book, entry, UNITS, keys, "released")


def limited(book: StateBook, entry: AuditEntry) -> None:
    """A feed states another limit."""
    data = entry.data
    book.change("capacity", slot_key(data["kind"], data["key"], data["day"]), entry, limit_amount=data["limit"])


def freeze_changed(book: StateBook, entry: AuditEntry, units: int) -> None:
    """So many units more, or fewer, are frozen."""
    kept = book.told("freezes")[entry.subject_id].facts["remaining"]
    book.change("freezes", entry.subject_id, entry, remaining=kept + units)
    (place,) = book.parts[(FROZEN_AT, entry.subject_id)]
    _add(book, entry, "stock_lines", place, "frozen", units)


def _of(book: StateBook, entry: AuditEntry, states: Collection[str], lines: Collection[int] | None = None) -> list[str]:
    """Reservations of the entry's proposal in some states, of some of its lines if they are named."""
    told = book.told(UNITS)
    mine = ((key, told[key].facts) for key in book.parts[(UNITS, entry.subject_id)])
    return [key for key, facts in mine if facts["state"] in states and (lines is None or facts["line"] in lines)]


def _advance(book: StateBook, entry: AuditEntry, table: str, keys: Iterable[str], to: str, /, **named: Any) -> None:
    for key in keys:
        known = book.told(table).get(key)
        if known is None:  # the log holds no word of it: the table's row is found by that
            continue
        _count(book, entry, table, known.facts, known.facts["state"], -1)
        _count(book, entry, table, known.facts, to, +1)
        book.change(table, key, entry, state=to, **named)


def _count(book: StateBook, entry: AuditEntry, table: str, facts: Facts, state: str, sign: int) -> None:
    """Add a promise to the column its state counts in, or take it off."""
    column = COLUMN_OF[table].get(state)
    if column is None:
        return
    if table == UNITS:
        place = stock_key(facts["item"], facts["site"], facts["lot"])
        _add(book, entry, "stock_lines", place, column, sign * facts["quantity"])
    else:
        slot = slot_key(facts["kind"], facts["key"], facts["day"])
        _add(book, entry, "capacity", slot, column, sign * facts["amount"])


def _add(book: StateBook, entry: AuditEntry, table: str, key: str, column: str, units: int) -> None:
    known = book.told(table).get(key)
    columns = ("reserved", "used") if table == "capacity" else ("reserved", "in_flight", "frozen")
    sums = {name: known.facts.get(name, 0) if known else 0 for name in columns}
    if known is None or column not in known.facts:
        book.change(table, key, entry, **sums)
    book.change(table, key, entry, **{column: sums[column] + units})


def _thaw(book: StateBook, entry: AuditEntry, facts: Facts, units: int) -> None:
    """Units leave a freeze for its purpose, or come back to one that still holds."""
    freeze = book.told("freezes")[facts["freeze_id"]]
    if units < 0 and freeze.facts["state"] not in FREEZE_HOLDS:
        return
    book.change("freezes", facts["freeze_id"], entry, remaining=freeze.facts["remaining"] - units)
    (place,) = book.parts[(FROZEN_AT, facts["freeze_id"])]
    _add(book, entry, "stock_lines", place, "frozen", -units)
