"""Versions of written rules as they are kept: text, what the scan found, machine rules, and where each stands."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, RowMapping, select

from inventory.document_scan import DocumentScan
from inventory.document_windows import windows
from inventory.errors import NotFoundError
from inventory.machine_rules import RuleRecord, rule_adapter
from inventory.record import Record, Utc, canonical_record, digest_text, load
from inventory.records import DocumentOfRecord, Scope
from inventory.tables import documents, machine_rules

DocumentState = Literal["uploaded", "refused", "confirmed", "withdrawn", "deleted"]


class DocumentRevision(Record):
    """One version of a written rule with everything that is known about it."""

    document: DocumentOfRecord
    scan: DocumentScan
    rules: tuple[RuleRecord, ...] = ()
    """Machine rules it came with."""
    state: DocumentState = "uploaded"
    confirmed_by: str = ""
    confirmed_at: Utc | None = None
    ended_by: str = ""
    ended_at: Utc | None = None

    @property
    def name(self) -> str:
        """Document and version, such as ``SOP-TRF-01@v2``."""
        return f"{self.document.document_id}@v{self.document.version}"

    @property
    def digest(self) -> str:
        """Names text, scope, dates, what the scan found, and the machine rules: all that is confirmed."""
        parts = (canonical_record(part) for part in (self.document, self.scan, *self.rules))
        return digest_text("document", *parts)


def find_revision(connection: Connection, scope: Scope, document_id: str, version: int) -> DocumentRevision:
    """One version, whatever its state.

    Raises
    ------
    NotFoundError
        If there is none the reader's sites allow.
    """
    found = peek_revision(connection, document_id, version)
    if found is None or not _allowed(found.document, scope):
        raise NotFoundError(f"{scope.user} asked for document {document_id} version {version}; there is none")
    return found


def list_revisions(connection: Connection, scope: Scope) -> list[DocumentRevision]:
    """Every version of every document the reader's sites allow, by id and version."""
    rows = connection.execute(select(documents).order_by(documents.c.document_id, documents.c.version)).mappings()
    rules = _rules_by_version(connection)
    found = [_revision(row, rules.get((row["document_id"], row["version"]), ())) for row in rows]
    return [revision for revision in found if _allowed(revision.document, scope)]


def list_speaking(connection: Connection, scope: Scope) -> list[DocumentOfRecord]:
    """The versions that speak on some day, by id and version, with the last day they do so."""
    by_name = {(window.document_id, window.version): window for window in windows(connection)}
    query = select(documents.c.body).order_by(documents.c.document_id, documents.c.version)
    found = []
    for body in connection.execute(query.where(documents.c.state.in_(("confirmed", "withdrawn")))).scalars():
        document = load(DocumentOfRecord, body)
        window = by_name.get((document.document_id, document.version))
        if window is not None and _allowed(document, scope):
            last = None if window.last == window.last.max else window.last
            found.append(document.model_copy(update={"effective_to": last}))
    return found


def peek_revision(connection: Connection, document_id: str, version: int) -> DocumentRevision | None:
    query = select(documents).where(documents.c.document_id == document_id, documents.c.version == version)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return _revision(row, _rules_by_version(connection, document_id).get((document_id, version), ()))


def _rules_by_version(
    connection: Connection, document_id: str | None = None
) -> dict[tuple[str, int], tuple[RuleRecord, ...]]:
    """Rules the documents came with; those added by a suggestion are not part of what was confirmed."""
    table = machine_rules.c
    query = select(machine_rules).where(table.suggestion_id == "").order_by(table.rule_id)
    if document_id is not None:
        query = query.where(table.document_id == document_id)
    found: dict[tuple[str, int], tuple[RuleRecord, ...]] = {}
    for row in connection.execute(query):
        key = (row.document_id, row.version)
        found[key] = (*found.get(key, ()), rule_adapter().validate_json(row.body))
    return found


def _revision(row: RowMapping, rules: tuple[RuleRecord, ...]) -> DocumentRevision:
    return DocumentRevision(
        document=load(DocumentOfRecord, row["body"]),
        scan=load(DocumentScan, row["scan"]),
        rules=rules,
        state=row["state"],
        confirmed_by=row["confirmed_by"],
        confirmed_at=row["confirmed_at"],
        ended_by=row["ended_by"],
        ended_at=row["ended_at"],
    )


def _allowed(document: DocumentOfRecord, scope: Scope) -> bool:
    return scope.sites is None or not document.sites or not scope.sites.isdisjoint(document.sites)
