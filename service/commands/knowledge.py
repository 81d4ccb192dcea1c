"""Commands about the written rules: search, bring in, look through, list and index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import knowledge_eval, knowledge_life, knowledge_rules
from service.commands.options import AsJson, AsUser, as_day, signed_in

if TYPE_CHECKING:
    from service.rule_uploads import Brought

app = typer.Typer(
    help="Written rules: search, bring in, confirm, withdraw, machine rules, index.", no_args_is_help=True
)
Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        exists=True,
        dir_okay=False,
        help="Markdown with a front matter block; with --about also plain text, HTML, PDF or DOCX.",
    ),
]
About = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", exists=True, dir_okay=False,
        help="Front matter and machine rules of one file that cannot hold them itself.",
    ),
]  # fmt: skip


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


@app.command("upload")
def upload(files: Files, about: About = None, as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Bring in versions of written rules for a second person to confirm; a changed text needs a new version number."""
    from agent.document_changes import upload as kept
    from service.console import write_json, write_text
    from service.knowledge_pages import found_words

    brought = _read(files, about)
    with signed_in(as_user) as (house, user):
        now = house.clock()
        revisions = kept(house.database, user, now, [each.recorded(user.user_id, now) for each in brought])
    if as_json:
        write_json([revision for revision, _ in revisions])
        return
    for revision, new in revisions:
        if not new:
            write_text(f"{revision.name}: was there already, {revision.state}")
            continue
        write_text(
            f"{revision.name}: uploaded, {len(revision.rules)} machine rules, found {found_words(revision.scan)}\n"
            f"somebody else: evenkeel knowledge show {revision.name}, then "
            f"evenkeel knowledge confirm {revision.name} --digest {revision.digest[:12]}"
        )


@app.command("scan")
def scan(files: Files, about: About = None, as_user: AsUser = None) -> None:
    """Look files through as an upload would, and keep nothing: hidden characters, odd words, machine rules."""
    from service.console import write_text
    from service.knowledge_pages import scan_lines

    with signed_in(as_user) as (house, user):
        for each in _read(files, about):
            _, found, rules = each.recorded(user.user_id, house.clock())
            write_text("\n".join(scan_lines(each.name, found, rules)))


@app.command("list")
def list_(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """List every version in your scope and where it stands today."""
    from inventory.document_revisions import list_revisions
    from inventory.document_windows import windows
    from inventory.people import scope_of
    from service.console import out, write_json
    from service.knowledge_pages import revisions_page

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        found = list_revisions(connection, scope_of(user))
        page = revisions_page(found, windows(connection), house.clock().date())
    write_json(found) if as_json else out().print(page)


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


knowledge_life.add_to(app)
knowledge_rules.add_to(app)
app.command("eval")(knowledge_eval.evaluate)
app.add_typer(knowledge_eval.embedding, name="embedding")


def _read(files: list[Path], about: Path | None) -> list[Brought]:
    from service.errors import InputError
    from service.rule_uploads import read_upload

    if about is not None and len(files) > 1:
        raise InputError(f"--about describes one file, and {len(files)} are given")
    return [read_upload(file, about) for file in files]
