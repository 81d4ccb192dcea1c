"""What a scenario left behind: its cases, proposals with their rulings and citations, and documents in the ERP."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.cases import list_cases
from inventory.ledger import list_reservations
from inventory.outbox import list_outbox
from inventory.proposals import list_citations, list_proposals, list_rulings
from inventory.records import (
    EVERYTHING,
    Case,
    CaseState,
    Citation,
    Proposal,
    ProposalLine,
    ProposalState,
    Ruling,
)
from service.bootstrap import House
from service.evaluation.runner import simulated_erp
from tools.erp.port import Posting

ENDED = frozenset(
    {ProposalState.REJECTED, ProposalState.EXPIRED, ProposalState.RECALLED, ProposalState.VOID,
     ProposalState.SUPERSEDED, ProposalState.FAILED}
)  # fmt: skip


@dataclass(frozen=True)
class Ruled:
    """A proposal with its last ruling and the clauses it cites."""

    proposal: Proposal
    ruling: Ruling | None
    citations: tuple[Citation, ...]
    lots: tuple[tuple[str, int], ...] = ()
    """Lots its units were reserved from, and how many of each."""

    @property
    def lines(self) -> tuple[ProposalLine, ...]:
        """What it moves."""
        return self.proposal.content.lines

    @property
    def fired(self) -> frozenset[str]:
        """Rules of the approval policy that fired."""
        return frozenset(one.rule for one in self.ruling.fired) if self.ruling else frozenset()

    @property
    def demanded_roles(self) -> frozenset[str]:
        """Roles without which nobody else's signature is enough."""
        if self.ruling is None:
            return frozenset()
        alone = (group[0] for group in self.ruling.one_of_roles if len(group) == 1)
        return frozenset((*self.ruling.needs_roles, *alone))

    @property
    def clauses(self) -> frozenset[tuple[str, int, str]]:
        """Document, version and clause of each citation."""
        return frozenset((one.document_id, one.version, one.clause) for one in self.citations)


@dataclass(frozen=True)
class EndState:
    """What a scenario left behind."""

    cases: tuple[Case, ...]
    """Those not closed."""
    proposals: tuple[Ruled, ...]
    postings: tuple[Posting, ...]
    """Documents of ours in the ERP, visible or not."""

    @property
    def standing(self) -> tuple[Ruled, ...]:
        """Proposals that are live or executed."""
        return tuple(one for one in self.proposals if one.proposal.state not in ENDED)


def end_state(house: House) -> EndState:
    """Read what stands in the database and the ERP now."""
    erp = simulated_erp(house)
    alive = tuple(state for state in CaseState if state is not CaseState.CLOSED)
    with house.database.read() as connection:
        ruled = []
        for proposal in list_proposals(connection, EVERYTHING):
            rulings = list_rulings(connection, EVERYTHING, proposal.proposal_id)
            citations = list_citations(connection, EVERYTHING, proposal.proposal_id)
            held = list_reservations(connection, EVERYTHING, proposal_id=proposal.proposal_id)
            lots = tuple((one.lot, one.quantity) for one in held if one.state != "released")
            ruled.append(Ruled(proposal, rulings[-1] if rulings else None, citations, lots))
        cases = tuple(row.case for row in list_cases(connection, EVERYTHING, states=alive))
        keys = sorted(row.key for row in list_outbox(connection, EVERYTHING))
    return EndState(cases, tuple(ruled), tuple(posting for key in keys for posting in erp.orders_with(key)))
