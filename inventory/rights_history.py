"""Who held which right when, told by the audit chain alone, and whether the tables still say the same.

Users, delegations and the rights document are rebuilt from their events; nothing is read from the tables they are kept
in. So a role somebody set by hand in a table is a difference between the two, and the past cannot be rewritten there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from inventory.delegations import Delegation, list_delegations
from inventory.errors import NotFoundError
from inventory.people import list_users
from inventory.record import Record, canonical
from inventory.records import EVERYTHING, Scope, User
from inventory.rulebook import list_policies
from inventory.tables import audit

EVENTS = ("user.saved", "delegation.granted", "delegation.revoked", "policy.adopted")
"""Everything that gives or takes a right."""
RIGHTS = "rights@v"


@dataclass
class RightsThen:
    """Every right there was at one moment."""

    users: dict[str, User] = field(default_factory=dict)
    delegations: dict[str, Delegation] = field(default_factory=dict)
    """Granted by then, ended ones too."""
    documents: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What was told of each version of the rights document in force by then: author, content, who confirmed it."""


class HeldRights(Record):
    """What one person could do at one moment."""

    user: User
    at: datetime
    acts_for: tuple[Delegation, ...]
    """Delegations to them in force then."""
    represented_by: tuple[Delegation, ...]
    """Delegations of theirs in force then."""
    rights_version: int
    """Of the document in force; 0 for the packaged one."""
    rights_text: str
    """Empty for the packaged one."""


class RightsDifference(Record):
    """A row that is not what the chain says it should be."""

    table: str
    row: str
    chain: str
    """As the chain tells it; empty when it knows no such row."""
    stored: str
    """As the table has it; empty when the row is missing."""

    @property
    def words(self) -> str:
        """What differs, in a line."""
        if not self.stored:
            return f"{self.table} {self.row}: the row is missing"
        if not self.chain:
            return f"{self.table} {self.row}: no event put it there"
        return f"{self.table} {self.row}: {', '.join(_differing(self.chain, self.stored))}"


def rights_then(connection: Connection, moment: datetime | None = None) -> RightsThen:
    """Every right at a moment, from the events up to and at it; all of them when none is named."""
    until = None if moment is None else moment.astimezone(UTC)
    found = RightsThen()
    query = select(audit.c.at, audit.c.event, audit.c.subject_id, audit.c.body)
    for row in connection.execute(query.where(audit.c.event.in_(EVENTS)).order_by(audit.c.sequence)):
        if until is None or datetime.fromisoformat(row.at) <= until:
            _apply(found, row.event, row.subject_id, json.loads(row.body), until)
    return found


def _apply(found: RightsThen, event: str, subject: str, body: dict[str, Any], until: datetime | None) -> None:
    if event == "user.saved":
        found.users[subject] = User.model_validate(body)
    elif event in ("delegation.granted", "delegation.revoked"):
        found.delegations[subject] = Delegation.model_validate(body)
    elif subject.startswith(RIGHTS) and not _is_later(body, until):
        found.documents[int(subject.removeprefix(RIGHTS))] = body


def _is_later(body: dict[str, Any], until: datetime | None) -> bool:
    """Whether a document was adopted for a day that had not come."""
    effective = body.get("effective_at")
    return until is not None and isinstance(effective, str) and datetime.fromisoformat(effective) > until


def rights_at(connection: Connection, scope: Scope, user_id: str, moment: datetime) -> HeldRights:
    """What one person could do at a moment.

    Raises
    ------
    NotFoundError
        If the chain knew nobody of that id then, or the reader may not see them.
    """
    then = rights_then(connection, moment)
    user = then.users.get(user_id)
    if user is None or not _visible(user, scope):
        raise NotFoundError(f"{scope.user} asked for the rights of {user_id!r} at {moment.isoformat()}: nobody known")
    in_force = [made for made in then.delegations.values() if made.in_force(moment)]
    version = max(then.documents, default=0)
    return HeldRights(
        user=user,
        at=moment,
        acts_for=tuple(made for made in in_force if made.to_user == user_id),
        represented_by=tuple(made for made in in_force if made.from_user == user_id),
        rights_version=version,
        rights_text=then.documents[version]["content"] if version else "",
    )


def _visible(user: User, scope: Scope) -> bool:
    return scope.sites is None or user.sites is None or bool(set(user.sites) & scope.sites)


def rights_differences(connection: Connection) -> list[RightsDifference]:
    """Rows about rights that are not what the chain says, by table and row; empty when they agree."""
    then = rights_then(connection)
    tables: tuple[tuple[str, Mapping[str, str], Mapping[str, str]], ...] = (
        (
            "users",
            {user.user_id: user.model_dump_json() for user in then.users.values()},
            {user.user_id: user.model_dump_json() for user in list_users(connection, EVERYTHING)},
        ),
        (
            "delegations",
            {made.delegation_id: made.model_dump_json() for made in then.delegations.values()},
            {made.delegation_id: made.model_dump_json() for made in list_delegations(connection, EVERYTHING)},
        ),
        (
            "policies",
            {f"{RIGHTS}{version}": canonical(_row(told)) for version, told in then.documents.items()},
            dict(_stored_documents(connection)),
        ),
    )
    return [
        RightsDifference(table=table, row=row, chain=told.get(row, ""), stored=stored.get(row, ""))
        for table, told, stored in tables
        for row in sorted({*told, *stored})
        if told.get(row) != stored.get(row)
    ]


def _stored_documents(connection: Connection) -> Iterator[tuple[str, str]]:
    for kept in list_policies(connection, EVERYTHING, "rights"):
        row = {"author": kept.author, "content": kept.content}
        if kept.confirmed_by:
            row |= {"confirmed_by": kept.confirmed_by, "effective_at": kept.effective_at.isoformat()}
        yield f"{RIGHTS}{kept.version}", canonical(row)


def _row(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("author", "content", "confirmed_by", "effective_at") if name in told}


def _differing(chain: str, stored: str) -> Iterator[str]:
    told, kept = json.loads(chain), json.loads(stored)
    for name in sorted({*told, *kept}):
        if told.get(name) != kept.get(name):
            yield f"{name} is {kept.get(name)!r}, the chain says {told.get(name)!r}"
