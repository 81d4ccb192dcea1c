"""Capacity that proposals share: units and daily budgets of a lane, what policy may move by itself, contract budgets.

A slot is one kind of capacity at one place on one day. Claims on it live as reservations of units do (held → committed
→ in flight → posted → absorbed, or released), and :mod:`inventory.ledger` moves both together. ``reserved`` may still
be taken back; ``used`` may not. What was absorbed stays used: the shipment did take its place on that lane that day.
Only the money of an order is given back then, since the feed counts the order from there on. A CHECK on the row holds
that reserved and used stay within the limit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, and_, bindparam, func, select, tuple_, update

from inventory.database import Transaction
from inventory.errors import NotEnoughCapacityError, StoreError
from inventory.record import short_id
from inventory.tables import capacity, capacity_holds, proposals

T = TypeVar("T")
REVOCABLE = ("held", "committed")
COUNTED = (*REVOCABLE, "in_flight", "posted", "absorbed")
NAMED_HOLDERS = 3
"""Holders named when somebody is refused; the others are counted."""
_AT_ONCE = 300
"""Slots named in one query."""


class CapacityKind(StrEnum):
    """What is shared, and its unit."""

    LANE = "lane"
    """Units a lane carries on a day of departure."""
    LANE_MOVES = "lane_moves"
    """Moves over a lane, both modes together, on a day of departure."""
    LANE_VALUE = "lane_value"
    """Their value, minor units of money."""
    AUTO_VALUE = "auto_value"
    """What policy approves at a site on a day, minor units of money."""
    PURCHASE_BUDGET = "purchase_budget"
    """What a site may order in the period that begins that day, beyond what the feed shows; minor units of money."""
    EXPEDITE_BUDGET = "expedite_budget"
    """What a site may pay for expediting in the period that begins that day, minor units of money."""


SET_BY_FEEDS = (CapacityKind.LANE,)
"""Their limit is the newest snapshot's; the others are held against what the claim says: policy, or the budget now."""
CONTRACT_BUDGETS = (CapacityKind.PURCHASE_BUDGET, CapacityKind.EXPEDITE_BUDGET)
"""What the ``budgets`` feed states; a proposal beyond it holds none of it until the budget's owner agrees."""
UNITS = {CapacityKind.LANE: "units", CapacityKind.LANE_MOVES: "moves"}
WORDS = {
    CapacityKind.LANE: "lane",
    CapacityKind.LANE_MOVES: "daily moves of lane",
    CapacityKind.LANE_VALUE: "daily value of lane",
    CapacityKind.AUTO_VALUE: "daily value moved without a person at",
    CapacityKind.PURCHASE_BUDGET: "purchase budget of",
    CapacityKind.EXPEDITE_BUDGET: "expedite budget of",
}


@dataclass(frozen=True, order=True)
class Slot:
    """Capacity of one kind at one place on one day; of a contract budget, in the period that begins that day."""

    kind: CapacityKind
    key: str
    day: date

    def __str__(self) -> str:
        return f"{WORDS[self.kind]} {self.key} {'from' if self.kind in CONTRACT_BUDGETS else 'on'} {self.day}"

    def amount(self, amount: int) -> str:
        """An amount of it, in words; money in whole units of the currency with two decimals."""
        return f"{amount:,} {UNITS[self.kind]}" if self.kind in UNITS else f"{amount / 100:,.2f}"


@dataclass(frozen=True)
class Claim:
    """What one line of a proposal takes of a slot."""

    slot: Slot
    amount: int
    limit: int
    """The limit as the claimer knows it; makes the slot when there is none."""
    line: int = 0
    """0 for the proposal as a whole."""


@dataclass(frozen=True)
class Shortage:
    """Why a proposal gets none of what it claims."""

    claim: Claim
    left: int
    holders: tuple[tuple[str, int], ...]
    """Proposals that hold the rest and how much, most first."""

    def __str__(self) -> str:
        slot = self.claim.slot
        named = [f"{who} holds {slot.amount(amount)}" for who, amount in self.holders[:NAMED_HOLDERS]]
        if len(self.holders) > NAMED_HOLDERS:
            named.append(f"{len(self.holders) - NAMED_HOLDERS} more hold the rest")
        said = ", ".join(named) or "nobody holds the rest"
        return f"{slot}: {slot.amount(self.claim.amount)} wanted, {slot.amount(self.left)} left; {said}"


Granted = tuple[str, Claim]
"""A proposal and what it gets."""


@dataclass(frozen=True)
class Shared:
    """What every claim gets."""

    granted: tuple[Granted, ...]
    refused: dict[str, Shortage]
    """Proposals that get nothing, and why."""


@dataclass
class _Room:
    """A slot while claims are shared out."""

    limit: int
    taken: int
    holders: Counter[str]


