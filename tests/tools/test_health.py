"""A data problem is said to be one: found with evidence, scored, and kept from acting by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from inventory.cases import list_cases
from inventory.proposals import list_rulings
from inventory.records import EVERYTHING, ActionKind, Case, CaseKind, CaseState, Finding, ProposalState, Tier
from tests.tools.networks import Amended, add_rows, amended, counted, order, sells
from tests.worlds import START, ItemSite, Network, World, two_sites_one_lane
from tests.worlds import Lane as NetworkLane
from tools.health import EVERYWHERE, HealthReport, check_health


def _ghost(units: int) -> dict[str, object]:
    """A row of demand for an item nobody knows."""
    return {"item": "GHOST", "site": "DC", "date": START.date(), "quantity": units}


def four_data_problems() -> Amended:
    """A count that disagrees, a feed three days old, rows no gate accepts, and a supplier slower than its contract."""
    return amended(
        two_sites_one_lane(),
        counted("BOLT", "DC", 240),
        counted("BOLT", "NORTH", 5),
        add_rows("feeds", {"feed": "demand", "site": "NORTH", "as_of": (START - timedelta(hours=72)).isoformat()}),
        add_rows("demand", *(_ghost(units) for units in (1, 2))),
        sells("TARDY", "BOLT", price=99.0),
        *(
            order(f"SLOW-{n}", "BOLT", "DC", 10, supplier="TARDY", ordered_ago=100 + n, promised_in=-79 - n,
                  received_ago=69 + n)
            for n in range(8)
        ),
    )  # fmt: skip


def check(world: World, now: datetime) -> HealthReport:
    snapshot = world.toolbox.snapshot()
    with world.database.read() as connection:
        thresholds = world.toolbox.thresholds(connection)
        return check_health(connection, snapshot, world.toolbox.lead_times(snapshot), thresholds, now)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("broken") / "home", four_data_problems()).furnish()


@pytest.fixture(scope="module")
def report(broken: World) -> HealthReport:
    return check(broken, START)


def _finding(report: HealthReport, cause: str) -> Finding:
    (finding,) = [finding for finding in report.findings if finding.cause == cause]
    assert finding.kind is CaseKind.DATA_PROBLEM
    assert finding.note, "a data problem proposes its correction"
    assert finding.threshold.startswith("data_problem.")
    return finding


def test_four_problems_make_four_findings(report: HealthReport) -> None:
    assert [finding.cause for finding in report.findings] == [
        "lead_time:TARDY", "refused_rows:demand", "stale_feed:demand", "stock_mismatch",
    ]  # fmt: skip


def test_a_count_that_disagrees_is_found_with_both_numbers(report: HealthReport) -> None:
    finding = _finding(report, "stock_mismatch")

    assert (finding.item, finding.site, finding.quantity) == ("BOLT", "DC", 60)
    assert finding.measures == {
        "book_units": 300, "counted_units": 240, "mismatch_share": 0.2, "mismatch_cost": 60 * 4.0,
    }  # fmt: skip
    assert (finding.threshold, finding.threshold_value) == ("data_problem.mismatch_share", 0.05)
    assert "from 300 to 240" in finding.note


def test_a_difference_of_one_unit_is_no_mismatch(report: HealthReport) -> None:
    assert ("BOLT", "NORTH") not in report.touched()
    assert report.touched() == {("BOLT", "DC")}


def test_a_feed_older_than_allowed_is_stale_at_its_site_alone(report: HealthReport) -> None:
    finding = _finding(report, "stale_feed:demand")

    assert (finding.site, finding.item) == ("NORTH", "")
    assert finding.measures["age_hours"] == 72
    assert finding.threshold_value == 48


def test_rows_the_gate_refused_are_counted_by_feed(report: HealthReport) -> None:
    finding = _finding(report, "refused_rows:demand")

    assert (finding.site, finding.quantity) == (EVERYWHERE, 2)
    assert "unknown_reference 2" in finding.note


def test_a_supplier_slower_than_its_contract_is_master_data_to_correct(report: HealthReport) -> None:
    """Eight receipts after 31 days each, 21 promised."""
    finding = _finding(report, "lead_time:TARDY")

    assert (finding.supplier, finding.quantity) == ("TARDY", 8)
    assert finding.measures == {"actual_days": 31, "contract_days": 21, "receipts": 8}
    assert "from 21 to 31 days" in finding.note


def test_scores_fall_where_the_problem_is_and_nowhere_else(report: HealthReport) -> None:
    scores = {(feed.feed, feed.site): feed.score for feed in report.feeds}

    assert scores[("demand", "NORTH")] == pytest.approx(1 - (72 - 48) / (3 * 48), abs=1e-3)
    assert scores[("stock", "DC")] == 0.5, "every item of the site disagrees"
    assert {score for place, score in scores.items() if place not in {("demand", "NORTH"), ("stock", "DC")}} == {1.0}
    assert report.site_score("DC") == 0.5
    assert report.site_score("NORTH") == scores[("demand", "NORTH")]
    assert report.site_score("ELSEWHERE") == 1.0


def test_scores_keep_falling_with_age_down_to_nothing(broken: World) -> None:
    days = (0, 2, 4, 6, 8, 12)
    scores = [check(broken, START + timedelta(days=day)).site_score("NORTH") for day in days]

    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[2] > scores[4]
    assert scores[-1] == 0.0


def test_every_problem_of_a_feed_is_named_beside_its_score(report: HealthReport) -> None:
    problems = {(feed.feed, feed.site): feed.problems for feed in report.feeds if feed.problems}

    assert problems[("stock", "DC")] == ("1 of 1 items disagree with the warehouse's count",)
    assert problems[("demand", "NORTH")] == ("72 h old", "2 rows refused at import")


def test_sound_feeds_make_no_finding_and_score_one(tmp_path: Path) -> None:
    world = World(tmp_path / "home", two_sites_one_lane()).furnish()
    report = check(world, START)

    assert report.findings == ()
    assert {feed.score for feed in report.feeds} == {1.0}


def test_refused_rows_are_forgotten_once_a_delivery_is_clean(tmp_path: Path) -> None:
    world = World(tmp_path / "home", amended(two_sites_one_lane(), add_rows("demand", _ghost(1)))).furnish()
    first = check(world, world.clock())
    world.clock.forward(days=1)
    world.deliver(two_sites_one_lane())

    assert [finding.cause for finding in first.findings] == ["refused_rows:demand"]
    assert check(world, world.clock()).findings == ()


def test_an_item_whose_count_disagrees_never_moves_by_itself_until_it_is_settled(tmp_path: Path) -> None:
    """The same network moves by itself when its books agree, and again once they do."""
    world = World(tmp_path / "home", amended(two_sites_one_lane(), counted("BOLT", "NORTH", 30))).furnish()
    world.desk.sweep()
    (moving,) = [p for p in world.proposals() if p.content.action is ActionKind.TRANSFER]
    (wrong,) = [p for p in world.proposals() if p.content.action is ActionKind.CORRECTION]
    with world.database.read() as connection:
        fired = {rule.rule: rule.tier for rule in list_rulings(connection, EVERYTHING, moving.proposal_id)[-1].fired}

    assert (moving.state, moving.tier) == (ProposalState.PENDING, Tier.PLANNER)
    assert fired["data_problem"] is Tier.PLANNER
    assert wrong.tier is Tier.ADVICE, "books are corrected in the ERP"

    for _ in range(2):
        world.clock.forward(days=1)
        world.deliver(amended(two_sites_one_lane(), counted("BOLT", "NORTH", 4)))
        world.desk.sweep()
    with world.database.read() as connection:
        kinds = {row.case.kind for row in list_cases(connection, EVERYTHING)}
    moved = [p for p in world.proposals(ProposalState.APPROVED) if p.content.action is ActionKind.TRANSFER]
    assert CaseKind.DATA_PROBLEM not in kinds
    assert [p.tier for p in moved] == [Tier.AUTO]


def test_a_bill_that_leads_back_to_itself_names_every_item_of_the_circle_until_it_is_corrected(tmp_path: Path) -> None:
    """GEAR needs WHEEL, WHEEL needs RIM, and RIM needs GEAR again; BOLT in a bill of its own is not to blame."""
    parts = {"GEAR": "WHEEL", "WHEEL": "RIM", "RIM": "GEAR", "FRAME": "BOLT"}
    lines = [{"product": p, "item": c, "site": "NORTH", "quantity_per": 1.0} for p, c in parts.items()]
    made = {"order_id": "MO-1", "product": "FRAME", "site": "NORTH", "quantity": 5,
            "start_date": START.date() + timedelta(days=4), "status": "planned"}  # fmt: skip
    places = tuple(ItemSite(item, "NORTH", weekly=5, on_hand=100) for item in (*parts, "BOLT"))
    company = Network((*places, ItemSite("BOLT", "DC", weekly=10, on_hand=300)), (NetworkLane("DC", "NORTH"),))
    world = World(
        tmp_path / "home", amended(company, add_rows("boms", *lines), add_rows("production_orders", made)),
        rollout="guided",
    ).furnish()  # fmt: skip
    world.desk.sweep()
    (case,) = circles(world)
    (finding,) = case.findings
    note = finding.note

    assert (finding.site, finding.quantity, finding.measures) == ("NORTH", 3, {"items_in_the_circle": 3.0})
    assert finding.item in {"GEAR", "WHEEL", "RIM"}
    following = [parts[finding.item], parts[parts[finding.item]], finding.item]
    assert " → ".join([finding.item, *following]) in note
    assert "FRAME" not in note
    assert "boms" in note
    for _ in range(2):
        world.clock.forward(hours=1)
        world.deliver(amended(company, add_rows("boms", *lines[:2], *lines[3:]), add_rows("production_orders", made)))
        world.desk.sweep()
    assert circles(world) == [], "the case is closed once the bill is sound"


def circles(world: World) -> list[Case]:
    open_states = (CaseState.OPEN, CaseState.WAITING, CaseState.DECIDED)
    with world.database.read() as connection:
        rows = list_cases(connection, EVERYTHING, states=open_states)
    return [row.case for row in rows if row.case.cause == "circular_bill"]
