"""A legal history, and ones made by hand from it that no house may show."""

from __future__ import annotations

from dataclasses import replace

from tests.histories.history import History, LedgerRead, LogLine, Operation, Outcome, Posting

DONOR = ("PUMP", "DC")


def op(token: int, verb: str, subject: str, when: tuple[int, int], result: str = "", outcome: str = "ok") -> Operation:
    """One operation between two moments; its client is its token."""
    return Operation(token, token, verb, subject, *when, Outcome(outcome), result)


def moved(sequence: int, subject: str, arrow: str, token: int = 0, units: int = 0) -> LogLine:
    """The entry of an arrow, and the units it promises at the donor."""
    before, _, after = arrow.partition(">")
    promised = ((DONOR, units),) if units else ()
    return LogLine(sequence, subject, f"proposal.{after}", token, (before, after), promised)


def signed(sequence: int, subject: str, token: int) -> LogLine:
    """The entry of a signature."""
    return LogLine(sequence, subject, "approval.given", token)


def added(history: History, *operations: Operation, **changes: object) -> History:
    """The same history with further operations."""
    return replace(history, operations=(*history.operations, *operations), **changes)  # type: ignore[arg-type]  # fields by name


def without_log(*operations: Operation) -> History:
    """Only what clients were told about one pending version."""
    return History(operations, began={"a": "pending"})


LOG = (
    LogLine(1, "a", "approval.given", 1),
    moved(2, "a", "pending>approved"),
    LogLine(3, "b", "approval.given", 2),
    moved(4, "b", "pending>superseded"),
    LogLine(5, "b", "reservation.released", 0, None, ((DONOR, -40),)),
    moved(6, "b2", ">draft", units=50),
    moved(7, "b2", "draft>pending"),
    moved(8, "a", "approved>leased", token=4),
    moved(9, "a", "leased>sent", token=4),
    moved(10, "a", "sent>executed", token=4),
)
LEGAL = History(
    operations=(
        op(1, "approve", "a", (0, 10), "approved"),
        op(2, "edit", "b", (5, 30), "superseded"),
        op(2, "born", "b2", (5, 30), "pending"),
        op(3, "approve", "a", (8, 12), "", "lost"),
        op(4, "execute", "a", (40, 60), "executed"),
        op(5, "read", "a", (41, 45), "leased"),
        op(6, "reject", "b2", (50, 55), "", "unknown"),
        op(7, "read", "b2", (70, 71), "pending"),
    ),
    readings=(LOG[:5], LOG),
    postings=(Posting("EK-A", "TO-1", "a"),),
    free={DONOR: 60},
    ledger_reads=(LedgerRead(DONOR, 40, 100),),
    began={"a": "pending", "b": "pending"},
    ended={"a": "executed", "b": "superseded", "b2": "pending"},
)
"""One version approved and executed, one edited, an approval that came too late, and one nobody knows of.

What stood before it is not in the log: of the donor's 100 units 40 were promised to version b.
"""
ILLEGAL: dict[str, History] = {
    "two approvals of one version count": without_log(
        op(1, "approve", "a", (0, 10), "approved"), op(2, "approve", "a", (5, 15), "approved")
    ),
    "approved after the rejection was answered": without_log(
        op(1, "reject", "a", (0, 10), "rejected"), op(2, "approve", "a", (11, 15), "approved")
    ),
    "a read goes back in time": without_log(
        op(1, "approve", "a", (0, 10), "approved"), op(2, "read", "a", (11, 12), "pending")
    ),
    "executed and nobody approved": without_log(
        op(1, "read", "a", (0, 1), "pending"), op(2, "execute", "a", (2, 9), "executed")
    ),
    "told that somebody was first when nobody was": without_log(
        op(1, "approve", "a", (0, 10), "", "lost"), op(2, "read", "a", (11, 12), "pending")
    ),
    "the old version approved after its edit": added(LEGAL, op(9, "approve", "b", (35, 39), "approved")),
    "what nobody knows of happened and then had not": without_log(
        op(1, "reject", "a", (0, 5), "", "unknown"),
        op(2, "read", "a", (10, 11), "rejected"),
        op(3, "read", "a", (12, 13), "pending"),
    ),
    "approved again after it was executed": without_log(
        op(1, "approve", "a", (0, 5), "approved"),
        op(2, "execute", "a", (6, 9), "executed"),
        op(3, "read", "a", (10, 12), "approved"),
    ),
    "more promised than there is at one moment only": replace(
        LEGAL,
        readings=((*LOG[:4], replace(LOG[5], sequence=5), replace(LOG[4], sequence=6), *LOG[6:]),),
        free={DONOR: 45},
    ),
    "somebody read more promised than there is": replace(LEGAL, ledger_reads=(LedgerRead(DONOR, 101, 100),)),
    "one reference on two documents": replace(LEGAL, postings=(*LEGAL.postings, Posting("EK-B", "TO-1", "a"))),
    "one key posted twice": replace(LEGAL, postings=(*LEGAL.postings, Posting("EK-A", "TO-2", "a"))),
    "a document of what was never sent": replace(LEGAL, postings=(*LEGAL.postings, Posting("EK-B", "TO-2", "b2"))),
    "executed and the ERP holds nothing": replace(LEGAL, postings=()),
    "an approval that counts is not in the log": replace(LEGAL, readings=(LOG[1:],)),
    "an approval that was refused is in the log": replace(LEGAL, readings=((*LOG[:2], signed(2, "a", 3), *LOG[2:]),)),
    "a signature nobody made": replace(LEGAL, readings=((*LOG, signed(11, "a", 99)),)),
    "the log's order contradicts time": added(
        LEGAL,
        op(8, "read", "b", (0, 1), "pending"),
        op(9, "approve", "c", (80, 90), "approved"),
        readings=((signed(0, "c", 9), moved(0, "c", "pending>approved"), *LOG),),
        began={**LEGAL.began, "c": "pending"},
        ended={**LEGAL.ended, "c": "approved"},
    ),
    "an entry is there and then is not": replace(LEGAL, readings=((*LOG[:5], signed(6, "b2", 6)), LOG)),
    "the log skips the lease": replace(LEGAL, readings=(tuple(line for line in LOG if line.sequence != 8),)),
}
"""By what is wrong with it; each differs from a legal one in that alone."""
