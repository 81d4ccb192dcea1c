"""Commands that change something: import, sweep, decide, execute and the kill switch."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, as_edits, as_moment, opened, signed_in
from service.errors import InputError, NoErpError

if TYPE_CHECKING:
    from inventory.database import Database
    from inventory.importing.report import ImportReport
    from inventory.records import Proposal, User


class Verb(StrEnum):
    """What can be decided about a proposal."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    SNOOZE = "snooze"
    ESCALATE = "escalate"


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
    from inventory.people import scope_of
    from service.case_tables import case_list_page
    from service.case_views import case_list
    from service.console import out, progress, write_json
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user):
        require(user, Right.OPERATE)
        with progress() as tell, house.workers(workers, dask=dask):
            result = house.desk.sweep(tell)
        with house.database.read() as connection:
            found = case_list(connection, scope_of(user))
    write_json(result) if as_json else out().print(case_list_page(found))


def decide(
    proposal_id: Annotated[str, typer.Argument(metavar="PROPOSAL", help="The proposal, by any beginning of its id.")],
    verb: Annotated[Verb, typer.Argument(help="What to do with it.")],
    digest: Annotated[str, typer.Option(metavar="PREFIX", help="Beginning of the digest you saw, 8 or more.")],
    reason: Annotated[
        str,
        typer.Option(metavar="CODE", help="agree, data_wrong, knows_event, strategy, customer, capacity or distrust."),
    ],
    line: Annotated[list[str] | None, typer.Option(metavar="L=QTY", help="edit: new quantity; 0 strikes.")] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="snooze: 2024-04-15 or with a time.")] = None,
    text: Annotated[str, typer.Option(help="Why, in your words.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Decide about a proposal as you saw it.

    The digest names what you saw: if anything changed since, the decision is refused.
    """
    from pydantic import ValidationError

    from agent.decisions import Decision
    from inventory.records import ReasonCode
    from service.case_views import DIGEST_SHOWN
    from service.console import write_json, write_text

    if reason not in set(ReasonCode):
        raise InputError(f"--reason {reason!r}: known are {', '.join(ReasonCode)}")
    if bool(line) is not (verb is Verb.EDIT) or bool(until) is not (verb is Verb.SNOOZE):
        raise InputError(
            "--line goes with edit, and edit with --line; --until goes with snooze, and snooze with --until"
        )
    with signed_in(as_user) as (house, user):
        try:
            decision = Decision(
                proposal_id=_full_id(house.database, user, proposal_id),
                digest_prefix=digest,
                verb=verb.value,
                reason=ReasonCode(reason),
                text=text,
                quantities=as_edits(line or []),
                until=as_moment(until) if until else None,
            )
        except ValidationError as error:
            problems = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
            raise InputError(problems) from error
        after = house.desk.decide(decision, user)
    if as_json:
        write_json(after)
    else:
        write_text(f"{after.proposal_id}: {_after(after)}\ndigest {after.digest[:DIGEST_SHOWN]}")


def _full_id(database: Database, user: User, proposal_id: str) -> str:
    """The whole id of a proposal the user may see."""
    from inventory.people import scope_of
    from inventory.proposals import find_proposal

    with database.read() as connection:
        return find_proposal(connection, scope_of(user), proposal_id).proposal_id


def _after(proposal: Proposal) -> str:
    """Where the proposal stands now, and what is next."""
    state = proposal.state.value.replace("_", " ")
    tier = f", tier {proposal.tier.value}" if proposal.tier else ""
    reason = f" ({proposal.reason})" if proposal.reason else ""
    if proposal.not_before:
        return f"{state}{reason}; it acts from {proposal.not_before:%Y-%m-%d %H:%M} UTC and can be stopped until then"
    if proposal.snoozed_until:
        return f"{state} until {proposal.snoozed_until:%Y-%m-%d %H:%M} UTC{reason}"
    return f"{state}{tier}{reason}"


def execute(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Send what is approved and due to the ERP."""
    from service.console import progress, write_json, write_text
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user):
        require(user, Right.OPERATE)
        if house.erp_kind == "none":
            raise NoErpError("no ERP is configured, so nothing can be executed: set EVENKEEL_ERP (known: simulated)")
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