def take_capacity(transaction: Transaction, proposal_id: str, claims: Sequence[Claim]) -> None:
    """Hold capacity for a proposal: all it claims or nothing.

    Raises
    ------
    NotEnoughCapacityError
        Naming kind, key, day, what is wanted and left, and who holds the rest.
    """
    shared = share_capacity(transaction.connection, {proposal_id: claims})
    for shortage in shared.refused.values():
        raise NotEnoughCapacityError(f"proposal {proposal_id}: {shortage}")
    reserve_capacity(transaction, shared.granted)


def share_capacity(connection: Connection, wanted: Mapping[str, Sequence[Claim]]) -> Shared:
    """Share out what is left now among proposals in their order, all a proposal claims or nothing; reserves nothing."""
    claims = [claim for mine in wanted.values() for claim in mine]
    negative = next((claim for claim in claims if claim.amount < 0 or claim.limit < 0), None)
    if negative is not None:
        raise StoreError(f"{negative.slot}: a claim is at least 0, got {negative.amount} of {negative.limit}")
    room = _rooms(connection, claims)
    refused: dict[str, Shortage] = {}
    granted: list[Granted] = []
    for proposal_id, mine in wanted.items():
        short = _shortage(room, mine)
        if short is not None:
            refused[proposal_id] = short
            continue
        for claim in mine:
            if claim.amount:
                room[claim.slot].taken += claim.amount
                room[claim.slot].holders[proposal_id] += claim.amount
                granted.append((proposal_id, claim))
    return Shared(tuple(granted), refused)


def _shortage(room: Mapping[Slot, _Room], claims: Sequence[Claim]) -> Shortage | None:
    """The first claim that does not fit beside the proposal's other claims."""
    mine: Counter[Slot] = Counter()
    for claim in claims:
        there = room[claim.slot]
        left = max(_limit(claim, there.limit) - there.taken - mine[claim.slot], 0)
        if claim.amount > left:
            return Shortage(claim, left, tuple(sorted(there.holders.items(), key=lambda held: (-held[1], held[0]))))
        mine[claim.slot] += claim.amount
    return None


def _limit(claim: Claim, known: int) -> int:
    return min(known, claim.limit) if claim.slot.kind not in SET_BY_FEEDS else known


def _rooms(connection: Connection, claims: Sequence[Claim]) -> dict[Slot, _Room]:
    """The slots as they are now; the limit of those policy sets is the loosest anybody was held to that day."""
    slots = sorted({claim.slot for claim in claims})
    room = {slot: _Room(limit, taken, Counter()) for slot, (limit, taken) in _known(connection, slots).items()}
    for claim in claims:
        there = room.setdefault(claim.slot, _Room(claim.limit, 0, Counter()))
        if claim.slot.kind not in SET_BY_FEEDS:
            there.limit = max(there.limit, claim.limit)
    for slot, holders in _holders(connection, [slot for slot in slots if room[slot].taken]).items():
        room[slot].holders = holders
    return room


def _known(connection: Connection, slots: Sequence[Slot]) -> dict[Slot, tuple[int, int]]:
    """Limit of each slot there is, and what is taken of it."""
    row, found = capacity.c, {}
    for some in parts_of(slots):
        query = select(row.kind, row.key, row.day, row.limit_amount, row.reserved + row.used).where(among(row, some))
        for kind, key, day, limit, taken in connection.execute(query):
            found[Slot(CapacityKind(kind), key, day)] = (int(limit), int(taken))
    return found


def _holders(connection: Connection, slots: Sequence[Slot]) -> dict[Slot, Counter[str]]:
    held, found = capacity_holds.c, defaultdict[Slot, Counter[str]](Counter)
    for some in parts_of(slots):
        query = (
            select(held.kind, held.key, held.day, held.proposal_id, func.sum(held.amount))
            .where(among(held, some), held.state.in_(COUNTED))
            .group_by(held.kind, held.key, held.day, held.proposal_id)
        )
        for kind, key, day, proposal_id, amount in connection.execute(query):
            found[Slot(CapacityKind(kind), key, day)][proposal_id] = int(amount)
    return found


