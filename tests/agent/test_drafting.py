"""The template draft: every kind of case, every figure from the records, and always the same words."""

from __future__ import annotations

import re
from datetime import date

import pytest

from agent.draft_focus import Weakness, focus_on
from agent.drafting import Drafter, TemplateDrafter
from agent.grounding import check_prose, fill
from inventory.record import canonical_record
from inventory.records import ActionKind, Case, CaseKind, Citation, Driver, Explanation, Option, Proposal, Situation
from tests.agent.draft_worlds import (
    SOP,
    a_case,
    a_chosen_transfer,
    a_finding,
    a_hold,
    a_line,
    a_proposal,
    a_situation,
    a_transfer,
    an_option,
)
from tools.plain_words import count, days, exact_money, money, percent, plain, units

TRANSFER, PURCHASE, HOLD = ActionKind.TRANSFER, ActionKind.PURCHASE, ActionKind.HOLD
EXPEDITE, CORRECTION = ActionKind.EXPEDITE, ActionKind.CORRECTION
DRAFTER: Drafter = TemplateDrafter()

World = tuple[Case, Situation, Proposal, tuple[Citation, ...]]

OTHERS = (
    an_option(PURCHASE, -900_00, source="SUP-ASH", quantity=300, cost=900_00, p90=date(2024, 5, 20)),
    an_option(EXPEDITE, 3_500_00, source="SUP-ASH", cost=2_600_00, p90=date(2024, 4, 21)),
    an_option(TRANSFER, 8_000_00, source="DC-WEST", cost=300_00),
    an_option(TRANSFER, 0, source="FC-WEB", feasible=False, binding="lane_capacity"),
    a_hold(),
)


def a_stockout() -> World:
    """120 bolts short at WH-SOUTH; a transfer from DC-EAST is planned."""
    return a_case(a_finding()), a_situation(a_chosen_transfer(), *OTHERS), a_proposal(a_transfer()), (SOP,)


def a_supplier_delay() -> World:
    """Fourteen items hit by SUP-LARCH, a transfer for each."""
    findings = [
        a_finding(CaseKind.SUPPLIER_DELAY, item=f"ITEM-{n:02d}", supplier="SUP-LARCH", quantity=10 * n)
        for n in range(1, 15)
    ]
    lines = [a_transfer(finding.item, number=n) for n, finding in enumerate(findings, start=1)]
    options = [a_chosen_transfer(item=finding.item) for finding in findings]
    return a_case(*findings, cause="late:SUP-LARCH"), a_situation(*options), a_proposal(*lines), ()


def an_excess() -> World:
    """WH-SOUTH holds too much; DC-EAST takes some, FC-WEB could."""
    give = a_transfer(destination="DC-EAST").model_copy(update={"origin": "WH-SOUTH"})
    options = (
        an_option(TRANSFER, 700_00, source="WH-SOUTH", site="DC-EAST", avoided=0, chosen=True),
        an_option(TRANSFER, 500_00, source="WH-SOUTH", site="FC-WEB", avoided=0, p90=date(2024, 4, 30)),
    )
    return a_case(a_finding(CaseKind.EXCESS)), a_situation(*options, drivers=()), a_proposal(give), ()


def a_demand_shift() -> World:
    """Demand rose; a purchase is planned, and a person has changed it."""
    buy = an_option(PURCHASE, 800_00, source="SUP-ASH", chosen=True, flip="lead time above 12 days")
    proposal = a_proposal(a_line(PURCHASE, 150, "SUP-ASH"), requested_by="anna.planner")
    return a_case(a_finding(CaseKind.DEMAND_SHIFT)), a_situation(buy, a_hold(900_00), health=0.7), proposal, (SOP,)


def an_imbalance() -> World:
    """Too little at WH-SOUTH, too much at DC-EAST."""
    findings = (a_finding(CaseKind.IMBALANCE), a_finding(CaseKind.IMBALANCE, site="DC-EAST", quantity=-100))
    return a_case(*findings), a_situation(a_chosen_transfer(flip="")), a_proposal(a_transfer()), ()


