"""Commands that read: cases, proposals, the brief, why, and the whole story; each in the reader's scope."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import ActFor, AsJson, AsUser, reader_scope, signed_in
from service.errors import InputError

if TYPE_CHECKING:
    from tools.roles import RoleAnswer


class BriefFormat(StrEnum):
    """How the brief is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


def cases(
    case_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="A case, by any beginning of its id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="List automatic and held-back cases too.")] = False,
    act_for: ActFor = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """List open cases, or show one in full."""
    from agent.case_views import case_detail, case_list
    from service.case_page import case_page
    from service.case_tables import case_list_page
    from service.console import out, write_json
    from service.home import HomeKind

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        scope = reader_scope(connection, user, act_for, house.clock())
        if case_id is None:
            found = case_list(connection, scope, everything=everything, at=house.clock())
            write_json(found) if as_json else out().print(case_list_page(found))
            return
        detail = case_detail(connection, scope, case_id, at=house.clock())
        write_json(detail) if as_json else out().print(case_page(detail, demo=house.kind is HomeKind.DEMO))


def proposals(
    proposal_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="A proposal, by any beginning.")] = None,
    state: Annotated[str | None, typer.Option(help="Only proposals in this state, such as pending.")] = None,
    act_for: ActFor = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """List proposals, or show one in full."""
    from agent.case_views import proposal_detail
    from inventory.proposals import list_proposals
    from inventory.records import ProposalState
    from service.case_page import proposal_page
    from service.case_tables import proposal_list_page
    from service.console import out, write_json
    from service.home import HomeKind

    if state is not None and state not in set(ProposalState):
        raise InputError(f"--state {state!r}: known are {', '.join(ProposalState)}")
    with signed_in(as_user) as (house, user), house.database.read() as connection:
        scope = reader_scope(connection, user, act_for, house.clock())
        if proposal_id is not None:
            detail = proposal_detail(connection, scope, proposal_id)
            write_json(detail) if as_json else out().print(proposal_page(detail, demo=house.kind is HomeKind.DEMO))
            return
        wanted = (ProposalState(state),) if state else ()
        found = list_proposals(connection, scope, states=wanted)
        write_json(found) if as_json else out().print(proposal_list_page(found))


