"""How many moves would have been automatic at each confidence of their net benefit (``net_benefit_confidence``).

The newest ruling of every move is repeated under the policy with another confidence and nothing else changed; what the
back-test says the moves that pass are worth stands beside it, so that the number can be weighed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from agent.approval_policy import RULE_NAMES, rule_on
from agent.gate_facts import RuledFacts
from agent.policy_book import PolicyBook
from inventory.proposals import find_situation, list_proposals, list_rulings
from inventory.record import Record, load
from inventory.records import EVERYTHING, ActionKind, Proposal, Ruling, Scope, Tier, strictest
from tools.calibration import LEVELS, CalibrationTable
from tools.thrash import net_value_low

MOVES = (ActionKind.TRANSFER, ActionKind.TRANSFER_AND_PURCHASE)


class LevelOutcome(Record):
    """What one confidence would have given."""

    confidence: float
    automatic: int
    held: int
    """Moves whose net benefit does not reach the least one with it, whatever other rules ask."""
    reached: int | None = None
    """Moves of the back-test that reached the least net benefit with it; ``None`` while nothing was measured."""
    positive_share: float | None = None
    """Of these, the share worth more than nothing."""
    worth: float | None = None
    """What these were worth, currency."""


class MoveLevels(Record):
    """Moves that were ruled on, how many ran by themselves, and what other confidences would have given."""

    moves: int
    automatic: int
    confidence: float
    """In force where no layer says otherwise."""
    levels: tuple[LevelOutcome, ...]

    @property
    def automatic_share(self) -> float:
        """Share of the moves that were automatic."""
        return self.automatic / self.moves if self.moves else 0.0


def move_levels(
    connection: Connection,
    book: PolicyBook,
    measured: CalibrationTable | None,
    *,
    scope: Scope = EVERYTHING,
    since: datetime | None = None,
) -> MoveLevels:
    """Moves under a policy at each confidence.

    Parameters
    ----------
    since
        Only moves ruled on at or after this moment.
    """
    ruled = [
        (proposal, ruling)
        for proposal in list_proposals(connection, scope)
        if proposal.content.action in MOVES
        and (ruling := next(reversed(list_rulings(connection, scope, proposal.proposal_id)), None)) is not None
        and ruling.facts
        and (since is None or ruling.at >= since)
    ]
    seen = {confidence: [_again(connection, book, *one, confidence) for one in ruled] for confidence in LEVELS}
    back_test = {level.confidence: level for level in (measured.levels if measured else ())}
    return MoveLevels(
        moves=len(ruled),
        automatic=sum(ruling.tier is Tier.AUTO for _, ruling in ruled),
        confidence=float(book.enterprise.thrash.net_benefit_confidence),
        levels=tuple(
            LevelOutcome(
                confidence=confidence,
                automatic=sum(tier is Tier.AUTO for tier, _ in seen[confidence]),
                held=sum(held for _, held in seen[confidence]),
                reached=level.reached if (level := back_test.get(confidence)) else None,
                positive_share=round(level.positive_share, 4) if level else None,
                worth=level.worth if level else None,
            )
            for confidence in LEVELS
        ),
    )


def _again(
    connection: Connection, book: PolicyBook, proposal: Proposal, ruling: Ruling, confidence: float
) -> tuple[Tier, bool]:
    """Tier with another confidence, and whether the net benefit fails it; rules from beside the gate stay."""
    kept = load(RuledFacts, ruling.facts)
    held = book.over(kept.places)
    thrash = held.thrash.model_copy(update={"net_benefit_confidence": confidence})
    low = net_value_low(find_situation(connection, EVERYTHING, proposal.proposal_id), confidence)
    facts = kept.facts.model_copy(update={"net_value_low_minor": low})
    decision = rule_on(facts, held.model_copy(update={"thrash": thrash}))
    beside = [rule.tier for rule in ruling.fired if rule.rule not in RULE_NAMES]
    return strictest(decision.tier, *beside), any(rule.rule == "net_benefit" for rule in decision.fired)
