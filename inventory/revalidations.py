"""What reading the facts again at a signature came to: every check with what it was drafted on and what is so now."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, func, select

from inventory.database import Transaction
from inventory.proposals import find_proposal
from inventory.record import Id, Record, Text, Utc, canonical_record, load
from inventory.records import Scope, Tier
from inventory.tables import revalidations


class Verdict(StrEnum):
    """What follows for the proposal."""

    HOLDS = "holds"
    """Everything is within its tolerance: the signature counts."""
    CHANGED = "changed"
    """A fact it rests on is another one by now: it is void."""
    STRICTER = "stricter"
    """It needs a stricter tier by now: it waits again."""


class Check(Record):
    """One fact a proposal rests on, then and now."""

    name: Id
    """``stock``, ``orders``, ``price``, ``policy``, ``data_age``, ``tier``, ``counter``."""
    subject: Text
    drafted: Text
    now: Text
    holds: bool
    tolerance: Text = ""

    @property
    def words(self) -> str:
        """``BOLT at DC: drafted on 120 free, now 85 free (10 % allowed)``."""
        allowed = f" ({self.tolerance} allowed)" if self.tolerance and not self.holds else ""
        return f"{self.subject}: drafted on {self.drafted}, now {self.now}{allowed}"


class RevalidationReport(Record):
    """Every fact of a proposal, read again under lock when somebody was about to sign it."""

    revalidation_id: Id
    proposal_id: Id
    proposal_digest: str
    by: Id
    """Who was about to sign."""
    verdict: Verdict
    tier_before: Tier
    tier_now: Tier
    checks: tuple[Check, ...]
    at: Utc

    @property
    def difference(self) -> str:
        """What no longer holds, in words; empty when all does."""
        return "; ".join(check.words for check in self.checks if not check.holds)


def next_revalidation_id(connection: Connection, proposal_id: str) -> str:
    """Id the next report on a proposal gets."""
    query = select(func.count()).select_from(revalidations).where(revalidations.c.proposal_id == proposal_id)
    return f"{proposal_id}.v{connection.execute(query).scalar_one() + 1}"


def insert_revalidation(transaction: Transaction, report: RevalidationReport) -> None:
    """Keep a report."""
    transaction.connection.execute(
        revalidations.insert().values(
            revalidation_id=report.revalidation_id,
            proposal_id=report.proposal_id,
            verdict=report.verdict.value,
            by=report.by,
            at=report.at,
            body=canonical_record(report),
        )
    )
    transaction.record("proposal.revalidated", "proposal", report.proposal_id, report.model_dump(mode="json"))


def list_revalidations(connection: Connection, scope: Scope, proposal_id: str) -> list[RevalidationReport]:
    """Reports on a proposal the reader may see, oldest first."""
    known = find_proposal(connection, scope, proposal_id).proposal_id
    query = (
        select(revalidations.c.body)
        .where(revalidations.c.proposal_id == known)
        .order_by(revalidations.c.at, func.length(revalidations.c.revalidation_id), revalidations.c.revalidation_id)
    )
    return [load(RevalidationReport, body) for body in connection.execute(query).scalars()]
