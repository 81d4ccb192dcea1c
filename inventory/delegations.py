"""Delegations: one person acts for another until a stated moment.

A delegation holds from ``starts`` up to, and not at, ``ends``, unless it is revoked first. It hands on nothing by
itself: whoever signs under it has exactly the rights the giver holds at that moment, narrowed to the delegation's sites
and classes, and never a right that was itself delegated.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from inventory.database import Transaction
from inventory.errors import AccessError, LostRaceError, NotFoundError
from inventory.people import NEVER_SIGN, find_user, list_users, scope_of
from inventory.proposals import find_proposal
from inventory.record import Id, Record, Text, Utc, canonical_record, load, short_id
from inventory.records import EVERYTHING, Proposal, Scope, User
from inventory.tables import delegations


class Delegation(Record):
    """Who acts for whom, where and until when."""

    delegation_id: Id
    from_user: Id
    to_user: Id
    sites: tuple[str, ...] | None = None
    """``None``: every site the giver has."""
    item_classes: tuple[str, ...] | None = None
    """``None``: every class the giver has."""
    starts: Utc
    ends: Utc
    """The first moment at which it no longer holds."""
    reason: Text = ""
    by: Id
    """Who entered it."""
    at: Utc
    revoked_at: Utc | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether it holds at that moment."""
        return self.starts <= now < self.ends and (self.revoked_at is None or now < self.revoked_at)

    def narrowed(self, giver: User) -> User:
        """The giver, seeing only what the delegation hands on."""
        return giver.model_copy(
            update={
                "sites": _both(giver.sites, self.sites),
                "item_classes": _both(giver.item_classes, self.item_classes),
            }
        )


