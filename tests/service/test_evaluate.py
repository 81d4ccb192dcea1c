"""Golden scenarios played through the real doors: what passes, what a judge must catch, and what the command shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import typer
from scipy.stats import binomtest
from typer.testing import CliRunner

from agent.brief import Brief, make_brief
from inventory.proposals import find_explanation, list_proposals
from inventory.records import EVERYTHING, Citation, ProposalState
from service.bootstrap import House
from service.commands.evaluate import evaluate as command
from service.errors import InputError
from service.evaluation.end_state import EndState, end_state
from service.evaluation.flips import check_flips
from service.evaluation.judging import judge, same_but_for_words
from service.evaluation.runner import BY_ID as PEOPLE
from service.evaluation.runner import empty_home, furnished, play
from service.evaluation.said import look_through, unsupported_in_brief
from service.evaluation.scenario import Expectation, Scenario, list_scenarios
from service.evaluation.scorecard import chosen, evaluate, share, with_seed
from service.evaluation.slots import sentences_unsupported, slot_facts
from service.evaluation.spoken import listen

ALL = list_scenarios()
CENTRAL = PEOPLE["central"]
STANDS_OPEN = {"U10", "U14"}
"""Written afterwards and not met: a clause that talks to programs is cited; the better option a person would have to
carry out is shown beside the proposal, not proposed."""
BY_ID = {scenario.id: scenario for scenario in ALL}
QUIET = lambda step, done, of: None  # noqa: E731 - a progress nobody watches
app = typer.Typer()
app.command()(command)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home every scenario begins from."""
    return empty_home(tmp_path_factory.mktemp("evaluate") / "empty")


@pytest.fixture(scope="module")
def g01(empty: Path) -> Iterator[House]:
    """G01 played to its end: one automatic transfer, posted."""
    scenario = BY_ID["G01"]
    with furnished(scenario.world, empty, empty.parent / "G01") as house:
        assert play(scenario, scenario.world, house) == ()
        yield house


def failures(scenario: Scenario, expectation: Expectation, end: EndState) -> list[str]:
    """What a judge finds wrong, by aspect."""
    return [check.aspect for check in judge(expectation, scenario.world, end) if not check.passed]


def test_a_late_order_ends_with_one_automatic_transfer_in_the_erp(g01: House) -> None:
    end = end_state(g01)
    assert failures(BY_ID["G01"], BY_ID["G01"].expect, end) == []
    (posting,) = end.postings
    assert (posting.origin, posting.destination) == ("DC", "NORTH")
    (one,) = end.standing
    assert one.proposal.state is ProposalState.EXECUTED
    assert sum(line.quantity for line in posting.lines) == sum(line.quantity for line in one.lines)


@pytest.mark.parametrize(
    ("part", "changed", "aspect"),
    [
        ("cases", {"kinds": ["excess"]}, "case"),
        ("cases", {"kinds": ["projected_stockout"], "item": "BOLT", "exists": False}, "case"),
        ("cases", {"kinds": ["projected_stockout"], "count": 2}, "case"),
        ("cases", {"kinds": ["projected_stockout"], "findings": 2}, "case"),
        ("cases", {"kinds": ["projected_stockout"], "site": "DC"}, "case"),
        ("proposals", {"item": "BOLT", "site": "NORTH", "actions": ["hold"]}, "action"),
        ("proposals", {"item": "BOLT", "site": "DC", "actions": ["transfer"]}, "action"),
        ("proposals", {"item": "BOLT", "site": "NORTH", "actions": ["transfer"], "tiers": ["planner"]}, "tier"),
        ("proposals", {"item": "BOLT", "site": "NORTH", "actions": ["transfer"], "fired": ["value"]}, "tier"),
        ("proposals", {"item": "BOLT", "site": "NORTH", "actions": ["transfer"], "not_fired": ["allow_list"]}, "tier"),
        ("proposals", {"item": "BOLT", "site": "NORTH", "actions": ["transfer"], "needs_roles": ["central"]}, "tier"),
        ("proposals", {"item": "BOLT", "site": "NORTH", "actions": ["transfer"], "two_people": True}, "tier"),
        ("proposals", {"item": "BOLT", "site": "NORTH", "actions": ["transfer"], "first_lots": ["L-1"]}, "quantity"),
        ("totals", {"action": "transfer", "item": "BOLT", "at_most": 5}, "quantity"),
        ("totals", {"action": "transfer", "item": "BOLT", "at_least": 151, "at_most": 999}, "quantity"),
        ("totals", {"action": "transfer", "item": "BOLT", "at_most": 5, "per_day": True}, "quantity"),
        ("forbidden", {"action": "transfer", "origin": "DC"}, "forbidden"),
        ("forbidden", {"action": "transfer", "tiers": ["auto"]}, "forbidden"),
        ("documents", {"action": "transfer", "count": 0}, "document"),
        ("documents", {"action": "transfer", "count": 2}, "document"),
        ("documents", {"action": "transfer", "origin": "NORTH", "count": 1}, "document"),
    ],
)
def test_a_judge_catches_what_is_not_there(g01: House, part: str, changed: dict[str, object], aspect: str) -> None:
    """Each expectation is wrong about G01 in one way."""
    parts = {"cases": [{"kinds": ["projected_stockout"]}], part: [changed]}
    assert failures(BY_ID["G01"], Expectation.model_validate(parts), end_state(g01)) == [aspect]


