"""Two at once: one of two decisions counts, two sweeps promise no unit twice, one of two executors posts."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.cases import list_cases
from inventory.ledger import list_reservations
from inventory.outbox import list_outbox
from inventory.proposals import list_approvals
from inventory.records import EVERYTHING, ProposalState
from tests.contenders import LOST, race_of_two_decisions, second_desk, together
from tests.crashes import house, templates
from tests.invariants import assert_house_in_order, erp_keys
from tests.worlds import World, two_stores_one_donor

ROUNDS = 10
DUELS = (
    (("approve", "pia"), ("approve", "ada")),
    (("approve", "pia"), ("reject", "ada")),
    (("reject", "pia"), ("reject", "ada")),
)


@pytest.fixture(scope="module")
def folders(engine: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The house of the kills before each step."""
    return templates(tmp_path_factory.mktemp("templates"))


def house_before(folders: dict[str, Path], step: str, place: Path) -> World:
    """A house of its own, standing right before a step."""
    return house(folders[step]).copied_to(place)


def promised(world: World) -> tuple[object, ...]:
    """What every proposal would do, who must agree, and what is reserved for it; and the cases that are open."""
    with world.database.read() as connection:
        cases = [row.case.case_id for row in list_cases(connection, EVERYTHING)]
        reserved = [(held.proposal_id, held.quantity, held.state) for held in list_reservations(connection, EVERYTHING)]
    proposals = [(p.proposal_id, p.state, p.tier, p.content.lines) for p in world.proposals()]
    return sorted(proposals, key=lambda proposal: proposal[0]), sorted(reserved), sorted(cases)


def assert_one_decision(world: World, answers: list[str]) -> None:
    """One answer counts; signatures and documents are those of one decision."""
    assert answers.count(LOST) == 1, answers
    (first,) = [p for p in world.proposals() if p.content.version == 1]
    with world.database.read() as connection:
        signed = list_approvals(connection, EVERYTHING, first.proposal_id)
        documents = list_outbox(connection, EVERYTHING, proposal_id=first.proposal_id)
    assert len(signed) == 1
    assert len(documents) == (1 if first.state is ProposalState.APPROVED else 0)
    assert_house_in_order(world)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_of_two_decisions_at_once_exactly_one_counts(folders: dict[str, Path], tmp_path: Path, number: int) -> None:
    world = house_before(folders, "decide", tmp_path / "house")
    duel = DUELS[number % len(DUELS)]
    assert_one_decision(world, race_of_two_decisions(world, duel))


def test_two_executors_at_once_post_one_document(folders: dict[str, Path], tmp_path: Path) -> None:
    for number in range(3):
        world = house_before(folders, "execute", tmp_path / f"house-{number}")
        other = second_desk(world)
        together(world.desk.execute, other.desk.execute)
        assert len(erp_keys(world)) == 1
        (proposal,) = world.proposals()
        assert proposal.state is ProposalState.EXECUTED
        assert_house_in_order(world)


def test_two_sweeps_at_once_and_the_same_sweep_twice_find_the_same_cases_and_reserve_no_unit_twice(
    tmp_path: Path,
) -> None:
    furnished = World(tmp_path / "furnished", two_stores_one_donor(), rollout="guided").furnish()
    alone = furnished.copied_to(tmp_path / "alone")
    once = alone.desk.sweep()
    wanted = promised(alone)
    for again in (alone.desk.sweep(), alone.desk.sweep()):
        assert again.dispositions == once.dispositions
        assert promised(alone) == wanted
    for number in range(2):
        world = furnished.copied_to(tmp_path / f"race-{number}")
        answers = together(world.desk.sweep, second_desk(world).desk.sweep)
        assert [sweep.dispositions for sweep in answers] == [once.dispositions] * 2
        assert promised(world) == wanted
        assert_house_in_order(world)
