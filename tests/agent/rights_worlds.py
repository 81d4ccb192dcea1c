"""People, a delegation and a waiting proposal for the tests of rights: DC-EAST to WH-SOUTH, 1,610 EUR."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agent.rights import load_rights, packaged_rights_text
from agent.signing_rights import Law, Waiting
from inventory.delegations import Delegation
from inventory.records import CaseKind, ProposalContent, Tier, User
from tests.agent.draft_worlds import a_proposal, a_transfer
from tests.agent.gate_worlds import POLICY

NOON = datetime(2024, 4, 8, 12, 0, tzinfo=UTC)
CONTENT: ProposalContent = a_proposal(a_transfer()).content
LAW = Law(POLICY.approvers, load_rights(packaged_rights_text()))


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


def waiting(tier: Tier = Tier.PLANNER, **changes: Any) -> Waiting:
    """The transfer as Evenkeel drafted it, for a projected stockout of a standard item."""
    content = changes.get("content", CONTENT)
    calm: dict[str, Any] = {
        "content": content,
        "case_kind": CaseKind.PROJECTED_STOCKOUT,
        "item_classes": ("standard",),
        "tier": tier,
        "value_minor": content.value_minor,
        "requested_by": "evenkeel",
        "last_editor": "",
    }
    return Waiting(**{**calm, **changes})


def a_delegation(giver: str, taker: str, **changes: Any) -> Delegation:
    """From noon for a day, everything the giver has."""
    calm: dict[str, Any] = {
        "delegation_id": f"dele-{giver}-{taker}",
        "from_user": giver,
        "to_user": taker,
        "starts": NOON,
        "ends": NOON + timedelta(days=1),
        "by": giver,
        "at": NOON,
    }
    return Delegation(**{**calm, **changes})


def rights_with(*replaced: tuple[str, str]) -> str:
    """The packaged document with some text replaced; each text has to be there."""
    text = packaged_rights_text()
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text