@pytest.mark.parametrize(
    ("line", "passes"),
    [
        ({}, True),
        ({"origins": ["WEST"]}, False),
        ({"at_least": 1, "at_most": 2}, False),
        ({"multiple_of": 1000}, False),
        ({"orders": ["PO-1"]}, False),
        ({"suppliers": ["SUP"]}, False),
    ],
)
def test_lines_are_held_against_origin_range_and_multiple(g01: House, line: dict[str, object], passes: bool) -> None:
    whole = {"action": "transfer", "item": "BOLT", "destination": "NORTH", "at_least": 20, "at_most": 150} | line
    proposal = {"item": "BOLT", "site": "NORTH", "actions": ["transfer"], "lines": [whole]}
    expectation = Expectation.model_validate({"cases": [{"kinds": ["projected_stockout"]}], "proposals": [proposal]})
    assert failures(BY_ID["G01"], expectation, end_state(g01)) == ([] if passes else ["quantity"])


def test_a_twin_of_other_deeds_is_told_apart(g01: House) -> None:
    end = end_state(g01)
    assert same_but_for_words(end, end).passed
    assert not same_but_for_words(end, EndState(end.cases, (), ())).passed


def test_everything_said_in_g01_follows_from_a_fact(g01: House) -> None:
    said = look_through(g01, CENTRAL)
    # The explanation, the brief, and two answers about each place.
    assert said.texts == 2 + 2 * len(BY_ID["G01"].world.places)
    assert (said.unsupported, said.invalid_citations) == ((), ())


def test_a_figure_a_slot_or_a_clause_that_is_not_so_is_named(g01: House) -> None:
    """An explanation is rewritten behind the desk's back: a sum in prose, a slot of another figure, an old clause."""
    with g01.database.read() as connection:
        (proposal,) = list_proposals(connection, EVERYTHING)
        explanation = find_explanation(connection, EVERYTHING, proposal.proposal_id)
    assert explanation is not None
    from service.evaluation import said as module

    forged = explanation.model_copy(
        update={"text": f"{explanation.text} In all 4,711 units.", "facts": explanation.facts | {"line_1_item": "NUT"}}
    )
    clause = Citation(
        passage_id="SOP-X@v1#1.1", document_id="SOP-X", version=1, clause="1.1", title="X", text="Nothing.",
        effective_from=date(2024, 1, 1),
    )  # fmt: skip
    with g01.database.read() as connection:
        found = list(module._explanation(connection, proposal, forged))
        invalid = list(module._citation(connection, clause, proposal.created_at))
    assert [what for what in found if "4,711" in what]
    assert [what for what in found if "slot line_1_item says 'NUT', the records say 'BOLT'" in what]
    assert invalid == ["SOP-X v1 1.1 was not in force on 2024-04-08"]


