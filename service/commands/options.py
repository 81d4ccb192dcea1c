"""Options and arguments that several commands share, and reading of what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from service.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from inventory.records import Scope, User
    from service.bootstrap import House

AsUser = Annotated[
    str | None, typer.Option("--as", metavar="USER", help="Act as this user; works in a demo home only.")
]
ActFor = Annotated[
    str | None, typer.Option("--for", metavar="USER", help="See what this person sees, for whom you act by delegation.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})")
_EDIT = re.compile(r"([0-9]{1,6})=([0-9]{1,12})")


@contextmanager
def signed_in(as_user: str | None) -> Iterator[tuple[House, User]]:
    """The open house and who is at its door."""
    from service.sign_in import sign_in

    with opened() as house:
        yield house, sign_in(house, as_user)


@contextmanager
def opened() -> Iterator[House]:
    """The house the settings name, closed afterwards."""
    from service.bootstrap import open_home
    from service.settings import read_settings

    house = open_home(read_settings())
    try:
        yield house
    finally:
        house.close()


def reader_scope(connection: Connection, user: User, act_for: str | None, now: datetime) -> Scope:
    """What the user may see, or what somebody sees for whom they act at the moment."""
    from inventory.delegations import scope_for
    from inventory.people import scope_of

    own = scope_of(user)
    return own if act_for is None else scope_for(connection, own, act_for, now)


def as_day(text: str) -> date:
    """A calendar day, ``2024-04-15``."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InputError(f"{text!r} is no day; expected one such as 2024-04-15")


def as_moment(text: str) -> datetime:
    """A moment with offset, or a day, which begins at midnight UTC."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
        if _DAY.fullmatch(text):
            return datetime.combine(as_day(text), datetime.min.time(), UTC)
    except ValueError:
        pass
    raise InputError(f"{text!r} is no moment; expected 2024-04-15 or 2024-04-15T08:00+02:00")


def as_edits(texts: list[str]) -> dict[int, int]:
    """New quantities by line number from texts such as ``1=40``."""
    edits: dict[int, int] = {}
    for text in texts:
        matched = _EDIT.fullmatch(text)
        if matched is None:
            raise InputError(f"--line {text!r}: expected LINE=QUANTITY in whole numbers, such as 1=40")
        number = int(matched[1])
        if number in edits:
            raise InputError(f"--line {text!r}: line {number} is given twice")
        edits[number] = int(matched[2])
    return edits


def as_names(text: str | None) -> tuple[str, ...] | None:
    """Names separated by commas; ``None`` stays ``None``, which means all."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if "" in names or len(set(names)) != len(names):
        raise InputError(f"{text!r}: expected distinct names separated by commas")
    return names
