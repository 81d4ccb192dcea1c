"""Measures against moving goods to and fro: what a move is surely worth, and how nervous plans have been lately."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import numpy as np

from inventory.record import Record
from inventory.records import ActionKind, Proposal, ProposalState, Situation
from optimizer.options.confidence import SURENESS
from optimizer.simulation.nervousness import reversals_per_hundred

S = ProposalState
MOVED = (S.APPROVED, S.LEASED, S.SENT, S.IN_DOUBT, S.EXECUTED)
"""States of a proposal whose transfers moved, or will unless somebody steps in."""
REVERSAL_DAYS = 14
WINDOW = timedelta(days=28)
"""How far back moves are looked at."""


class Nervousness(Record):
    """How often plans took back what they said."""

    proposals: int
    """Drafted in the last 14 days."""
    replaced: int
    """Of these, planned anew before anybody decided."""
    moves: int
    """Items moved over a lane in the last 28 days."""
    reversals: int
    """Of these, taken back by a move the other way within 14 days."""

    @property
    def changes_per_plan_day(self) -> float:
        """Share of drafted proposals that were planned anew, per day."""
        return self.replaced / self.proposals / REVERSAL_DAYS if self.proposals else 0.0

    @property
    def reversal_share(self) -> float:
        """Reversals as a share of moves."""
        return self.reversals / self.moves if self.moves else 0.0


def net_value_low(situation: Situation | None, confidence: float) -> int | None:
    """Net value that the chosen options reach at least with some confidence, minor units.

    The bounds of several needs are added up, which bounds their sum from below when they go wrong together.

    Parameters
    ----------
    confidence
        0 to 1; of the stated bounds the next surer one counts. Below a half nothing is bounded.

    Returns
    -------
    int | None
        ``None`` when no bound is asked for, or there are no priced options; of an option that was not drawn, its net
        value when that is not positive, else zero.
    """
    if situation is None or confidence < SURENESS[0]:
        return None
    at = min(int(np.searchsorted(SURENESS, confidence)), len(SURENESS) - 1)
    chosen = [option for option in situation.options if option.chosen]
    if not chosen:
        return None
    return sum(
        option.net_value_low_minor[at] if option.net_value_low_minor else min(option.net_value_minor, 0)
        for option in chosen
    )


def nervousness(proposals: Collection[Proposal], now: datetime) -> Nervousness:
    """How nervous plans were, from every proposal there is."""
    drafted = [each for each in proposals if now - timedelta(days=REVERSAL_DAYS) < each.created_at <= now]
    moves = list(moves_of(each for each in proposals if now - WINDOW < each.created_at <= now))
    return Nervousness(
        proposals=len(drafted),
        replaced=sum(each.state is S.SUPERSEDED and not each.reason.startswith("edited by") for each in drafted),
        moves=len(moves),
        reversals=count_reversals(moves),
    )


Move = tuple[str, str, str, int]
"""Item, giving site, receiving site, day of departure."""


def moves_of(proposals: Iterable[Proposal]) -> Iterable[Move]:
    """Every item that moves over a lane, once per line."""
    for proposal in proposals:
        for line in proposal.content.lines if proposal.state in MOVED else ():
            if line.action is ActionKind.TRANSFER and line.quantity:
                yield line.item, line.origin, line.destination, line.ship_on.toordinal()


def count_reversals(moves: Collection[Move], within_days: int = REVERSAL_DAYS) -> int:
    """Moves that a move of the same item the other way takes back within some days."""
    if not moves:
        return 0
    items, origins, destinations, days = zip(*moves, strict=True)
    number = {name: at for at, name in enumerate(sorted({*items, *origins, *destinations}))}
    item, origin, destination = ([number[name] for name in names] for names in (items, origins, destinations))
    per_hundred = reversals_per_hundred(item, origin, destination, days, within_days=within_days)
    return round(per_hundred * len(moves) / 100.0)
