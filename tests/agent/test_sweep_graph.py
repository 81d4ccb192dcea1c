"""One look at everything: what it finds, what it counts, and that looking again changes nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from agent.sweep_graph import sweep_graph
from inventory.cases import list_cases
from inventory.chronicle import list_feed_health, list_kpi_points, list_sweeps
from inventory.errors import SnapshotError
from inventory.records import EVERYTHING, CaseState, ProposalState, Sweep
from tests.agent.conftest import Copy
from tests.tools.networks import one_trouble_each
from tests.worlds import ItemSite, Lane, Network, World, two_sites_one_lane

STEPS = ["recover", "health", "detect", "group", "plan", "queue", "brief"]


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("troubled") / "home", one_trouble_each(), rollout="guided").furnish()


@pytest.fixture(scope="module")
def seen() -> list[tuple[str, int, int]]:
    """Progress told while the first sweep ran."""
    return []


@pytest.fixture(scope="module")
def first(troubled: World, seen: list[tuple[str, int, int]]) -> Sweep:
    return troubled.desk.sweep(lambda step, done, of: seen.append((step, done, of)))


def counts_add_up(sweep: Sweep) -> bool:
    by_kind = Counter(what.split(":")[0] for what in sweep.dispositions.values())
    return (
        sweep.found == sweep.shown + sweep.automatic + sweep.held_back == len(sweep.dispositions)
        and (by_kind["shown"], by_kind["automatic"], by_kind["held_back"])
        == (sweep.shown, sweep.automatic, sweep.held_back)
        and all(what.partition(":")[2] for what in sweep.dispositions.values() if what.startswith("held_back"))
    )


def test_the_graph_is_the_one_the_design_draws() -> None:
    drawn = {(edge.source, edge.target) for edge in sweep_graph().get_graph().edges}

    assert drawn == set(zip(["__start__", *STEPS], [*STEPS, "__end__"], strict=True))


def test_a_sweep_counts_what_it_found(troubled: World, first: Sweep) -> None:
    assert (first.item_sites, first.findings, first.found) == (8, 5, 5)
    assert counts_add_up(first)
    assert first.shown == 5
    assert first.snapshot_id == troubled.toolbox.snapshot().snapshot_id
    with troubled.database.read() as connection:
        assert list_sweeps(connection, EVERYTHING, limit=5) == [first]


def test_a_sweep_tells_how_far_it_is_and_how_long_each_step_took(
    first: Sweep, seen: list[tuple[str, int, int]]
) -> None:
    assert ("explain and rule", 5, 5) in seen
    assert [step for step, _, _ in seen][:3] == ["recover", "health", "look ahead and detect"]
    assert set(STEPS[:-1]) <= set(first.seconds)
    assert all(seconds >= 0 for seconds in first.seconds.values())


def test_a_sweep_keeps_feed_health_and_key_figures(troubled: World, first: Sweep) -> None:
    with troubled.database.read() as connection:
        health = list_feed_health(connection, EVERYTHING, first.snapshot_id)
        points = {(point.name, point.site): point.value for point in list_kpi_points(connection, EVERYTHING)}

    assert {feed.site for feed in health} == {"DC", "NORTH"}
    assert points[("inventory_value", "")] == 10.0 * (110 + 36 + 80 + 5 + 0 + 4 + 500 + 300)
    assert points[("inventory_value", "DC")] == 10.0 * 110
    assert points[("open_cases", "")] == 5
    assert points[("out_of_stock_share", "")] == pytest.approx(1 / 8)


def test_looking_again_at_the_same_facts_changes_nothing(troubled: World, first: Sweep) -> None:
    before = troubled.proposals()
    again = [troubled.desk.sweep() for _ in range(2)]

    assert troubled.proposals() == before
    assert [sweep.dispositions for sweep in again] == [first.dispositions] * 2
    with troubled.database.read() as connection:
        assert {row.times_found for row in list_cases(connection, EVERYTHING)} == {1}


def test_ten_daily_sweeps_of_the_same_trouble_are_one_case(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    dates = set()
    for day in range(1, 10):
        world.clock.forward(days=1)
        world.deliver(two_sites_one_lane().with_stock({("BOLT", "NORTH"): 4 + day % 2}))
        sweep = world.desk.sweep()
        assert (sweep.found, counts_add_up(sweep)) == (1, True)
        with world.database.read() as connection:
            (row,) = list_cases(connection, EVERYTHING, states=tuple(CaseState))
        dates.add(row.case.bites_on)

    assert row.times_found == 10
    assert len(dates) > 5
    live = world.proposals(ProposalState.PENDING)
    assert [proposal.content.case_id for proposal in live] == [row.case.case_id]


def test_trouble_gone_for_two_snapshots_is_cleared_and_a_snapshot_counts_once(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    cleared = []
    for _ in range(2):
        world.clock.forward(hours=4)
        world.deliver(two_sites_one_lane().with_stock({("BOLT", "NORTH"): 150}))
        cleared += [world.desk.sweep().cleared for _ in range(2)]

    assert cleared == [0, 0, 1, 0]
    assert world.proposals()[0].state is ProposalState.VOID


def test_a_sweep_that_died_is_run_again_and_finishes_the_drafts(tmp_path: Path) -> None:
    """The first sweep plans and dies while explaining; the second explains and rules on what it finds."""
    world = World(tmp_path / "home", two_sites_one_lane(), rollout="guided").furnish()

    class Dies:
        def draft(self, *_: object) -> object:
            raise ConnectionError("the process was killed here")

    sound, world.desk.drafter = world.desk.drafter, Dies()  # type: ignore[assignment]  # a double in place of the drafter
    with pytest.raises(ConnectionError):
        world.desk.sweep()
    (draft,) = world.proposals()
    assert draft.state is ProposalState.DRAFT

    world.desk.drafter = sound
    sweep = world.desk.sweep()
    (pending,) = world.proposals()
    assert (pending.proposal_id, pending.state) == (draft.proposal_id, ProposalState.PENDING)
    assert (sweep.found, sweep.shown) == (1, 1)


def test_a_healthy_network_makes_an_empty_sweep(tmp_path: Path) -> None:
    network = Network(
        (ItemSite("A", "DC", weekly=10, on_hand=80), ItemSite("A", "NORTH", weekly=10, on_hand=80)),
        (Lane("DC", "NORTH"),),
    )
    sweep = World(tmp_path / "home", network).furnish().desk.sweep()

    assert (sweep.findings, sweep.found, sweep.dispositions) == (0, 0, {})


def test_without_data_a_sweep_says_what_is_missing(tmp_path: Path) -> None:
    world = World(tmp_path / "home", two_sites_one_lane())
    with pytest.raises(SnapshotError, match="import feeds first"):
        world.desk.sweep()
