"""Policy versions: append-only, each in the audit chain."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from inventory.database import Transaction
from inventory.errors import NotFoundError, StoreError
from inventory.record import canonical_record, load
from inventory.records import PolicyKind, PolicyVersion, Scope
from inventory.tables import policies


def insert_policy(transaction: Transaction, policy: PolicyVersion) -> None:
    """Add the next version of a policy document."""
    newest = newest_version(transaction.connection, policy.kind)
    if policy.version != newest + 1:
        raise StoreError(f"policy {policy.kind}: version {policy.version} cannot follow version {newest}")
    transaction.connection.execute(
        policies.insert().values(
            kind=policy.kind, version=policy.version, effective_at=policy.effective_at, body=canonical_record(policy)
        )
    )
    told = {"author": policy.author, "content": policy.content}
    if policy.confirmed_by:
        told |= {
            "confirmed_by": policy.confirmed_by,
            "draft": policy.draft_id,
            "effective_at": policy.effective_at.isoformat(),
        }
    transaction.record("policy.adopted", "policy", f"{policy.kind}@v{policy.version}", told)


def newest_version(connection: Connection, kind: PolicyKind) -> int:
    """Number of the version adopted last, in force already or not; 0 when there is none."""
    query = select(func.max(policies.c.version)).where(policies.c.kind == kind)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def find_policy(
    connection: Connection,
    scope: Scope,
    kind: PolicyKind,
    version: int | None = None,
    *,
    at: datetime | None = None,
) -> PolicyVersion:
    """One version of a policy document; every user may read policies.

    Parameters
    ----------
    version
        The newest when none is named.
    at
        The newest that is in force at that moment; without it one adopted for a later time counts, too.
    """
    query = select(policies.c.body).where(policies.c.kind == kind).order_by(policies.c.version.desc()).limit(1)
    if version is not None:
        query = query.where(policies.c.version == version)
    elif at is not None:
        query = query.where(policies.c.effective_at <= at)
    body = connection.execute(query).scalar_one_or_none()
    if body is None:
        raise NotFoundError(f"{scope.user} asked for {kind} policy {version or 'in force'}; there is none")
    return load(PolicyVersion, body)


def list_policies(connection: Connection, scope: Scope, kind: PolicyKind) -> list[PolicyVersion]:
    """Every version of a policy document, oldest first; every user may read policies, so `scope` narrows nothing."""
    query = select(policies.c.body).where(policies.c.kind == kind).order_by(policies.c.version)
    return [load(PolicyVersion, body) for body in connection.execute(query).scalars()]
