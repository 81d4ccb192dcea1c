"""Commands about policies: show, check, compare, try out, change with two people, and ask."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands import policy_gate
from service.commands.options import AsJson, AsUser, as_moment, signed_in
from service.commands.policy_options import Channel, ItemClass, Kind, Region, Site, document, place_of, version_text
from service.errors import ServiceError

if TYPE_CHECKING:
    from inventory.policy_drafts import PolicyDraft

app = typer.Typer(help="Policies: show, check, compare, try out, change with two people.", no_args_is_help=True)
app.command("ask")(policy_gate.ask)
app.command("calibrate")(policy_gate.calibrate)


@app.command("show")
def show(
    kind: Kind = "approval",
    version: Annotated[int | None, typer.Option(min=1, help="Another version than the one in force.")] = None,
    site: Site = "",
    item_class: ItemClass = "",
    region: Region = "",
    channel: Channel = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Print each effective value with the layer it comes from.

    The region of a site is looked up when none is given.
    """
    from agent.policy_values import shown_values
    from inventory.records import EVERYTHING
    from inventory.rulebook import find_policy
    from service.console import out, write_json
    from service.policy_pages import values_page

    with signed_in(as_user) as (house, _):
        with house.database.read() as connection:
            policy = find_policy(connection, EVERYTHING, kind, version, at=house.clock())
        place = place_of(house, site, item_class, region, channel)
    values = shown_values(kind, policy.content, place)
    if as_json:
        write_json(values)
        return
    second = f" and {policy.confirmed_by}" if policy.confirmed_by else ""
    since = f"in force from {policy.effective_at:%Y-%m-%d %H:%M} UTC"
    title = f"{kind} policy v{policy.version}, {policy.author}{second}, {since}"
    out().print(values_page(title, values))


@app.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="Document to check; the newest version without one.")] = None,
    kind: Kind = "approval",
    as_user: AsUser = None,
) -> None:
    """Read a document strictly, name every problem with its key, and hold auto thresholds against the back-test."""
    from agent.policy_calibration import calibration_in_force, unsupported
    from agent.policy_kinds import problems_in
    from inventory.records import EVERYTHING
    from inventory.rulebook import find_policy
    from service.console import out, write_text
    from service.policy_pages import calibration_page

    with signed_in(as_user) as (house, _), house.database.read() as connection:
        content = document(file) if file else find_policy(connection, EVERYTHING, kind).content
        problems = [*problems_in(kind, content)]
        if kind == "approval":
            if not problems:
                problems += unsupported(connection, content, house.clock())
            out().print(calibration_page(calibration_in_force(connection, house.clock())))
    for problem in problems:
        write_text(f"problem: {problem}")
    if problems:
        raise ServiceError(f"the {kind} policy has {len(problems)} problem{'s' if len(problems) > 1 else ''}")
    write_text(f"the {kind} policy is sound")


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(help="Version, draft or file.")],
    after: Annotated[str, typer.Argument(help="Version, draft or file; the newest version without one.")] = "newest",
    kind: Kind = "approval",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Print which keys differ, from what to what, and whether that is looser or tighter."""
    import json

    from agent.policy_kinds import changes_between
    from service.console import out, write_text
    from service.policy_pages import changes_page

    with signed_in(as_user) as (house, _), house.database.read() as connection:
        changes = changes_between(kind, version_text(connection, kind, before), version_text(connection, kind, after))
    if as_json:
        write_text(json.dumps([vars(change) for change in changes], indent=2))
        return
    out().print(changes_page(changes))


@app.command("simulate")
def simulate(
    draft: Annotated[str, typer.Argument(help="File, draft or version.")],
    kind: Kind = "approval",
    days: Annotated[int | None, typer.Option(min=1, help="Only decisions of the last days.")] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Replay past decisions under a draft: what would have changed, with money. Changes nothing."""
    from agent.policy_replay import simulate as replayed
    from agent.ruling import policy_in_force
    from service.console import out, progress, write_json
    from service.policy_pages import simulation_page
    from service.sign_in import Right, require_everywhere

    with signed_in(as_user) as (house, user):
        require_everywhere(user, Right.OPERATE)
        since = house.clock() - timedelta(days=days) if days else None
        with house.database.read() as connection, progress() as tell:
            text = version_text(connection, kind, draft)
            found = replayed(connection, kind, text, since=since, progress=tell)
            currency = policy_in_force(connection, at=house.clock()).currency
    write_json(found) if as_json else out().print(simulation_page(found, currency))


@app.command("propose")
def propose(
    file: Annotated[Path, typer.Argument(help="The whole next document.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    kind: Kind = "approval",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Keep a draft of the next version, for a second person to confirm."""
    from agent.policy_changes import propose as kept

    with signed_in(as_user) as (house, user):
        draft = kept(house.database, user, house.clock(), kind, document(file), reason)
    _tell(draft, as_json)


@app.command("rollback")
def rollback(
    version: Annotated[int, typer.Argument(min=1, help="Version whose content should hold again.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    kind: Kind = "approval",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Keep a draft with the content of an earlier version, for a second person to confirm."""
    from agent.policy_changes import roll_back

    with signed_in(as_user) as (house, user):
        draft = roll_back(house.database, user, house.clock(), kind, version, reason)
    _tell(draft, as_json)


@app.command("confirm")
def confirm(
    draft_id: Annotated[str, typer.Argument(metavar="DRAFT")],
    digest: Annotated[str, typer.Option(help="Beginning of the digest you saw, at least 8 characters.")],
    effective: Annotated[str | None, typer.Option(metavar="MOMENT", help="Take effect later than at once.")] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Adopt a draft somebody else wrote as the next version."""
    from agent.policy_changes import confirm as adopted
    from service.console import write_json, write_text

    with signed_in(as_user) as (house, user):
        moment = as_moment(effective) if effective else None
        version = adopted(house.database, user, house.clock(), draft_id, digest, moment)
    if as_json:
        write_json(version)
        return
    write_text(
        f"{version.kind} policy v{version.version} by {version.author}, confirmed by {version.confirmed_by}, "
        f"in force from {version.effective_at:%Y-%m-%d %H:%M} UTC"
    )


@app.command("withdraw")
def withdraw(
    draft_id: Annotated[str, typer.Argument(metavar="DRAFT")], as_json: AsJson = False, as_user: AsUser = None
) -> None:
    """Take a draft back, or refuse somebody else's."""
    from agent.policy_changes import withdraw as dropped

    with signed_in(as_user) as (house, user):
        draft = dropped(house.database, user, house.clock(), draft_id)
    _tell(draft, as_json)


@app.command("drafts")
def drafts(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """List drafts and where they stand."""
    from inventory.policy_drafts import list_drafts
    from inventory.records import EVERYTHING
    from service.console import out, write_json
    from service.policy_pages import drafts_page

    with signed_in(as_user) as (house, _), house.database.read() as connection:
        found = list_drafts(connection, EVERYTHING)
    write_json(found) if as_json else out().print(drafts_page(found))


def _tell(draft: PolicyDraft, as_json: bool) -> None:
    from service.console import write_json, write_text

    if as_json:
        write_json(draft)
        return
    said = f"{draft.draft_id} {draft.state}, against version {draft.based_on}, digest {draft.digest[:12]}"
    more = f"\nsomebody else: evenkeel policy confirm {draft.draft_id} --digest {draft.digest[:12]}"
    write_text(said + (more if draft.state == "proposed" else ""))
