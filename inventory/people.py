"""Users: roles, what each may see, up to which value each may sign, and hashed API tokens.

Every version of a user is in the audit chain, so who held which right when can be told later.
"""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import Connection, select, update

from inventory.database import Transaction
from inventory.errors import AccessError, NotFoundError
from inventory.record import canonical_record, load
from inventory.records import Scope, User
from inventory.tables import tokens, users

ROLES = (
    "planner", "buyer", "warehouse_manager", "approver", "finance", "plant_leader", "central", "manager", "auditor",
    "administrator", "service",
)  # fmt: skip
NEVER_SIGN = ("auditor", "administrator", "service")
"""Roles whose holders approve nothing, whatever else they hold and whoever they stand in for."""
TOKEN_PREFIX = "ek_"


def scope_of(user: User) -> Scope:
    """What a user may see."""
    return Scope(
        user=user.user_id,
        sites=None if user.sites is None else frozenset(user.sites),
        item_classes=None if user.item_classes is None else frozenset(user.item_classes),
    )


def save_user(transaction: Transaction, user: User) -> User:
    """Add a user, or a new version of one; an unchanged user is left as it is."""
    unknown = sorted(set(user.roles) - set(ROLES))
    if unknown:
        raise AccessError(f"user {user.user_id}: unknown role {', '.join(unknown)}; known: {', '.join(ROLES)}")
    row = transaction.connection.execute(
        select(users.c.body).where(users.c.user_id == user.user_id)
    ).scalar_one_or_none()
    if row is None:
        saved = user.model_copy(update={"version": 1})
        transaction.connection.execute(
            users.insert().values(user_id=saved.user_id, version=1, body=canonical_record(saved))
        )
    else:
        known = load(User, row)
        if known == user.model_copy(update={"version": known.version}):
            return known
        saved = user.model_copy(update={"version": known.version + 1})
        transaction.connection.execute(
            update(users)
            .where(users.c.user_id == saved.user_id)
            .values(version=saved.version, body=canonical_record(saved))
        )
    transaction.record("user.saved", "user", saved.user_id, saved.model_dump(mode="json"))
    return saved


def find_user(connection: Connection, scope: Scope, user_id: str) -> User:
    """A user by id; a scoped reader finds everybody, since names sign what they may see."""
    body = connection.execute(select(users.c.body).where(users.c.user_id == user_id)).scalar_one_or_none()
    if body is None:
        raise NotFoundError(f"{scope.user} asked for user {user_id!r}, who does not exist")
    return load(User, body)


def list_users(connection: Connection, scope: Scope) -> list[User]:
    """Every user by id; readers limited to sites see those who share one."""
    found = [load(User, body) for body in connection.execute(select(users.c.body).order_by(users.c.user_id)).scalars()]
    if scope.sites is None:
        return found
    return [user for user in found if user.sites is None or set(user.sites) & scope.sites]


def issue_token(transaction: Transaction, user_id: str, *, secret: str | None = None) -> str:
    """A new API token, shown once; only its hash is kept."""
    token = TOKEN_PREFIX + (secret or secrets.token_urlsafe(32))
    hashed = token_hash(token)
    transaction.connection.execute(
        tokens.insert().values(token_hash=hashed, user_id=user_id, created_at=transaction.now)
    )
    transaction.record("token.issued", "user", user_id, {"token_hash": hashed[:12]})
    return token


def revoke_tokens(transaction: Transaction, user_id: str) -> int:
    """Make every token of a user worthless; returns how many."""
    changed = transaction.connection.execute(
        update(tokens)
        .where(tokens.c.user_id == user_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=transaction.now)
    )
    transaction.record("token.revoked", "user", user_id, {"tokens": changed.rowcount})
    return int(changed.rowcount)


def user_by_token(connection: Connection, token: str) -> User:
    """The active user a token belongs to; ``AccessError`` without saying why it failed."""
    body = connection.execute(
        select(users.c.body)
        .join(tokens, tokens.c.user_id == users.c.user_id)
        .where(tokens.c.token_hash == token_hash(token), tokens.c.revoked_at.is_(None))
    ).scalar_one_or_none()
    if body is None or not load(User, body).active:
        raise AccessError("the token is unknown or no longer valid")
    return load(User, body)


def token_hash(token: str) -> str:
    """SHA-256 of a token; tokens carry 256 random bits, so no salt or slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
