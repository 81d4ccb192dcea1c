"""Commands about freezes: keeping units of a stock line for one purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, as_moment, signed_in
from service.errors import InputError

if TYPE_CHECKING:
    from inventory.freezes import Freeze, FreezeRow

app = typer.Typer(
    name="freeze", help="Keep units of a stock line for one purpose; two people each way.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip


@app.command("set")
def set_(
    item: Annotated[str, typer.Argument(metavar="ITEM|FREEZE", help="The item; or a freeze, to confirm it.")],
    site: Annotated[str, typer.Argument(metavar="[SITE]", help="Where it lies.")] = "",
    purpose: Annotated[str, typer.Option("--for", help="Customer, promotion or order they are kept for.")] = "",
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="When it ends: 2024-04-15 or a time.")] = None,
    lot: Annotated[str, typer.Option(help="The lot, where there are lots.")] = "",
    units: Annotated[int | None, typer.Option(min=1, help="Units kept; all, with what arrives, if absent.")] = None,
    reason: Annotated[str, typer.Option(help="Why, in your words.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Ask for a freeze of an item at a site, or confirm one that somebody else asked for.

    While it holds nothing is promised, given away or sent from these units but for its purpose.
    """
    from inventory.freezes import ask_freeze, confirm_freeze
    from inventory.people import scope_of
    from service.sign_in import Right, require

    asks = bool(site and purpose and until)
    if not asks and (site or purpose or until or lot or units or reason):
        raise InputError("to ask for a freeze say ITEM SITE --for PURPOSE --until MOMENT; to confirm one only its id")
    with signed_in(as_user) as (house, user):
        require(user, Right.FREEZE)
        with house.database.write(user.user_id, house.clock()) as transaction:
            if asks and until is not None:
                made = ask_freeze(
                    transaction, scope_of(user), item=item, site=site, purpose=purpose, until=as_moment(until), lot=lot,
                    units=units, reason=reason,
                )  # fmt: skip
            else:
                made = confirm_freeze(transaction, scope_of(user), item)
    _tell(made, as_json=as_json)


@app.command("lift")
def lift(
    freeze_id: Annotated[str, typer.Argument(metavar="FREEZE", help="The freeze, by any beginning of its id.")],
    reason: Annotated[str, typer.Option(help="Why, in your words.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Ask for a freeze to end before its time, or confirm that; one nobody confirmed yet is withdrawn."""
    from inventory.freezes import ask_lift, confirm_lift, find_freeze, withdraw_freeze
    from inventory.people import scope_of
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user):
        require(user, Right.FREEZE)
        scope = scope_of(user)
        with house.database.write(user.user_id, house.clock()) as transaction:
            known = find_freeze(transaction.connection, scope, freeze_id).freeze
            if known.state == "asked":
                made = withdraw_freeze(transaction, scope, known.freeze_id)
            elif known.state == "lift_asked":
                made = confirm_lift(transaction, scope, known.freeze_id)
            else:
                made = ask_lift(transaction, scope, known.freeze_id, reason=reason)
    _tell(made, as_json=as_json)


@app.command("list")
def list_(
    past: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Show the freezes at your sites, and where stock no longer covers them."""
    from inventory.freezes import OPEN, list_freezes, short_freezes
    from inventory.people import scope_of
    from service.console import write_json, write_text

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        rows = list_freezes(connection, scope_of(user), states=() if past else OPEN)
        short = {each.row.freeze.freeze_id: each.short for each in short_freezes(connection, scope_of(user))}
    if as_json:
        write_json(rows)
        return
    for row in rows:
        write_text(f"{_line(row)}{_missing(short.get(row.freeze.freeze_id, 0))}")
    if not rows:
        write_text("nothing is frozen")


def _tell(made: Freeze, *, as_json: bool) -> None:
    from service.console import write_json, write_text

    if as_json:
        write_json(made)
        return
    next_step = {
        "asked": f"it holds once somebody else confirms: evenkeel freeze set {made.freeze_id}",
        "in_force": f"{made.frozen_units:,} units are frozen",
        "lift_asked": f"it holds until somebody else confirms: evenkeel freeze lift {made.freeze_id}",
        "lifted": "the units are free for everybody again",
        "withdrawn": "nothing was frozen",
    }
    write_text(f"{made.freeze_id}: {made.state.replace('_', ' ')}; {next_step.get(made.state, '')}")


def _line(row: FreezeRow) -> str:
    freeze = row.freeze
    lot = f" lot {freeze.lot}" if freeze.lot else ""
    units = f"{row.remaining:,} of {row.units:,}" if freeze.set_confirmed_by else f"{freeze.units or 'all'}"
    people = f"set by {freeze.set_by}" + (f" and {freeze.set_confirmed_by}" if freeze.set_confirmed_by else "")
    return (
        f"{freeze.freeze_id}  {freeze.item} at {freeze.site}{lot}: {units} units for {freeze.purpose} until "
        f"{freeze.until:%Y-%m-%d %H:%M} UTC, {freeze.state.replace('_', ' ')}, {people}"
    )


def _missing(short: int) -> str:
    return f"; {short:,} of them are not there" if short else ""