def brief(
    form: Annotated[BriefFormat, typer.Option("--format", help="How to write it.")] = BriefFormat.TEXT,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the terminal.")] = None,
    act_for: ActFor = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Summarise the day on one page.

    What matters most, what waits for whom, what ran by itself, and how sound the data is.
    """
    from agent.brief import make_brief
    from service.brief_html import brief_html
    from service.brief_text import brief_markdown, brief_text
    from service.console import write_json, write_text
    from service.watch import operations_alarms
    from tools.reappeared import reappeared

    with signed_in(as_user) as (house, user):
        current = house.snapshots.current()
        with house.database.read() as connection:
            scope = reader_scope(connection, user, act_for, house.clock())
            as_of = current.as_of if current else None
            alarms = [place.words for place in house.database.anchor.undelivered()]
            alarms += operations_alarms(house, connection)
            alarms += [found.words for found in reappeared(connection, scope, current)] if current else []
            made = make_brief(connection, scope, house.clock(), as_of, alarms=alarms)
    if as_json:
        write_json(made)
        return
    writers = {BriefFormat.TEXT: brief_text, BriefFormat.MARKDOWN: brief_markdown, BriefFormat.HTML: brief_html}
    text = writers[form](made)
    if output is None:
        write_text(text)
    else:
        output.write_text(text, "utf-8")
        write_text(f"wrote {output}")


def why(
    item: Annotated[str, typer.Argument(help="Item id.")],
    site: Annotated[str, typer.Argument(help="Site id.")],
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Explain why there is a case, or none.

    Replays every check for one item at one site, with its figures.
    """
    from inventory.people import scope_of
    from service.case_tables import cell, plain_table
    from service.console import out, write_json

    with signed_in(as_user) as (house, user):
        answer = house.desk.why(scope_of(user), item, site)
    if as_json:
        write_json(answer)
        return
    table = plain_table("", "check", "detail")
    for step in answer.steps:
        table.add_row("✓" if step.passed else "✗", cell(step.check), cell(step.detail))
    console = out()
    console.print(cell(f"{answer.item} at {answer.site}", "bold"), table, cell(answer.verdict, "bold"))


class Role(StrEnum):
    """A role of the agent that can be asked on its own."""

    INVENTORY = "inventory"
    DEMAND = "demand"
    REPLENISHMENT = "replenishment"
    ALLOCATION = "allocation"
    SUPPLY = "supply"
    AUDIT = "audit"


def role(
    name: Annotated[Role, typer.Argument(metavar="ROLE", help="inventory, demand, replenishment, allocation, …")],
    about: Annotated[str, typer.Argument(help="An item; for supply a supplier, for audit a case.")],
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Ask one of the agent's roles on its own."""
    from inventory.people import scope_of
    from tools.roles import ROLES

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        answer = ROLES[name.value](house.toolbox, connection, scope_of(user), about)
    _print_answer(answer, as_json)


def _print_answer(answer: RoleAnswer, as_json: bool) -> None:
    from service.case_tables import cell, plain_table
    from service.console import out, write_json

    if as_json:
        write_json(answer)
        return
    table = plain_table(*answer.columns)
    for line in answer.rows:
        table.add_row(*(cell(word) for word in line))
    out().print(cell(f"{answer.role}: {answer.about}", "bold"), table)


def trace(
    some_id: Annotated[
        str, typer.Argument(metavar="[ID]", help="A case, a proposal, a sweep, or a conversation or call of your own.")
    ] = "",
    lot: Annotated[str, typer.Option(metavar="LOT", help="A lot instead: where it came from, went and lies.")] = "",
    words: Annotated[bool, typer.Option("--words", help="Prompts and answers, too, where you may see them.")] = False,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Tell the whole story of a case, or the path of a lot.

    Every event and step in order: when, how long it took, who did it, what came out, and digests of what went in and
    out.
    """
    from inventory.people import scope_of
    from service.console import out, write_json
    from service.story import story_of, story_page

    if bool(some_id) is bool(lot):
        raise InputError("name a case or proposal, or a lot with --lot")
    if lot:
        _trace_lot(lot, as_json, as_user)
        return
    with signed_in(as_user) as (house, user), house.database.read() as connection:
        story = story_of(connection, scope_of(user), some_id, words=words)
    write_json(story) if as_json else out().print(story_page(story))


def _trace_lot(lot: str, as_json: bool, as_user: str | None) -> None:
    from inventory.people import scope_of
    from service.case_tables import cell, plain_table
    from service.console import out, write_json
    from tools.lot_path import lot_path

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        steps = lot_path(connection, scope_of(user), lot, house.snapshots.current())
    if not steps:
        raise InputError(f"no lot {lot} that you may see")
    if as_json:
        write_json(steps)
        return
    table = plain_table("day", "what", "item", "units", "from", "to", "document", "state")
    for step in steps:
        day, units = f"{step.on:%Y-%m-%d}" if step.on else "", str(step.units or "")
        words = (step.what.replace("_", " "), step.item, units, step.site, step.to, step.reference or step.key)
        table.add_row(day, *(cell(word) for word in words), cell(step.state.replace("_", " ")))
    out().print(cell(f"lot {lot}: {len(steps)} steps", "bold"), table)


def replay(
    some_id: Annotated[str, typer.Argument(metavar="ID", help="A plan run, proposal or case.")],
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Work a plan out again and compare."""
    from inventory.people import scope_of
    from service.console import write_json, write_text
    from service.errors import BrokenError

    with signed_in(as_user) as (house, user):
        results = house.desk.replay(some_id, scope_of(user))
    if as_json:
        write_json(results)
    else:
        for result in results:
            same = "the same quantities" if result.same else "DIFFERENT"
            write_text(f"{result.plan_run_id}: {same} ({result.solver_path}); {' '.join(result.proposal_ids)}")
            for difference in result.differences:
                write_text(f"  {difference}")
    if not all(result.same for result in results):
        raise BrokenError(f"replay of {some_id} came to other quantities")


def place(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item.")],
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Price holding an item's safety stock centrally, forward, or divided."""
    from inventory.people import scope_of
    from tools.placement import priced_placements

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        answer = priced_placements(house.toolbox, connection, scope_of(user), item)
    _print_answer(answer, as_json)
