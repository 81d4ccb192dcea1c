"""The life of a written rule: uploaded by one person, confirmed by another, in force, and ended.

::

    uploaded ──► confirmed ──► withdrawn ──► deleted
        │            └──────────────────────────▲
        └──────► refused ───────────────────────┘

Rules
-----
1. Text, dates, scope and machine rules of a version never change; a changed text is a new version.
2. Whoever uploaded a version does not confirm it; that is a constraint of the table besides. Confirmed is exactly what
   the digest names.
3. Every arrow is a conditional update with an entry in the audit log: of two people who are too many, one loses.
4. From when to when a confirmed version speaks is told by :mod:`inventory.document_windows`.
5. Deleting takes the text away for good. That the version was there, who confirmed it, and its digest stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from inventory.database import Transaction
from inventory.document_revisions import DocumentRevision, DocumentState, find_revision, peek_revision
from inventory.document_scan import DocumentScan
from inventory.document_windows import windows
from inventory.errors import LostRaceError, StoreError
from inventory.machine_rules import RuleRecord
from inventory.record import canonical_record, digest_text
from inventory.records import EVERYTHING, DocumentOfRecord
from inventory.tables import documents, machine_rules

Ending = Literal["refused", "withdrawn", "deleted"]
_BEFORE: dict[Ending, tuple[DocumentState, ...]] = {
    "refused": ("uploaded",),
    "withdrawn": ("confirmed",),
    "deleted": ("confirmed", "refused", "withdrawn"),
}


def upload_document(
    transaction: Transaction, document: DocumentOfRecord, scan: DocumentScan, rules: Sequence[RuleRecord] = ()
) -> bool:
    """Keep a version until a second person confirms it; the same again is a replay (``False``).

    Raises
    ------
    StoreError
        If the version is there with another text, scope, dates or rules, or a rule is not of this document.
    """
    revision = DocumentRevision(document=document, scan=scan, rules=tuple(sorted(rules, key=lambda rule: rule.rule_id)))
    _rules_of(revision)
    known = peek_revision(transaction.connection, document.document_id, document.version)
    if known is not None:
        if known.state != "deleted" and _same(known, revision):
            return False
        raise StoreError(
            f"document {document.document_id} version {document.version} exists "
            f"{'and was deleted' if known.state == 'deleted' else 'with another text, scope, dates or rules'}; "
            "a changed text needs a new version"
        )
    transaction.connection.execute(
        documents.insert().values(
            document_id=document.document_id,
            version=document.version,
            added_at=document.added_at,
            state="uploaded",
            added_by=document.added_by,
            effective_from=document.effective_from,
            effective_to=document.effective_to,
            scan=canonical_record(scan),
            body=canonical_record(document),
        )
    )
    for rule in revision.rules:
        insert_rule(transaction, rule)
    told = {
        "title": document.title,
        "text": digest_text(document.text),
        "added_by": document.added_by,
        "record": digest_text(canonical_record(document)),
        "scan": digest_text(canonical_record(scan)),
        "original": scan.original,
        "hidden": scan.hidden,
        "alarms": len(scan.alarms),
        "rules": {rule.rule_id: digest_text(canonical_record(rule)) for rule in revision.rules},
    }
    transaction.record("document.uploaded", "document", revision.name, told)
    return True


def insert_rule(transaction: Transaction, rule: RuleRecord, suggestion_id: str = "") -> None:
    """Add a machine rule to a version of a document; whoever calls puts it on record."""
    transaction.connection.execute(
        machine_rules.insert().values(
            document_id=rule.document_id,
            version=rule.version,
            rule_id=rule.rule_id,
            kind=rule.kind,
            suggestion_id=suggestion_id,
            body=canonical_record(rule),
        )
    )


def confirm_document(transaction: Transaction, document_id: str, version: int, digest: str) -> DocumentRevision:
    """The transaction's actor, a second person, lets a version speak from its first day on.

    Parameters
    ----------
    digest
        Names what the person saw; see :attr:`DocumentRevision.digest`.

    Raises
    ------
    StoreError
        If the actor uploaded it, it is not what they saw, or a machine rule carries the id of another document's.
    LostRaceError
        If it is not waiting for a confirmation, any more.
    """
    seen = find_revision(transaction.connection, EVERYTHING, document_id, version)
    if transaction.actor == seen.document.added_by:
        raise StoreError(f"{transaction.actor} uploaded {seen.name} and may not confirm it; another person must")
    if digest != seen.digest:
        raise StoreError(f"{seen.name} has digest {seen.digest[:12]}, not {digest[:12]!r}: it is not what you saw")
    refuse_taken_ids(transaction.connection, seen.document, seen.rules)
    _move(
        transaction,
        seen,
        ("uploaded",),
        {"state": "confirmed", "confirmed_by": transaction.actor, "confirmed_at": transaction.now},
    )
    told = {"state": "confirmed", "confirmed_by": transaction.actor, "digest": digest}
    transaction.record("document.confirmed", "document", seen.name, told)
    return find_revision(transaction.connection, EVERYTHING, document_id, version)


def end_document(
    transaction: Transaction, document_id: str, version: int, ending: Ending, reason: str = ""
) -> DocumentRevision:
    """Refuse, withdraw or delete a version; what is deleted loses its text.

    Raises
    ------
    LostRaceError
        If it is not in a state this can follow upon.
    """
    seen = find_revision(transaction.connection, EVERYTHING, document_id, version)
    # A version that was withdrawn first has been silent since then.
    since = seen.ended_at or transaction.now
    changes: dict[str, Any] = {"state": ending, "ended_by": transaction.actor, "ended_at": since}
    told: dict[str, Any] = {**changes, "ended_at": since.isoformat(), "reason": reason}
    if ending == "deleted":
        erased = seen.document.model_copy(update={"text": ""})
        changes["body"] = canonical_record(erased)
        told |= {"text": digest_text(""), "record": digest_text(canonical_record(erased))}
    _move(transaction, seen, _BEFORE[ending], changes)
    transaction.record(f"document.{ending}", "document", seen.name, told)
    return find_revision(transaction.connection, EVERYTHING, document_id, version)


def refuse_taken_ids(connection: Connection, document: DocumentOfRecord, rules: Sequence[RuleRecord]) -> None:
    """Raise ``StoreError`` where a rule of another document that speaks in the same days has one of the ids."""
    by_id = {rule.rule_id: rule for rule in rules}
    table = machine_rules.c
    query = select(table.rule_id, table.document_id, table.version).where(
        table.rule_id.in_(list(by_id)), table.document_id != document.document_id
    )
    found = {(row.document_id, row.version): row.rule_id for row in connection.execute(query.order_by(table.rule_id))}
    last = document.effective_to or date.max
    for window in windows(connection) if found else ():
        taken = found.get((window.document_id, window.version))
        if taken is not None and window.first <= last and document.effective_from <= window.last:
            raise StoreError(
                f"document {document.document_id} v{document.version}, clause {by_id[taken].clause}, rule {taken}: "
                f"{window.document_id} v{window.version} has a rule of that id; an id is one in the company"
            )


def _rules_of(revision: DocumentRevision) -> None:
    document, seen = revision.document, set[str]()
    for rule in revision.rules:
        if (rule.document_id, rule.version) != (document.document_id, document.version):
            raise StoreError(f"rule {rule.rule_id} implements {rule.passage_id}, not a clause of {revision.name}")
        if rule.rule_id in seen:
            raise StoreError(f"{revision.name}: rule {rule.rule_id} is given twice")
        seen.add(rule.rule_id)


def _same(known: DocumentRevision, offered: DocumentRevision) -> bool:
    arrival = {"added_by": known.document.added_by, "added_at": known.document.added_at}
    return known.document == offered.document.model_copy(update=arrival) and known.rules == offered.rules


def _move(
    transaction: Transaction, seen: DocumentRevision, wanted: Sequence[DocumentState], changes: dict[str, Any]
) -> None:
    changed = transaction.connection.execute(
        update(documents)
        .where(
            documents.c.document_id == seen.document.document_id,
            documents.c.version == seen.document.version,
            documents.c.state.in_(wanted),
        )
        .values(**changes)
    )
    if changed.rowcount != 1:
        raise LostRaceError(
            f"{seen.name} is {seen.state}; it can only be {changes['state']} when {' or '.join(wanted)}"
        )