def test_an_answer_to_something_else_is_named(g01: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.evaluation.spoken.QUESTIONS", {"why": "How much {item} is there at {site}?"})
    spoken = listen(g01, CENTRAL)
    assert len(spoken.unsupported) == spoken.texts == len(BY_ID["G01"].world.places)
    assert all("why: not answered but" in what for what in spoken.unsupported)


def test_a_sentence_may_say_what_a_slot_says_and_nothing_else() -> None:
    slots = {"site": "DC", "units": "45 units", "due": "12 Apr 2024"}
    assert list(sentences_unsupported("DC has 45 units. They are due 12 Apr 2024.", slots, {"DC"})) == []
    (found,) = sentences_unsupported("DC has 45 units. Another 46 units come.", slots, {"DC"})
    assert "46" in found
    assert "Another 46 units come." in found


def test_slots_become_facts_of_their_kind() -> None:
    facts = slot_facts(
        {"line_1_origin": "DC", "line_1_quantity": "45 units", "worth": "−1,200.50 EUR", "bites_on": "12 Apr 2024",
         "share": "82 %", "rule_1_clause": "clause 2.1", "note": "see PO-7"}, {"DC"},
    )  # fmt: skip
    assert {(fact.name, str(fact.value), fact.kind, fact.role) for fact in facts} == {
        ("line_1_origin", "DC", "site", "origin"), ("line_1_quantity", "45", "quantity", ""),
        ("worth", "-1200.50", "money", ""), ("bites_on", "2024-04-12", "date", ""), ("share", "82", "percent", ""),
        ("rule_1_clause", "2.1", "clause", ""), ("note", "PO-7", "item", ""),
    }  # fmt: skip


def test_the_brief_says_only_what_its_record_holds(g01: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with g01.database.read() as connection:
        brief: Brief = make_brief(connection, EVERYTHING, g01.clock(), None)
    assert list(unsupported_in_brief(brief)) == []
    monkeypatch.setattr("service.evaluation.said.brief_text", lambda brief: "Of 98,765 cases 1 is open.\n")
    assert list(unsupported_in_brief(brief)) == ["figure '98,765' in 'Of 98,765 cases 1 is open.'"]


def test_flip_points_of_g01_hold_when_solved_anew(g01: House) -> None:
    """A cost and a delay are stated; at each the winner changes from the transfer to holding still."""
    checks = check_flips(g01)
    assert len(checks) == 2
    assert all(check.holds for check in checks), checks
    assert all("transfer" in check.seen and "hold" in check.seen for check in checks)


def test_the_interval_is_wilsons() -> None:
    """Against scipy's, and at both ends."""
    for passed, of in ((0, 4), (3, 7), (44, 51), (51, 51)):
        oracle = binomtest(passed, of).proportion_ci(method="wilson")
        found = share("x", [True] * passed + [False] * (of - passed))
        assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=5e-5)
    assert (share("none", []).low, share("none", []).high) == (0.0, 1.0)


def test_a_seed_moves_noise_only() -> None:
    """G16 is noisy, G01 is not."""
    assert with_seed(BY_ID["G01"].world, 7) == BY_ID["G01"].world
    noisy, other = BY_ID["G16"].world, with_seed(BY_ID["G16"].world, 7)
    assert other != noisy
    assert with_seed(noisy, 0) == noisy
    assert {place.on_hand for place in other.places} == {place.on_hand for place in noisy.places}


def test_unknown_scenarios_are_named() -> None:
    with pytest.raises(InputError, match="no scenario G99; there are G01 to U16"):
        chosen(ALL, ["G01", "G99"])


def test_the_command_shows_the_card_and_fails_when_a_scenario_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """G19 passes as it is; with an expectation of the opposite it fails, is named, and the exit code says so."""
    shown = CliRunner().invoke(app, ["--only", "G19"])
    assert shown.exit_code == 0, shown.output
    assert "data problem" in shown.output
    assert "0 unsupported figures" in shown.output
    wrong = BY_ID["G19"].model_copy(
        update={"expect": Expectation.model_validate({"cases": [{"kinds": ["excess"], "item": "BOLT"}]})}
    )
    monkeypatch.setattr("service.evaluation.scenario.list_scenarios", lambda: (wrong,))
    failed = CliRunner().invoke(app, ["--only", "G19", "--json"])
    assert failed.exit_code == 1
    card = json.loads(failed.stdout)
    assert card["scenarios"][0] == {"name": "all", "passed": 0, "of": 1, "low": 0.0, "high": 0.7935}
    (check,) = card["results"][0]["checks"]
    assert (check["aspect"], check["passed"]) == ("case", False)


@pytest.mark.acceptance
def test_every_scenario_ends_as_its_story_says() -> None:
    """All of them, every stated flip point, everything said, every citation."""
    card = evaluate(ALL, (), 0, QUIET)
    assert card.said.unsupported == ()
    assert card.said.invalid_citations == ()
    assert card.flips.passed == card.flips.of >= 50
    assert {result.id for result in card.results if not result.passed} == STANDS_OPEN


@pytest.mark.acceptance
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noisy_worlds_end_the_same_under_other_noise(seed: int) -> None:
    noisy = [one.id for one in ALL if any(place.demand.noise for place in one.world.places)]
    assert noisy
    card = evaluate(ALL, noisy, seed, QUIET)
    assert {result.id: result.failures for result in card.results if not result.passed} == {}
