"""What a paused case says to whoever looks at it: the shape review screens know, with this house's own keys beside it.

Nothing is decided by answering it. The answer names a decision, and the graph looks for that decision in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.deciding.verbs import Verb
from inventory.records import Proposal, ProposalLine, Tier

DIGITS_SHOWN = 12
"""Characters of the digest a person types."""
SIGNABLE = (Verb.APPROVE, Verb.EDIT, Verb.REJECT)
"""What review screens can offer; the other verbs are at the desk's own doors."""


def approval_request(proposal: Proposal) -> dict[str, Any]:
    """What a case says that waits for a person.

    Returns
    -------
    dict
        ``action_requests`` (``name``, ``args``, ``description``) and ``review_configs`` (``action_name``,
        ``allowed_decisions``), one each; beside them ``proposal_id``, ``digest`` and ``tier``. Plain data only.
    """
    advice = proposal.tier is Tier.ADVICE
    verbs = (Verb.REJECT,) if advice else SIGNABLE
    how = "It is advice and cannot be approved." if advice else "Resuming decides nothing without that decision."
    told = (
        f"Decide with `evenkeel decide {proposal.proposal_id} VERB --digest {proposal.digest[:DIGITS_SHOWN]}` or at "
        f"/proposals/{proposal.proposal_id}/decision. {how}"
    )
    return {**_request(proposal, verbs, told), "tier": str(proposal.tier or "")}


def recall_request(proposal: Proposal) -> dict[str, Any]:
    """What a case says whose recall window runs; as :func:`approval_request`, with ``not_before`` for ``tier``."""
    assert proposal.not_before is not None, "a window that runs has an end"
    end = proposal.not_before.isoformat()
    told = f"It is sent from {end} on unless it is recalled: `evenkeel decide {proposal.proposal_id} recall`."
    return {**_request(proposal, (Verb.RECALL,), told), "not_before": end}


def _request(proposal: Proposal, verbs: Sequence[Verb], description: str) -> dict[str, Any]:
    name = proposal.content.action.value
    arguments = {
        "proposal_id": proposal.proposal_id,
        "lines": [_line(line) for line in proposal.content.lines],
        "value_minor": proposal.content.value_minor,
        "currency": proposal.content.currency,
    }
    return {
        "action_requests": [{"name": name, "args": arguments, "description": description}],
        "review_configs": [{"action_name": name, "allowed_decisions": [verb.value for verb in verbs]}],
        "proposal_id": proposal.proposal_id,
        "digest": proposal.digest,
    }


def _line(line: ProposalLine) -> dict[str, Any]:
    told = line.model_dump(mode="json", include={"item", "quantity", "origin", "supplier", "destination", "arrive_on"})
    return {name: value for name, value in told.items() if value != ""}