def a_data_problem() -> World:
    """Book and count disagree; the books are to be corrected."""
    finding = a_finding(CaseKind.DATA_PROBLEM, note="book says 120, the warehouse counted 0.")
    return a_case(finding, cause="stock_mismatch"), a_situation(drivers=()), a_proposal(a_line(CORRECTION, 120)), ()


def a_stale_feed() -> World:
    """A feed is stale; there is nothing to execute."""
    finding = a_finding(CaseKind.DATA_PROBLEM, item="", quantity=0, note="the stock feed is 50 hours old")
    return a_case(finding, cause="stale"), a_situation(drivers=()), a_proposal(action=CORRECTION), ()


def an_expedite() -> World:
    """A late order is pulled in, with an uncertain arrival."""
    option = an_option(EXPEDITE, 800_00, source="SUP-ASH", chosen=True, p90=date(2024, 4, 30))
    case = a_case(a_finding(CaseKind.SUPPLIER_DELAY, supplier="SUP-ASH"), cause="late:SUP-ASH")
    return case, a_situation(option), a_proposal(a_line(EXPEDITE, 120, "SUP-ASH", "PO-17")), ()


def a_planned_hold() -> World:
    """Moving would cost more than it saves."""
    option = an_option(TRANSFER, -50_00, source="DC-EAST")
    return a_case(a_finding()), a_situation(a_hold(chosen=True), option), a_proposal(a_line(HOLD)), ()


def an_infeasible_case() -> World:
    """Nothing meets the constraints."""
    option = an_option(TRANSFER, 0, source="DC-EAST", feasible=False, binding="donor_floor")
    return a_case(a_finding()), a_situation(a_hold(chosen=True), option), a_proposal(a_line(HOLD)), ()


WORLDS = {
    "stockout": a_stockout(),
    "supplier delay": a_supplier_delay(),
    "excess": an_excess(),
    "demand shift": a_demand_shift(),
    "imbalance": an_imbalance(),
    "data problem": a_data_problem(),
    "stale feed": a_stale_feed(),
    "expedite": an_expedite(),
    "hold": a_planned_hold(),
    "infeasible": an_infeasible_case(),
}


def draft(world: World) -> Explanation:
    """The template's explanation of a world."""
    return DRAFTER.draft(*world)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_every_draft_is_grounded_and_its_text_is_its_template_filled(world: World) -> None:
    explanation = draft(world)
    ids = {*world[0].items, *world[0].sites, "DC-EAST", "SUP-ASH", "SUP-LARCH", "PO-17", "SOP-7"}
    assert check_prose(explanation.template, explanation.facts, ids) == ()
    assert explanation.text == fill(explanation.template, explanation.facts)
    assert explanation.source == "template"
    assert all(explanation.facts.values())
    assert not re.search(r"[{}]|  ", explanation.text)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_prose_beside_the_lists_stays_short(world: World) -> None:
    prose = [line for line in draft(world).text.splitlines() if not line.startswith("- ")]
    assert len(" ".join(prose).split()) <= 180


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_equal_records_in_another_order_give_the_same_words(world: World) -> None:
    case, situation, proposal, citations = world
    turned = situation.model_copy(
        update={"options": situation.options[::-1], "drivers": situation.drivers[::-1], "facts": situation.facts[::-1]}
    )
    again = DRAFTER.draft(case.model_copy(update={"findings": case.findings[::-1]}), turned, proposal, citations)
    assert canonical_record(again) == canonical_record(draft(world))


def test_a_stockout_reads_from_cause_to_confidence() -> None:
    text = draft(a_stockout()).text
    assert text.startswith(
        "BOLT-M8 at WH-SOUTH is projected to run short from 12 Apr 2024, by 120 units, with 9,800 EUR at risk."
    )
    for said in (
        "- late order PO-17: 70 units, 6.1 days of cover, 5,700 EUR",
        "Together they make 120 units, 10.5 days of cover and 9,800 EUR.",
        "- Transfer 120 units of BOLT-M8 from DC-EAST to WH-SOUTH, leaving 6 Apr 2024, "
        "usually there by 8 Apr 2024, if late by 10 Apr 2024.",
        "It costs 410 EUR, avoids 96 units of shortage (9,800 EUR) and is worth 9,390 EUR net.",
        "Afterwards 97 % of demand is expected to be met. The giving site keeps 21.0 days of cover.",
        "of 6 options looked at it has the highest net value",
        "What limits it: donor floor of DC-EAST.",
        "nothing in the range looked at",
        "a unit short costs more than 4.25 EUR",
        "- Transfers between sites (SOP-7), version 3, clause 4.2, in force since 1 Jan 2024",
        "Confidence: 82 %. History is short (26 weeks), which lowers it.",
        "Data as of 5 Apr 2024 06:00 UTC.",
    ):
        assert said in text


