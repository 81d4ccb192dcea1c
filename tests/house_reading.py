"""A house as one look finds it, and the log held against its tables as it grows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Table, select

from inventory.audit import count, entries
from inventory.audit_folds import a_book
from inventory.audit_mirrors import READERS
from inventory.audit_state import StateBook, differences
from inventory.chain import GENESIS, link_problem
from inventory.log_report import examine_log
from inventory.outbox import list_outbox, list_receipts
from inventory.proposals import list_proposals
from inventory.record import R, load
from inventory.records import EVERYTHING, ActionKind, Approval, OutboxRow, Proposal, Ruling
from inventory.revalidations import RevalidationReport
from inventory.tables import approvals, revalidations, rulings
from tests.worlds import World


@dataclass(frozen=True)
class Document:
    """One document of the outbox with what stands behind it."""

    row: OutboxRow
    proposal: Proposal
    signed: list[Approval]
    """Approvals of exactly this content."""
    ruled: list[Ruling]
    looked: list[RevalidationReport]


@dataclass(frozen=True)
class Reading:
    """What one transaction sees, and the ERP's own books beside it."""

    proposals: dict[str, Proposal]
    documents: list[Document]
    """Those for the ERP."""
    ruled: Mapping[str, list[Ruling]]
    """By proposal, oldest first."""
    received: frozenset[str]
    posted: Counter[str]


def read_house(world: World) -> Reading:
    """Look once; the ERP first, so that what it holds and the outbox does not can be no accident of timing."""
    with world.erp.books.read() as books:
        posted = Counter(row["key"] for row in books.execute("SELECT key FROM orders"))
    with world.database.read() as connection:
        proposals = {proposal.proposal_id: proposal for proposal in list_proposals(connection, EVERYTHING)}
        outbox = list_outbox(connection, EVERYTHING)
        received = frozenset(receipt.key for receipt in list_receipts(connection, EVERYTHING))

        def by_proposal(table: Table, kind: type[R], key: str) -> Mapping[str, list[R]]:
            found: dict[str, list[tuple[int, str, R]]] = defaultdict(list)
            for row in connection.execute(select(table.c[key], table.c.proposal_id, table.c.body)):
                found[row.proposal_id].append((len(row[0]), row[0], load(kind, row.body)))
            return {name: [record for *_, record in sorted(rows)] for name, rows in found.items()}

        signed = by_proposal(approvals, Approval, "approval_id")
        ruled = by_proposal(rulings, Ruling, "ruling_id")
        looked = by_proposal(revalidations, RevalidationReport, "revalidation_id")
    documents = [
        Document(
            row,
            proposals[row.proposal_id],
            [
                approval
                for approval in signed.get(row.proposal_id, [])
                if approval.decision == "approve" and approval.proposal_digest == proposals[row.proposal_id].digest
            ],
            ruled.get(row.proposal_id, []),
            looked.get(row.proposal_id, []),
        )
        for row in outbox
        if row.document.action is not ActionKind.HOLD
    ]
    return Reading(proposals, documents, ruled, received, posted)


@dataclass
class LogWatch:
    """Reads what is new in a log after each step, and the whole of it at the end."""

    hashes: list[str] = field(default_factory=list)
    """Of every entry, as it was when first read."""
    book: StateBook = field(default_factory=a_book)
    """What the entries read so far say of the tables."""

    def assert_grown_soundly(self, world: World) -> None:
        """Every new link holds, none is gone, and where there is one the tables are what the log makes of them."""
        with world.database.read() as connection:
            fresh = list(entries(connection, first=len(self.hashes) + 1))
            assert count(connection) == len(self.hashes) + len(fresh), "entries of before are gone"
            for entry in fresh:
                previous = self.hashes[-1] if self.hashes else GENESIS
                problem = link_problem(entry, len(self.hashes) + 1, previous)
                assert not problem, problem
                self.hashes.append(entry.hash)
                self.book.observe(entry)
            wrong = list(differences(self.book, connection, READERS)) if fresh else []
        assert not wrong, wrong

    def assert_sound(self, world: World) -> None:
        """Every link, the anchor, the heads and the tables hold, and no entry is another one than when first read."""
        with world.database.read() as connection:
            report = examine_log(connection, world.database.anchor)
        assert report.sound, report.alarms
        with world.database.read() as connection:
            assert [entry.hash for entry in entries(connection)] == self.hashes
