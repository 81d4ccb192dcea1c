"""Sixteen planners at once want the same units, lane and budgets: never more is promised than is there."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from inventory.capacity import CONTRACT_BUDGETS, CapacityKind, Claim, Slot, take_capacity
from inventory.contract_budgets import hold_budgets
from inventory.database import Database
from inventory.errors import NotEnoughCapacityError, NotEnoughStockError
from inventory.ledger import hold, ledger_rows, list_reservations, release
from inventory.records import EVERYTHING
from inventory.tables import capacity
from tests.inventory.races import race
from tests.inventory.test_races import assert_chain_holds
from tests.inventory.worlds import BOARD, LYON, NOW, PORTO, TODAY, a_second_process, boards, draft, stock

PLANNERS = 16
ROUNDS = 3
UNITS, EACH = 100, 9
LANE = Slot(CapacityKind.LANE_VALUE, "LYON>PORTO", TODAY + timedelta(days=1))
SITE = Slot(CapacityKind.AUTO_VALUE, LYON, TODAY)
PERIOD = Slot(CapacityKind.PURCHASE_BUDGET, PORTO, TODAY.replace(day=1))
LANE_SUM, AUTO_BUDGET, CONTRACT = 50_000, 40_000, 30_000
MOVE = 7_000


class Watch:
    """Reads again and again while planners plan; remembers whatever was promised beyond what is there."""

    def __init__(self, database: Database) -> None:
        self.database = a_second_process(database)
        self.looks = 0
        self.wrong: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.database.dispose()

    def _look(self) -> None:
        while not self._over.wait(0.002):
            self.looks += 1
            with self.database.read() as connection:
                for line in ledger_rows(connection, EVERYTHING):
                    if line.reserved > line.on_hand - line.allocated:
                        self.wrong.append(str(line))
                for row in connection.execute(capacity.select()):
                    if row.reserved + row.used > row.limit_amount:
                        self.wrong.append(str(row))


def plan(database: Database, proposal_id: str, claims: list[Claim], units: int) -> str:
    """What one planner does: units and capacity in one transaction, or neither; a spent budget stops nobody."""
    money = [claim for claim in claims if claim.slot.kind in CONTRACT_BUDGETS]
    try:
        with database.write(proposal_id, NOW) as transaction:
            if units:
                hold(
                    transaction, proposal_id=proposal_id, line=1, item=BOARD, site=LYON, destination=PORTO,
                    quantity=units,
                )  # fmt: skip
            take_capacity(transaction, proposal_id, [claim for claim in claims if claim not in money])
            spent = hold_budgets(transaction, proposal_id, money)
    except NotEnoughStockError:
        return "units"
    except NotEnoughCapacityError as refused:
        return "lane" if LANE.key in str(refused) else "budget"
    if spent is None:
        return "got it"
    assert all(who != proposal_id for who, _ in spent.holders), "the loser is told who was first"
    assert sum(amount for _, amount in spent.holders) + spent.left == CONTRACT
    return "contract"


CONTESTS: dict[str, tuple[int, list[Claim], int]] = {
    "units": (EACH, [], UNITS // EACH),
    "lane": (EACH, [Claim(LANE, MOVE, LANE_SUM, 1)], LANE_SUM // MOVE),
    "contract": (0, [Claim(PERIOD, MOVE, CONTRACT, 1)], CONTRACT // MOVE),
    "budget": (0, [Claim(LANE, MOVE, 10**9, 1), Claim(SITE, MOVE, AUTO_BUDGET)], AUTO_BUDGET // MOVE),
}
"""Units and claims of each planner, and how many of them can have them."""


def contest(database: Database, name: str, rounds: int) -> None:
    """Every round sixteen planners want the same; as many as fit get it, whoever they are."""
    units, claims, winners = CONTESTS[name]
    stock(database, boards(UNITS))
    with database.write("evenkeel", NOW) as transaction:
        ids = [draft(transaction, number).proposal_id for number in range(PLANNERS)]
    with Watch(database) as watch:
        for _ in range(rounds):
            answers = race(database, PLANNERS, lambda own, number: plan(own, ids[number], claims, units))
            assert sorted(answers) == sorted(["got it"] * winners + [name] * (PLANNERS - winners))
            assert_sums(database, winners, units, claims)
            with database.write("evenkeel", NOW) as transaction:
                for proposal_id in ids:
                    release(transaction, proposal_id)
            assert_sums(database, 0, units, claims)
    assert watch.wrong == []
    assert watch.looks > 0
    assert_chain_holds(database)


def assert_sums(database: Database, winners: int, units: int, claims: list[Claim]) -> None:
    """The rows hold what the winners got, all or nothing each."""
    with database.read() as connection:
        (line,) = ledger_rows(connection, EVERYTHING)
        held = list_reservations(connection, EVERYTHING, states=("held",))
        rows = {Slot(CapacityKind(row.kind), row.key, row.day): row for row in connection.execute(capacity.select())}
    assert line.reserved == sum(one.quantity for one in held) == winners * units
    assert all(rows[claim.slot].reserved == winners * claim.amount for claim in claims)


@pytest.mark.parametrize("name", CONTESTS)
def test_sixteen_planners_at_once_are_never_promised_more_than_there_is(database: Database, name: str) -> None:
    contest(database, name, ROUNDS)


@pytest.mark.acceptance
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", CONTESTS)
def test_sixteen_planners_at_once_in_fifty_rounds(database: Database, name: str) -> None:
    contest(database, name, 50)
