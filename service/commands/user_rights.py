"""Commands about rights: handing them on for a time, who stands in for whom, and who held which right when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, as_moment, as_names, signed_in
from service.errors import BrokenError, InputError, SignInError

if TYPE_CHECKING:
    from datetime import datetime

    from inventory.database import Transaction
    from inventory.delegations import Delegation


def delegate(
    from_user: Annotated[str, typer.Argument(metavar="FROM", help="Who hands their rights on: you, usually.")],
    to_user: Annotated[str, typer.Argument(metavar="TO", help="Who acts for them.")],
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="When it ends: 2024-04-15 (as the day begins, UTC) or a time.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="MOMENT", help="When it begins; now if absent.")
    ] = None,
    sites: Annotated[str | None, typer.Option(metavar="A,B", help="Only over these sites.")] = None,
    classes: Annotated[str | None, typer.Option(metavar="A,B", help="Only over these item classes.")] = None,
    reason: Annotated[str, typer.Option(help="Why, in your words.")] = "",
    revoke: Annotated[bool, typer.Option("--revoke", help="End every delegation from one to the other now.")] = False,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Let somebody act for you until a stated moment.

    They have your rights, not more, and never where you or they asked for, edited or signed the proposal. An
    administrator may do it for somebody who is away.
    """
    from service.console import write_json, write_text
    from service.rights_page import delegation_words
    from service.sign_in import require_own

    if revoke is (until is not None) or (revoke and (since or sites or classes or reason)):
        raise InputError("say --until MOMENT to hand rights on, or --revoke and nothing else to take them back")
    ends, starts = as_moment(until) if until else None, as_moment(since) if since else None
    with signed_in(as_user) as (house, actor):
        require_own(actor, from_user)
        with house.database.write(actor.user_id, house.clock()) as transaction:
            made = (
                _granted(transaction, from_user, to_user, ends, starts, as_names(sites), as_names(classes), reason)
                if ends
                else _revoked(transaction, from_user, to_user)
            )
    if as_json:
        write_json(made)
        return
    for one in made:
        word = "no longer acts" if revoke else "acts"
        write_text(f"{one.delegation_id}: {one.to_user} {word} for {one.from_user}, {delegation_words(one)}")


def deputies(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Show who stands in for whom, by role and by delegation."""
    from inventory.people import scope_of
    from service.console import out, write_json
    from service.rights_page import deputies_at, deputies_page

    with signed_in(as_user) as (house, actor), house.database.read() as connection:
        found = deputies_at(connection, scope_of(actor), house.clock())
    write_json(found) if as_json else out().print(deputies_page(found))


def rights(
    user_id: Annotated[str, typer.Argument(metavar="ID", help="Whose rights.")],
    at: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="As of then: 2024-04-15 or a time. Now if absent.")
    ] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Tell who held which right when, from the audit chain alone.

    Exits with 4 if a table says otherwise today.
    """
    from inventory.people import scope_of
    from service.console import out, write_json
    from service.rights_page import person_rights, person_rights_page

    moment = as_moment(at) if at else None
    with signed_in(as_user) as (house, actor), house.database.read() as connection:
        if moment is not None and moment > house.clock():
            raise InputError(f"{at!r} lies ahead; nobody knows who will hold which right then")
        found = person_rights(connection, scope_of(actor), user_id, moment or house.clock())
    write_json(found) if as_json else out().print(person_rights_page(found))
    if found.differences:
        listed = "; ".join(difference.words for difference in found.differences)
        raise BrokenError(f"the tables are not what the audit chain says: {listed}")


def _granted(
    transaction: Transaction,
    from_user: str,
    to_user: str,
    ends: datetime,
    starts: datetime | None,
    sites: tuple[str, ...] | None,
    classes: tuple[str, ...] | None,
    reason: str,
) -> list[Delegation]:
    """The delegation, if it hands on something the giver has, for no longer than the rights document allows."""
    from agent.policy_book import load_policy
    from agent.rights import rights_in_force
    from agent.signing_rights import Law, why_not_delegate
    from inventory.delegations import grant
    from inventory.people import find_user
    from inventory.records import EVERYTHING
    from inventory.rulebook import find_policy

    connection, now = transaction.connection, transaction.now
    made = grant(
        transaction, from_user, to_user, ends=ends, starts=starts, sites=sites, item_classes=classes, reason=reason
    )
    approval = load_policy(find_policy(connection, EVERYTHING, "approval", at=now).content)
    law = Law(approval.approvers, rights_in_force(connection, now))
    why_not = why_not_delegate(find_user(connection, EVERYTHING, from_user), made, law)
    if why_not:
        raise SignInError(f"{from_user} cannot be represented by {to_user}: {why_not}")
    return [made]


def _revoked(transaction: Transaction, from_user: str, to_user: str) -> list[Delegation]:
    """Every delegation from one to the other that is not over, ended now."""
    from inventory.delegations import list_delegations, revoke
    from inventory.records import EVERYTHING

    known = list_delegations(transaction.connection, EVERYTHING, user_id=from_user)
    standing = [
        made
        for made in known
        if (made.from_user, made.to_user) == (from_user, to_user)
        and made.revoked_at is None
        and transaction.now < made.ends
    ]
    if not standing:
        raise InputError(f"{to_user} does not act for {from_user}")
    return [revoke(transaction, made.delegation_id) for made in standing]
