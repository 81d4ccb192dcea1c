"""What each confidence of the net benefit lets run by itself, from past rulings and the back-test."""

from __future__ import annotations

from agent.approval_policy import packaged_policy_text
from agent.policy_book import load_book
from agent.policy_levels import MoveLevels, move_levels
from agent.policy_replay import simulate
from inventory.proposals import find_situation, list_rulings
from inventory.records import EVERYTHING, ActionKind, Tier
from tests.worlds import World
from tools.calibration import LEVELS, CalibrationTable, WorthLevel

TEXT = packaged_policy_text()


def levels(world: World, text: str = TEXT, measured: CalibrationTable | None = None) -> MoveLevels:
    with world.database.read() as connection:
        return move_levels(connection, load_book(text), measured)


def with_least(amount: int) -> str:
    """The packaged policy with another least net benefit."""
    start = TEXT.index("minimum_net_benefit")
    line = TEXT[start : TEXT.index("\n", start)]
    return TEXT.replace(line, f"minimum_net_benefit = {amount}", 1)


def bounds(world: World) -> dict[float, int]:
    """Lower bounds of the chosen option of the one transfer, minor units."""
    (move,) = [one for one in world.proposals() if one.content.action is ActionKind.TRANSFER]
    with world.database.read() as connection:
        situation = find_situation(connection, EVERYTHING, move.proposal_id)
    assert situation is not None
    (option,) = [option for option in situation.options if option.chosen]
    return dict(zip(LEVELS, option.net_value_low_minor, strict=False))


def test_moves_are_counted_with_those_that_ran_by_themselves(automatic: World) -> None:
    found = levels(automatic)
    with automatic.database.read() as connection:
        (move,) = [one for one in automatic.proposals() if one.content.action is ActionKind.TRANSFER]
        tier = list_rulings(connection, EVERYTHING, move.proposal_id)[-1].tier
    assert (found.moves, found.automatic) == (1, int(tier is Tier.AUTO)) == (1, 1)
    assert [(level.confidence, level.automatic, level.held) for level in found.levels] == [
        (confidence, 1, 0) for confidence in LEVELS
    ]


def test_a_least_benefit_between_two_bounds_parts_the_confidences(automatic: World) -> None:
    low = bounds(automatic)
    assert low[0.6] // 100 > low[0.9] // 100, "the draws differ, or nothing is parted here"
    least = low[0.6] // 100
    found = levels(automatic, with_least(least))
    assert [level.automatic for level in found.levels] == [int(low[at] >= least * 100) for at in LEVELS]
    assert [level.held for level in found.levels] == [1 - level.automatic for level in found.levels]
    assert found.levels[0].automatic == 1
    assert found.levels[-1].automatic == 0


def test_what_the_back_test_measured_stands_beside_it_and_nothing_where_it_did_not(automatic: World) -> None:
    assert {level.reached for level in levels(automatic).levels} == {None}
    table = CalibrationTable(
        measured_at=automatic.clock(), plan_run_id="plan-1", seed=1, cases=1, rounds=1, draws=1, bins=(),
        levels=(WorthLevel(confidence=0.5, moves=10, reached=8, positive=6, worth=12.5),),
    )  # fmt: skip
    first, second, *_ = levels(automatic, measured=table).levels
    assert (first.reached, first.positive_share, first.worth) == (8, 0.75, 12.5)
    assert (second.reached, second.positive_share) == (None, None)


def test_a_simulation_of_an_approval_draft_carries_the_levels_of_the_draft(automatic: World) -> None:
    draft = TEXT.replace("net_benefit_confidence = 0.8", "net_benefit_confidence = 0.6", 1)
    with automatic.database.read() as connection:
        found = simulate(connection, "approval", draft).levels
    assert found is not None
    assert (found.confidence, found.moves) == (0.6, 1)
