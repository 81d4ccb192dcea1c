"""Options and arguments the policy commands share, and reading of what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from agent.gate_facts import Place
    from service.bootstrap import House

PolicyName = Literal["approval", "stocking", "rights", "thresholds"]
Kind = Annotated[PolicyName, typer.Option("--kind", help="Which policy.")]
Site = Annotated[str, typer.Option("--site", help="As it holds at this site.")]
ItemClass = Annotated[str, typer.Option("--class", help="As it holds for this class of items.")]
Region = Annotated[str, typer.Option("--region", help="As it holds in this region.")]
Channel = Annotated[str, typer.Option("--channel", help="As it holds for this sales channel.")]


def place_of(house: House, site: str, item_class: str, region: str, channel: str) -> Place:
    """The place the options name; the region of a site comes from the data when it is not given."""
    from agent.gate_facts import Place

    current = house.snapshots.current() if site and not region else None
    if current is not None:
        regions = dict(current.table("sites").select("site", "region").iter_rows())
        region = regions.get(site) or ""
    return Place(region=region, site=site, item_class=item_class, channel=channel)


def document(file: Path) -> str:
    """The text of a document."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read as text: {error}") from error


def version_text(connection: Connection, kind: PolicyName, name: str) -> str:
    """The text of a version by number, ``newest``, a draft by id, or a file."""
    from inventory.policy_drafts import find_draft
    from inventory.records import EVERYTHING
    from inventory.rulebook import find_policy

    if name == "newest":
        return find_policy(connection, EVERYTHING, kind).content
    if name.isdecimal():
        return find_policy(connection, EVERYTHING, kind, int(name)).content
    if name.startswith(f"{kind}-draft-"):
        return find_draft(connection, EVERYTHING, name).content
    return document(Path(name))