def parts_of(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many at a time as one query may name."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def among(columns: Any, slots: Collection[Slot]) -> Any:
    """Condition that names some slots."""
    return tuple_(columns.kind, columns.key, columns.day).in_([(slot.kind.value, slot.key, slot.day) for slot in slots])


AT_SLOT = and_(
    capacity.c.kind == bindparam("at_kind"),
    capacity.c.key == bindparam("at_key"),
    capacity.c.day == bindparam("at_day"),
)


def named(slot: Slot) -> dict[str, Any]:
    """Parameters of `AT_SLOT`."""
    return {"at_kind": slot.kind.value, "at_key": slot.key, "at_day": slot.day}


def reserve_capacity(transaction: Transaction, granted: Sequence[Granted]) -> None:
    """Hold what was granted; each slot by an update that succeeds only while there is room.

    Raises
    ------
    NotEnoughCapacityError
        If a slot was filled since it was shared out, once the caller's transaction rolls back.
    """
    if not granted:
        return
    connection = transaction.connection
    total: Counter[Slot] = Counter()
    limit: dict[Slot, int] = {}
    for _, claim in granted:
        total[claim.slot] += claim.amount
        limit[claim.slot] = max(claim.limit, limit.get(claim.slot, 0))
    slots = sorted(total)
    known = _known(connection, slots)
    new = [slot for slot in slots if slot not in known]
    if new:
        connection.execute(
            capacity.insert(),
            [{"kind": s.kind.value, "key": s.key, "day": s.day, "limit_amount": limit[s]} for s in new],
        )
    lifted = [s for s in slots if s in known and s.kind not in SET_BY_FEEDS and limit[s] > known[s][0]]
    if lifted:
        connection.execute(
            update(capacity).where(AT_SLOT).values(limit_amount=bindparam("most")),
            [{**named(slot), "most": limit[slot]} for slot in lifted],
        )
    row = capacity.c
    taken = connection.execute(
        update(capacity)
        .where(AT_SLOT, row.limit_amount - row.reserved - row.used >= bindparam("wanted"))
        .values(reserved=row.reserved + bindparam("wanted")),
        [{**named(slot), "wanted": total[slot]} for slot in slots],
    )
    if taken.rowcount != len(slots):
        raise NotEnoughCapacityError(f"{len(slots) - taken.rowcount} of {len(slots)} capacities have less left by now")
    # New slots and lifted ones have the limit of these claims; the others keep theirs.
    told = {slot: limit[slot] if slot not in known or slot in lifted else known[slot][0] for slot in slots}
    _insert_holds(transaction, granted, told)


def _insert_holds(transaction: Transaction, granted: Sequence[Granted], limits: Mapping[Slot, int]) -> None:
    connection = transaction.connection
    earlier: Counter[str] = Counter()
    for some in parts_of(sorted({proposal_id for proposal_id, _ in granted})):
        counted = (
            select(capacity_holds.c.proposal_id, func.count())
            .where(capacity_holds.c.proposal_id.in_(some))
            .group_by(capacity_holds.c.proposal_id)
        )
        earlier.update({proposal_id: int(number) for proposal_id, number in connection.execute(counted)})
    rows = []
    for proposal_id, claim in granted:
        slot = claim.slot
        rows.append(
            {
                "hold_id": short_id("cap", proposal_id, slot.kind.value, slot.key, str(earlier[proposal_id])),
                "proposal_id": proposal_id,
                "line": claim.line,
                "kind": slot.kind.value,
                "key": slot.key,
                "day": slot.day,
                "amount": claim.amount,
                "state": "held",
            }
        )
        earlier[proposal_id] += 1
    connection.execute(capacity_holds.insert(), rows)
    told = defaultdict[str, list[dict[str, Any]]](list)
    for (_, claim), row in zip(granted, rows, strict=True):
        part = {name: row[name] for name in ("hold_id", "line", "kind", "key", "amount")}
        told[str(row["proposal_id"])].append({**part, "day": claim.slot.day.isoformat(), "limit": limits[claim.slot]})
    for proposal_id, claims in told.items():
        transaction.record("capacity.held", "proposal", proposal_id, {"claims": claims})


def taken_capacity(
    connection: Connection, kind: CapacityKind, since: date, *, without: Collection[str] = ()
) -> dict[Slot, int]:
    """What is taken of every slot of a kind from a day on.

    Parameters
    ----------
    without
        Proposals that count as if they had given theirs back.
    """
    held = capacity_holds.c
    query = (
        select(held.key, held.day, held.proposal_id, held.amount)
        .where(held.kind == kind.value, held.day >= since, held.state.in_(COUNTED))
        .order_by(held.hold_id)
    )
    taken: Counter[Slot] = Counter()
    for key, day, proposal_id, amount in connection.execute(query):
        if proposal_id not in without:
            taken[Slot(kind, key, day)] += int(amount)
    return dict(taken)


def taken_now(connection: Connection, slots: Collection[Slot]) -> dict[Slot, int]:
    """What is taken of some slots by everybody together; nobody ever claimed of one that is absent."""
    return {slot: taken for slot, (_, taken) in _known(connection, sorted(slots)).items()}


def slot_holders(connection: Connection, slots: Iterable[Slot]) -> dict[Slot, list[tuple[str, str, int]]]:
    """Who holds what of some slots: ``(proposal, its case, amount)``, most first."""
    found = _holders(connection, sorted(set(slots)))
    ids = sorted({proposal_id for holders in found.values() for proposal_id in holders})
    case_of: dict[str, str] = {}
    for some in parts_of(ids):
        query = select(proposals.c.proposal_id, proposals.c.case_id).where(proposals.c.proposal_id.in_(some))
        case_of |= {proposal_id: case_id for proposal_id, case_id in connection.execute(query)}
    return {
        slot: [
            (proposal_id, case_of[proposal_id], amount)
            for proposal_id, amount in sorted(holders.items(), key=lambda held: (-held[1], held[0]))
        ]
        for slot, holders in found.items()
    }
