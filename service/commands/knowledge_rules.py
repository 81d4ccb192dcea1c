"""Commands about machine rules: what is in force, and suggestions that wait for a second person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.commands.options import AsJson, AsUser, as_day, signed_in

if TYPE_CHECKING:
    from inventory.machine_rules_suggestions import RuleSuggestion

Suggestion = Annotated[str, typer.Argument(metavar="SUGGESTION", help="Such as rule-suggestion-1.")]


def add_to(app: typer.Typer) -> None:
    """Give the commands to an application."""
    for name, command in (
        ("rules", rules),
        ("suggestions", suggestions),
        ("suggest-rule", suggest_rule),
        ("confirm-rule", confirm_rule),
        ("refuse-rule", refuse_rule),
    ):
        app.command(name)(command)


def rules(
    on: Annotated[str | None, typer.Option(metavar="DAY", help="In force on this day; today when absent.")] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """List the machine rules in force, the clause of each, and those that contradict one another."""
    from inventory.machine_rules import list_effective
    from inventory.machine_rules_conflicts import conflicts
    from inventory.people import scope_of
    from service.console import out, write_json
    from service.knowledge_pages import rules_page

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        day = as_day(on) if on else house.clock().date()
        found = list_effective(connection, scope_of(user), day)
    write_json(found) if as_json else out().print(rules_page(found, conflicts(found, day)))


def suggestions(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """List machine rules that a model or a person read out of a clause."""
    from inventory.machine_rules_suggestions import list_suggestions
    from inventory.people import scope_of
    from service.console import out, write_json
    from service.knowledge_pages import suggestions_page

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        found = list_suggestions(connection, scope_of(user))
    write_json(found) if as_json else out().print(suggestions_page(found))


def suggest_rule(
    name: Annotated[str, typer.Argument(metavar="DOCUMENT@vN", help="The version whose clause it implements.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="TOML with one [[rule]] table.")],
    note: Annotated[str, typer.Option(help="What it rests on.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Suggest a machine rule for a clause of a confirmed document."""
    from agent.document_changes import suggest_rule as kept
    from service.commands.knowledge_life import split_name
    from service.rule_suggestions import read_suggestion

    with signed_in(as_user) as (house, user):
        text = file.read_text("utf-8")
        with house.database.read() as connection:
            rule = read_suggestion(connection, *split_name(name), text)
        found = kept(house.database, user, house.clock(), rule, text, "person", note)
    _tell(found, as_json)


def confirm_rule(suggestion: Suggestion, as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Make a rule somebody else suggested a rule of its document."""
    _settle(suggestion, "confirm", as_json, as_user)


def refuse_rule(suggestion: Suggestion, as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Refuse a suggested rule, or take back your own."""
    _settle(suggestion, "refuse", as_json, as_user)


def _settle(suggestion: str, verdict: Literal["confirm", "refuse"], as_json: bool, as_user: str | None) -> None:
    from agent.document_changes import settle_suggestion

    with signed_in(as_user) as (house, user):
        found = settle_suggestion(house.database, user, house.clock(), suggestion, verdict)
    _tell(found, as_json)


def _tell(found: RuleSuggestion, as_json: bool) -> None:
    from inventory.machine_rules_words import asked_words
    from service.console import write_json, write_text

    if as_json:
        write_json(found)
        return
    by = found.settled_by or found.author
    write_text(f"{found.suggestion_id} {found.state} by {by}: {asked_words(found.rule)}")
