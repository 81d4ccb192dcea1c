"""Signed heads against the log: in the anchor, in the database, and in every place that can be read back.

The database keeps the newest head known when a transaction commits, the anchor keeps all of them: an anchor put back to
an older state lacks heads the database holds, and a database put back lacks entries the anchor has signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from inventory.anchor import Anchor
from inventory.heads import SignedHead, head_problem, is_signed_by
from inventory.tables import audit_heads


@dataclass(frozen=True)
class HeadCheck:
    """What the heads say."""

    heads: int
    newest: int
    """Sequence of the newest head; 0 for none."""
    first_bad: int | None
    problem: str


def keep_newest_head(connection: Connection, anchor: Anchor) -> None:
    """Copy the anchor's newest head into the database, inside the caller's transaction; already there is no error."""
    if anchor.signer is None:
        return
    head = anchor.newest_head()
    kept = connection.execute(select(func.max(audit_heads.c.sequence))).scalar_one_or_none()
    if head is not None and head.sequence > (kept or 0):
        connection.execute(audit_heads.insert().values(**vars(head)))


def kept_heads(connection: Connection) -> list[SignedHead]:
    """Heads the database holds, by sequence."""
    return [
        SignedHead(**row._mapping) for row in connection.execute(select(audit_heads).order_by(audit_heads.c.sequence))
    ]


def wanted_sequences(*groups: Iterable[SignedHead]) -> frozenset[int]:
    """Entries whose hash is needed to check these heads."""
    return frozenset(head.sequence for heads in groups for head in heads)


def check_heads(
    heads: list[SignedHead],
    *,
    public: str,
    hashes: Mapping[int, str],
    entries: int,
    anchored_to: int,
) -> HeadCheck:
    """Whether the anchor's heads are signed, follow one another, agree with the log and cover every anchored link.

    Parameters
    ----------
    heads
        In the order of the anchor.
    public
        The house's public key.
    hashes
        Hash of each entry a head names, as the log has it.
    entries
        How many entries the log has.
    anchored_to
        Newest sequence in the anchor; 0 for none.
    """
    newest = max((head.sequence for head in heads), default=0)

    def bad(first: int, problem: str) -> HeadCheck:
        return HeadCheck(len(heads), newest, first, problem)

    before: SignedHead | None = None
    for head in heads:
        wrong = head_problem(head, before, public) or against_log(head, hashes, entries)
        if wrong:
            return bad(*wrong)
        before = head
    if anchored_to > newest:
        return bad(newest + 1, f"entry {newest + 1} is anchored, but no signed head covers it: a head was dropped")
    return HeadCheck(len(heads), newest, None, "")


def check_kept(
    heads: Iterable[SignedHead], anchored: Iterable[SignedHead], *, where: str, public: str
) -> tuple[int, str] | None:
    """First bad sequence and reason, if a head of another place is not among those of the anchor."""
    known = {head.sequence: head for head in anchored}
    for head in heads:
        if known.get(head.sequence) == head:
            continue
        if not is_signed_by(head, public):
            return head.sequence, f"the head of entry {head.sequence} in {where} is not signed with this house's key"
        first = max((sequence for sequence in known if sequence < head.sequence), default=0) + 1
        return (
            first,
            f"the head of entry {head.sequence} is in {where}, not in the anchor, which was put back or cut",
        )
    return None


def against_log(head: SignedHead, hashes: Mapping[int, str], entries: int) -> tuple[int, str] | None:
    """First bad sequence and reason, if the log is not what the head says it was."""
    if head.sequence > entries:
        return entries + 1, f"entry {entries + 1} is signed for but missing from the log"
    if hashes.get(head.sequence) != head.hash:
        return head.sequence, f"entry {head.sequence} was rewritten: its hash is not the one that was signed"
    return None
