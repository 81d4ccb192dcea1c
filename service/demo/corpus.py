"""The demo company's written rules, read from the Markdown files beside this module."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from inventory.database import Database
from inventory.document_life import confirm_document, upload_document
from inventory.document_revisions import find_revision
from inventory.document_scan import scan_document
from inventory.records import EVERYTHING
from service.rule_files import RuleFile, RuleFileError, as_record, parse_rule_file, rules_of

DOCUMENTS = Path(__file__).parent / "documents"


def read_corpus(folder: Path = DOCUMENTS) -> list[RuleFile]:
    """Documents of a folder, sorted by id and version.

    Raises
    ------
    RuleFileError
        If the folder holds no document, a file breaks the format, or two files share id and version.
    """
    documents: dict[tuple[str, int], RuleFile] = {}
    for path in sorted(folder.glob("*.md")):
        document = parse_rule_file(path.read_text(encoding="utf-8"), path.name)
        key = (document.id, document.version)
        if key in documents:
            raise RuleFileError(f"{path.name}: {document.id} v{document.version} is already given by another file")
        documents[key] = document
    if not documents:
        raise RuleFileError(f"{folder.name}: no *.md document in it")
    return [documents[key] for key in sorted(documents)]


def put_in_force(
    database: Database, now: datetime, *, uploaded_by: str, confirmed_by: str, folder: Path = DOCUMENTS
) -> None:
    """Bring in a folder's documents with their machine rules: one person uploads them, another confirms each.

    Raises
    ------
    RuleFileError
        If a document hides something from its reader.
    """
    files = read_corpus(folder)
    with database.write(uploaded_by, now) as transaction:
        for rule in files:
            document = as_record(rule, added_by=uploaded_by, added_at=now)
            scanned = scan_document(rule.body.encode(), rule.body)
            if scanned.text != rule.body:
                raise RuleFileError(f"{rule.id} v{rule.version}: hidden characters {scanned.scan.hidden}")
            upload_document(transaction, document, scanned.scan, rules_of(rule, document))
    with database.write(confirmed_by, now) as transaction:
        for rule in files:
            digest = find_revision(transaction.connection, EVERYTHING, rule.id, rule.version).digest
            confirm_document(transaction, rule.id, rule.version, digest)
