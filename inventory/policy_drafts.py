"""Drafts of policy documents: proposed by one person, adopted as the next version by another.

A draft never changes; it is settled once: adopted, withdrawn by its author, or rejected. That author and second person
differ is a constraint of the table besides.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import Connection, func, select, update

from inventory.database import Transaction
from inventory.errors import LostRaceError, NotFoundError
from inventory.record import Id, Record, Text, Utc, canonical_record, digest_text, load
from inventory.records import PolicyKind, PolicyVersion, Scope
from inventory.rulebook import insert_policy, newest_version
from inventory.tables import policy_drafts

DraftState = Literal["proposed", "adopted", "withdrawn", "rejected"]


class PolicyDraft(Record):
    """A proposed next version of a policy document."""

    draft_id: Id
    kind: PolicyKind
    number: int = Field(ge=1)
    content: str
    author: Id
    at: Utc
    based_on: int = Field(ge=0)
    """Version it was written against; 0 where there was none."""
    reason: Text
    state: DraftState = "proposed"
    settled_by: str = ""
    settled_at: Utc | None = None
    version: int | None = None
    """Version it became."""

    @property
    def digest(self) -> str:
        """Names the text."""
        return digest_text(self.kind, self.content)


def insert_draft(transaction: Transaction, kind: PolicyKind, content: str, reason: str) -> PolicyDraft:
    """Keep a draft by the transaction's actor against the newest version."""
    last = transaction.connection.execute(
        select(func.max(policy_drafts.c.number)).where(policy_drafts.c.kind == kind)
    ).scalar_one_or_none()
    number = (last or 0) + 1
    draft = PolicyDraft(
        draft_id=f"{kind}-draft-{number}",
        kind=kind,
        number=number,
        content=content,
        author=transaction.actor,
        at=transaction.now,
        based_on=newest_version(transaction.connection, kind),
        reason=reason,
    )
    transaction.connection.execute(
        policy_drafts.insert().values(
            draft_id=draft.draft_id,
            kind=kind,
            number=number,
            state=draft.state,
            author=draft.author,
            at=draft.at,
            based_on=draft.based_on,
            digest=draft.digest,
            body=canonical_record(draft),
        )
    )
    transaction.record("policy.proposed", "policy", draft.draft_id, draft.model_dump(mode="json"))
    return draft


def find_draft(connection: Connection, scope: Scope, draft_id: str) -> PolicyDraft:
    """A draft by id; every user may read policies."""
    body = connection.execute(
        select(policy_drafts.c.body).where(policy_drafts.c.draft_id == draft_id)
    ).scalar_one_or_none()
    if body is None:
        raise NotFoundError(f"{scope.user} asked for policy draft {draft_id!r}, which does not exist")
    return load(PolicyDraft, body)


def list_drafts(connection: Connection, scope: Scope, kind: PolicyKind | None = None) -> list[PolicyDraft]:
    """Drafts by kind and number, of one kind or of all; every user may read policies, so `scope` narrows nothing."""
    query = select(policy_drafts.c.body).order_by(policy_drafts.c.kind, policy_drafts.c.number)
    if kind is not None:
        query = query.where(policy_drafts.c.kind == kind)
    return [load(PolicyDraft, body) for body in connection.execute(query).scalars()]


def adopt_draft(transaction: Transaction, draft: PolicyDraft, effective_at: datetime) -> PolicyVersion:
    """The draft becomes the next version, confirmed by the transaction's actor."""
    adopted = PolicyVersion(
        kind=draft.kind,
        version=draft.based_on + 1,
        content=draft.content,
        author=draft.author,
        effective_at=effective_at,
        confirmed_by=transaction.actor,
        draft_id=draft.draft_id,
    )
    settled = _settle(transaction, draft, "adopted", adopted.version)
    transaction.record("policy.confirmed", "policy", draft.draft_id, settled.model_dump(mode="json"))
    insert_policy(transaction, adopted)
    return adopted


def drop_draft(transaction: Transaction, draft: PolicyDraft, state: Literal["withdrawn", "rejected"]) -> PolicyDraft:
    """The draft becomes nothing."""
    settled = _settle(transaction, draft, state, None)
    event = "policy.withdrawn" if state == "withdrawn" else "policy.rejected"
    transaction.record(event, "policy", draft.draft_id, settled.model_dump(mode="json"))
    return settled


def _settle(transaction: Transaction, draft: PolicyDraft, state: DraftState, version: int | None) -> PolicyDraft:
    settled = draft.model_copy(
        update={
            "state": state,
            "settled_by": transaction.actor,
            "settled_at": transaction.now,
            "version": version,
        }
    )
    changed = transaction.connection.execute(
        update(policy_drafts)
        .where(policy_drafts.c.draft_id == draft.draft_id, policy_drafts.c.state == "proposed")
        .values(
            state=state,
            settled_by=settled.settled_by,
            settled_at=settled.settled_at,
            version=version,
            body=canonical_record(settled),
        )
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"policy draft {draft.draft_id} is settled already")
    return settled
