"""Four eyes: who may sign, and the sentence everybody else gets."""

from __future__ import annotations

from typing import Any

import pytest

from agent.approval_policy import may_approve
from inventory.records import ActionKind, ProposalContent, Tier, User
from tests.agent.draft_worlds import a_proposal, a_transfer
from tests.agent.gate_worlds import POLICY

CONTENT: ProposalContent = a_proposal(a_transfer()).content  # DC-EAST to WH-SOUTH, 1,610 EUR


def a_user(**changes: Any) -> User:
    """Ben, planner of WH-SOUTH, up to 5,000 EUR."""
    calm: dict[str, Any] = {
        "user_id": "ben.planner",
        "name": "Ben",
        "roles": ("planner",),
        "sites": ("WH-SOUTH",),
        "value_limit_minor": 5_000_00,
    }
    return User(**{**calm, **changes})


def answer(user: User, tier: Tier = Tier.PLANNER, **changes: Any) -> str | None:
    """What the rules say to this user."""
    calm: dict[str, Any] = {"item_classes": ("standard",), "requested_by": "evenkeel", "last_editor": ""}
    asked = {**calm, "content": CONTENT, "earlier_approvers": (), **changes}
    return may_approve(user=user, ruling_tier=tier, policy=POLICY, **asked)


CENTRAL = {"user_id": "gita.central", "roles": ("central",), "sites": None}


@pytest.mark.parametrize(
    ("user", "tier"),
    [
        (a_user(), Tier.PLANNER),
        (a_user(sites=("DC-EAST",)), Tier.PLANNER),
        (a_user(sites=None), Tier.PLANNER),
        (a_user(value_limit_minor=1_610_00), Tier.PLANNER),
        (a_user(item_classes=("standard",)), Tier.PLANNER),
        (a_user(), Tier.AUTO),
        (a_user(**CENTRAL), Tier.FORMAL),
        (a_user(roles=("finance",), sites=("DC-EAST", "WH-SOUTH")), Tier.FORMAL),
    ],
)
def test_people_with_the_right_may_sign(user: User, tier: Tier) -> None:
    assert answer(user, tier) is None


@pytest.mark.parametrize(
    ("user", "tier", "changes", "said"),
    [
        (a_user(**CENTRAL), Tier.ADVICE, {}, "may not be executed"),
        (a_user(active=False), Tier.PLANNER, {}, "not active"),
        (a_user(roles=("planner", "auditor")), Tier.PLANNER, {}, "role auditor"),
        (a_user(roles=("central", "administrator"), sites=None), Tier.FORMAL, {}, "role administrator"),
        (a_user(roles=("approver", "service"), sites=None), Tier.FORMAL, {}, "role service"),
        (a_user(), Tier.PLANNER, {"requested_by": "ben.planner"}, "asked for this proposal"),
        (a_user(), Tier.PLANNER, {"last_editor": "ben.planner"}, "edited this proposal last"),
        (a_user(**CENTRAL), Tier.FORMAL, {"earlier_approvers": ("gita.central",)}, "signed this proposal already"),
        (a_user(sites=None), Tier.FORMAL, {}, "none of the roles approver, finance, central"),
        (a_user(roles=("buyer",)), Tier.PLANNER, {}, "none of the roles planner"),
        (a_user(roles=()), Tier.AUTO, {}, "none of the roles"),
        (a_user(sites=("FC-WEB",)), Tier.PLANNER, {}, "none of the sites DC-EAST, WH-SOUTH"),
        (a_user(sites=()), Tier.PLANNER, {}, "none of the sites"),
        (a_user(roles=("approver",), sites=("DC-EAST",)), Tier.FORMAL, {}, "no right over WH-SOUTH"),
        (a_user(item_classes=("consumable",)), Tier.PLANNER, {}, "items of class standard"),
        (a_user(value_limit_minor=1_609_99), Tier.PLANNER, {}, "1,610 EUR is above the limit of 1,609.99 EUR"),
    ],
)
def test_everybody_else_is_refused_with_the_reason(user: User, tier: Tier, changes: dict[str, Any], said: str) -> None:
    refusal = answer(user, tier, **changes)
    assert refusal is not None
    assert said in refusal


def test_a_proposal_that_touches_no_site_needs_somebody_with_every_site() -> None:
    nowhere = a_proposal(action=ActionKind.CORRECTION).content
    assert answer(a_user(), content=nowhere) is not None
    assert answer(a_user(sites=None), content=nowhere) is None
