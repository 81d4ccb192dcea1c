"""The command that plays the golden scenarios and shows how many end as they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson

if TYPE_CHECKING:
    from rich.console import Console

    from service.evaluation.scorecard import Result, Scorecard, Share


def evaluate(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ID", help="Only this scenario, such as G07; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draw the noise of noisy worlds anew; 0 is as written.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Play the golden scenarios, each in a temporary home, and judge what stands in the database at the end.

    Nothing of your own home is read or changed. Exit code 1 when a scenario fails.
    """
    from service.console import out, progress, write_json
    from service.evaluation.scenario import list_scenarios
    from service.evaluation.scorecard import evaluate as played

    with progress() as tell:
        card = played(list_scenarios(), only or (), seed, tell)
    if as_json:
        write_json(card)
    else:
        _show(out(), card)
    if not card.passed:
        raise typer.Exit(1)


def _show(console: Console, card: Scorecard) -> None:
    for result in card.results:
        if not result.passed:
            _show_failure(console, result)
    _shares(console, "Scenarios", card.scenarios)
    _shares(console, "Checks", (*card.checks, card.flips))
    said = card.said
    console.print(
        f"{said.texts:,} texts with {len(said.unsupported)} unsupported figures; "
        f"{said.citations:,} citations, {len(said.invalid_citations)} not valid."
    )


def _show_failure(console: Console, result: Result) -> None:
    from service.console import inert

    console.print(inert(f"{result.id} {result.title} ({result.category})"), style="bold")
    for check in result.failures:
        console.print(inert(f"  {check.aspect}: expected {check.expected}"), soft_wrap=True)
        console.print(inert(f"  {' ' * len(check.aspect)}  seen {check.seen}"), style="yellow", soft_wrap=True)
    for flip in result.flips:
        if not flip.holds:
            console.print(inert(f"  flip point: {flip.stated}; seen {flip.seen}"), style="yellow", soft_wrap=True)
    for what in (*result.said.unsupported, *result.said.invalid_citations):
        console.print(inert(f"  said: {what}"), style="yellow", soft_wrap=True)


def _shares(console: Console, title: str, shares: tuple[Share, ...]) -> None:
    from service.case_tables import cell, plain_table

    table = plain_table(title, "passed", "of", "rate", "95 % interval")
    for one in shares:
        rate = f"{one.passed / one.of:.0%}" if one.of else "-"
        table.add_row(
            *(cell(text) for text in (one.name.replace("_", " "), str(one.passed), str(one.of), rate,
                                      f"{one.low:.0%} - {one.high:.0%}"))
        )  # fmt: skip
    console.print(table)
