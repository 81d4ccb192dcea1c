"""Commands about users. The first one of a fresh home is its administrator; from then on administrators decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import user_rights
from service.commands.options import AsJson, AsUser, as_names, opened, signed_in
from service.errors import InputError, SignInError

if TYPE_CHECKING:
    from inventory.database import Transaction
    from inventory.records import User

app = typer.Typer(help="Manage users, their roles, their tokens and who acts for whom.", no_args_is_help=True)
for command in (user_rights.delegate, user_rights.deputies, user_rights.rights):
    app.command(command.__name__)(command)


@app.command("add")
def add(
    user_id: Annotated[str, typer.Argument(metavar="ID", help="User id: ASCII, no spaces.")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    roles: Annotated[str, typer.Option(metavar="A,B", help="planner, approver, central, auditor, administrator …")],
    sites: Annotated[str | None, typer.Option(metavar="A,B", help="Sites they see; all when absent.")] = None,
    classes: Annotated[str | None, typer.Option(metavar="A,B", help="Item classes they see; all when absent.")] = None,
    limit: Annotated[int, typer.Option(min=0, metavar="EUR", help="Largest value they may sign, whole units.")] = 0,
    as_user: AsUser = None,
) -> None:
    """Add a user, or change one; on a fresh home the first must be an administrator, who gets a token at once."""
    from pydantic import ValidationError

    from inventory.people import issue_token, save_user
    from inventory.records import User
    from service.bootstrap import SERVICE_USER, init_home
    from service.console import write_text
    from service.home import HomeKind, Layout
    from service.settings import read_settings
    from service.sign_in import Right, has_administrator, require, sign_in_or_first

    try:
        wanted = User(
            user_id=user_id, name=name, roles=as_names(roles) or (), sites=as_names(sites),
            item_classes=as_names(classes), value_limit_minor=limit * 100,
        )  # fmt: skip
    except ValidationError as error:
        raise InputError("; ".join(f"{p['loc'][0]}: {p['msg']}" for p in error.errors())) from error
    settings = read_settings()
    if not Layout(settings.home).exists():
        init_home(settings.home, HomeKind.PRODUCTION, settings=settings).close()
    with opened() as house:
        actor = sign_in_or_first(house, as_user)
        first = actor == SERVICE_USER
        if first and "administrator" not in wanted.roles:
            raise SignInError("this home has no administrator yet: add one first (--roles administrator)")
        if not first:
            require(actor, Right.MANAGE_USERS)
        with house.database.write(actor.user_id, house.clock()) as transaction:
            if first and has_administrator(transaction.connection):
                raise SignInError("somebody has just become administrator: set EVENKEEL_TOKEN")
            saved = save_user(transaction, wanted)
            token = issue_token(transaction, user_id) if first else None
    write_text(f"{saved.user_id} version {saved.version}: {', '.join(saved.roles) or 'no role'}")
    if token:
        write_text(f"token, shown once: {token}")


@app.command("token")
def token(
    user_id: Annotated[str, typer.Argument(metavar="ID", help="Whose token.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Make every token of the user worthless instead.")] = False,
    as_user: AsUser = None,
) -> None:
    """Issue a token, shown once; only its hash is kept."""
    from inventory.people import find_user, issue_token, revoke_tokens
    from inventory.records import EVERYTHING
    from service.console import write_text
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, actor):
        require(actor, Right.MANAGE_USERS)
        with house.database.write(actor.user_id, house.clock()) as transaction:
            find_user(transaction.connection, EVERYTHING, user_id)
            if revoke:
                write_text(f"{user_id}: {revoke_tokens(transaction, user_id)} tokens revoked")
                return
            issued = issue_token(transaction, user_id)
    write_text(issued)


@app.command("roles")
def roles(
    user_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Whose roles to change.")] = None,
    change: Annotated[str | None, typer.Option("--set", metavar="A,B", help="The new roles.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Let the user in, or lock them out.")
    ] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """List users with roles, scope and limit; with an ID, change their roles or lock them out."""
    from inventory.people import list_users, scope_of
    from service.case_tables import cell, plain_table, whole_money
    from service.console import out, write_json, write_text
    from service.sign_in import Right, require

    if (user_id is None) is not (change is None and active is None):
        raise InputError("to change a user, name the ID and --set, --active or --inactive")
    with signed_in(as_user) as (house, actor):
        if user_id is not None:
            require(actor, Right.MANAGE_USERS)
            with house.database.write(actor.user_id, house.clock()) as transaction:
                saved = _changed(transaction, user_id, as_names(change) if change is not None else None, active)
            standing = "" if saved.active else ", locked out"
            write_text(f"{saved.user_id} version {saved.version}: {', '.join(saved.roles)}{standing}")
            return
        with house.database.read() as connection:
            found = list_users(connection, scope_of(actor))
    if as_json:
        write_json(found)
        return
    table = plain_table("user", "name", "roles", "sites", "classes", "#limit", "")
    for user in found:
        table.add_row(
            cell(user.user_id),
            cell(user.name),
            cell(", ".join(user.roles)),
            cell("all" if user.sites is None else ", ".join(user.sites)),
            cell("all" if user.item_classes is None else ", ".join(user.item_classes)),
            whole_money(user.value_limit_minor),
            "" if user.active else "locked out",
        )
    out().print(table)


def _changed(transaction: Transaction, user_id: str, roles: tuple[str, ...] | None, active: bool | None) -> User:
    """The user with other roles, or let in or locked out; the last administrator stays."""
    from inventory.people import find_user, save_user
    from inventory.records import EVERYTHING
    from service.sign_in import has_administrator

    user = find_user(transaction.connection, EVERYTHING, user_id)
    update = {"roles": user.roles if roles is None else roles, "active": user.active if active is None else active}
    saved = save_user(transaction, user.model_copy(update=update))
    if not has_administrator(transaction.connection):
        raise SignInError(f"{user_id} is the last administrator: make another one first")
    return saved
