"""Who held which right when, and who stands in for whom, as records and as pages for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from sqlalchemy import Connection

from agent.rights import load_rights, packaged_rights_text, rights_in_force
from agent.rights_document import ApproveRow, Rights
from inventory.delegations import Delegation, list_delegations
from inventory.people import NEVER_SIGN
from inventory.record import Record
from inventory.records import Scope
from inventory.rights_history import HeldRights, RightsDifference, rights_at, rights_differences
from service.case_tables import cell, plain_table
from tools.plain_words import exact_money


class PersonRights(Record):
    """What a person could do at a moment, told by the audit chain."""

    held: HeldRights
    rights: Rights
    """The rights document in force then."""
    differences: tuple[RightsDifference, ...]
    """Rows of today's tables that are not what the chain says; a limited reader is told of that person's alone."""


class Deputies(Record):
    """Who stands in for whom."""

    at: datetime
    roles: dict[str, tuple[str, ...]]
    """Roles asked where nobody holds one, in order."""
    delegations: tuple[Delegation, ...]
    """In force or still to come, the earliest end first."""


def person_rights(connection: Connection, scope: Scope, user_id: str, moment: datetime) -> PersonRights:
    """What a person could do at a moment; ``NotFoundError`` when nobody of that id was known."""
    held = rights_at(connection, scope, user_id, moment)
    text = held.rights_text or packaged_rights_text()
    differences = [found for found in rights_differences(connection) if scope.sites is None or found.row == user_id]
    return PersonRights(held=held, rights=load_rights(text), differences=tuple(differences))


def deputies_at(connection: Connection, scope: Scope, now: datetime) -> Deputies:
    """Who stands in for whom at a moment, as far as the reader may see."""
    known = list_delegations(connection, scope)
    return Deputies(
        at=now,
        roles=rights_in_force(connection, now).deputies,
        delegations=tuple(made for made in known if made.revoked_at is None and now < made.ends),
    )


def person_rights_page(found: PersonRights) -> RenderableType:
    """The person, their delegations and every row of the document that lets them sign."""
    user, at = found.held.user, found.held.at
    roles = ", ".join(user.roles) or "no role"
    standing = "" if user.active else ", locked out"
    limit = exact_money(user.value_limit_minor, found.rights.currency)
    version = f"v{found.held.rights_version}" if found.held.rights_version else "as packaged"
    parts: list[RenderableType] = [
        cell(f"{user.user_id} ({user.name}) at {_moment(at)}: {roles}{standing}", "bold"),
        cell(f"sites {_names(user.sites)} · classes {_names(user.item_classes)} · signs up to {limit}"),
    ]
    parts += [cell(f"acts for {made.from_user}: {delegation_words(made)}") for made in found.held.acts_for]
    parts += [cell(f"represented by {made.to_user}: {delegation_words(made)}") for made in found.held.represented_by]
    rows = [row for row in found.rights.approve if set(row.roles) & set(user.roles)]
    barred = sorted(set(user.roles) & set(NEVER_SIGN))
    if barred or not user.active or not rows:
        why = (
            f"the role {barred[0]} never signs" if barred else "locked out" if not user.active else "no row names them"
        )
        return Group(*parts, cell(f"signs nothing by the rights document {version}: {why}"))
    table = plain_table("tier", "as", "may sign")
    for row in rows:
        table.add_row(row.tier.value, cell(", ".join(sorted(set(row.roles) & set(user.roles)))), cell(row_words(row)))
    return Group(*parts, cell(f"by the rights document {version}, the first row that fits decides:"), table)


def deputies_page(found: Deputies) -> RenderableType:
    """Two tables: roles by the rights document, people by delegation."""
    roles = plain_table("role", "asked where nobody holds it")
    for role, those in found.roles.items():
        roles.add_row(cell(role), cell(", then ".join(those)))
    if not found.delegations:
        return Group(roles, cell("\nnobody acts for somebody else"))
    people = plain_table("acts", "for", "from", "until", "over", "entered by", "why", "id")
    for made in found.delegations:
        people.add_row(
            cell(made.to_user),
            cell(made.from_user),
            _moment(made.starts),
            _moment(made.ends),
            cell(_over(made)),
            cell(made.by),
            cell(made.reason or "–"),
            cell(made.delegation_id),
        )
    return Group(roles, cell(""), people)


def delegation_words(made: Delegation) -> str:
    """``until 2024-04-15 00:00:00 UTC over every site``."""
    why = f" ({made.reason})" if made.reason else ""
    return f"until {_moment(made.ends)} over {_over(made)}, entered by {made.by}{why}"


def row_words(row: ApproveRow) -> str:
    """What a row is limited to, in words."""
    return "; ".join(_limits(row)) or "everything"


def _limits(row: ApproveRow) -> Iterator[str]:
    for name, those in (
        ("cases", row.cases), ("actions", row.actions), ("sites", row.sites), ("classes", row.item_classes)
    ):  # fmt: skip
        if those is not None:
            yield f"{name} {', '.join(those)}"
    if row.value_up_to is not None:
        yield f"up to {row.value_up_to:,}"


def _over(made: Delegation) -> str:
    parts = []
    if made.sites is not None:
        parts.append(f"sites {', '.join(made.sites)}")
    if made.item_classes is not None:
        parts.append(f"classes {', '.join(made.item_classes)}")
    return " and ".join(parts) or "everything they have"


def _names(those: tuple[str, ...] | None) -> str:
    return "all" if those is None else ", ".join(those) or "none"


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S} UTC"
