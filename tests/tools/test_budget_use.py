"""What a proposal draws on which budget, what is committed there already, and who came before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest

from inventory.capacity import CapacityKind
from inventory.contract_budgets import hold_budgets
from inventory.ledger import release
from inventory.records import ActionKind, ProposalContent, ProposalLine
from tests.inventory.worlds import draft
from tests.tools.networks import Edit, add_rows, amended, order
from tests.worlds import MONDAY, World, two_sites_one_lane
from tools.budget_use import Budgets, BudgetUse, budget_claims, budgets_of, sites_drawing, tightest_budget
from tools.replenish_facts import budgets_left

P, E, T = ActionKind.PURCHASE, ActionKind.EXPEDITE, ActionKind.TRANSFER
BUYING, EXPRESS = CapacityKind.PURCHASE_BUDGET, CapacityKind.EXPEDITE_BUDGET
Line = tuple[ActionKind, str, int]


def budget(site: str, kind: str, amount: float, first: date = date(2024, 4, 1), last: date = date(2024, 4, 30)) -> Edit:
    return add_rows(
        "budgets", {"site": site, "kind": kind, "period_start": first, "period_end": last, "amount": amount}
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """NORTH may buy for 100 and expedite for 10 in April, DC may buy for 1,000; BOLT costs 4."""
    network = amended(
        two_sites_one_lane(),
        budget("NORTH", "purchase", 100.0),
        budget("NORTH", "expedite", 10.0),
        budget("NORTH", "transfer", 1.0),
        budget("DC", "purchase", 1_000.0),
        budget("DC", "purchase", 1.0, date(2024, 5, 1), date(2024, 5, 31)),
        order("APR-1", "BOLT", "NORTH", 5, ordered_ago=7, promised_in=30),
        order("APR-2", "BOLT", "NORTH", 3, ordered_ago=2, promised_in=-1, received_ago=0),
        order("MAR-1", "BOLT", "NORTH", 90, ordered_ago=8, promised_in=30),
    )
    made = World(tmp_path_factory.mktemp("budgets") / "home", network).furnish()
    yield made
    made.database.dispose()


def content(*lines: Line) -> ProposalContent:
    return ProposalContent(
        case_id="case-1", version=1, action=lines[0][0], value_minor=1, currency="EUR", snapshot_id="snap-1",
        plan_run_id="plan-1", policy_version=1,
        lines=tuple(
            ProposalLine(
                number=number, action=action, item="BOLT", destination=site, quantity=1, cost_minor=cost,
                ship_on=MONDAY, arrive_on=MONDAY,
            )
            for number, (action, site, cost) in enumerate(lines, start=1)
        ),
    )  # fmt: skip


def budgets_for(world: World, drawn: ProposalContent, today: date = MONDAY) -> Budgets:
    return budgets_of(world.toolbox.snapshot(), today, sites_drawing(drawn))


def use(world: World, *lines: Line, today: date = MONDAY, percent: int = 100, without: str = "") -> BudgetUse | None:
    drawn = content(*lines)
    with world.database.read() as connection:
        budgets = budgets_for(world, drawn, today)
        return tightest_budget(connection, drawn, budgets, percent=percent, without=without)


@contextmanager
def held(world: World, number: int, *lines: Line) -> Iterator[str]:
    """Another proposal holds what its lines cost, for a while."""
    drawn = content(*lines)
    with world.database.write("evenkeel", world.clock()) as transaction:
        proposal_id = draft(transaction, number).proposal_id
        assert hold_budgets(transaction, proposal_id, budget_claims(drawn, budgets_for(world, drawn))) is None
    yield proposal_id
    with world.database.write("evenkeel", world.clock()) as transaction:
        release(transaction, proposal_id)


def test_orders_of_the_period_are_committed_and_earlier_ones_are_not(world: World) -> None:
    assert use(world, (P, "NORTH", 25_00)) == BudgetUse("NORTH", BUYING, 100_00, (5 + 3) * 4_00, 25_00)


def test_what_others_hold_is_committed_and_what_is_its_own_is_not(world: World) -> None:
    with held(world, 1, (P, "NORTH", 30_00), (P, "DC", 9_00), (T, "NORTH", 7_00)) as other:
        assert use(world, (P, "NORTH", 25_00)) == BudgetUse("NORTH", BUYING, 100_00, 62_00, 25_00)
        assert use(world, (P, "NORTH", 30_00), without=other) == BudgetUse("NORTH", BUYING, 100_00, 32_00, 30_00)
    assert use(world, (P, "NORTH", 25_00)) == BudgetUse("NORTH", BUYING, 100_00, 32_00, 25_00)


def test_above_the_share_that_needs_no_owner_it_says_who_came_before(world: World) -> None:
    with held(world, 2, (P, "NORTH", 30_00)) as first, held(world, 3, (P, "NORTH", 35_00)) as second:
        within, above = use(world, (P, "NORTH", 3_00)), use(world, (P, "NORTH", 3_01))
        sooner = use(world, (P, "NORTH", 3_00), percent=99)
    assert [one.held_by if one else None for one in (within, above, sooner)] == [(), (second, first), (second, first)]


def test_an_expedite_draws_on_its_own_budget(world: World) -> None:
    with held(world, 4, (E, "NORTH", 2_00)):
        assert use(world, (E, "NORTH", 3_00)) == BudgetUse("NORTH", EXPRESS, 10_00, 2_00, 3_00)


def test_of_several_budgets_the_one_with_the_least_left_counts(world: World) -> None:
    found = use(world, (P, "DC", 900_00), (P, "NORTH", 50_00))
    assert found is not None
    assert found.site == "DC"
    other = use(world, (P, "DC", 10_00), (P, "NORTH", 50_00))
    assert other is not None
    assert other.site == "NORTH"


def test_what_draws_on_no_budget_has_none(world: World) -> None:
    assert use(world, (T, "NORTH", 5_00)) is None
    assert use(world, (E, "DC", 5_00)) is None
    assert use(world, (P, "NORTH", 5_00), today=date(2024, 6, 1)) is None


def test_the_period_holds_from_its_first_day_to_its_last(world: World) -> None:
    days = (date(2024, 4, 1), date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 31))
    found = [use(world, (P, "DC", 5_00), today=day) for day in days]
    assert [one.budget_minor if one else None for one in found] == [1_000_00, 1_000_00, 1_00, 1_00]


def test_each_line_claims_its_cost_of_what_the_feed_and_the_share_leave(world: World) -> None:
    drawn = content((P, "NORTH", 20_00), (P, "NORTH", 1_00), (E, "NORTH", 3_00), (T, "NORTH", 9_00))
    claims = budget_claims(drawn, budgets_for(world, drawn), lambda site: 90 if site == "NORTH" else 100)
    assert [(claim.line, claim.slot.kind, claim.amount, claim.limit) for claim in claims] == [
        (1, BUYING, 20_00, 90_00 - 32_00), (2, BUYING, 1_00, 90_00 - 32_00), (3, EXPRESS, 3_00, 9_00),
    ]  # fmt: skip
    none_left = budget_claims(drawn, budgets_for(world, drawn), lambda site: 0)
    assert {claim.limit for claim in none_left} == {0}


def test_a_replenishment_run_has_what_neither_feed_nor_proposals_took(world: World) -> None:
    snapshot = world.toolbox.snapshot()
    april = budgets_for(world, content((P, "NORTH", 1)))[("NORTH", BUYING)][0].slot
    assert budgets_left(snapshot, None, {}) == {"DC": 1_000.0, "NORTH": 68.0}
    assert budgets_left(snapshot, 7.5, {april: 30_00}) == {"DC": 1_000.0, "NORTH": 38.0, "": 7.5}


def test_an_empty_budget_is_fuller_than_any_other() -> None:
    nothing, little = BudgetUse("A", BUYING, 0, 0, 1), BudgetUse("B", BUYING, 1, 10**9, 10**9)
    assert nothing.share > little.share
