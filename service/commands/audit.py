"""Commands about the audit log: check it, take it away, and ask it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, as_day, as_moment, signed_in
from service.errors import AlarmError, BrokenError, InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from inventory.audit_export import Period
    from inventory.log_report import LogReport

app = typer.Typer(help="Check the audit log, take it with you, or ask it.", no_args_is_help=True)


@app.command("verify")
def verify(
    file: Annotated[Path | None, typer.Option(help="Check this export instead; needs no home.")] = None,
    key: Annotated[str, typer.Option(help="Public key the heads of the export must be signed with.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Hold the audit log against its anchor, its signed heads and the tables.

    Every link is read; the first entry or row that does not hold is named.
    """
    if file is not None:
        _verify_file(file, key, as_json)
        return
    from inventory.log_report import examine_log
    from service.console import write_text

    with signed_in(as_user) as (house, _), house.database.read() as connection:
        found = examine_log(connection, house.database.anchor)
    write_text(json.dumps(_as_data(found), indent=2) if as_json else "\n".join(_words(found)))
    if not found.sound:
        raise BrokenError(f"the audit log is broken: {found.alarms[0].words}")
    if found.undelivered:
        raise AlarmError(found.undelivered[0].words)


def _as_data(found: LogReport) -> dict[str, object]:
    chain = found.chain
    return {
        "sound": found.sound, "not_anchored": chain.not_anchored, **vars(chain), "heads": vars(found.heads),
        "not_signed": found.not_signed, "rows": found.rows, "alarms": [vars(alarm) for alarm in found.alarms],
        "undelivered": [vars(place) for place in found.undelivered],
    }  # fmt: skip


def _words(found: LogReport) -> Iterator[str]:
    chain = found.chain
    yield (
        f"{chain.entries:,} entries, {chain.anchored:,} anchored outside the database, "
        f"{chain.not_anchored:,} not yet anchored: {'sound' if found.sound else 'BROKEN'}"
    )
    yield f"{found.heads.heads:,} signed heads, {found.not_signed:,} entries not yet signed for"
    yield f"{found.rows:,} rows of the tables compared with the log"
    for alarm in found.alarms:
        yield f"ALARM {alarm.part}: {alarm.words}"
    for place in found.undelivered:
        yield f"ALARM {place.words}"


