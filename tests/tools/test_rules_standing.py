"""Rules from plan to ERP: cited, kept on record, replayed, asked of the gate, and looked at again at each step."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from agent.deciding.entitlement import waiting_of
from agent.rights import rights_in_force
from agent.ruling import policy_in_force
from agent.signing_rights import Law, may_approve, signatures_missing
from inventory.proposals import list_rulings
from inventory.records import EVERYTHING, ActionKind, Proposal, ProposalState, Ruling, Tier
from tests.tools.networks import copy_of
from tests.tools.rule_worlds import (
    CITED,
    SAID,
    citations,
    document,
    lines_of,
    options,
    rule,
    run_of,
    withdraw,
    world_with,
)
from tests.worlds import PEOPLE, World, two_sites_one_lane
from tests.written_rules import put_in_force
from tools.errors import RuleBrokenError
from tools.replay import replay_plan
from tools.rules.in_force import rules_of_run

S = ProposalState
FLOOR = rule("donor_floor", sites=["DC"], units=240)
NEVER = rule("never_automatic", rule_id="R-2", items=["BOLT"], actions=["transfer"])
FINANCE = rule("approval_right", rule_id="R-3", roles=["finance", "quality"], above=100)
DEARER = rule("approval_right", rule_id="R-4", roles=["central"], above=100_000)


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> World:
    """DC has 300 BOLT and keeps 240; two clauses ask something of the gate. Execution may be automatic."""
    world = World(tmp_path_factory.mktemp("ruled") / "home", two_sites_one_lane()).furnish()
    put_in_force(world.database, document(), [FLOOR, NEVER, FINANCE, DEARER])
    world.desk.sweep()
    return world


def ruling_of(world: World) -> tuple[Proposal, Ruling]:
    proposal = world.the_proposal()
    with world.database.read() as connection:
        return proposal, list_rulings(connection, EVERYTHING, proposal.proposal_id)[-1]


def test_what_binds_is_named_cited_and_kept_with_the_plan(ruled: World) -> None:
    (line,) = lines_of(ruled)
    transfer = next(option for option in options(ruled) if option.action is ActionKind.TRANSFER)

    assert line.quantity == 60
    assert SAID in transfer.binding_constraint
    assert [citation.passage_id for citation in citations(ruled)].count(CITED) == 1
    assert FLOOR in rules_of_run(run_of(ruled))


def test_where_nobody_may_act_alone_a_person_decides(automatic: World, ruled: World) -> None:
    """Without the clauses policy signs by itself: no person's time is spent."""
    _, without = ruling_of(automatic)
    proposal, ruling = ruling_of(ruled)

    assert without.tier is Tier.AUTO
    assert (ruling.tier, proposal.state) == (Tier.PLANNER, S.PENDING)
    fired = {each.rule: each for each in ruling.fired}
    assert fired["R-2"].tier is Tier.PLANNER
    assert f"{CITED} (R-2)" in fired["R-2"].reason
    assert "R-4" not in fired, "the value is below"


def test_one_of_the_roles_a_clause_names_must_be_among_the_signers(ruled: World) -> None:
    proposal, ruling = ruling_of(ruled)
    people = {person.user_id: person for person in PEOPLE}
    finance = next(person for person in PEOPLE if "planner" in person.roles).model_copy(
        update={"user_id": "fred", "roles": ("finance",)}
    )
    with ruled.database.read() as connection:
        law = Law(policy_in_force(connection).approvers, rights_in_force(connection, ruled.clock()))
        waiting = waiting_of(connection, proposal, ruling)

    assert ruling.one_of_roles == (("finance", "quality"),)
    assert "a signature of finance or quality" in signatures_missing(waiting, law, people)
    assert may_approve(finance, waiting, law, ruled.clock()) is None


def test_a_plan_replays_by_the_rules_it_was_made_under(ruled: World, tmp_path: Path) -> None:
    world = copy_of(ruled, tmp_path / "copy")
    withdraw(world)

    with world.database.read() as connection:
        again = replay_plan(world.toolbox, connection, run_of(world).plan_run_id)

    assert again.same, again.differences


def test_an_edit_that_breaks_a_clause_is_refused(guided: World, tmp_path: Path) -> None:
    world = copy_of(guided, tmp_path / "copy")
    proposal = world.the_proposal()
    put_in_force(world.database, document(), [rule("donor_floor", sites=["DC"], units=295)])

    with pytest.raises(RuleBrokenError, match=r"leaves DC 290, and it must keep 295, by SOP-RULE@v1#1\.1"):
        world.decide(proposal, "edit", "pia", quantities={1: 10})
    assert world.the_proposal().state is S.PENDING


@pytest.mark.parametrize("step", ["approve", "dispatch"])
def test_a_rule_that_came_into_force_meanwhile_stops_the_proposal(guided: World, tmp_path: Path, step: str) -> None:
    world = copy_of(guided, tmp_path / "copy")
    proposal = world.the_proposal()
    if step == "dispatch":
        proposal = world.decide(proposal, "approve", "pia")
        world.clock.forward(minutes=31)
    put_in_force(world.database, document(), [rule("lane_ban", origin="DC")])

    gone = world.decide(proposal, "approve", "pia") if step == "approve" else None
    if step == "dispatch":
        world.desk.execute()
        gone = world.the_proposal()

    assert gone is not None
    assert gone.state is S.VOID
    assert SAID in gone.reason


def test_a_proposal_that_cites_a_superseded_clause_is_void_at_the_click(tmp_path: Path) -> None:
    world = world_with(tmp_path / "home", two_sites_one_lane(), [FLOOR])
    proposal = world.the_proposal()
    looser = FLOOR.model_copy(update={"version": 2, "units": 200})
    put_in_force(world.database, document(2, date(2024, 4, 8)), [looser])

    gone = world.decide(proposal, "approve", "pia")

    assert gone.state is S.VOID
    assert f"it cites {CITED}, which no longer speaks" in gone.reason
