"""Machine rules suggested for a clause, by a model or a person; one counts from when a second person confirms it.

A suggestion never changes and is settled once. Until then nothing reads it but people: neither the planning nor the
gate knows of it.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, func, select, update

from inventory.database import Transaction
from inventory.document_life import insert_rule, refuse_taken_ids
from inventory.document_revisions import DocumentRevision, find_revision, list_revisions
from inventory.errors import LostRaceError, NotFoundError, StoreError
from inventory.machine_rules import MachineRule, RuleRecord
from inventory.record import Id, Record, Text, Utc, canonical_record, load
from inventory.records import EVERYTHING, Scope
from inventory.tables import machine_rules, rule_suggestions

SuggestionState = Literal["suggested", "confirmed", "refused"]
Suggester = Literal["model", "person"]


class RuleSuggestion(Record):
    """A machine rule somebody read out of a clause."""

    suggestion_id: Id
    number: int
    rule: MachineRule
    proposed: Text
    """The TOML as it was proposed."""
    by: Suggester
    author: Id
    """Who asked the model, or the person themselves."""
    note: Text = ""
    at: Utc
    state: SuggestionState = "suggested"
    settled_by: str = ""
    settled_at: Utc | None = None


def insert_suggestion(
    transaction: Transaction, rule: RuleRecord, proposed: str, by: Suggester, note: str = ""
) -> RuleSuggestion:
    """Keep a suggestion by the transaction's actor.

    Raises
    ------
    NotFoundError
        If its document is not there.
    StoreError
        If its document does not speak and never will.
    """
    _speaks(transaction.connection, rule)
    last = transaction.connection.execute(select(func.max(rule_suggestions.c.number))).scalar_one_or_none()
    number = (last or 0) + 1
    suggestion = RuleSuggestion(
        suggestion_id=f"rule-suggestion-{number}",
        number=number,
        rule=rule,
        proposed=proposed,
        by=by,
        author=transaction.actor,
        note=note,
        at=transaction.now,
    )
    transaction.connection.execute(
        rule_suggestions.insert().values(
            suggestion_id=suggestion.suggestion_id,
            number=number,
            document_id=rule.document_id,
            version=rule.version,
            state=suggestion.state,
            author=suggestion.author,
            at=suggestion.at,
            body=canonical_record(suggestion),
        )
    )
    transaction.record("rule.suggested", "rule", suggestion.suggestion_id, suggestion.model_dump(mode="json"))
    return suggestion


def confirm_suggestion(transaction: Transaction, suggestion_id: str) -> RuleSuggestion:
    """The transaction's actor, a second person, makes a suggestion a rule of its document.

    Raises
    ------
    StoreError
        If the actor suggested it, its document no longer speaks, or its id is taken.
    LostRaceError
        If it is settled already.
    """
    seen = find_suggestion(transaction.connection, EVERYTHING, suggestion_id)
    if transaction.actor == seen.author:
        raise StoreError(f"{transaction.actor} suggested {suggestion_id} and may not confirm it; another person must")
    settled = _settle(transaction, seen, "confirmed")
    revision = _speaks(transaction.connection, seen.rule)
    refuse_taken_ids(transaction.connection, revision.document, (seen.rule,))
    _refuse_own_id(transaction.connection, seen.rule)
    insert_rule(transaction, seen.rule, suggestion_id)
    transaction.record("rule.confirmed", "rule", suggestion_id, settled.model_dump(mode="json"))
    return settled


def refuse_suggestion(transaction: Transaction, suggestion_id: str) -> RuleSuggestion:
    """A suggestion becomes nothing.

    Raises
    ------
    LostRaceError
        If it is settled already.
    """
    settled = _settle(transaction, find_suggestion(transaction.connection, EVERYTHING, suggestion_id), "refused")
    transaction.record("rule.refused", "rule", suggestion_id, settled.model_dump(mode="json"))
    return settled


def find_suggestion(connection: Connection, scope: Scope, suggestion_id: str) -> RuleSuggestion:
    """A suggestion by id.

    Raises
    ------
    NotFoundError
        If there is none whose document the reader's sites allow.
    """
    query = select(rule_suggestions.c.body).where(rule_suggestions.c.suggestion_id == suggestion_id)
    body = connection.execute(query).scalar_one_or_none()
    if body is None:
        raise NotFoundError(f"{scope.user} asked for rule suggestion {suggestion_id!r}; there is none")
    found = load(RuleSuggestion, body)
    find_revision(connection, scope, found.rule.document_id, found.rule.version)
    return found


def list_suggestions(connection: Connection, scope: Scope) -> list[RuleSuggestion]:
    """Suggestions about documents the reader's sites allow, in the order they came."""
    query = select(rule_suggestions.c.body).order_by(rule_suggestions.c.number)
    found = [load(RuleSuggestion, body) for body in connection.execute(query).scalars()]
    readable = {
        (revision.document.document_id, revision.document.version) for revision in list_revisions(connection, scope)
    }
    return [each for each in found if (each.rule.document_id, each.rule.version) in readable]


def _speaks(connection: Connection, rule: RuleRecord) -> DocumentRevision:
    revision = find_revision(connection, EVERYTHING, rule.document_id, rule.version)
    if revision.state != "confirmed":
        raise StoreError(f"{revision.name} is {revision.state}; a rule is suggested for a document that is confirmed")
    return revision


def _refuse_own_id(connection: Connection, rule: RuleRecord) -> None:
    table = machine_rules.c
    query = select(table.kind).where(
        table.document_id == rule.document_id, table.version == rule.version, table.rule_id == rule.rule_id
    )
    if connection.execute(query).scalar_one_or_none() is not None:
        raise StoreError(f"{rule.document_id}@v{rule.version} has a rule {rule.rule_id} already")


def _settle(transaction: Transaction, seen: RuleSuggestion, state: SuggestionState) -> RuleSuggestion:
    settled = seen.model_copy(update={"state": state, "settled_by": transaction.actor, "settled_at": transaction.now})
    changed = transaction.connection.execute(
        update(rule_suggestions)
        .where(rule_suggestions.c.suggestion_id == seen.suggestion_id, rule_suggestions.c.state == "suggested")
        .values(
            state=state,
            settled_by=settled.settled_by,
            settled_at=settled.settled_at,
            body=canonical_record(settled),
        )
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"{seen.suggestion_id} is {seen.state} already, by {seen.settled_by}")
    return settled