def _verify_file(file: Path, key: str, as_json: bool) -> None:
    from inventory.verify_export import UnreadableExportError, verify_export, words
    from service.console import write_text

    try:
        with file.open(encoding="utf-8") as lines:
            check = verify_export(lines, key)
    except (UnreadableExportError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: {error}") from error
    if as_json:
        made = check.reconciliation
        write_text(
            json.dumps(
                {
                    "sound": check.sound, "header": check.header, "entries": check.entries, "heads": check.heads,
                    "not_covered": check.not_covered, "documents": len(made.documents),
                    "totals": [vars(total) for total in made.totals],
                    "problems": [vars(problem) for problem in check.problems],
                },
                indent=2,
            )
        )  # fmt: skip
    else:
        write_text("\n".join(words(check)))
    if not check.sound:
        raise BrokenError(f"{file}: {check.problems[0].problem}")


@app.command("export")
def export(
    period: Annotated[
        str | None, typer.Option(metavar="FROM..TO", help="Only these days, made to be checked elsewhere.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "--out", help="Write to this file instead of standard output.")
    ] = None,
    as_user: AsUser = None,
) -> None:
    """Write the log as JSON lines, hashes included, so that it can be verified elsewhere.

    With a period: signed heads, receipts and totals too, for ``audit verify --file`` or, with no Evenkeel at hand,
    ``python -m inventory.verify_export``.
    """
    from service.console import write_text
    from service.sign_in import Right, require_everywhere

    wanted = _period(period) if period else None
    with signed_in(as_user) as (house, user):
        require_everywhere(user, Right.READ_LOG)
        with house.database.read() as connection:
            if wanted is None:
                lines = _lines(connection)
            else:
                from inventory.audit_export import export_lines
                from service.log_keeping import public_key

                lines = export_lines(
                    connection, house.database.anchor, wanted, public=public_key(connection), now=house.clock(),
                    actor=user.user_id,
                )  # fmt: skip
            if output is None:
                for line in lines:
                    write_text(line)
                return
            with output.open("w", encoding="utf-8") as file:
                written = sum(1 for line in lines if file.write(f"{line}\n"))
    write_text(f"wrote {written:,} {'lines' if wanted else 'entries'} to {output}")


def _period(text: str) -> Period:
    """``2024-04-01..2024-04-30``, both days included, or two moments with offset."""
    from inventory.audit_export import Period

    start, between, end = text.partition("..")
    if not between or not start or not end:
        raise InputError(f"--period {text!r}: expected two days such as 2024-04-01..2024-04-30")
    found = Period(as_moment(start), _end(end))
    if found.end <= found.start:
        raise InputError(f"--period {text!r}: ends before it begins")
    return found


def _end(text: str) -> datetime:
    """A day ends with its last moment, a moment is itself."""
    moment = as_moment(text)
    return moment + timedelta(days=1) if "T" not in text and " " not in text and as_day(text) else moment


def _lines(connection: Connection) -> Iterator[str]:
    """Each entry as one JSON object; ``body`` is kept as the text that was hashed."""
    from inventory.audit import entries

    for entry in entries(connection):
        yield json.dumps(vars(entry))


@app.command("gaps")
def gaps(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Count executed lines whose story cannot be told from end to end.

    From case and snapshot over ruling and approval to the receipt.
    """
    from inventory.audit_gaps import trace_gaps
    from service.console import write_json, write_text
    from service.sign_in import Right, require_everywhere
    from tools.actions import ERP_ACTIONS

    with signed_in(as_user) as (house, user):
        require_everywhere(user, Right.READ_LOG)
        with house.database.read() as connection:
            found = trace_gaps(connection, sent_kinds=ERP_ACTIONS)
    if as_json:
        write_json(found)
    else:
        write_text(f"{found.lines:,} executed lines, {len(found.gaps):,} without a full trace")
        for gap in found.gaps:
            write_text(f"  {gap.proposal_id} line {gap.line}, {gap.item}: no {', no '.join(gap.missing)}")
    if found.gaps:
        raise BrokenError(f"{len(found.gaps)} executed lines have no full trace")


@app.command("daily")
def daily(as_user: AsUser = None) -> None:
    """Do the daily look at the log and put its result on record.

    Heads not delivered are offered again; then the log is verified and the gaps are counted.
    """
    from inventory.audit_daily import run_daily_audit
    from service.console import write_text
    from service.sign_in import Right, require_everywhere
    from tools.actions import ERP_ACTIONS

    with signed_in(as_user) as (house, user):
        require_everywhere(user, Right.READ_LOG)
        found = run_daily_audit(house.database, house.clock(), actor=user.user_id, sent_kinds=ERP_ACTIONS)
    write_text("\n".join([*_words(found.report), f"{found.gaps.lines:,} executed lines looked at"]))
    if not found.report.sound or found.gaps.gaps:
        raise BrokenError(found.alarms[0])
    if found.alarms:
        raise AlarmError(found.alarms[0])


@app.command("about")
def about(
    some_id: Annotated[str, typer.Argument(metavar="ID", help="Proposal, document key, ERP reference or case.")],
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Answer three questions about a past action.

    What was recommended, on what data, and who or what executed it.
    """
    from agent.about import about as ask
    from inventory.people import scope_of
    from service.about_page import about_page
    from service.console import out, write_json

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        answer = ask(connection, scope_of(user), some_id)
    write_json(answer) if as_json else out().print(about_page(answer))


@app.command("key")
def key(as_user: AsUser = None) -> None:
    """Print the public key that the heads are signed with."""
    from service.console import write_text
    from service.log_keeping import public_key

    with signed_in(as_user) as (house, _), house.database.read() as connection:
        write_text(public_key(connection))
