"""Rules that change who decides: without them the same move is cheaper to decide, and with them the clause is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.machine_rules import RuleRecord
from inventory.proposals import list_approvals, list_rulings
from inventory.records import EVERYTHING, Proposal, ProposalState, Ruling, Tier
from tests.tools.rule_worlds import CITED, document, lines_of, net_value, rule
from tests.worlds import World, two_sites_one_lane
from tests.written_rules import put_in_force

S = ProposalState


def ruled_by(folder: Path, rules: list[RuleRecord], rollout: str) -> World:
    """DC has 300 BOLT and NORTH 4; swept once under the rules."""
    world = World(folder / "home", two_sites_one_lane(), rollout=rollout).furnish()
    put_in_force(world.database, document(), rules)
    world.desk.sweep()
    return world


def newest(world: World) -> tuple[Proposal, Ruling]:
    proposal = world.the_proposal()
    with world.database.read() as connection:
        return proposal, list_rulings(connection, EVERYTHING, proposal.proposal_id)[-1]


def signers(world: World, proposal: Proposal) -> set[str]:
    with world.database.read() as connection:
        return {approval.by for approval in list_approvals(connection, EVERYTHING, proposal.proposal_id)}


NEVER = {
    "by class and action": rule("never_automatic", classes=["consumable"], actions=["transfer"]),
    "by giving site": rule("never_automatic", sites=["DC"]),
}
NOT_MEANT = [
    rule("never_automatic", items=["NUT"]),
    rule("never_automatic", rule_id="R-2", items=["BOLT"], actions=["purchase"]),
    rule("never_automatic", rule_id="R-3", classes=["regulated"]),
    rule("approval_right", rule_id="R-4", roles=["finance"], sites=["PORTO"]),
]
CENTRAL = rule("approval_right", items=["BOLT"], roles=["central"], above=100)
DEARER = rule("approval_right", rule_id="R-2", items=["BOLT"], roles=["finance"], above=360)


@pytest.mark.parametrize("name", NEVER)
def test_what_would_be_automatic_waits_for_a_person_by_the_clause(name: str, automatic: World, tmp_path: Path) -> None:
    """Ignoring the rule would win: the same units are worth the same, and no person's time is spent."""
    world = ruled_by(tmp_path, [NEVER[name]], "auto")
    (without, free), (proposal, ruling) = newest(automatic), newest(world)

    assert lines_of(world) == lines_of(automatic)
    assert net_value(world) == net_value(automatic)
    assert (free.tier, without.state, signers(automatic, without)) == (Tier.AUTO, S.APPROVED, {"policy:1:allow_list"})
    assert (ruling.tier, proposal.state, signers(world, proposal)) == (Tier.PLANNER, S.PENDING, set())
    (fired,) = [each for each in ruling.fired if each.tier is Tier.PLANNER]
    assert f"by {CITED} (R-1)" in fired.reason


def test_rules_about_something_else_leave_it_automatic(tmp_path: Path) -> None:
    _, ruling = newest(ruled_by(tmp_path, NOT_MEANT, "auto"))

    assert (ruling.tier, ruling.one_of_roles) == (Tier.AUTO, ())


def test_a_planners_signature_is_not_enough_where_a_clause_names_another_right(guided: World, tmp_path: Path) -> None:
    """Without the rule the planner's signature alone releases it; with it the dearer right must sign, too.

    78 BOLT at 4.00 and a truck are worth less than 360 EUR, so the right asked for above that is not.
    """
    released = guided.copied_to(tmp_path / "copy").decide(guided.the_proposal(), "approve", "pia")
    world = ruled_by(tmp_path, [CENTRAL, DEARER], "guided")
    proposal, ruling = newest(world)
    waits = world.decide(proposal, "approve", "pia")
    again = world.decide(waits, "approve", "carl")

    assert lines_of(world) == lines_of(guided)
    assert released.state is S.APPROVED
    assert (waits.state, waits.reason) == (S.PENDING, "a signature of central")
    assert (again.state, signers(world, again)) == (S.APPROVED, {"pia", "carl"})
    assert proposal.content.value_minor in range(300_00, 360_00)
    (fired,) = [each for each in ruling.fired if each.rule in ("R-1", "R-2")]
    assert fired.reason == f"central must be among the signers above 100, by {CITED} (R-1)"
