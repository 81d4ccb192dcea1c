"""Hypothesis against the stock ledger, with dictionaries as the model: no unit is ever promised twice."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inventory.errors import NotEnoughStockError, NotFoundError
from inventory.freezes import ask_freeze, ask_lift, confirm_freeze, confirm_lift
from inventory.ledger import (
    absorb,
    commit_reservations,
    hold,
    ledger_rows,
    lift_off,
    list_reservations,
    post,
    release,
    reserved_by_line,
    set_protection,
    touch_down,
)
from inventory.ledger_refresh import refresh_ledger
from inventory.records import EVERYTHING, LedgerRow
from tests.inventory.worlds import BOARD, LYON, NOW, PORTO, a_database, boards, draft

LOTS = {"a": date(2026, 5, 1), "b": date(2026, 7, 1), "c": None}
FIRST_EXPIRING_FIRST = ("a", "b", "c")
HOUR = timedelta(hours=1)
PROPOSALS = 4
counts = st.tuples(st.integers(0, 60), st.integers(0, 15))
feeds = st.dictionaries(st.sampled_from(sorted(LOTS)), counts)
numbers = st.integers(1, PROPOSALS)


@dataclass
class Promise:
    """What the model knows of one proposal."""

    state: str = "none"
    taken: dict[str, int] = field(default_factory=dict)
    posted_at: int = 0

    @property
    def reserved(self) -> bool:
        return self.state in ("held", "committed")

    @property
    def underway(self) -> bool:
        return self.state in ("in_flight", "posted")


@dataclass
class Lot:
    """What the model knows of one stock line."""

    on_hand: int
    allocated: int
    protect: int = 0
    frozen: int = 0


class LedgerMachine(RuleBasedStateMachine):
    """Four proposals compete for three lots while snapshots, floors, leases, postings and feeds come and go."""

    def __init__(self, template: Path, directory: Path) -> None:
        super().__init__()
        self.database = a_database(template, Path(tempfile.mkdtemp(dir=directory)))
        self.hour = 0
        self.lots: dict[str, Lot] = {}
        self.promises = {number: Promise() for number in range(1, PROPOSALS + 1)}
        self.ids: dict[int, str] = {}
        self.freezes: dict[str, tuple[str, int]] = {}

    def teardown(self) -> None:
        self.database.dispose()

    @initialize(stock=st.fixed_dictionaries({lot: st.tuples(st.integers(20, 60), st.just(0)) for lot in LOTS}))
    def begin(self, stock: dict[str, tuple[int, int]]) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            self.ids = {number: draft(transaction, number).proposal_id for number in self.promises}
        self.refresh(stock)

    @rule(number=numbers, quantity=st.integers(1, 50))
    def hold(self, number: int, quantity: int) -> None:
        promise = self.promises[number]
        if promise.state not in ("none", "released"):
            return
        free = {lot: self._free(lot) for lot in FIRST_EXPIRING_FIRST if lot in self.lots}
        try:
            with self.database.write("evenkeel", NOW) as transaction:
                hold(
                    transaction,
                    proposal_id=self.ids[number],
                    line=1,
                    item=BOARD,
                    site=LYON,
                    destination=PORTO,
                    quantity=quantity,
                )
        except NotEnoughStockError:
            assert sum(max(units, 0) for units in free.values()) < quantity
            return
        taken: dict[str, int] = {}
        for lot, units in free.items():
            taken[lot] = min(max(units, 0), quantity - sum(taken.values()))
        assert sum(taken.values()) == quantity
        self.promises[number] = Promise("held", {lot: units for lot, units in taken.items() if units})

    @rule(number=numbers)
    def commit(self, number: int) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            commit_reservations(transaction, self.ids[number])
        self._advance(number, ("held",), "committed")

    @rule(number=numbers)
    def lift_off(self, number: int) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            lift_off(transaction, self.ids[number])
        self._advance(number, ("committed",), "in_flight")

    @rule(chosen=st.lists(numbers, min_size=1, max_size=2, unique=True), quantity=st.integers(5, 40))
    def send(self, chosen: list[int], quantity: int) -> None:
        """The whole way to the lease at once, so that units are often under way beside reserved ones."""
        for number in chosen:
            self.hold(number, quantity)
            self.commit(number)
        self.lift_off(chosen[0])

    @rule(number=numbers)
    def touch_down(self, number: int) -> None:
        promise = self.promises[number]
        places = promise.taken if promise.state == "in_flight" else {}
        fits = all(self._spare(lot) >= 0 for lot in places)
        with self.database.write("evenkeel", NOW) as transaction:
            assert touch_down(transaction, self.ids[number]) is fits
        if not fits:
            promise.state = "released"
            return
        for lot in places:
            self.lots[lot].protect = min(self.lots[lot].protect, self._spare(lot))
        self._advance(number, ("in_flight",), "committed")

    @rule(number=numbers)
    def post(self, number: int) -> None:
        self.hour += 1
        with self.database.write("evenkeel", NOW) as transaction:
            post(transaction, self.ids[number], [1], f"EK-{number}", NOW + self.hour * HOUR)
        if self.promises[number].state == "in_flight":
            self.promises[number].state = "posted"
            self.promises[number].posted_at = self.hour

    @rule(shown=st.sets(numbers), stock_lag=st.integers(0, 3), transfer_lag=st.integers(0, 3))
    def absorb(self, shown: set[int], stock_lag: int, transfer_lag: int) -> None:
        ages = {
            ("stock", LYON): NOW + (self.hour - stock_lag) * HOUR,
            ("transfers", LYON): NOW + (self.hour - transfer_lag) * HOUR,
        }
        with self.database.write("evenkeel", NOW) as transaction:
            units = absorb(transaction, [f"EK-{number}" for number in sorted(shown)], ages, NOW)
        seen = [
            promise
            for number, promise in self.promises.items()
            if number in shown
            and promise.state == "posted"
            and promise.posted_at <= self.hour - max(stock_lag, transfer_lag)
        ]
        assert units == sum(sum(promise.taken.values()) for promise in seen)
        for promise in seen:
            promise.state = "absorbed"

    @rule(number=numbers)
    def release(self, number: int) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            units = release(transaction, self.ids[number])
        promise = self.promises[number]
        live = promise.reserved or promise.state == "in_flight"
        assert units == (sum(promise.taken.values()) if live else 0)
        self._advance(number, ("held", "committed", "in_flight"), "released")

    @rule(stock=feeds)
    def refresh(self, stock: dict[str, tuple[int, int]]) -> None:
        lines = [boards(*stock[lot][:1], lot=lot, allocated=stock[lot][1], expiry=LOTS[lot]) for lot in stock]
        with self.database.write("evenkeel", NOW) as transaction:
            lost = refresh_ledger(transaction, lines, NOW)
        expected: list[str] = []
        for lot, (on_hand, allocated) in stock.items():
            known = self.lots.setdefault(lot, Lot(0, 0))
            known.on_hand, known.allocated = on_hand, allocated
            expected += self._void_newest(lot, max(on_hand - allocated - known.frozen - self._underway(lot), 0))
            room = max(on_hand - allocated - known.frozen, 0)
            if self._reserved(lot):
                room = max(room - self._underway(lot) - self._reserved(lot), 0)
            known.protect = min(known.protect, room)
        for lot in sorted(set(self.lots) - set(stock)):
            expected += self._void_newest(lot, 0)
            if self._underway(lot) or self.lots[lot].frozen:
                self.lots[lot] = Lot(0, 0, frozen=self.lots[lot].frozen)
            else:
                del self.lots[lot]
        assert lost == list(dict.fromkeys(expected))

    @rule(changes=st.fixed_dictionaries({lot: st.integers(-15, 10) for lot in LOTS}))
    def count_again(self, changes: dict[str, int]) -> None:
        """A snapshot near the last one: stock moves while floors, reservations and postings stay."""
        stock = {}
        for lot, change in changes.items():
            known = self.lots.get(lot, Lot(40, 0))
            stock[lot] = (max(known.on_hand + change, 0), known.allocated)
        self.refresh(stock)

    @rule(floor=st.integers(0, 80))
    def set_protection(self, floor: int) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            set_protection(transaction, {(BOARD, LYON): floor})
        for lot in reversed(FIRST_EXPIRING_FIRST):
            if lot in self.lots:
                known = self.lots[lot]
                room = self._spare(lot)
                known.protect = min(floor, max(room, 0))
                floor -= known.protect

    @rule(lot=st.sampled_from(sorted(LOTS)), units=st.integers(1, 40))
    def freeze(self, lot: str, units: int) -> None:
        """Two people freeze units of a lot, unless fewer are promised to nobody."""
        known = self.lots.get(lot)
        spare = self._spare(lot) if known else 0
        try:
            with self.database.write("ines", NOW) as transaction:
                asked = ask_freeze(
                    transaction, EVERYTHING, item=BOARD, site=LYON, lot=lot, units=units, purpose="QUAY",
                    until=NOW + 1000 * HOUR,
                )  # fmt: skip
            with self.database.write("wout", NOW) as transaction:
                confirm_freeze(transaction, EVERYTHING, asked.freeze_id)
        except (NotEnoughStockError, NotFoundError):
            assert known is None or spare < units
            return
        assert known is not None
        self.freezes[asked.freeze_id] = (lot, units)
        known.frozen += units
        known.protect = min(known.protect, self._spare(lot))

    @precondition(lambda self: self.freezes)
    @rule(data=st.data())
    def lift(self, data: st.DataObject) -> None:
        """Two people lift one of the freezes."""
        freeze_id = data.draw(st.sampled_from(sorted(self.freezes)))
        for person, step in (("mette", ask_lift), ("sven", confirm_lift)):
            with self.database.write(person, NOW) as transaction:
                step(transaction, EVERYTHING, freeze_id)
        lot, units = self.freezes.pop(freeze_id)
        self.lots[lot].frozen -= units

    @invariant()
    def no_unit_is_promised_twice(self) -> None:
        for row in self._rows():
            left = row.on_hand - row.allocated - row.protect - row.frozen - row.in_flight
            assert row.reserved == 0 or left >= row.reserved
            assert min(row.on_hand, row.allocated, row.protect, row.frozen, row.reserved, row.in_flight) >= 0

    @invariant()
    def the_columns_are_the_sums_of_the_reservations(self) -> None:
        with self.database.read() as connection:
            kept = list_reservations(connection, EVERYTHING)
            by_line = reserved_by_line(connection, EVERYTHING)
        rows = self._rows()
        for row in rows:
            mine = [one for one in kept if one.lot == row.lot]
            assert row.reserved == sum(one.quantity for one in mine if one.state in ("held", "committed"))
            assert row.in_flight == sum(one.quantity for one in mine if one.state in ("in_flight", "posted"))
        assert by_line.get((BOARD, LYON), 0) == sum(row.reserved + row.in_flight for row in rows)

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        found = {
            row.lot: (row.on_hand, row.allocated, row.protect, row.frozen, row.reserved, row.in_flight)
            for row in self._rows()
        }
        assert found == {
            lot: (known.on_hand, known.allocated, known.protect, known.frozen, self._reserved(lot), self._underway(lot))
            for lot, known in self.lots.items()
        }

    def _rows(self) -> list[LedgerRow]:
        with self.database.read() as connection:
            return ledger_rows(connection, EVERYTHING)

    def _free(self, lot: str) -> int:
        known = self.lots[lot]
        return self._spare(lot) - known.protect

    def _spare(self, lot: str) -> int:
        """Units nobody was promised, the floor left aside; negative when the stock fell below the promises."""
        known = self.lots[lot]
        return known.on_hand - known.allocated - known.frozen - self._reserved(lot) - self._underway(lot)

    def _reserved(self, lot: str) -> int:
        return _units(lot, (promise for promise in self.promises.values() if promise.reserved))

    def _underway(self, lot: str) -> int:
        return _units(lot, (promise for promise in self.promises.values() if promise.underway))

    def _advance(self, number: int, states: tuple[str, ...], to: str) -> None:
        if self.promises[number].state in states:
            self.promises[number].state = to

    def _void_newest(self, lot: str, room: int) -> list[str]:
        lost = []
        for number in sorted(self.promises, reverse=True):
            promise = self.promises[number]
            if self._reserved(lot) > room and promise.reserved and promise.taken.get(lot):
                promise.state = "released"
                lost.append(self.ids[number])
        return lost


def _units(lot: str, promises: Iterable[Promise]) -> int:
    return sum(promise.taken.get(lot, 0) for promise in promises)


def machine_in(template: Path, directory: Path) -> type[LedgerMachine]:
    """The machine with its databases in a directory of the test."""

    class Here(LedgerMachine):
        def __init__(self) -> None:
            super().__init__(template, directory)

    return Here


def test_the_ledger_keeps_its_promises(template: Path, tmp_path: Path) -> None:
    run_state_machine_as_test(
        machine_in(template, tmp_path),
        settings=settings(max_examples=25, stateful_step_count=30, deadline=None, derandomize=True, database=None),
    )


@pytest.mark.acceptance
def test_the_ledger_keeps_its_promises_in_two_hundred_long_runs(template: Path, tmp_path: Path) -> None:
    run_state_machine_as_test(
        machine_in(template, tmp_path),
        settings=settings(max_examples=200, stateful_step_count=50, deadline=None, database=None),
    )
