"""Machine rules suggested for a clause, read as strictly as those in a document's file."""

from __future__ import annotations

from sqlalchemy import Connection

from inventory.document_revisions import find_revision
from inventory.errors import RuleError
from inventory.machine_rules import RuleRecord
from inventory.records import EVERYTHING
from service.errors import InputError
from service.rule_files import rules_from


def read_suggestion(connection: Connection, document_id: str, version: int, text: str) -> RuleRecord:
    """The one rule a text suggests for a document.

    Raises
    ------
    InputError
        If it does not hold exactly one rule, or the rule breaks the format.
    inventory.errors.NotFoundError
        If there is no such document.
    """
    document = find_revision(connection, EVERYTHING, document_id, version).document
    try:
        found = rules_from(text, document)
    except RuleError as error:
        raise InputError(str(error)) from error
    if len(found) != 1:
        raise InputError(f"{document_id}@v{version}: {len(found)} rules are suggested at once, expected one")
    return found[0]
