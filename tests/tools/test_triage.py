"""The same trouble is one case however often it is looked at, and it is closed when it is gone."""

from __future__ import annotations

import pytest

from inventory.cases import CaseRow, find_case, list_cases
from inventory.ledger import ledger_rows, reserved_by_line
from inventory.records import EVERYTHING, CaseKind, CaseState, Finding, ProposalState
from tests.tools.conftest import Copy
from tests.tools.networks import look
from tests.worlds import World, two_sites_one_lane
from tools.detect import detect
from tools.triage import group_findings, money_of, open_cases, scope_of_finding


def cases_of(world: World, *states: CaseState) -> list[CaseRow]:
    with world.database.read() as connection:
        return list_cases(connection, EVERYTHING, states=states or tuple(CaseState))


def look_and_open(world: World) -> tuple[str, ...]:
    """Detect and group as a sweep does, planning nothing; returns what was cleared."""
    outlook, thresholds = look(world)
    snapshot_id = world.toolbox.snapshot().snapshot_id
    cases = group_findings(detect(outlook, thresholds), outlook, thresholds, world.toolbox.snapshot())
    with world.database.write("evenkeel", world.clock()) as transaction:
        return open_cases(transaction, cases, snapshot_id).cleared


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A store about to run out, not looked at yet."""
    return World(tmp_path_factory.mktemp("triage") / "home", two_sites_one_lane(), rollout="guided").furnish()


@pytest.fixture
def world(furnished: World, a_copy: Copy) -> World:
    return a_copy(furnished)


def test_money_shares_of_every_case_sum_to_its_total_and_to_its_findings(troubled: World) -> None:
    outlook, thresholds = look(troubled)
    findings = detect(outlook, thresholds)
    cases = group_findings(findings, outlook, thresholds, troubled.toolbox.snapshot())

    assert len(cases) == 5
    for case in cases:
        shares = case.money_at_risk.model_dump(exclude={"currency"})
        assert all(share >= 0 for share in shares.values())
        assert case.money_at_risk.total == sum(shares.values())
        assert case.money_at_risk.total == sum(money_of(f, outlook, thresholds).total for f in case.findings)
        assert case.money_at_risk.total > 0 or case.kind is CaseKind.DEMAND_SHIFT, "a spike alone costs nothing yet"
    assert [case.money_at_risk.total for case in cases] == sorted(
        (case.money_at_risk.total for case in cases), reverse=True
    )


def test_money_at_risk_of_a_stockout_is_the_margin_of_the_units_short(troubled: World) -> None:
    """SHORT sells at 25 and costs 10."""
    outlook, thresholds = look(troubled)
    (finding,) = [f for f in detect(outlook, thresholds) if f.item == "SHORT"]
    money = money_of(finding, outlook, thresholds)

    assert money.margin == money.total == pytest.approx(finding.measures["expected_short_units"] * 1_500, abs=1)


def test_findings_one_late_supplier_explains_are_one_case_about_the_supplier(troubled: World) -> None:
    outlook, thresholds = look(troubled)
    late = next(f for f in detect(outlook, thresholds) if f.kind is CaseKind.SUPPLIER_DELAY)
    other = late.model_copy(update={"item": "FINE"})
    (case,) = group_findings([other, late], outlook, thresholds, troubled.toolbox.snapshot())

    assert (case.scope, case.cause) == ("LATECO", "late:LATECO")
    assert case.items == ("FINE", "LATE")
    assert case.findings[0].item == "LATE", "most money first"
    assert case.bites_on == min(late.bites_on, other.bites_on)
    assert case.planner == "pia"


@pytest.mark.parametrize(
    ("item", "supplier", "scope"),
    [("BOLT", "", "BOLT@NORTH"), ("BOLT", "SUP", "SUP"), ("", "", "NORTH")],
)
def test_a_case_is_about_the_supplier_else_the_item_site_else_the_site(
    troubled: World, item: str, supplier: str, scope: str
) -> None:
    finding: Finding = detect(*look(troubled))[0].model_copy(
        update={"item": item, "site": "NORTH", "supplier": supplier}
    )

    assert scope_of_finding(finding) == scope


def test_looking_twice_at_one_snapshot_counts_once(world: World) -> None:
    look_and_open(world)
    look_and_open(world)

    assert [row.times_found for row in cases_of(world)] == [1]


def test_a_miss_counts_once_a_snapshot_and_twice_clears_the_case(world: World) -> None:
    look_and_open(world)
    sound = two_sites_one_lane().with_stock({("BOLT", "NORTH"): 150})
    world.clock.forward(days=1)
    world.deliver(sound)
    assert [look_and_open(world) for _ in range(3)] == [(), (), ()]
    (row,) = cases_of(world)
    assert (row.missed, row.state) == (1, CaseState.OPEN)

    world.clock.forward(days=1)
    world.deliver(sound)
    assert look_and_open(world) == (row.case.case_id,)
    (closed,) = cases_of(world)
    assert (closed.state, closed.reason) == (CaseState.CLOSED, "cleared")


def test_trouble_found_again_after_one_miss_starts_counting_anew(world: World) -> None:
    look_and_open(world)
    for stock in (150, 4, 150):
        world.clock.forward(days=1)
        world.deliver(two_sites_one_lane().with_stock({("BOLT", "NORTH"): stock}))
        assert look_and_open(world) == ()

    (row,) = cases_of(world)
    assert (row.missed, row.state) == (1, CaseState.OPEN)


def test_trouble_that_returns_after_it_was_cleared_is_a_new_case(world: World) -> None:
    look_and_open(world)
    for stock in (150, 150, 4):
        world.clock.forward(days=1)
        world.deliver(two_sites_one_lane().with_stock({("BOLT", "NORTH"): stock}))
        look_and_open(world)

    first, second = sorted(cases_of(world), key=lambda row: row.case.opened_on)
    assert (first.state, second.state) == (CaseState.CLOSED, CaseState.OPEN)
    assert first.case.case_id != second.case.case_id


def test_a_cleared_case_takes_its_proposal_along_and_gives_the_units_back(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (pending,) = world.proposals(ProposalState.PENDING)
    with world.database.read() as connection:
        assert reserved_by_line(connection, EVERYTHING) == {("BOLT", "DC"): pending.content.lines[0].quantity}

    for _ in range(2):
        world.clock.forward(hours=5)
        world.deliver(two_sites_one_lane().with_stock({("BOLT", "NORTH"): 150}))
        world.desk.sweep()

    (void,) = world.proposals()
    assert (void.state, void.reason) == (ProposalState.VOID, "the trouble is gone")
    with world.database.read() as connection:
        assert reserved_by_line(connection, EVERYTHING) == {}
        assert sum(row.reserved for row in ledger_rows(connection, EVERYTHING)) == 0
        assert find_case(connection, EVERYTHING, void.content.case_id).reason == "cleared"
