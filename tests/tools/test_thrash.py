"""Measures against moving to and fro: reversals counted by hand, and what a move is surely worth."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inventory.records import ActionKind, Option, ProposalState, Situation
from tests.inventory.worlds import NOW, a_proposal
from tools.thrash import count_reversals, nervousness, net_value_low

DAY = timedelta(days=1)


def an_option(net: int, low: tuple[int, ...], *, chosen: bool = True) -> Option:
    return Option(
        action=ActionKind.TRANSFER, item="BOLT", site="NORTH", quantity=5, cost_minor=1, shortage_avoided_units=1.0,
        shortage_avoided_minor=1, service_after=1.0, net_value_minor=net, confidence=0.9, chosen=chosen,
        net_value_low_minor=low,
    )  # fmt: skip


def a_situation(*options: Option) -> Situation:
    return Situation(
        case_id="case-1", snapshot_id="snap-1", as_of=NOW, money_at_risk_minor=1, facts=(), drivers=(), options=options
    )


LOW = (50, 40, 30, 20, 10, 0)


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(0.0, None), (0.49, None), (0.5, 50), (0.55, 40), (0.8, 20), (0.81, 10), (0.95, 0), (1.0, 0)],
)
def test_the_next_surer_bound_counts(confidence: float, expected: int | None) -> None:
    assert net_value_low(a_situation(an_option(90, LOW), an_option(5, (9,) * 6, chosen=False)), confidence) == expected


def test_bounds_of_several_needs_add_up_and_what_was_not_drawn_is_worth_nothing_for_sure() -> None:
    assert net_value_low(a_situation(an_option(90, LOW), an_option(90, LOW)), 0.8) == 40
    assert net_value_low(a_situation(an_option(90, ())), 0.8) == 0
    assert net_value_low(a_situation(an_option(-7, ())), 0.8) == -7
    assert net_value_low(a_situation(), 0.8) is None
    assert net_value_low(None, 0.8) is None


def test_reversals_are_moves_of_an_item_that_go_back_within_the_days() -> None:
    there, back = ("BOLT", "DC", "NORTH", 1), ("BOLT", "NORTH", "DC", 15)
    assert count_reversals([]) == 0
    assert count_reversals([there, back]) == 1
    assert count_reversals([there, ("BOLT", "NORTH", "DC", 16)]) == 0
    assert count_reversals([there, ("NUT", "NORTH", "DC", 5), ("BOLT", "SOUTH", "DC", 5)]) == 0
    assert count_reversals([there, there, back]) == 2


def test_nervousness_counts_what_was_planned_anew_but_not_what_a_person_edited() -> None:
    lives = (
        (ProposalState.EXECUTED, ""),
        (ProposalState.SUPERSEDED, "the money at risk has grown"),
        (ProposalState.SUPERSEDED, "edited by pia"),
        (ProposalState.PENDING, ""),
    )
    made = [
        a_proposal(f"case-{number}", created_at=NOW - number * DAY).model_copy(
            update={"state": state, "reason": reason}
        )
        for number, (state, reason) in enumerate(lives)
    ]
    old = a_proposal("case-old", created_at=NOW - 14 * DAY)
    found = nervousness([*made, old], NOW)
    assert (found.proposals, found.replaced, found.moves, found.reversals) == (4, 1, 1, 0)
    assert found.changes_per_plan_day == pytest.approx(1 / 4 / 14)
    assert found.reversal_share == 0.0
    assert nervousness([], NOW).changes_per_plan_day == 0.0
