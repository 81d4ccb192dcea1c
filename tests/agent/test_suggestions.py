"""A form is words until a person submits it; then the gate rules on it like on any draft, and its asker never signs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.errors import DecisionRefusedError
from inventory.cases import find_case
from inventory.errors import AccessError, NotEnoughStockError
from inventory.ledger import list_reservations
from inventory.machine_rules import RuleRecord
from inventory.records import EVERYTHING, Proposal, ProposalState, Tier
from tests.capability_worlds import answer
from tests.tools.networks import copy_of
from tests.tools.rule_worlds import CITED, SAID, document, rule
from tests.worlds import START, World
from tests.written_rules import put_in_force
from tools.capabilities.answer import FormAnswer
from tools.capabilities.arguments import PrefillProposal
from tools.capabilities.forms import form_text, read_form_text
from tools.errors import StaleFactsError, ToolInputError

NUTS = {"action": "transfer", "item": "NUT", "site": "NORTH", "quantity": 10}
NO_ORDERS = rule("embargo", items=["NUT"], actions=["purchase"], **{"from": START.date(), "to": START.date()})


@pytest.fixture
def world(company: World, tmp_path: Path) -> World:
    return copy_of(company, tmp_path / "home")


def form_of(world: World, **asked: object) -> FormAnswer:
    found = answer(world, "prefill_proposal", **asked)
    assert isinstance(found, FormAnswer)
    return found


def submitted(world: World, **asked: object) -> Proposal:
    return world.desk.submit(
        PrefillProposal.model_validate(asked), form_of(world, **asked).form_digest, world.user("pia")
    )


def held(world: World) -> list[tuple[str, str, int]]:
    with world.database.read() as connection:
        return [(r.item, r.site, r.quantity) for r in list_reservations(connection, EVERYTHING, states=("held",))]


def test_filling_in_a_form_reserves_nothing(world: World) -> None:
    before = held(world)
    found = form_of(world, **NUTS)
    assert found.form is not None
    assert [(line.origin, line.quantity, line.cost_minor) for line in found.form.lines] == [("DC", 10, 1300)]
    assert held(world) == before


def test_a_submitted_form_is_ruled_on_and_holds_its_units(world: World) -> None:
    proposal = submitted(world, **NUTS)

    assert proposal.state is ProposalState.PENDING
    assert proposal.tier is not None
    assert proposal.tier is not Tier.AUTO
    assert ("NUT", "DC", 10) in held(world)
    with world.database.read() as connection:
        assert find_case(connection, EVERYTHING, proposal.content.case_id).case.cause == "asked"


def test_who_asked_may_not_sign_and_another_may(world: World) -> None:
    proposal = submitted(world, **NUTS)

    with pytest.raises(DecisionRefusedError, match="asked for this proposal"):
        world.decide(proposal, "approve", "pia")
    assert world.decide(proposal, "approve", "ada").state is ProposalState.APPROVED


def test_a_submitted_form_replays_and_the_log_holds(world: World) -> None:
    proposal = submitted(world, **NUTS)
    (replayed,) = world.desk.replay(proposal.proposal_id)
    assert replayed.same


def test_the_days_a_donor_keeps_bind_the_form(world: World) -> None:
    free = form_of(world, action="transfer", item="NUT", site="NORTH", quantity=200).form
    tight = form_of(world, action="transfer", item="NUT", site="NORTH", quantity=200, keep_days=200).form
    assert free is not None
    assert tight is not None
    assert sum(line.quantity for line in tight.lines) < sum(line.quantity for line in free.lines)
    # Six a week: 200 days are 171 units and a part.
    assert 200 - sum(line.quantity for line in tight.lines) >= 200 * 6 / 7 - 2


def test_a_form_keeps_to_a_donor_floor_and_names_the_clause(world: World) -> None:
    """DC has 200 NUT and sends whole pairs."""
    free = form_of(world, **{**NUTS, "quantity": 50})
    put_in_force(world.database, document(), [rule("donor_floor", sites=["DC"], units=189)])
    found = form_of(world, **{**NUTS, "quantity": 50})

    assert free.form is not None
    assert found.form is not None
    assert [sum(line.quantity for line in form.lines) for form in (free.form, found.form)] == [50, 10]
    assert "A written rule" not in free.text
    assert f"DC keeps 189 units by {SAID}" in found.text
    assert CITED.replace("@v", "@") in [source.text for source in found.sources]


@pytest.mark.parametrize(
    ("asked", "barring"),
    [
        (NUTS, rule("donor_floor", sites=["DC"], units=250)),
        (NUTS, rule("lane_ban", origin="DC")),
        ({"action": "purchase", "item": "NUT", "site": "NORTH", "quantity": 24}, NO_ORDERS),
    ],
    ids=["floor", "lane", "order"],
)
def test_what_a_clause_forbids_is_no_form_and_no_draft(
    world: World, asked: dict[str, object], barring: RuleRecord
) -> None:
    """Neither where it is asked for now, nor where the form was seen before the rule spoke."""
    seen = form_of(world, **asked).form_digest
    put_in_force(world.database, document(), [barring])
    now, before = form_of(world, **asked), held(world)

    assert seen
    assert now.form is None
    assert SAID in now.text
    with pytest.raises(StaleFactsError, match=re.escape(SAID)):
        world.desk.submit(PrefillProposal.model_validate(asked), seen, world.user("pia"))
    assert held(world) == before


def test_another_form_than_the_one_seen_is_refused_with_the_right_one(world: World) -> None:
    right = form_of(world, **NUTS).form_digest
    with pytest.raises(StaleFactsError, match=right[:12]):
        world.desk.submit(PrefillProposal.model_validate(NUTS), "0" * 12, world.user("pia"))
    with pytest.raises(StaleFactsError):
        world.desk.submit(PrefillProposal.model_validate(NUTS), right[:4], world.user("pia"))


def test_a_form_about_what_is_being_decided_is_refused(world: World) -> None:
    asked = {"action": "purchase", "item": "BOLT", "site": "NORTH"}
    assert "decide or change it there" in form_of(world, **asked).text
    with pytest.raises(DecisionRefusedError, match="decide or edit it instead"):
        submitted(world, **asked)


@pytest.mark.parametrize("user", ["iris", "root"])
def test_who_never_signs_submits_nothing(world: World, user: str) -> None:
    digest = form_of(world, **NUTS).form_digest
    with pytest.raises(DecisionRefusedError, match="proposes nothing"):
        world.desk.submit(PrefillProposal.model_validate(NUTS), digest, world.user(user))


def test_a_foreign_site_is_refused_before_anything_is_looked_at(world: World) -> None:
    asked = PrefillProposal.model_validate({**NUTS, "site": "DC"})
    with pytest.raises(AccessError, match="you may see NORTH"):
        world.desk.submit(asked, "0" * 12, world.user("otto"))


def test_units_taken_in_between_make_it_another_form(world: World) -> None:
    asked = {"action": "transfer", "item": "NUT", "site": "NORTH", "quantity": 400}
    seen = form_of(world, **asked).form_digest
    submitted(world, **NUTS)
    with pytest.raises((DecisionRefusedError, StaleFactsError, NotEnoughStockError)):
        world.desk.submit(PrefillProposal.model_validate(asked), seen, world.user("ada"))


@pytest.mark.parametrize(
    "line",
    ["transfer item=NUT site=NORTH", "purchase item=NUT site=DC supplier=SUP quantity=24 keep_days=1.5",
     "push_out item=NUT site=DC arrive_by=2024-05-03"],
)  # fmt: skip
def test_a_form_in_words_reads_back(line: str) -> None:
    assert form_text(read_form_text(line)) == line


@pytest.mark.parametrize(
    "line",
    ["", "approve item=NUT site=DC", "transfer item=NUT", "transfer item=NUT site", "transfer item=A item=B site=C"],
)
def test_words_that_are_no_form_are_refused(line: str) -> None:
    with pytest.raises(ToolInputError, match="form"):
        read_form_text(line)
