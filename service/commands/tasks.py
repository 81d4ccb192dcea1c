"""Commands of whoever carries things out: tasks, answers to them, and rulings on documents in doubt."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in
from service.errors import InputError

if TYPE_CHECKING:
    from tools.settlement import Execution


class Answered(StrEnum):
    """How a task went."""

    DONE = "done"
    REFUSED = "refused"
    IN_DOUBT = "in-doubt"


def tasks(
    all_states: Annotated[bool, typer.Option("--all", help="Also those that were answered.")] = False,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """List what people carry out, and every document in doubt.

    An exclamation mark is an alarm: overdue, or in doubt for too long.
    """
    from inventory.doubts import waiting
    from inventory.people import scope_of
    from service.case_tables import cell, plain_table
    from service.console import out, write_json

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        now = house.clock()
        found = waiting(connection, scope_of(user), now, answered=all_states)
    if as_json:
        write_json(found)
        return
    console = out()
    table = plain_table("", "task", "for", "due (UTC)", "state", "what")
    for task in found.tasks:
        mark = "!" if task.state == "open" and task.due_at < now else ""
        words = task.state.replace("_", " ") + (f" by {task.done_by}" if task.done_by else "")
        due = f"{task.due_at:%Y-%m-%d %H:%M}"
        table.add_row(mark, cell(task.task_id), cell(task.role.replace("_", " ")), due, cell(words), cell(task.text))
    console.print(table if found.tasks else cell("no task is open"))
    if found.doubts:
        unknown = plain_table("", "document in doubt", "since (UTC)", "what is known")
        for doubt in found.doubts:
            since = f"{doubt.since:%Y-%m-%d %H:%M}" if doubt.since else ""
            unknown.add_row("!" if doubt.dead else "", cell(doubt.key), since, cell(doubt.why))
        console.print(unknown)


def task(
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="The task, or the key of its document.")],
    how: Annotated[Answered, typer.Argument(help="How it went.")],
    reference: Annotated[str, typer.Option(help="done: number of the document, mail or call.")] = "",
    text: Annotated[str, typer.Option(help="What to know about it; needed unless done.")] = "",
    evidence: Annotated[str, typer.Option(help="Where the evidence lies.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Answer a task, once.

    Done closes its document as executed; refused fails it; in-doubt leaves it to a ruling.
    """
    from tools.tasks import Answer, answer

    answers: dict[Answered, Answer] = {
        Answered.DONE: "done", Answered.REFUSED: "refused", Answered.IN_DOUBT: "in_doubt"
    }  # fmt: skip
    with signed_in(as_user) as (house, user):
        done = answer(
            house.toolbox, task_id, user, answers[how],
            reference=reference, text=text, evidence=evidence,
        )  # fmt: skip
    _tell(done, as_json)


def doubt(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the document, by any beginning of it.")],
    executed: Annotated[str, typer.Option(metavar="REFERENCE", help="It is in the ERP, under this number.")] = "",
    not_executed: Annotated[bool, typer.Option("--not-executed", help="It is not there, and will not be.")] = False,
    reason: Annotated[str, typer.Option(help="not executed: how that is known.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Rule on a document nobody knows the outcome of.

    Where the ERP can be asked, it has the last word.
    """
    from tools.doubt import rule_on_doubt

    if bool(executed) is not_executed or bool(reason) is not not_executed:
        raise InputError("say --executed REFERENCE, or --not-executed with --reason")
    with signed_in(as_user) as (house, user):
        toolbox = house.dispatch_desk.toolbox
        done = rule_on_doubt(toolbox, key, user, executed=executed, reason=reason)
    _tell(done, as_json)


def _tell(done: Execution, as_json: bool) -> None:
    from service.console import write_json, write_text

    if as_json:
        write_json(done)
        return
    references = " ".join(receipt.erp_reference for receipt in done.receipts)
    note = f"  ({done.note})" if done.note else ""
    write_text(f"{done.proposal_id}: {done.state.value.replace('_', ' ')}  {references}{note}")
