"""Changing a policy document: one person proposes a draft, another confirms it, and the next version takes effect.

Rules
-----
1. Author and second person are never the same, whatever their roles; which roles may propose and confirm is in the
   approval policy in force (``changes``). Service accounts, auditors and the like never do.
2. A draft is read strictly when it is proposed and again when it is confirmed.
3. A draft rests on the version that was newest when it was proposed. Once another version was adopted it can only be
   withdrawn, and proposed anew against that one.
4. Going back is a new version with the old content, through the same two people.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from agent.errors import DecisionRefusedError, PolicyError
from agent.policy_calibration import unsupported
from agent.policy_document import ApprovalPolicy, ChangeRoles
from agent.policy_kinds import problems_in, reader_of
from agent.ruling import policy_in_force
from inventory.database import Database, Transaction
from inventory.people import find_user
from inventory.policy_drafts import PolicyDraft, adopt_draft, drop_draft, find_draft, insert_draft
from inventory.records import EVERYTHING, PolicyKind, PolicyVersion, User
from inventory.rulebook import find_policy, newest_version

MINIMUM_PREFIX = 8


def propose(database: Database, user: User, now: datetime, kind: PolicyKind, content: str, reason: str) -> PolicyDraft:
    """Keep a draft of the next version.

    Raises
    ------
    DecisionRefusedError
        If this person may not propose it, or it changes nothing.
    PolicyError
        If the document has problems; it names every one.
    """
    reader_of(kind)
    with database.write(user.user_id, now) as transaction:
        _entitled(transaction.connection, user, kind, "propose", now)
        return _kept(transaction, kind, content, reason)


def roll_back(
    database: Database, user: User, now: datetime, kind: PolicyKind, version: int, reason: str
) -> PolicyDraft:
    """Keep a draft with the content of an earlier version; it takes a second person like any other."""
    reader_of(kind)
    with database.write(user.user_id, now) as transaction:
        _entitled(transaction.connection, user, kind, "propose", now)
        earlier = find_policy(transaction.connection, EVERYTHING, kind, version)
        return _kept(transaction, kind, earlier.content, reason or f"back to version {version}")


def confirm(
    database: Database,
    user: User,
    now: datetime,
    draft_id: str,
    digest_prefix: str,
    effective_at: datetime | None = None,
) -> PolicyVersion:
    """Adopt a draft as the next version.

    Parameters
    ----------
    digest_prefix
        Beginning of the digest the person saw, so that nothing else is confirmed.
    effective_at
        When it takes effect; at once when omitted.

    Raises
    ------
    DecisionRefusedError
        If this person may not confirm it, it is another draft than the one seen, or a version was adopted since.
    LostRaceError
        If somebody else settled it first.
    PolicyError
        If it can no longer be read.
    """
    with database.write(user.user_id, now) as transaction:
        connection = transaction.connection
        draft = find_draft(connection, EVERYTHING, draft_id)
        if user.user_id == draft.author:
            raise DecisionRefusedError(f"{user.user_id} wrote {draft_id} and may not confirm it; another person must")
        _entitled(connection, user, draft.kind, "confirm", now)
        if len(digest_prefix) < MINIMUM_PREFIX or not draft.digest.startswith(digest_prefix):
            raise DecisionRefusedError(
                f"{draft_id} has digest {draft.digest[:12]}, not {digest_prefix!r}: it is not the draft you saw"
            )
        if effective_at is not None and effective_at < now:
            raise DecisionRefusedError(f"{draft_id} cannot take effect in the past, at {effective_at:%Y-%m-%d %H:%M}")
        newest = newest_version(connection, draft.kind)
        if newest != draft.based_on:
            raise DecisionRefusedError(
                f"{draft_id} is based on version {draft.based_on}, and version {newest} was adopted since; "
                f"compare with evenkeel policy diff --kind {draft.kind} {draft.based_on} {newest}, then propose it anew"
            )
        _sound(connection, draft.kind, draft.content, now)
        return adopt_draft(transaction, draft, effective_at or now)


def withdraw(database: Database, user: User, now: datetime, draft_id: str) -> PolicyDraft:
    """The author takes a draft back, or one who may confirm it rejects it."""
    with database.write(user.user_id, now) as transaction:
        draft = find_draft(transaction.connection, EVERYTHING, draft_id)
        if user.user_id == draft.author:
            return drop_draft(transaction, draft, "withdrawn")
        _entitled(transaction.connection, user, draft.kind, "confirm", now)
        return drop_draft(transaction, draft, "rejected")


def _kept(transaction: Transaction, kind: PolicyKind, content: str, reason: str) -> PolicyDraft:
    _sound(transaction.connection, kind, content, transaction.now)
    newest = newest_version(transaction.connection, kind)
    if newest and find_policy(transaction.connection, EVERYTHING, kind, newest).content == content:
        raise DecisionRefusedError(f"the draft is the same as version {newest} of the {kind} policy")
    return insert_draft(transaction, kind, content, reason)


def _sound(connection: Connection, kind: PolicyKind, content: str, now: datetime) -> None:
    problems = [*problems_in(kind, content)]
    if kind == "approval" and not problems:
        problems += unsupported(connection, content, now)
    if problems:
        raise PolicyError("; ".join(problems))


def _entitled(connection: Connection, user: User, kind: PolicyKind, verb: str, now: datetime) -> None:
    """Roles are read in the deciding transaction, not as they were at the door."""
    person = find_user(connection, EVERYTHING, user.user_id)
    policy = policy_in_force(connection, at=now)
    roles = roles_for(policy, kind, verb)
    held = set(person.roles)
    barred = held & set(policy.approvers.excluded) - ({"administrator"} if verb == "propose" else set())
    if person.active and held & set(roles) and not barred and person.sites is None and person.item_classes is None:
        return
    raise DecisionRefusedError(
        f"{person.user_id} ({', '.join(person.roles) or 'no role'}) may not {verb} a change of the {kind} policy; "
        f"it takes {', '.join(roles)}, active and answering for every site and class"
    )


def roles_for(policy: ApprovalPolicy, kind: PolicyKind, verb: str) -> tuple[str, ...]:
    """Roles that may propose or confirm a change of a kind of policy."""
    changes: ChangeRoles | None = getattr(policy.changes, kind, None)
    if changes is None:
        raise PolicyError(f"{kind} is measured, not decided: nobody proposes or confirms it")
    return changes.propose if verb == "propose" else changes.confirm
