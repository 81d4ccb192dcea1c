"""Hypothesis against shared capacity, with a dictionary as the model: never more is promised than the limit."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from inventory.capacity import CapacityKind, Claim, Slot, take_capacity
from inventory.capacity_holds import list_capacity_holds
from inventory.capacity_limits import refresh_limits
from inventory.errors import NotEnoughCapacityError
from inventory.ledger import commit_reservations, lift_off, post, release, touch_down
from inventory.tables import capacity
from tests.inventory.worlds import NOW, TODAY, a_database, draft

SLOTS = tuple(Slot(CapacityKind.LANE, name, TODAY + timedelta(days=1)) for name in ("A>B/road", "B>A/road"))
FIRST_LIMIT = 50
PROPOSALS = 4
REVOCABLE, USED = ("held", "committed"), ("in_flight", "posted")
numbers = st.integers(1, PROPOSALS)


class CapacityMachine(RuleBasedStateMachine):
    """Four proposals compete for two lanes while limits rise and fall."""

    def __init__(self, template: Path, directory: Path) -> None:
        super().__init__()
        self.database = a_database(template, Path(tempfile.mkdtemp(dir=directory)))
        self.limit: dict[Slot, int] = {}
        self.state = dict.fromkeys(range(1, PROPOSALS + 1), "none")
        self.claims: dict[int, dict[Slot, int]] = {number: {} for number in self.state}
        self.ids: dict[int, str] = {}

    def teardown(self) -> None:
        self.database.dispose()

    @initialize()
    def begin(self) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            self.ids = {number: draft(transaction, number).proposal_id for number in self.state}

    def _sum(self, slot: Slot, states: tuple[str, ...]) -> int:
        return sum(self.claims[number].get(slot, 0) for number, state in self.state.items() if state in states)

    def _left(self, slot: Slot) -> int:
        return self.limit.get(slot, FIRST_LIMIT) - self._sum(slot, (*REVOCABLE, *USED))

    @rule(number=numbers, amounts=st.tuples(st.integers(0, 40), st.integers(0, 40)))
    def take(self, number: int, amounts: tuple[int, int]) -> None:
        if self.state[number] not in ("none", "released"):
            return
        wanted = dict(zip(SLOTS, amounts, strict=True))
        fits = all(amount <= max(self._left(slot), 0) for slot, amount in wanted.items())
        try:
            with self.database.write("evenkeel", NOW) as transaction:
                take_capacity(
                    transaction, self.ids[number], [Claim(slot, amount, FIRST_LIMIT) for slot, amount in wanted.items()]
                )
        except NotEnoughCapacityError:
            assert not fits
            return
        assert fits
        self.state[number], self.claims[number] = "held", wanted
        self.limit |= {slot: self.limit.get(slot, FIRST_LIMIT) for slot, amount in wanted.items() if amount}

    @rule(number=numbers)
    def commit(self, number: int) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            commit_reservations(transaction, self.ids[number])
        self._advance(number, ("held",), "committed")

    @rule(number=numbers)
    def lift(self, number: int) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            lift_off(transaction, self.ids[number])
        self._advance(number, ("committed",), "in_flight")

    @rule(number=numbers)
    def touch(self, number: int) -> None:
        mine = self.claims[number] if self.state[number] == "in_flight" else {}
        fits = all(self._left(slot) >= 0 for slot, amount in mine.items() if amount)
        with self.database.write("evenkeel", NOW) as transaction:
            assert touch_down(transaction, self.ids[number]) is fits
        self._advance(number, ("in_flight",), "committed" if fits else "released")

    @rule(number=numbers)
    def post(self, number: int) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            post(transaction, self.ids[number], [], f"EK-{number}", NOW)
        self._advance(number, ("in_flight",), "posted")

    @rule(number=numbers)
    def release(self, number: int) -> None:
        with self.database.write("evenkeel", NOW) as transaction:
            release(transaction, self.ids[number])
        self._advance(number, (*REVOCABLE, "in_flight"), "released")

    @rule(limits=st.tuples(st.integers(0, 90), st.integers(0, 90)))
    def refresh(self, limits: tuple[int, int]) -> None:
        new = dict(zip(SLOTS, limits, strict=True))
        with self.database.write("evenkeel", NOW) as transaction:
            lost = refresh_limits(transaction, CapacityKind.LANE, TODAY, new.__getitem__)
        expected = []
        for slot in (slot for slot in SLOTS if slot in self.limit):
            for number in sorted(self.state, reverse=True):
                over = self._sum(slot, (*REVOCABLE, *USED)) > new[slot] and self._sum(slot, REVOCABLE)
                if over and self.state[number] in REVOCABLE and self.claims[number].get(slot):
                    self.state[number] = "released"
                    expected.append(self.ids[number])
            self.limit[slot] = new[slot]
        assert list(lost) == expected

    @invariant()
    def the_rows_are_the_model_and_never_overpromised(self) -> None:
        with self.database.read() as connection:
            rows = {Slot(CapacityKind(r.kind), r.key, r.day): r for r in connection.execute(capacity.select())}
            held = list_capacity_holds(connection, states=(*REVOCABLE, *USED))
        assert {slot: (row.limit_amount, row.reserved, row.used) for slot, row in rows.items()} == {
            slot: (limit, self._sum(slot, REVOCABLE), self._sum(slot, USED)) for slot, limit in self.limit.items()
        }
        for slot, row in rows.items():
            assert row.reserved == 0 or row.reserved + row.used <= row.limit_amount
            assert sum(hold.amount for hold in held if hold.slot == slot) == row.reserved + row.used

    def _advance(self, number: int, states: tuple[str, ...], to: str) -> None:
        if self.state[number] in states:
            self.state[number] = to


def test_capacity_is_never_promised_beyond_its_limit(template: Path, tmp_path: Path) -> None:
    class Here(CapacityMachine):
        def __init__(self) -> None:
            super().__init__(template, tmp_path)

    run_state_machine_as_test(
        Here,
        settings=settings(max_examples=12, stateful_step_count=30, deadline=None, derandomize=True, database=None),
    )
