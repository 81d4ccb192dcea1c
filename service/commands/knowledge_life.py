"""Commands with which a second person settles what became of a version of a written rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in
from service.errors import InputError

if TYPE_CHECKING:
    from inventory.document_life import Ending
    from inventory.document_revisions import DocumentRevision

Named = Annotated[str, typer.Argument(metavar="DOCUMENT@vN", help="Document and version, such as SOP-TRF-01@v2.")]
Reason = Annotated[str, typer.Option(help="Why.")]
_NAMED = re.compile(r"([^@]+)@v([1-9][0-9]{0,8})")


def add_to(app: typer.Typer) -> None:
    """Give the commands to an application."""
    for name, command in (
        ("show", show),
        ("confirm", confirm),
        ("refuse", refuse),
        ("withdraw", withdraw),
        ("delete", delete),
    ):
        app.command(name)(command)


def show(name: Named, as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Print a version with what the scan found, its machine rules, and what they contradict."""
    from inventory.document_revisions import find_revision
    from inventory.machine_rules import list_effective
    from inventory.machine_rules_conflicts import conflicts
    from inventory.people import scope_of
    from inventory.records import EVERYTHING
    from service.console import out, write_json
    from service.knowledge_pages import revision_page

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        revision = find_revision(connection, scope_of(user), *split_name(name))
        first = max(house.clock().date(), revision.document.effective_from)
        beside = [
            rule
            for rule in list_effective(connection, EVERYTHING, first)
            if rule.document_id != revision.document.document_id
        ]
        mine = {rule.rule_id for rule in revision.rules}
        found = [
            each
            for each in conflicts([*beside, *revision.rules], first)
            if mine & {each.stricter.rule_id, each.looser.rule_id}
        ]
    write_json(revision) if as_json else out().print(revision_page(revision, found))


def confirm(
    name: Named,
    digest: Annotated[str, typer.Option(help="Beginning of the digest you saw, at least 8 characters.")],
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Let a version somebody else uploaded speak from its first day on."""
    from agent.document_changes import confirm as confirmed
    from service.console import write_json, write_text

    with signed_in(as_user) as (house, user):
        revision = confirmed(house.database, user, house.clock(), *split_name(name), digest)
    if as_json:
        write_json(revision)
        return
    write_text(
        f"{revision.name} uploaded by {revision.document.added_by}, confirmed by {revision.confirmed_by}, "
        f"in force from {revision.document.effective_from}, {len(revision.rules)} machine rules"
    )


def refuse(name: Named, reason: Reason = "", as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Refuse a version nobody has confirmed, or take back your own."""
    _end(name, "refused", reason, as_json, as_user)


def withdraw(name: Named, reason: Reason = "", as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Let a version speak no more from today on; its text is kept for the past."""
    _end(name, "withdrawn", reason, as_json, as_user)


def delete(name: Named, reason: Reason = "", as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Take a version's text away for good; no search finds it again, for any day."""
    _end(name, "deleted", reason, as_json, as_user)


def _end(name: str, ending: Ending, reason: str, as_json: bool, as_user: str | None) -> None:
    from agent.document_changes import end
    from service.console import write_json, write_text

    with signed_in(as_user) as (house, user):
        revision: DocumentRevision = end(house.database, user, house.clock(), *split_name(name), ending, reason)
    write_json(revision) if as_json else write_text(f"{revision.name} {revision.state} by {revision.ended_by}")


def split_name(name: str) -> tuple[str, int]:
    """Document and version of a name."""
    found = _NAMED.fullmatch(name)
    if found is None:
        raise InputError(f"{name!r} names no version; expected one such as SOP-TRF-01@v2")
    return found[1], int(found[2])
