"""Commands about the audit chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in
from service.errors import BrokenError

if TYPE_CHECKING:
    from sqlalchemy import Connection

app = typer.Typer(help="Check the audit chain, or take it with you.", no_args_is_help=True)


@app.command("verify")
def verify(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Read every link of the audit chain and compare it with its copy outside the database."""
    from inventory.audit import verify as read_chain
    from service.console import write_text

    with signed_in(as_user) as (house, _), house.database.read() as connection:
        found = read_chain(connection, house.database.anchor)
    if as_json:
        fields = {"sound": found.sound, "not_anchored": found.not_anchored, **vars(found)}
        write_text(json.dumps(fields, indent=2))
    else:
        write_text(
            f"{found.entries:,} entries, {found.anchored:,} anchored outside the database, "
            f"{found.not_anchored:,} not yet anchored: {'sound' if found.sound else 'BROKEN'}"
        )
    if not found.sound:
        raise BrokenError(f"the audit chain is broken: {found.problem}")


@app.command("export")
def export(
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    as_user: AsUser = None,
) -> None:
    """Write the whole log as JSON lines, hashes included, so that it can be verified elsewhere."""
    from service.console import write_text
    from service.sign_in import Right, require_everywhere

    with signed_in(as_user) as (house, user):
        require_everywhere(user, Right.READ_LOG)
        with house.database.read() as connection:
            if output is None:
                for line in _lines(connection):
                    write_text(line)
                return
            with output.open("w", encoding="utf-8") as file:
                written = sum(1 for line in _lines(connection) if file.write(f"{line}\n"))
    write_text(f"wrote {written:,} entries to {output}")


def _lines(connection: Connection) -> Iterator[str]:
    """Each entry as one JSON object; ``body`` is kept as the text that was hashed."""
    from inventory.audit import entries

    for entry in entries(connection):
        yield json.dumps(vars(entry))
