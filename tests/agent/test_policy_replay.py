"""Past decisions under a draft: what changes, with money, and that nothing changes without cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from agent.approval_policy import packaged_policy_text
from agent.errors import PolicyError
from agent.policy_question import Question, ask
from agent.policy_replay import Simulation, simulate
from agent.replenishment import replenish
from agent.rights_document import packaged_rights_text
from inventory.chronicle import KILL_SWITCH, set_switch
from inventory.proposals import list_rulings
from inventory.record import canonical_record
from inventory.records import EVERYTHING, ActionKind, Proposal, Ruling, Tier
from inventory.replenishments import list_runs
from inventory.tables import rulings
from tests.agent.conftest import Copy
from tests.agent.test_replenishment import a_dc_and_two_stores
from tests.worlds import World
from tools.stocking_policy import packaged_stocking_policy

PACKAGED = packaged_policy_text()
NARROW = PACKAGED.replace("value_limit = 500", "value_limit = 100", 1)


def replayed(world: World, content: str, kind: str = "approval", **more: object) -> Simulation:
    with world.database.read() as connection:
        return simulate(connection, kind, content, **more)  # type: ignore[arg-type]  # passed on


def the_transfer(world: World) -> Proposal:
    (proposal,) = [p for p in world.proposals() if p.content.action is ActionKind.TRANSFER]
    return proposal


def overwrite_ruling(world: World, proposal: Proposal, **changes: object) -> None:
    """Put another ruling in the table, past every door."""
    with world.database.write("root", world.clock()) as transaction:
        ruling = list_rulings(transaction.connection, EVERYTHING, proposal.proposal_id)[-1]
        body = canonical_record(Ruling.model_validate({**ruling.model_dump(), **changes}))
        transaction.connection.execute(
            update(rulings).where(rulings.c.proposal_id == proposal.proposal_id).values(body=body)
        )


def test_the_same_policy_changes_nothing_and_every_ruling_is_reproduced(automatic: World) -> None:
    found = replayed(automatic, PACKAGED)
    assert found.replayed == len(automatic.proposals()) > 0
    assert (found.changed, found.not_reproduced, found.without_facts) == ((), (), 0)
    assert all(shift.before is shift.after for shift in found.shifts)


def test_a_tighter_limit_is_told_by_tier_with_its_money_and_reason(automatic: World) -> None:
    proposal = the_transfer(automatic)
    found = replayed(automatic, NARROW)
    (changed,) = found.changed
    assert (changed.subject, changed.before, changed.after) == (proposal.proposal_id, Tier.AUTO, Tier.PLANNER)
    assert changed.value_minor == found.value_changed_minor == proposal.content.value_minor
    assert "is above the auto limit of 100 EUR" in changed.why
    (shift,) = [shift for shift in found.shifts if shift.before is not shift.after]
    assert (shift.decisions, shift.value_minor) == (1, proposal.content.value_minor)


@pytest.mark.parametrize(("site", "many"), [("NORTH", 1), ("DC", 1), ("SOUTH", 0)])
def test_a_layer_changes_only_what_touched_its_place(automatic: World, site: str, many: int) -> None:
    found = replayed(automatic, f'{PACKAGED}\n[[layer]]\nsite = "{site}"\nitem_classes.consumable = "formal"\n')
    assert [one.after for one in found.changed] == [Tier.FORMAL] * many


def test_looser_rules_say_what_no_longer_holds(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    overwrite_ruling(
        world, the_transfer(world), tier="formal", fired=[{"rule": "value", "tier": "formal", "reason": "x"}]
    )
    found = replayed(world, PACKAGED)
    assert found.not_reproduced == (the_transfer(world).proposal_id,), "a ruling changed past the log is found"
    (changed,) = found.changed
    assert (changed.before, changed.after) == (Tier.FORMAL, Tier.PLANNER)


def test_what_others_added_to_a_ruling_stays(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    said = {"rule": "segment", "tier": "formal", "reason": "the stocking policy asks for formal at the least"}
    overwrite_ruling(world, the_transfer(world), tier="formal", fired=[said])
    found = replayed(world, PACKAGED)
    assert (found.changed, found.not_reproduced) == ((), ())


def test_rulings_without_facts_and_before_the_window_are_left_out(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    assert replayed(world, PACKAGED, since=world.clock() + timedelta(seconds=1)).replayed == 0
    overwrite_ruling(world, the_transfer(world), facts="")
    found = replayed(world, PACKAGED)
    assert (found.without_facts, found.replayed) == (1, len(world.proposals()) - 1)


def test_progress_is_told_and_other_kinds_are_refused(guided: World) -> None:
    told: list[tuple[str, int, int]] = []
    replayed(guided, PACKAGED, progress=lambda step, done, of: told.append((step, done, of)))
    assert told[-1][1:] == (len(guided.proposals()), len(guided.proposals()))
    with pytest.raises(PolicyError, match="a rights policy is not simulated"):
        replayed(guided, packaged_rights_text(), "rights")


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A replenishment run was made."""
    world = World(tmp_path_factory.mktemp("ordered") / "home", a_dc_and_two_stores(), rollout="guided").furnish()
    replenish(world.toolbox, world.desk.drafter, world.desk.gate)
    yield world
    world.database.dispose()


