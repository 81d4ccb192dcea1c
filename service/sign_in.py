"""Who is at the door, and what their roles allow them to do there.

Signing a proposal is not decided here: that is the approval policy's business, checked by the desk in the deciding
transaction.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection

from inventory.audit import entries
from inventory.people import find_user, list_users, user_by_token
from inventory.records import EVERYTHING, User
from service.bootstrap import SERVICE_USER, House
from service.errors import SignInError
from service.home import HomeKind


class Right(StrEnum):
    """What a door asks for."""

    OPERATE = "import, sweep and execute"
    MANAGE_USERS = "manage users"
    READ_LOG = "export the audit log"
    BACK_UP = "back up and throw away"
    HALT = "turn the kill switch on"
    RESUME = "turn the kill switch off"
    FREEZE = "freeze stock"


_PLANNING = frozenset({"planner", "approver", "central", "manager", "administrator"})
HOLDERS: dict[Right, frozenset[str]] = {
    Right.OPERATE: _PLANNING | {"service", "buyer"},
    Right.MANAGE_USERS: frozenset({"administrator"}),
    Right.READ_LOG: frozenset({"auditor", "administrator"}),
    Right.BACK_UP: frozenset({"administrator", "service"}),
    Right.HALT: _PLANNING,
    Right.RESUME: frozenset({"central", "administrator"}),
    Right.FREEZE: frozenset({"planner", "approver", "central", "manager"}),
}
"""Roles that hold each right; every role may read within its scope."""


def sign_in(house: House, as_user: str | None = None) -> User:
    """The user at the command line: by name in a demo home, else by the token in ``EVENKEEL_TOKEN``.

    Raises
    ------
    SignInError
        If nobody is named, a name is given outside a demo home, or the user is not active.
    inventory.errors.AccessError, inventory.errors.NotFoundError
        If the token or the name is unknown.
    """
    if as_user is not None:
        return _by_name(house, as_user)
    if house.settings.token is None:
        demo = " or say --as USER" if house.kind is HomeKind.DEMO else ""
        raise SignInError(f"who are you? Set EVENKEEL_TOKEN{demo}")
    with house.database.read() as connection:
        return user_by_token(connection, house.settings.token.get_secret_value())


def sign_in_or_first(house: House, as_user: str | None = None) -> User:
    """As :func:`sign_in`; while the home has no administrator, whoever is at the machine acts as the service."""
    if as_user is None and house.settings.token is None:
        with house.database.read() as connection:
            if not has_administrator(connection):
                return SERVICE_USER
    return sign_in(house, as_user)


def has_administrator(connection: Connection) -> bool:
    """Whether somebody may manage users."""
    return any(user.active and "administrator" in user.roles for user in list_users(connection, EVERYTHING))


def require(user: User, right: Right) -> None:
    """Raise ``SignInError`` unless one of the user's roles holds the right."""
    if not HOLDERS[right] & set(user.roles):
        raise SignInError(f"{user.user_id} may not {right.value}: it takes {', '.join(sorted(HOLDERS[right]))}")


def require_own(user: User, of: str) -> None:
    """Raise ``SignInError`` unless the user acts on their own rights, or manages users."""
    if user.user_id != of and not HOLDERS[Right.MANAGE_USERS] & set(user.roles):
        raise SignInError(f"{user.user_id} may not hand on the rights of {of}: only {of} or an administrator may")


def require_everywhere(user: User, right: Right) -> None:
    """As :func:`require`, for what cannot be narrowed to sites and classes."""
    require(user, right)
    if user.sites is not None or user.item_classes is not None:
        raise SignInError(f"{user.user_id} sees some sites or classes only and may not {right.value}")


def require_other_hand(connection: Connection, switch: str, user: User) -> None:
    """Raise ``SignInError`` if the user is the one who turned the switch on last."""
    hands = [entry.actor for entry in entries(connection, subject_id=switch) if entry.event == "switch.set"]
    if hands and hands[-1] == user.user_id:
        raise SignInError(f"{user.user_id} turned the {switch.replace('_', ' ')} on; somebody else must turn it off")


def _by_name(house: House, user_id: str) -> User:
    if house.kind is not HomeKind.DEMO:
        raise SignInError("--as works only in a demo home; set EVENKEEL_TOKEN")
    with house.database.read() as connection:
        user = find_user(connection, EVERYTHING, user_id)
    if not user.active:
        raise SignInError(f"{user_id} is not active")
    return user
