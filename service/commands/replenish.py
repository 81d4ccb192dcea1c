"""The daily replenishment run at the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in


def replenish(
    shadow: Annotated[bool, typer.Option("--shadow", help="Recommend and keep it, to compare; post nothing.")] = False,
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="MONEY", help="Most to spend on purchases in this run.")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="List every line with what it rests on.")] = False,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Recommend today's orders and transfers.

    Everything in scope, grouped per supplier or lane and approver, under the same gate as any proposal; item-sites with
    an open case are left to the sweep. Once a day and snapshot: asked again, it shows the same run.
    """
    from agent.replenishment import replenish as run_today
    from inventory.chronicle import list_sweeps
    from inventory.people import scope_of
    from inventory.proposals import list_proposals
    from inventory.replenishments import list_runs
    from service.console import out, progress, write_json
    from service.replenish_page import run_page
    from service.sign_in import Right, require
    from tools.shadow_compare import compare_with_orders

    with signed_in(as_user) as (house, user):
        require(user, Right.OPERATE)
        desk, scope = house.desk, scope_of(user)
        with progress() as tell:
            made = run_today(
                desk.toolbox, desk.drafter, desk.gate, shadow=shadow, budget=budget, actor=user.user_id, progress=tell
            )
        with house.database.read() as connection:
            # What the reader may see of it.
            runs = list_runs(connection, scope)
            found = next(run for run in runs if run.run_id == made.run_id)
            earlier = [run for run in runs if run.shadow and run.day < made.day][:3] if made.shadow else []
            snapshot = desk.toolbox.snapshot()
            newest = next(iter(list_sweeps(connection, scope, limit=1)), None)
            swept = newest is not None and newest.snapshot_id == made.snapshot_id
            comparisons = [compare_with_orders(snapshot, run, scope) for run in earlier]
            ids = {line.proposal_id for line in found.lines}
            proposals = {p.proposal_id: p for p in list_proposals(connection, scope) if p.proposal_id in ids}
    if as_json:
        write_json(found)
        return
    out().print(run_page(found, proposals, comparisons, lines=lines, swept=swept))
