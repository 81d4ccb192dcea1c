"""What is printed about a case: inert text, honest figures, and no command that could not work."""

from __future__ import annotations

from datetime import date
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from agent.case_views import ProposalDetail, case_detail, case_list, proposal_detail, sweep_counts
from inventory.records import EVERYTHING, ActionKind, Option, Proposal, ProposalState, Scope, Tier
from service.bootstrap import House
from service.case_page import case_page, proposal_page
from service.case_tables import case_list_page, short_day, whole_money
from service.console import inert
from service.story import story_of, story_page
from tests.service.doors import a_transfer


def _printed(page: RenderableType) -> str:
    console = Console(width=100, markup=False, highlight=False, emoji=False, record=True, file=StringIO())
    console.print(page)
    return console.export_text()


def _detail(house: House, proposal: Proposal) -> ProposalDetail:
    with house.database.read() as connection:
        return proposal_detail(connection, EVERYTHING, proposal.proposal_id)


@pytest.mark.parametrize(
    ("minor", "shown"), [(0, "0"), (49, "0"), (50, "1"), (-49, "0"), (-50, "−1"), (123_456_50, "123,457")]
)
def test_whole_money_rounds_half_away_from_zero(minor: int, shown: str) -> None:
    assert whole_money(minor) == shown


def test_a_day_has_no_leading_zero() -> None:
    assert short_day(date(2024, 4, 8)) == "8 Apr"


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "\u202e", "\u200b", "\x00", "\x07"])
def test_no_text_reaches_the_terminal_that_it_would_obey(still_house: House, hostile: str) -> None:
    assert hostile not in inert(f"a{hostile}b")
    detail = _detail(still_house, a_transfer(still_house))
    assert detail.situation is not None
    options = tuple(option.model_copy(update={"source": f"X{hostile}Y"}) for option in detail.situation.options)
    changed = detail.model_copy(update={"situation": detail.situation.model_copy(update={"options": options})})
    assert hostile not in _printed(proposal_page(changed))


def test_text_that_looks_like_markup_is_printed_as_it_is(still_house: House) -> None:
    detail = _detail(still_house, a_transfer(still_house))
    loud = detail.proposal.model_copy(update={"reason": "[bold red]act now[/] :fire:"})
    assert "[bold red]act now[/] :fire:" in _printed(proposal_page(detail.model_copy(update={"proposal": loud})))


def test_doing_nothing_is_priced_beside_the_rest(still_house: House) -> None:
    detail = _detail(still_house, a_transfer(still_house))
    assert detail.situation is not None
    hold = next(option for option in detail.situation.options if option.action is ActionKind.HOLD)
    assert isinstance(hold, Option)
    assert hold.net_value_minor == 0
    assert "hold" in _printed(proposal_page(detail))


def test_advice_offers_no_command_to_approve(still_house: House) -> None:
    detail = _detail(still_house, a_transfer(still_house))
    advice = detail.model_copy(update={"proposal": detail.proposal.model_copy(update={"tier": Tier.ADVICE})})
    name = f"evenkeel decide {detail.proposal.proposal_id}"
    assert f"{name} approve" in _printed(proposal_page(detail))
    said = _printed(proposal_page(advice))
    assert [f"{name} {verb}" in said for verb in ("approve", "edit", "escalate", "delegate")] == [False] * 4
    assert [f"{name} {verb}" in said for verb in ("reject", "snooze", "ask")] == [True] * 3


def test_what_is_no_longer_pending_offers_no_command(still_house: House) -> None:
    detail = _detail(still_house, a_transfer(still_house))
    gone = detail.proposal.model_copy(update={"state": ProposalState.SUPERSEDED, "reason": "edited by ben.planner"})
    said = _printed(proposal_page(detail.model_copy(update={"proposal": gone})))
    assert "evenkeel decide" not in said
    assert "superseded (edited by ben.planner)" in said


def test_a_donor_whose_site_the_reader_may_not_see_keeps_its_facts(still_house: House) -> None:
    ben = Scope(user="ben", sites=frozenset({"WH-SOUTH"}))
    proposal = a_transfer(still_house)
    with still_house.database.read() as connection:
        mine = proposal_detail(connection, ben, proposal.proposal_id)
    assert mine.situation is not None
    assert {option.site for option in mine.situation.options} == {"WH-SOUTH"}
    assert {fact.site for fact in mine.situation.facts} <= {"WH-SOUTH", *proposal.content.sites}


def test_counts_of_a_limited_reader_add_up(still_house: House) -> None:
    with still_house.database.read() as connection:
        found = case_list(connection, Scope(user="cara", sites=frozenset({"ST-PINE"})), everything=True)
    assert found.counts is not None
    assert found.counts.found == found.counts.shown + found.counts.automatic + found.counts.held_back
    assert found.counts.found == len(found.cases) == found.open_cases


def test_held_back_cases_are_counted_by_reason(still_house: House) -> None:
    from inventory.chronicle import list_sweeps

    with still_house.database.read() as connection:
        sweep = list_sweeps(connection, EVERYTHING)[0]
        seen = case_list(connection, EVERYTHING)
    fates = {case: "held_back:queue cap of 20" for case in sweep.dispositions}
    held = sweep_counts(sweep.model_copy(update={"dispositions": fates, "held_back": len(fates)}), EVERYTHING)
    assert held.held_back_reasons == {"queue cap of 20": len(fates)}
    assert f"queue cap of 20 {len(fates)}" in _printed(case_list_page(seen.model_copy(update={"counts": held})))


def test_the_story_tells_entries_in_the_order_of_the_chain(still_house: House) -> None:
    proposal = a_transfer(still_house)
    with still_house.database.read() as connection:
        story = story_of(connection, EVERYTHING, proposal.proposal_id)
        same = story_of(connection, EVERYTHING, proposal.content.case_id)
        page = case_page(case_detail(connection, EVERYTHING, proposal.content.case_id))
    assert story == same
    sequences = [moment.sequence for moment in story.moments if moment.sequence is not None]
    assert sequences == sorted(set(sequences))
    assert all(moment.hash for moment in story.moments if moment.sequence is not None)
    assert {moment.role for moment in story.moments} >= {"inventory", "replenishment", "allocation", "audit"}
    assert max(len(line) for line in _printed(story_page(story)).splitlines()) <= 100
    assert max(len(line) for line in _printed(page).splitlines()) <= 100
