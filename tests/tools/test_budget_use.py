"""What a proposal draws on which budget, and what is committed there already."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from inventory.records import ActionKind, Proposal, ProposalContent, ProposalLine, ProposalState
from tests.tools.networks import Edit, add_rows, amended, order
from tests.worlds import MONDAY, START, World, two_sites_one_lane
from tools.budget_use import BudgetUse, tightest_budget

P, E, T = ActionKind.PURCHASE, ActionKind.EXPEDITE, ActionKind.TRANSFER


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


def content(*lines: tuple[ActionKind, str, int]) -> ProposalContent:
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


def use(
    world: World, *lines: tuple[ActionKind, str, int], acted: tuple[Proposal, ...] = (), today: date = MONDAY
) -> BudgetUse | None:
    with world.database.read() as connection:
        return tightest_budget(world.toolbox.snapshot(), connection, acted, content(*lines), today)


def approved(*lines: tuple[ActionKind, str, int], days_ago: int = 0) -> Proposal:
    return Proposal(
        proposal_id="prop-other", content=content(*lines), state=ProposalState.APPROVED, state_version=3, tier=None,
        requested_by="evenkeel", created_at=START - timedelta(days=days_ago), expires_at=START + timedelta(days=1),
    )  # fmt: skip


def test_orders_of_the_period_are_committed_and_earlier_ones_are_not(world: World) -> None:
    assert use(world, (P, "NORTH", 25_00)) == BudgetUse("NORTH", "purchase", 100_00, (5 + 3) * 4_00, 25_00)


def test_what_was_approved_here_counts_until_the_feed_shows_it(world: World) -> None:
    mine = approved((P, "NORTH", 30_00), (P, "DC", 9_00), (T, "NORTH", 7_00))
    assert use(world, (P, "NORTH", 25_00), acted=(mine,)) == BudgetUse("NORTH", "purchase", 100_00, 62_00, 25_00)
    old = approved((P, "NORTH", 30_00), days_ago=20)
    assert use(world, (P, "NORTH", 25_00), acted=(old,)) == BudgetUse("NORTH", "purchase", 100_00, 32_00, 25_00)


def test_an_expedite_draws_on_its_own_budget(world: World) -> None:
    earlier = approved((E, "NORTH", 2_00))
    assert use(world, (E, "NORTH", 3_00), acted=(earlier,)) == BudgetUse("NORTH", "expedite", 10_00, 2_00, 3_00)


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


def test_an_empty_budget_is_fuller_than_any_other(tmp_path: Path) -> None:
    nothing, little = BudgetUse("A", "purchase", 0, 0, 1), BudgetUse("B", "purchase", 1, 10**9, 10**9)
    assert nothing.share > little.share
