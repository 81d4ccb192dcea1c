"""What a person asks for: a verb, what they saw, why, and what the verb needs besides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field
from sqlalchemy import Connection

from agent.deciding.verbs import OVERRULING, Verb
from agent.ruling import Gate
from inventory.database import Transaction
from inventory.questions import Question
from inventory.record import Record, Text, Utc
from inventory.records import Proposal, ReasonCode, User
from inventory.revalidations import RevalidationReport
from inventory.snoozes import Condition
from tools.toolbox import Toolbox

GOES_WITH: dict[str, tuple[Verb, ...]] = {
    "quantities": (Verb.EDIT,),
    "option": (Verb.CHOOSE,),
    "until": (Verb.SNOOZE,),
    "when": (Verb.SNOOZE,),
    "to": (Verb.ASK, Verb.DELEGATE),
    "question_id": (Verb.ANSWER,),
}
"""Fields only some verbs know."""


class Decision(Record):
    """What a person wants done with one proposal."""

    proposal_id: str
    digest_prefix: str = Field(pattern=r"^[0-9a-f]{8,64}$")
    """Beginning of the digest the person saw, so that nothing else is approved."""
    verb: Verb
    reason: ReasonCode = ReasonCode.AGREE
    text: Text = ""
    quantities: dict[int, int] = Field(default_factory=dict)
    """For an edit: new quantity by line number; 0 strikes the line."""
    option: int = Field(default=0, ge=0)
    """For a choice: number of the option as shown, from 1."""
    until: Utc | None = None
    """For a snooze: when it is over at the latest."""
    when: Condition | None = None
    """For a snooze: what ends it sooner."""
    to: str = ""
    """For a question, whom: a user, ``requester`` or ``planner``; for a delegation, the user."""
    question_id: str = ""
    """For an answer; the oldest open question to the person when absent."""


class Decided(Record):
    """What came of a decision."""

    proposal: Proposal
    """As it stands afterwards; for an edit or a choice, the new version, still a draft."""
    revalidation: RevalidationReport | None = None
    """For an approval: every fact read again."""
    question: Question | None = None
    """For a question or an answer."""


@dataclass(frozen=True)
class Click:
    """One decision being taken, and everything its verb works with; all of it in one transaction under lock."""

    toolbox: Toolbox
    transaction: Transaction
    gate: Gate
    proposal: Proposal
    decision: Decision
    user: User

    @property
    def connection(self) -> Connection:
        """The deciding transaction's connection."""
        return self.transaction.connection

    @property
    def now(self) -> datetime:
        """The moment of the decision."""
        return self.transaction.now


def incomplete(decision: Decision) -> str:
    """What a decision lacks, or has too much, in words; empty when it is whole."""
    verb = decision.verb
    for name, verbs in GOES_WITH.items():
        if getattr(decision, name) and verb not in verbs:
            return f"{name.replace('_', ' ')} goes with {' and '.join(verbs)}, not with {verb}"
    if verb in OVERRULING and decision.reason is ReasonCode.AGREE:
        others = ", ".join(code for code in ReasonCode if code is not ReasonCode.AGREE)
        return f"{verb} decides otherwise than proposed: say why with a reason code ({others}) and in words"
    if verb in (*OVERRULING, Verb.ASK, Verb.ANSWER) and not decision.text.strip():
        return f"{verb} needs words: --text says {'what' if verb in (Verb.ASK, Verb.ANSWER) else 'why'}"
    if verb is Verb.CHOOSE and not decision.option:
        return "choose needs the number of the option (--option N), as the proposal shows it"
    if verb is Verb.DELEGATE and not decision.to:
        return "delegate needs the person who gets the task (--to USER)"
    return ""
