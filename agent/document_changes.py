"""Bringing in, confirming and ending written rules and suggested machine rules: who may, as the rights document says.

Rules
-----
1. Roles are read in the deciding transaction, not as they were at the door. They stand under ``written_rules``.
2. Uploader and confirmer are never the same; nor are whoever suggested a machine rule and whoever confirms it. A model
   suggests in the name of the person or service it works for, and never confirms.
3. Who answers for some sites or classes only acts on documents about nothing else.
4. Whoever brought something in may take it back while nobody has confirmed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from agent.errors import DecisionRefusedError
from agent.rights import rights_in_force
from inventory.database import Database
from inventory.document_life import Ending, confirm_document, end_document, upload_document
from inventory.document_revisions import DocumentRevision, find_revision
from inventory.document_scan import DocumentScan
from inventory.machine_rules import RuleRecord
from inventory.machine_rules_suggestions import (
    RuleSuggestion,
    Suggester,
    confirm_suggestion,
    find_suggestion,
    insert_suggestion,
    refuse_suggestion,
)
from inventory.people import find_user
from inventory.records import EVERYTHING, DocumentOfRecord, User

MINIMUM_PREFIX = 8
Verb = Literal["upload", "confirm"]


def upload(
    database: Database,
    user: User,
    now: datetime,
    brought: Sequence[tuple[DocumentOfRecord, DocumentScan, Sequence[RuleRecord]]],
) -> list[tuple[DocumentRevision, bool]]:
    """Keep versions of documents until a second person confirms each; all of them or none.

    Returns
    -------
    list[tuple[DocumentRevision, bool]]
        Each as it is kept, and whether it is new.

    Raises
    ------
    DecisionRefusedError
        If this person may not bring one of them in.
    inventory.errors.StoreError
        If a version is there with other words.
    """
    with database.write(user.user_id, now) as transaction:
        kept = []
        for document, scan, rules in brought:
            _entitled(transaction.connection, user, document, "upload", now)
            new = upload_document(transaction, document, scan, rules)
            revision = find_revision(transaction.connection, EVERYTHING, document.document_id, document.version)
            kept.append((revision, new))
        return kept


def confirm(
    database: Database, user: User, now: datetime, document_id: str, version: int, digest_prefix: str
) -> DocumentRevision:
    """Let a version another person uploaded speak from its first day on.

    Parameters
    ----------
    digest_prefix
        Beginning of the digest the person saw, so that nothing else is confirmed.

    Raises
    ------
    DecisionRefusedError
        If this person may not confirm it, or it is not what they saw.
    inventory.errors.LostRaceError
        If somebody settled it first.
    """
    with database.write(user.user_id, now) as transaction:
        seen = find_revision(transaction.connection, EVERYTHING, document_id, version)
        if user.user_id == seen.document.added_by:
            raise DecisionRefusedError(
                f"{user.user_id} uploaded {seen.name} and may not confirm it; another person must"
            )
        _entitled(transaction.connection, user, seen.document, "confirm", now)
        if len(digest_prefix) < MINIMUM_PREFIX or not seen.digest.startswith(digest_prefix):
            raise DecisionRefusedError(
                f"{seen.name} has digest {seen.digest[:12]}, not {digest_prefix!r}: it is not what you saw"
            )
        return confirm_document(transaction, document_id, version, seen.digest)


def end(
    database: Database, user: User, now: datetime, document_id: str, version: int, ending: Ending, reason: str
) -> DocumentRevision:
    """Refuse, withdraw or delete a version.

    Raises
    ------
    DecisionRefusedError
        If this person may not.
    inventory.errors.LostRaceError
        If it is not in a state this can follow upon.
    """
    with database.write(user.user_id, now) as transaction:
        seen = find_revision(transaction.connection, EVERYTHING, document_id, version)
        if ending != "refused" or user.user_id != seen.document.added_by:
            _entitled(transaction.connection, user, seen.document, "confirm", now)
        return end_document(transaction, document_id, version, ending, reason)


def suggest_rule(
    database: Database, user: User, now: datetime, rule: RuleRecord, proposed: str, by: Suggester, note: str = ""
) -> RuleSuggestion:
    """Keep a machine rule read out of a clause until a second person confirms it.

    Parameters
    ----------
    proposed
        The TOML as it was proposed.
    by
        ``model`` when one worded it; the user is then who it works for.

    Raises
    ------
    DecisionRefusedError
        If a person who may not bring in rules suggests it themselves.
    """
    with database.write(user.user_id, now) as transaction:
        document = find_revision(transaction.connection, EVERYTHING, rule.document_id, rule.version).document
        if by == "person":
            _entitled(transaction.connection, user, document, "upload", now)
        return insert_suggestion(transaction, rule, proposed, by, note)


def settle_suggestion(
    database: Database, user: User, now: datetime, suggestion_id: str, verdict: Literal["confirm", "refuse"]
) -> RuleSuggestion:
    """Make a suggestion a rule of its document, or refuse it.

    Raises
    ------
    DecisionRefusedError
        If this person may not.
    inventory.errors.LostRaceError
        If somebody settled it first.
    """
    with database.write(user.user_id, now) as transaction:
        connection = transaction.connection
        seen = find_suggestion(connection, EVERYTHING, suggestion_id)
        document = find_revision(connection, EVERYTHING, seen.rule.document_id, seen.rule.version).document
        own = user.user_id == seen.author
        if own and verdict == "confirm":
            raise DecisionRefusedError(
                f"{user.user_id} suggested {suggestion_id} and may not confirm it; another person must"
            )
        if not own:
            _entitled(connection, user, document, "confirm", now)
        act = confirm_suggestion if verdict == "confirm" else refuse_suggestion
        return act(transaction, suggestion_id)


def _entitled(connection: Connection, user: User, document: DocumentOfRecord, verb: Verb, now: datetime) -> None:
    person = find_user(connection, EVERYTHING, user.user_id)
    roles = getattr(rights_in_force(connection, now).written_rules, verb)
    about = f"{document.document_id} v{document.version}"
    if not person.active or not set(person.roles) & set(roles):
        raise DecisionRefusedError(
            f"{person.user_id} ({', '.join(person.roles) or 'no role'}) may not {verb} {about}; "
            f"it takes {', '.join(roles)}"
        )
    for what, theirs, spoken in (
        ("sites", person.sites, document.sites),
        ("classes", person.item_classes, document.item_classes),
    ):
        if theirs is not None and (not spoken or set(spoken) - set(theirs)):
            raise DecisionRefusedError(
                f"{person.user_id} answers for the {what} {', '.join(theirs)} only and may not {verb} {about}, "
                f"which is about {', '.join(spoken) or 'all'}"
            )
