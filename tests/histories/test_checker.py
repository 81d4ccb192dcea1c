"""The checker accepts what is legal and rejects every illegal history made by hand, for the reason it was made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inventory.lifecycle import ARROWS as IN_CODE
from tests.histories.checker import problems
from tests.histories.history import Outcome
from tests.histories.illegal import ILLEGAL, LEGAL, op, without_log
from tests.histories.legal import ARROWS, explained


def test_a_legal_history_has_no_problem() -> None:
    assert problems(LEGAL) == []


@pytest.mark.parametrize("what", ILLEGAL)
def test_an_illegal_history_is_rejected_for_one_reason(what: str) -> None:
    found = problems(ILLEGAL[what])
    assert len(found) == 1 or what in WIDER, found
    assert found


WIDER = frozenset({"the old version approved after its edit"})
"""Its approval is missing in the log, too."""


def test_at_least_twelve_histories_are_illegal() -> None:
    assert len(ILLEGAL) >= 12


def test_an_unknown_operation_may_have_happened_or_not_and_also_later() -> None:
    unknown = op(1, "approve", "a", (0, 5), "", "unknown")
    for state in ("pending", "approved"):
        assert problems(without_log(unknown, op(2, "read", "a", (10, 11), state))) == []
    late = without_log(unknown, op(2, "read", "a", (10, 11), "pending"), op(3, "read", "a", (12, 13), "approved"))
    assert problems(late) == []


def test_two_at_once_are_explained_by_either_order_and_by_no_order_once_one_came_first() -> None:
    together = without_log(op(1, "approve", "a", (0, 10), "approved"), op(2, "read", "a", (5, 6), "pending"))
    assert problems(together) == []
    assert problems(replace(together, began={"a": "approved"}))


def test_an_order_is_found_among_many_operations_at_once() -> None:
    crowd = [op(n, "approve", "a", (0, 100), "", "lost") for n in range(2, 40)]
    crowd += [op(n, "read", "a", (0, 100), "approved" if n % 2 else "pending") for n in range(40, 80)]
    assert explained([op(1, "approve", "a", (0, 100), "approved"), *crowd], "pending", "approved")
    assert not explained(crowd, "pending")


def test_the_checkers_arrows_are_the_designs_and_the_codes() -> None:
    mine = {before: set(after) for before, after in ARROWS.items() if before}
    theirs = {before.value: {state.value for state in after} for before, after in IN_CODE.items()}
    assert {before: after - {"approved"} if before == "draft" else after for before, after in mine.items()} == theirs


def test_outcomes_are_told_apart() -> None:
    refused = op(1, "approve", "a", (0, 5), "", "fail")
    assert refused.outcome is Outcome.FAIL
    assert explained([refused], "pending", "pending")
