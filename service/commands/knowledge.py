"""Commands about the written rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.commands.options import AsJson, AsUser, as_day, signed_in
from service.errors import InputError

app = typer.Typer(help="Search, add to and rebuild the written rules.", no_args_is_help=True)


@app.command("search")
def search(
    query: Annotated[str, typer.Argument(help="What the rule is about, in words.")],
    on: Annotated[
        str | None, typer.Option(metavar="DAY", help="Rules in force on this day; today when absent.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many clauses at most.")] = 5,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Find the clauses that speak about something, in your scope and in force that day."""
    from inventory.people import scope_of
    from service.case_page import citation_words
    from service.case_tables import cell
    from service.console import out, write_json, write_text
    from tools.retrieve import search_rules

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        base = house.toolbox.knowledge(connection)
        day = as_day(on) if on else house.clock().date()
        found = search_rules(base, query, scope_of(user), on=day, limit=limit)
    if as_json:
        write_json(found)
        return
    for citation in found:
        out().print(cell(citation_words(citation)))
    if not found:
        write_text("no clause in your scope speaks about that")


@app.command("add")
def add(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Markdown with a front matter block.")],
    as_user: AsUser = None,
) -> None:
    """Add versions of written rules; a changed text needs a new version number."""
    from inventory.rulebook import insert_document
    from service.console import write_text
    from service.rule_files import RuleFileError, as_record, parse_rule_file
    from service.sign_in import Right, require

    try:
        parsed = [parse_rule_file(path.read_text("utf-8"), path.name) for path in files]
    except (RuleFileError, UnicodeDecodeError) as error:
        raise InputError(str(error)) from error
    with signed_in(as_user) as (house, user):
        require(user, Right.WRITE_RULES)
        with house.database.write(user.user_id, house.clock()) as transaction:
            for document in parsed:
                record = as_record(document, added_by=user.user_id, added_at=transaction.now)
                new = insert_document(transaction, record)
                write_text(f"{document.id} v{document.version}: {'added' if new else 'was there already'}")


@app.command("rebuild")
def rebuild(as_user: AsUser = None) -> None:
    """Throw the index away and build it again from the documents; no answer changes."""
    from service.console import write_text
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        require(user, Right.OPERATE)
        base = house.toolbox.knowledge(connection)
        base.rebuild()
    write_text(f"{len(base.passages):,} passages indexed")
