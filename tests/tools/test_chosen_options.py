"""Every option that is priced can be made into lines that can be carried out, or says why not."""

from __future__ import annotations

from datetime import date

import pytest

from inventory.records import ActionKind, Option, ProposalContent, ProposalLine
from tools.action_kinds import KINDS, problems
from tools.chosen_options import EXPRESS, lines_of
from tools.errors import ToolInputError

TODAY = date(2024, 4, 8)


def an_option(action: ActionKind, **changes: object) -> Option:
    return Option.model_validate(
        {
            "action": action, "item": "BOLT", "site": "NORTH", "quantity": 40, "cost_minor": 1_001,
            "shortage_avoided_units": 1.0, "shortage_avoided_minor": 1, "service_after": 0.9, "net_value_minor": 1,
            "confidence": 1.0, "arrives_p50": date(2024, 4, 12), **changes,
        }
    )  # fmt: skip


def carried_out(lines: tuple[ProposalLine, ...]) -> tuple[str, ...]:
    """What speaks against lines."""
    return problems(
        ProposalContent(
            case_id="case-1", version=1, action=lines[0].action, lines=lines, value_minor=1, currency="EUR",
            snapshot_id="snap-1", plan_run_id="plan-1", policy_version=1,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("action", "said", "expected"),
    [
        (ActionKind.TRANSFER, {"source": "DC", "mode": "truck"}, {"origin": "DC", "mode": "truck"}),
        (ActionKind.PURCHASE, {"source": "SUP"}, {"supplier": "SUP"}),
        (ActionKind.PULL_IN, {"source": "SUP", "order_id": "PO-1"}, {"supplier": "SUP", "order_id": "PO-1"}),
        (ActionKind.PUSH_OUT, {"source": "SUP", "order_id": "PO-1"}, {"supplier": "SUP", "order_id": "PO-1"}),
        (ActionKind.SPLIT, {"source": "SUP", "order_id": "PO-1"}, {"supplier": "SUP", "order_id": "PO-1"}),
        (ActionKind.EXPEDITE, {"source": "SUP", "order_id": "PO-1"}, {"supplier": "SUP", "order_id": "PO-1"}),
        (ActionKind.SUBSTITUTE, {"source": "NUT"}, {"mode": "NUT"}),
        (ActionKind.REALLOCATE, {"source": "WEB"}, {"origin": "WEB"}),
        (ActionKind.RETURN_TO_SUPPLIER, {"source": "SUP"}, {"supplier": "SUP"}),
        (ActionKind.MARKDOWN, {}, {"mode": "20"}),
    ],
)
def test_an_option_becomes_a_line_that_can_be_carried_out(
    action: ActionKind, said: dict[str, str], expected: dict[str, str]
) -> None:
    lines = lines_of(an_option(action, **said), TODAY)
    (line,) = lines
    assert (line.action, line.quantity, line.cost_minor, line.arrive_on) == (action, 40, 1_001, date(2024, 4, 12))
    assert {name: getattr(line, name) for name in expected} == expected
    assert action in KINDS
    assert carried_out(lines) == ()


def test_a_new_expedited_order_is_a_purchase_on_express_terms() -> None:
    (line,) = lines_of(an_option(ActionKind.EXPEDITE, source="SUP", mode="new order"), TODAY)
    assert (line.action, line.supplier, line.mode) == (ActionKind.PURCHASE, "SUP", EXPRESS)


def test_a_pair_is_two_lines_whose_costs_add_up() -> None:
    pair = an_option(ActionKind.TRANSFER_AND_PURCHASE, source="DC+SUP", mode="truck", companion="20 by transfer first")
    lines = lines_of(pair, TODAY)
    assert [(line.action, line.quantity, line.origin or line.supplier) for line in lines] == [
        (ActionKind.TRANSFER, 20, "DC"), (ActionKind.PURCHASE, 40, "SUP"),
    ]  # fmt: skip
    assert sum(line.cost_minor for line in lines) == 1_001
    assert carried_out(lines) == ()


@pytest.mark.parametrize(
    "option",
    [
        an_option(ActionKind.HOLD),
        an_option(ActionKind.CORRECTION),
        an_option(ActionKind.PARAMETER_CHANGE, companion="service target 0.950 to 0.970"),
        an_option(ActionKind.TRANSFER_AND_PURCHASE, source="DC+SUP", companion="some by transfer"),
        an_option(ActionKind.PURCHASE, source="SUP", feasible=False),
        an_option(ActionKind.MARKDOWN, quantity=0),
    ],
)
def test_what_is_not_definite_is_not_guessed(option: Option) -> None:
    with pytest.raises(ToolInputError):
        lines_of(option, TODAY)
