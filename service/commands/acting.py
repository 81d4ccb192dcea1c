"""Commands that change something: import, sweep, execute and the kill switch."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, as_moment, opened, signed_in

if TYPE_CHECKING:
    from inventory.importing.report import ImportReport


class Turn(StrEnum):
    """Which way a switch is turned."""

    ON = "on"
    OFF = "off"


def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="A folder, or files named after tables.")],
    mapping: Annotated[Path | None, typer.Option(help="Mapping file: renames columns, declares formats.")] = None,
    as_of: Annotated[str | None, typer.Option(help="The facts are complete up to this moment.")] = None,
    allow_shrink: Annotated[bool, typer.Option(help="Let a table lose more than half of its rows.")] = False,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Import feeds into a new snapshot.

    Every row is accepted or quarantined with a reason; a delivery that is not whole changes nothing.
    """
    from inventory.importing.gate import import_feeds
    from inventory.importing.mapping import read_mapping
    from service.bootstrap import init_home
    from service.console import progress, write_json, write_text
    from service.home import HomeKind, Layout
    from service.settings import read_settings
    from service.sign_in import Right, require, sign_in_or_first
    from tools.intake import take_stock

    moment = as_moment(as_of) if as_of else None
    settings = read_settings()
    if not Layout(settings.home).exists():
        init_home(settings.home, HomeKind.PRODUCTION, settings=settings).close()
    with opened() as house, progress() as tell:
        user = sign_in_or_first(house, as_user)
        require(user, Right.OPERATE)
        report = import_feeds(
            paths if len(paths) > 1 else paths[0],
            mapping=read_mapping(mapping) if mapping else None,
            database=house.database,
            snapshots=house.snapshots,
            actor=user.user_id,
            now=house.clock(),
            as_of=moment,
            allow_shrink=allow_shrink,
            when_current=take_stock,
            progress=tell,
        )
    write_json(report) if as_json else write_text(_import_words(report))


def _import_words(report: ImportReport) -> str:
    replay = " (a replay: sent before, nothing written)" if report.replay else ""
    lines = [
        f"snapshot {report.snapshot_id} as of {report.as_of:%Y-%m-%d %H:%M} UTC{replay}",
        f"{report.accepted:,} rows accepted, {report.quarantined:,} quarantined",
    ]
    for table in report.tables:
        reasons = ", ".join(f"{reason} {number}" for reason, number in table.reasons.items())
        refused = f"  {table.quarantined:,} quarantined: {reasons}" if table.quarantined else ""
        lines.append(f"  {table.table:<18} {table.accepted:>9,}{refused}")
    lines += [f"warning: {warning}" for warning in report.warnings]
    return "\n".join(lines)


def sweep(
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that look at parts of the network.")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler to look at it with.")] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Find, plan, explain, rule and queue."""
    from agent.case_views import case_list
    from inventory.people import scope_of
    from service.case_tables import case_list_page
    from service.console import out, progress, write_json
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user):
        require(user, Right.OPERATE)
        with progress() as tell, house.workers(workers, dask=dask):
            result = house.desk.sweep(tell)
        with house.database.read() as connection:
            found = case_list(connection, scope_of(user), at=house.clock())
    write_json(result) if as_json else out().print(case_list_page(found))


def execute(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Send what is approved and due to the ERP, or hand it to people where there is none."""
    from service.console import progress, write_json, write_text
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user):
        require(user, Right.OPERATE)
        with progress() as tell:
            done = house.dispatch_desk.execute(tell)
    if as_json:
        write_json(done)
        return
    for execution in done:
        references = " ".join(receipt.erp_reference for receipt in execution.receipts)
        note = f"  ({execution.note})" if execution.note else ""
        write_text(f"{execution.proposal_id}: {execution.state.value.replace('_', ' ')}  {references}{note}")
    if not done:
        write_text("nothing is approved and due")
    elif house.erp_kind == "none":
        write_text("no ERP is configured: what is sent is a task for a person (evenkeel tasks)")


def kill_switch(
    turn: Annotated[Turn, typer.Argument(help="on stops all execution at once; off needs another person.")],
    as_user: AsUser = None,
) -> None:
    """Stop all execution, or let it go on.

    Turning it off needs somebody other than who turned it on.
    """
    from inventory.chronicle import KILL_SWITCH, set_switch, switch_is_on
    from service.console import write_text
    from service.sign_in import Right, require, require_other_hand

    with signed_in(as_user) as (house, user):
        require(user, Right.HALT if turn is Turn.ON else Right.RESUME)
        with house.database.write(user.user_id, house.clock()) as transaction:
            if switch_is_on(transaction.connection, KILL_SWITCH) is (turn is Turn.ON):
                write_text(f"the kill switch is {turn.value} already")
                return
            if turn is Turn.OFF:
                require_other_hand(transaction.connection, KILL_SWITCH, user)
            set_switch(transaction, KILL_SWITCH, turn is Turn.ON)
    write_text("the kill switch is on: nothing is executed" if turn is Turn.ON else "the kill switch is off")