def test_each_option_not_taken_gets_its_reason() -> None:
    text = draft(a_stockout()).text
    for said in (
        "- Transfer 120 units from DC-WEST to WH-SOUTH: cheaper by 110 EUR, but worth 1,390 EUR less in all.",
        "- Expedite 120 units from SUP-ASH: may come as late as 21 Apr 2024, after the trouble starts, "
        "and is worth 5,890 EUR less.",
        "- Hold: moves nothing and gives up 9,390 EUR of net value.",
        "- Transfer from another site: not possible (lane capacity).",
        "- Buy 300 units from SUP-ASH: does not pay; its net value is −900 EUR.",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("option", "weakness"),
    [
        (an_option(TRANSFER, 9_390_00, source="DC-WEST", feasible=False), Weakness.INFEASIBLE),
        (an_option(TRANSFER, 9_390_01, source="DC-WEST"), Weakness.BETTER_ALONE),
        (an_option(TRANSFER, 9_390_00, source="DC-WEST"), Weakness.TIE),
        (an_option(TRANSFER, 9_000_00, source="DC-WEST", cost=410_01), Weakness.DEARER),
        (an_option(TRANSFER, 9_000_00, source="DC-WEST", cost=409_99), Weakness.CHEAPER_BUT_WEAKER),
        (an_option(TRANSFER, 9_000_00, source="DC-WEST"), Weakness.LESS_WORTH),
        (an_option(TRANSFER, -1, source="DC-WEST"), Weakness.NO_GAIN),
        (an_option(TRANSFER, 1, source="DC-WEST", p90=date(2024, 4, 13)), Weakness.TOO_LATE),
        (an_option(TRANSFER, 1, source="DC-WEST", p90=date(2024, 4, 12), cost=1), Weakness.CHEAPER_BUT_WEAKER),
        (a_hold(), Weakness.LEAVES_RISK),
    ],
)
def test_the_weakness_of_an_option_is_the_first_that_holds(option: Option, weakness: Weakness) -> None:
    case, _, proposal, _ = a_stockout()
    situation = a_situation(a_chosen_transfer()).model_copy(update={"options": (a_chosen_transfer(), option)})
    (alternative,) = focus_on(case, situation, proposal).alternatives
    assert alternative.weakness is weakness
    DRAFTER.draft(case, situation, proposal, ())


def test_what_only_a_person_could_carry_out_is_not_passed_over_in_silence() -> None:
    case, _, proposal, citations = a_stockout()
    better = an_option(ActionKind.SUBSTITUTE, 9_390_01, source="BOLT-M8X").model_copy(update={"executable": False})
    situation = a_situation(a_chosen_transfer()).model_copy(update={"options": (a_chosen_transfer(), better)})
    text = DRAFTER.draft(case, situation, proposal, citations).text
    assert "of what can be carried out without a person's own hand it has the highest net value" in text
    assert "but a person would have to carry it out" in text
    assert "looked at it has the highest" not in text


def test_a_supplier_case_is_summed_up_and_lists_the_five_largest() -> None:
    text = draft(a_supplier_delay()).text
    assert text.startswith("SUP-LARCH delivers late and leaves 1,050 units short at 14 item and site pairs")
    assert "- ITEM-10 at WH-SOUTH: 100 units from 12 Apr 2024\n- and 9 more" in text
    assert "ITEM-09" not in text.split("Why it happens")[0]
    assert "Proposed, 14 lines in all, the largest of them:" in text
    assert text.count("- Transfer 120 units of ") == 5
    assert "It costs 5,740 EUR" in text
    assert "The most valuable line, ITEM-01 at WH-SOUTH, in detail." in text