def test_a_stocking_draft_is_held_against_past_orders(ordered: World) -> None:
    same = replayed(ordered, packaged_stocking_policy(), "stocking")
    stricter = replayed(ordered, packaged_stocking_policy().replace('tier = "auto"', 'tier = "formal"', 1), "stocking")
    assert same.replayed == stricter.replayed > 0
    assert same.changed == ()
    assert len(stricter.changed) == sum(shift.decisions for shift in stricter.shifts if shift.after is Tier.FORMAL) > 0
    assert all("tier auto → formal" in one.why for one in stricter.changed if one.before is Tier.AUTO)


def test_a_floor_of_a_stocking_draft_is_told_for_the_orders_of_its_site_only(ordered: World) -> None:
    with ordered.database.read() as connection:
        (run,) = list_runs(connection, EVERYTHING)
    site = run.lines[0].site
    rule = f'\n[[rules]]\nname = "kept"\nsite = ["{site}"]\nfloor_units = 40\nmaximum_units = 900\n'
    found = replayed(ordered, packaged_stocking_policy() + rule, "stocking")
    here = [line for line in run.lines if line.site == site]
    assert len(found.changed) == len(here) < len(run.lines)
    assert {one.why for one in found.changed} == {"floor_units 0 → 40; maximum_units None → 900"}
    assert found.value_changed_minor == sum(line.value_minor for line in here) > 0
    assert all(shift.before is shift.after for shift in found.shifts), "a floor asks for no other tier"


def test_a_question_is_answered_with_every_rule_and_what_was_assumed(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided, rollout="auto")
    with world.database.read() as connection:

        def tier(**more: object) -> Tier:
            fields = {"action": "transfer", "value_minor": 480_00, "item_classes": ("standard",), **more}
            return ask(world.toolbox, connection, world.desk.gate, Question.model_validate(fields)).tier

        calm = ask(
            world.toolbox, connection, world.desk.gate,
            Question(action=ActionKind.TRANSFER, value_minor=480_00, item_classes=("standard",), lane=("DC", "NORTH")),
        )  # fmt: skip
        assert (calm.tier, [rule.rule for rule in calm.fired]) == (Tier.AUTO, ["allow_list"])
        assert calm.from_store["lane_value_24h_minor"] == "0"
        assert calm.from_store["snapshot_age_hours"] == "0.5"
        assert "confidence" in calm.assumed
        assert tier(value_minor=500_01) is Tier.PLANNER
        assert tier(given={"confidence": 0.29}) is Tier.FORMAL
        assert tier(given={"site_health": 0.1}) is Tier.ADVICE
        assert tier(action="markdown") is Tier.FORMAL
        assert tier(item_classes=("regulated", "standard")) is Tier.FORMAL
        with pytest.raises(PolicyError, match="mood"):
            tier(given={"mood": 5})
        with pytest.raises(PolicyError, match="confidence"):
            tier(given={"confidence": 5})
    with world.database.write("root", world.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, True)
    with world.database.read() as connection:
        stopped = Question(action=ActionKind.HOLD, value_minor=0, item_classes=("standard",))
        assert ask(world.toolbox, connection, world.desk.gate, stopped).tier is Tier.ADVICE


def test_a_question_sees_what_the_lane_carried_today(automatic: World) -> None:
    moved = the_transfer(automatic).content.value_minor
    with automatic.database.read() as connection:
        for value_minor, tier in ((500_00 - moved, Tier.AUTO), (500_01 - moved, Tier.PLANNER)):
            question = Question(
                action=ActionKind.TRANSFER, value_minor=value_minor, item_classes=("standard",), lane=("DC", "NORTH")
            )
            assert ask(automatic.toolbox, connection, automatic.desk.gate, question).tier is tier
