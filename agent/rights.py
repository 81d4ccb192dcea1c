"""What the rights document answers: who may sign, whose task it is, and when it becomes somebody else's.

Whatever touches several sites or classes needs a role that may sign for each of them; where there is none, or a part
is not covered by any row, it takes formal approval by the role the document names for that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from agent.rights_document import Matter, Rights, first_fit, load_rights, packaged_rights_text, signing_rows
from inventory.errors import NotFoundError
from inventory.people import NEVER_SIGN
from inventory.record import Record
from inventory.records import EVERYTHING, ActionKind, CaseKind, Tier, User
from inventory.rulebook import find_policy

__all__ = [
    "Escalation",
    "Matter",
    "Rights",
    "Signers",
    "Task",
    "escalation_for",
    "load_rights",
    "matters",
    "packaged_rights_text",
    "rights_in_force",
    "signers",
    "task_for",
]


class Signers(Record):
    """Who may sign for something."""

    tier: Tier
    """The tier asked about, or formal where the document does not cover it."""
    roles: tuple[str, ...]
    """Of which the signer must hold one; the one asked first in front."""
    covered: bool


class Task(Record):
    """Whose task something is."""

    role: str
    users: tuple[str, ...]
    """Ids of the active users who hold the role for the site and class, sorted; the named one alone where one is."""
    deputy_for: str = ""
    """The role nobody holds there, when a deputy is asked."""

    @property
    def words(self) -> str:
        """``planner: ben.planner``, or what is missing."""
        who = ", ".join(self.users) or "nobody"
        return f"{self.role}{f' for {self.deputy_for}' if self.deputy_for else ''}: {who}"


class Escalation(Record):
    """After how long an unanswered approval becomes another role's task."""

    after: timedelta
    to: str


def rights_in_force(connection: Connection, at: datetime) -> Rights:
    """The rights in force at a moment, under the number they were adopted with; the packaged ones while there are none.

    A version adopted for a later moment does not count yet.
    """
    try:
        adopted = find_policy(connection, EVERYTHING, "rights", at=at)
    except NotFoundError:
        return load_rights(packaged_rights_text())
    return load_rights(adopted.content).model_copy(update={"version": adopted.version})


def matters(
    kind: CaseKind | None,
    action: ActionKind | None,
    sites: Collection[str],
    item_classes: Collection[str],
    value_minor: int,
) -> tuple[Matter, ...]:
    """Every pair of a site and a class something touches, sorted; no site or class is the unknown one."""
    return tuple(
        Matter(kind, action, site, item_class, value_minor)
        for site in sorted(set(sites)) or [""]
        for item_class in sorted(set(item_classes)) or [""]
    )


def signers(rights: Rights, tier: Tier, touched: Iterable[Matter]) -> Signers:
    """Who may sign for all that is touched.

    Parameters
    ----------
    tier
        As ruled; ``advice`` is signed by nobody, which is not asked here.
    touched
        As :func:`matters` lists them; at least one.
    """
    rows = [first_fit(signing_rows(rights, tier), matter) for matter in touched]
    allowed = list(rows[0].roles) if rows and rows[0] is not None else []
    for row in rows:
        allowed = [role for role in allowed if row is not None and role in row.roles]
    if not allowed:
        return Signers(tier=Tier.FORMAL, roles=(rights.uncovered.role,), covered=False)
    return Signers(tier=tier, roles=tuple(allowed), covered=True)


def task_for(rights: Rights, people: Iterable[User], matter: Matter, *, may_sign: Collection[str] = ()) -> Task:
    """Whose task it is, and who holds the role for that site and class.

    Parameters
    ----------
    people
        Everybody; who is not active, or holds a role that never signs, is asked nothing.
    may_sign
        Roles that may sign, the one asked first in front, when it is a signature that is waited for: the task is never
        given to a role that could not do it.
    """
    row = first_fit(rights.task, matter)
    role = row.role if row else rights.uncovered.role
    if may_sign and role not in may_sign:
        role = next(iter(may_sign))
    return held_by(rights, people, role, matter.site, matter.item_class, may_sign=may_sign)


def held_by(
    rights: Rights,
    people: Iterable[User],
    role: str,
    site: str,
    item_class: str,
    *,
    may_sign: Collection[str] = (),
) -> Task:
    """Those who hold a role for a site and class, or the first of its deputies that somebody holds."""
    known = list(people)
    deputies = [deputy for deputy in rights.deputies.get(role, ()) if not may_sign or deputy in may_sign]
    for asked in dict.fromkeys((role, *deputies, rights.uncovered.role)):
        found = tuple(sorted(user.user_id for user in known if _holds(user, asked, site, item_class)))
        if found:
            return Task(role=asked, users=found, deputy_for=role if asked != role else "")
    return Task(role=role, users=())


def escalation_for(rights: Rights, tier: Tier, matter: Matter) -> Escalation:
    """When an approval nobody has answered becomes another role's task, and whose."""
    wanted = Tier.FORMAL if tier is Tier.FORMAL else Tier.PLANNER
    row = first_fit([row for row in rights.escalate if row.tier is wanted], matter)
    if row is None:
        return Escalation(after=timedelta(hours=rights.uncovered.after_hours), to=rights.uncovered.role)
    return Escalation(after=timedelta(hours=row.after_hours), to=row.to)


def _holds(user: User, role: str, site: str, item_class: str) -> bool:
    """An empty site or class is unknown: only who is limited to none answers for it."""
    return (
        user.active
        and role in user.roles
        and not set(user.roles) & set(NEVER_SIGN)
        and (user.sites is None or site in user.sites)
        and (user.item_classes is None or item_class in user.item_classes)
    )