def _both(held: tuple[str, ...] | None, handed_on: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if held is None or handed_on is None:
        return handed_on if held is None else held
    return tuple(sorted(set(held) & set(handed_on)))


def grant(
    transaction: Transaction,
    from_user: str,
    to_user: str,
    *,
    ends: datetime,
    starts: datetime | None = None,
    sites: Collection[str] | None = None,
    item_classes: Collection[str] | None = None,
    reason: str = "",
) -> Delegation:
    """Let one person act for another.

    Parameters
    ----------
    starts
        Now when absent; never earlier, so that no signature becomes right afterwards.

    Raises
    ------
    AccessError
        If the two are one, either is not active or never signs, the time is empty, past or backdated, or it names a
        site or class the giver does not have.
    NotFoundError
        If a person is unknown.
    """
    now = transaction.now
    giver, taker = (find_user(transaction.connection, EVERYTHING, user) for user in (from_user, to_user))
    number = len(list_delegations(transaction.connection, EVERYTHING, user_id=from_user)) + 1
    made = Delegation(
        delegation_id=short_id("dele", from_user, to_user, str(number), now.isoformat()),
        from_user=from_user,
        to_user=to_user,
        sites=None if sites is None else tuple(sorted(sites)),
        item_classes=None if item_classes is None else tuple(sorted(item_classes)),
        starts=starts or now,
        ends=ends,
        reason=reason,
        by=transaction.actor,
        at=now,
    )
    problem = _problem(made, giver, taker)
    if problem:
        raise AccessError(f"{from_user} cannot be represented by {to_user}: {problem}")
    transaction.connection.execute(
        delegations.insert().values(
            delegation_id=made.delegation_id,
            from_user=made.from_user,
            to_user=made.to_user,
            starts=made.starts,
            ends=made.ends,
            body=canonical_record(made),
        )
    )
    transaction.record("delegation.granted", "delegation", made.delegation_id, made.model_dump(mode="json"))
    return made


def _problem(made: Delegation, giver: User, taker: User) -> str:
    if giver.user_id == taker.user_id:
        return "nobody stands in for themselves"
    for person in (giver, taker):
        barred = sorted(set(person.roles) & set(NEVER_SIGN))
        if not person.active or barred:
            return f"{person.user_id} " + (
                f"holds the role {barred[0]}, which never signs" if barred else "is locked out"
            )
    if not giver.roles:
        return f"{giver.user_id} holds no role"
    if made.starts < made.at:
        return f"it would begin in the past, at {made.starts:%Y-%m-%d %H:%M:%S} UTC"
    if made.ends <= made.starts:
        return f"it would end at {made.ends:%Y-%m-%d %H:%M:%S} UTC, before it begins"
    for name, handed_on, held in (("site", made.sites, giver.sites), ("class", made.item_classes, giver.item_classes)):
        if handed_on is not None and not handed_on:
            return f"it names no {name}"
        foreign = sorted(set(handed_on or ()) - set(held)) if held is not None else []
        if foreign:
            return f"{giver.user_id} has no right over {name} {', '.join(foreign)}"
    return ""


def revoke(transaction: Transaction, delegation_id: str) -> Delegation:
    """End a delegation at once.

    Raises
    ------
    NotFoundError
        If there is none of that id.
    LostRaceError
        If it was revoked before.
    """
    body = transaction.connection.execute(
        select(delegations.c.body).where(delegations.c.delegation_id == delegation_id)
    ).scalar_one_or_none()
    if body is None:
        raise NotFoundError(f"no delegation {delegation_id!r}")
    ended = load(Delegation, body).model_copy(update={"revoked_at": transaction.now})
    changed = transaction.connection.execute(
        update(delegations)
        .where(delegations.c.delegation_id == delegation_id, delegations.c.revoked_at.is_(None))
        .values(revoked_at=transaction.now, body=canonical_record(ended))
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"delegation {delegation_id} was revoked already")
    transaction.record("delegation.revoked", "delegation", delegation_id, ended.model_dump(mode="json"))
    return ended


def list_delegations(connection: Connection, scope: Scope, *, user_id: str | None = None) -> list[Delegation]:
    """Every delegation, past ones too, or those of one person on either side; the earliest end first.

    A reader limited to sites sees their own, and those between people they may see.
    """
    query = select(delegations.c.body).order_by(delegations.c.ends, delegations.c.delegation_id)
    if user_id is not None:
        query = query.where(or_(delegations.c.from_user == user_id, delegations.c.to_user == user_id))
    found = [load(Delegation, body) for body in connection.execute(query).scalars()]
    if scope.sites is None:
        return found
    seen = {user.user_id for user in list_users(connection, scope)}
    return [made for made in found if scope.user in (both := {made.from_user, made.to_user}) or both <= seen]


def delegations_to(connection: Connection, scope: Scope, user_id: str, now: datetime) -> list[Delegation]:
    """Delegations under which a person acts at a moment, the earliest end first."""
    found = list_delegations(connection, scope, user_id=user_id)
    return [made for made in found if made.to_user == user_id and made.in_force(now)]


def acting_scopes(connection: Connection, scope: Scope, now: datetime) -> list[Scope]:
    """The reader's own scope, then that of everybody they stand in for at the moment.

    They are not joined into one: sites of the one with classes of the other are nobody's to see.
    """
    scopes = [scope]
    for made in delegations_to(connection, scope, scope.user, now):
        giver = find_user(connection, EVERYTHING, made.from_user)
        if giver.active:
            scopes.append(scope_of(made.narrowed(giver)).model_copy(update={"user": scope.user}))
    return scopes


def scope_for(connection: Connection, scope: Scope, giver: str, now: datetime) -> Scope:
    """What the reader sees for one person they stand in for; of several delegations the one limited least counts.

    Raises
    ------
    AccessError
        If they do not stand in for that person at the moment, or the person is locked out.
    """
    held = [made for made in delegations_to(connection, scope, scope.user, now) if made.from_user == giver]
    person = find_user(connection, EVERYTHING, giver) if held else None
    if person is None or not person.active:
        raise AccessError(f"{scope.user} does not act for {giver}")
    widest = min(held, key=lambda made: (made.sites is not None, made.item_classes is not None, made.delegation_id))
    return scope_of(widest.narrowed(person)).model_copy(update={"user": scope.user})


def find_acting(connection: Connection, scope: Scope, proposal_id: str, now: datetime) -> Proposal:
    """A proposal the reader may see, by themselves or for somebody they stand in for at the moment.

    Raises
    ------
    NotFoundError
        As :func:`inventory.proposals.find_proposal`, for the reader's own scope.
    """
    own, *lent = acting_scopes(connection, scope, now)
    for each in lent:
        with suppress(NotFoundError):
            return find_proposal(connection, each, proposal_id)
    return find_proposal(connection, own, proposal_id)
