"""What-ifs at the command line: asked, stored, compared and exported."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, as_names, signed_in
from service.errors import InputError

if TYPE_CHECKING:
    from inventory.records import StoredScenario
    from service.bootstrap import House


class By(StrEnum):
    """What figures are summed by."""

    FAMILY = "family"
    SITE = "site"
    MONTH = "month"


def whatif(
    scenario: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCENARIO]...",
            help="A stored name, event:ID, or in words: 'supplier_slips supplier=SUP-LARCH days=14'.",
        ),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="All scenarios in one table.")] = False,
    by: Annotated[By | None, typer.Option("--by", help="Figures by family, site or month.")] = None,
    days: Annotated[int, typer.Option(min=7, max=730, help="How far ahead.")] = 91,
    items: Annotated[str | None, typer.Option(metavar="A,B", help="Only these items.")] = None,
    family: Annotated[str | None, typer.Option(metavar="F,G", help="Only items of these families.")] = None,
    output: Annotated[
        Path | None, typer.Option("--out", help="Write every figure by family, site and month to this CSV file.")
    ] = None,
    store: Annotated[Path | None, typer.Option("--store", help="Keep the scenarios of this TOML file.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List stored scenarios and events that can be asked.")] = False,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Simulate what would happen if.

    Each scenario beside the network as it is, on the same draws of demand and lead times. Reserves and posts nothing.
    """
    from service.console import out, progress, write_json, write_text
    from service.sign_in import Right, require, require_everywhere
    from service.whatif_page import Answer, answer_page, csv_text, listed_page
    from tools.whatif import what_if

    with signed_in(as_user) as (house, user):
        if store is not None:
            require(user, Right.OPERATE)
            for line in _store(house, user.user_id, store):
                write_text(line)
        known = _known(house)
        if listed or not scenario:
            if store is None:
                write_json(list(known.values())) if as_json else out().print(listed_page(list(known.values())))
            return
        # A simulation of the network cannot be narrowed to what a limited reader may see.
        require_everywhere(user, Right.OPERATE)
        wanted = [_scenario(text, known) for text in scenario]
        with progress() as tell:
            found = what_if(
                house.toolbox, wanted, days=days, items=as_names(items), families=as_names(family) or (), progress=tell
            )
        currency = _currency(house)
    if output is not None:
        output.write_text(csv_text(found), "utf-8")
    if as_json:
        write_json(Answer.of(found, currency, by.value if by else None))
        return
    out().print(answer_page(found, currency, by.value if by else None, compare=compare))
    if output is not None:
        write_text(f"wrote {output}")


def _currency(house: House) -> str:
    from agent.ruling import policy_in_force

    with house.database.read() as connection:
        return policy_in_force(connection, at=house.clock()).currency


def _known(house: House) -> dict[str, StoredScenario]:
    """Stored scenarios and those of events, by name."""
    from inventory.records import EVERYTHING
    from inventory.scenarios import list_scenarios
    from tools.scenario_texts import event_scenarios

    with house.database.read() as connection:
        stored = {scenario.name: scenario for scenario in list_scenarios(connection, EVERYTHING)}
    current = house.snapshots.current()
    return stored | (event_scenarios(current) if current is not None else {})


def _scenario(text: str, known: dict[str, StoredScenario]) -> StoredScenario:
    from tools.scenario_texts import scenario_of_text

    if text in known:
        return known[text]
    if "=" not in text and " " not in text:
        names = ", ".join(sorted(known)) or "none is stored"
        raise InputError(f"no scenario {text!r}; known: {names}; or say it in words: 'demand_surge factor=1.5'")
    return scenario_of_text(text)


def _store(house: House, user_id: str, path: Path) -> list[str]:
    from inventory.scenarios import insert_scenario
    from tools.scenario_texts import scenarios_of_toml

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    made = scenarios_of_toml(text)
    with house.database.write(user_id, house.clock()) as transaction:
        return [f"{one.name}: version {insert_scenario(transaction, one)}" for one in made]
