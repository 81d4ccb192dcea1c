"""Written rules put in force in a test: by two people, as everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from inventory.database import Database
from inventory.document_life import confirm_document, upload_document
from inventory.document_revisions import find_revision
from inventory.document_scan import scan_document
from inventory.machine_rules import RuleRecord
from inventory.records import EVERYTHING, DocumentOfRecord

SECOND_PERSON = "second.person"


def put_in_force(database: Database, document: DocumentOfRecord, rules: Sequence[RuleRecord] = ()) -> None:
    """Upload a document as its author, and confirm it as somebody else at the same moment."""
    with database.write(document.added_by, document.added_at) as transaction:
        scanned = scan_document(document.text.encode(), document.text)
        assert scanned.text == document.text, "a world's rules hide nothing"
        upload_document(transaction, document, scanned.scan, rules)
        digest = find_revision(transaction.connection, EVERYTHING, document.document_id, document.version).digest
    with database.write(SECOND_PERSON, document.added_at) as transaction:
        confirm_document(transaction, document.document_id, document.version, digest)
