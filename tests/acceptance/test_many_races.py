"""Two hundred pairs of decisions, twenty of sweeps and of executors, and thirty-two approvers at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from inventory.outbox import list_outbox
from inventory.proposals import list_approvals
from inventory.records import EVERYTHING, ProposalState
from tests import counts
from tests.contenders import LOST, decide_first, race_of_two_decisions, race_of_two_processes, second_desk, together
from tests.crashes import house, templates
from tests.invariants import assert_house_in_order, erp_keys
from tests.test_races import DUELS, assert_one_decision, house_before, promised
from tests.worlds import World, two_stores_one_donor

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3600)]
ROUNDS = counts.of("pairs of decisions", 200)
PAIRS = counts.of("pairs", 20)
CROWDS = counts.of("rounds of many approvers", 50)
APPROVERS = 32
CROWD = ("pia", "ada", "carl", "otto")


@pytest.fixture(scope="module")
def folders(engine: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The house of the kills before each step."""
    return templates(tmp_path_factory.mktemp(f"templates-{engine}"))


def test_of_two_hundred_pairs_of_decisions_one_of_each_counts(folders: dict[str, Path], tmp_path: Path) -> None:
    for number in range(ROUNDS):
        world = house_before(folders, "decide", tmp_path / f"house-{number}")
        assert_one_decision(world, race_of_two_decisions(world, DUELS[number % len(DUELS)]))
        world.database.dispose()


def test_of_thirty_two_approvers_at_once_one_wins(folders: dict[str, Path], tmp_path: Path) -> None:
    for number in range(CROWDS):
        world = house_before(folders, "decide", tmp_path / f"crowd-{number}")
        desks = [second_desk(world) for _ in range(APPROVERS)]
        who = [CROWD[place % len(CROWD)] for place in range(APPROVERS)]
        answers = together(
            *(
                lambda desk=desk, user_id=user_id: decide_first(desk, "approve", user_id)
                for desk, user_id in zip(desks, who, strict=True)
            )
        )
        assert Counter(answers) == {"approved": 1, LOST: APPROVERS - 1}
        proposal = world.the_proposal()
        with world.database.read() as connection:
            signed = list_approvals(connection, EVERYTHING, proposal.proposal_id)
            documents = list_outbox(connection, EVERYTHING)
        assert (proposal.state, len(signed), len(documents)) == (ProposalState.APPROVED, 1, 1)
        assert_house_in_order(world)
        for desk in (world, *desks):
            desk.database.dispose()


def test_of_twenty_pairs_of_deciding_processes_one_of_each_counts(folders: dict[str, Path], tmp_path: Path) -> None:
    worlds = [house_before(folders, "decide", tmp_path / f"house-{number}") for number in range(PAIRS)]
    for world in worlds:
        world.database.dispose()
    race_of_two_processes([world.folder for world in worlds])
    for world in worlds:
        proposal = world.the_proposal()
        with world.database.read() as connection:
            signed = list_approvals(connection, EVERYTHING, proposal.proposal_id)
            documents = list_outbox(connection, EVERYTHING)
        assert (proposal.state, len(signed), len(documents)) == (ProposalState.APPROVED, 1, 1)
        assert_house_in_order(world)
        world.database.dispose()


def test_of_twenty_pairs_of_executors_one_of_each_posts(folders: dict[str, Path], tmp_path: Path) -> None:
    for number in range(PAIRS):
        world = house_before(folders, "execute", tmp_path / f"house-{number}")
        second = second_desk(world)
        together(world.desk.execute, second.desk.execute)
        found = house(world.folder)
        assert len(erp_keys(world)) == 1
        assert found.the_proposal().state is ProposalState.EXECUTED
        assert_house_in_order(world)
        for desk in (world, second, found):
            desk.database.dispose()


def test_twenty_pairs_of_sweeps_find_the_same_cases_and_reserve_no_unit_twice(tmp_path: Path) -> None:
    furnished = World(tmp_path / "furnished", two_stores_one_donor(), rollout="guided").furnish()
    alone = furnished.copied_to(tmp_path / "alone")
    once = alone.desk.sweep()
    for number in range(PAIRS):
        world = furnished.copied_to(tmp_path / f"race-{number}")
        second = second_desk(world)
        answers = together(world.desk.sweep, second.desk.sweep)
        assert [sweep.dispositions for sweep in answers] == [once.dispositions] * 2
        assert promised(world) == promised(alone)
        assert_house_in_order(world)
        for desk in (world, second):
            desk.database.dispose()