def test_excess_stock_competes_over_every_site_that_could_take_it() -> None:
    text = draft(an_excess()).text
    assert "holds 120 units more than it can use" in text
    assert "from WH-SOUTH to DC-EAST" in text
    assert "- Transfer 120 units from WH-SOUTH to FC-WEB: costs the same and is worth 200 EUR less." in text
    assert "Cause: demand differs from plan." in text
    assert "shortage" not in text


def test_a_version_changed_by_a_person_says_so() -> None:
    text = draft(a_demand_shift()).text
    assert "anna.planner changed this version; the worth below is that of the plan, 120 units." in text
    assert "What would change the answer: lead time above 12 days." in text
    assert "The data is not sound (health 70 %), which lowers it." in text
    assert "Why this: a person asked for it." in text
    assert "more, but a person asked for another." in text, "no plan is said to have chosen what a person chose"


def test_both_sites_of_an_imbalance_are_named() -> None:
    text = draft(an_imbalance()).text
    assert "- BOLT-M8 at WH-SOUTH: 120 units" in text
    assert "- BOLT-M8 at DC-EAST: 100 units" in text
    assert "no other option was found" in text


def test_a_data_problem_shows_its_evidence_and_moves_nothing() -> None:
    text = draft(a_data_problem()).text
    assert "Evidence: book says 120, the warehouse counted 0." in text
    assert "the books come before the goods" in text
    assert "costs" not in text
    assert "Nothing is proposed for execution." in draft(a_stale_feed()).text


def test_an_uncertain_arrival_lowers_confidence_by_name() -> None:
    text = draft(an_expedite()).text
    assert "(order PO-17) to WH-SOUTH" in text
    assert "uncertain (22 days between usual and late)" in text
    assert "What would change the answer was not examined." in text


def test_a_hold_names_what_stays_at_risk_and_why_nothing_moves() -> None:
    assert "Holding costs nothing and leaves 9,800 EUR at risk." in draft(a_planned_hold()).text
    assert "no option meets the constraints" in draft(an_infeasible_case()).text


def test_smaller_drivers_are_summed_so_that_the_sum_stays_whole() -> None:
    drivers = tuple(
        Driver(name=f"reason {n}", units=10.0, days_of_cover=1.5, money_minor=100_00 * (8 - n)) for n in range(1, 8)
    )
    text = DRAFTER.draft(
        a_case(a_finding()), a_situation(a_chosen_transfer(), drivers=drivers), a_proposal(a_transfer()), ()
    ).text
    assert "- smaller reasons: 20 units, 3.0 days of cover, 300 EUR" in text
    assert "Together they make 70 units, 10.5 days of cover and 2,800 EUR." in text


def test_a_site_named_like_one_of_our_words_does_not_stop_the_draft() -> None:
    option = a_chosen_transfer(item="HOLD", site="The")
    world = (a_case(a_finding(item="HOLD", site="The")), a_situation(option), a_proposal(a_transfer("HOLD", "The")), ())
    assert draft(world).text.startswith("HOLD at The is projected")


def test_text_of_records_reaches_the_draft_without_slots_or_hidden_characters() -> None:
    hostile = SOP.model_copy(update={"title": "Send {{cost}}\u202e now\nplease"})
    world = a_stockout()
    text = DRAFTER.draft(*world[:3], (hostile,)).text
    assert "- Send cost now please (SOP-7)" in text


def test_figures_look_the_same_everywhere() -> None:
    assert [exact_money(minor, "EUR") for minor in (0, 1, -5_000_01, 1_240_00)] == [
        "0 EUR",
        "0.01 EUR",
        "−5,000.01 EUR",
        "1,240 EUR",
    ]
    assert [money(minor, "EUR") for minor in (99_99, 100_49, 100_50, -1_000_50)] == [
        "99.99 EUR",
        "100 EUR",
        "101 EUR",
        "−1,001 EUR",
    ]
    assert [units(value) for value in (1.0, -1.0, 0.4, 1_200.5)] == ["1 unit", "−1 unit", "0 units", "1,201 units"]
    assert [days(6.05), days(-0.01), percent(0.975), count(1, "line")] == ["6.1 days", "0.0 days", "98 %", "1 line"]
    assert plain("a\u200b {{b}}\n c") == "a b c"
