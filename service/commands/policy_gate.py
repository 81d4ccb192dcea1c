"""Commands that ask the gate, and measure the confidence it relies on."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from inventory.records import ActionKind
from service.commands.options import AsJson, AsUser, as_names, signed_in
from service.errors import InputError


def ask(
    action: Annotated[ActionKind, typer.Option(help="What would be done.")],
    value: Annotated[str, typer.Option(metavar="MONEY", help="What it is worth, such as 480 or 480.01.")],
    item_class: Annotated[str, typer.Option("--class", help="Classes of the items, separated by commas.")] = "standard",
    item: Annotated[str, typer.Option(help="The item, so that written rules about items speak, or do not.")] = "",
    site: Annotated[str | None, typer.Option(help="Sites it touches, separated by commas.")] = None,
    lane: Annotated[str | None, typer.Option(metavar="A>B", help="Giving and receiving site.")] = None,
    region: Annotated[str, typer.Option(help="Region, where it is not the site's own.")] = "",
    channel: Annotated[str, typer.Option(help="Sales channel.")] = "",
    fact: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Any other fact, such as confidence=0.5. Repeatable.")
    ] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Which tier an action would get, and why: every rule that fires.

    What moved on the lane, what ran by itself today, data health and switches are looked up; the rest is taken to be
    well unless --fact says otherwise. Changes nothing.
    """
    from agent.policy_question import Question
    from agent.policy_question import ask as answered
    from service.console import out, write_json
    from service.policy_pages import answer_page
    from service.sign_in import Right, require_everywhere

    question = Question(
        action=action,
        value_minor=_minor(value),
        item_classes=as_names(item_class) or (),
        sites=as_names(site) or (),
        lane=_lane(lane),
        region=region,
        channel=channel,
        item=item,
        given=dict(map(_fact, fact or [])),
    )
    with signed_in(as_user) as (house, user):
        # Lane sums and budgets are sums over everybody's proposals: they cannot be narrowed to a reader.
        require_everywhere(user, Right.OPERATE)
        with house.database.read() as connection:
            answer = answered(house.toolbox, connection, house.desk.gate, question)
    write_json(answer) if as_json else out().print(answer_page(answer))


def calibrate(
    observations: Annotated[int, typer.Option(min=200, max=1_000_000, help="Choices to look at.")] = 6_000,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Measure on a back-test how often choices stated at some confidence stay best, and keep the table."""
    from agent.policy_calibration import keep_calibration
    from agent.policy_levels import move_levels
    from agent.ruling import policy_book
    from service.console import out, progress, write_json
    from service.policy_pages import calibration_page, levels_page
    from service.sign_in import Right, require_everywhere
    from tools.calibration import calibrate as measured

    with signed_in(as_user) as (house, user):
        require_everywhere(user, Right.OPERATE)
        with progress() as tell, house.database.read() as connection:
            table = measured(house.toolbox, connection, observations=observations, progress=tell)
        with house.database.write(user.user_id, house.clock()) as transaction:
            keep_calibration(transaction, table)
        with house.database.read() as connection:
            levels = move_levels(connection, policy_book(connection, at=house.clock()), table)
    if as_json:
        write_json(table)
        return
    out().print(calibration_page(table))
    out().print(levels_page(levels))


def _minor(text: str) -> int:
    try:
        amount = Decimal(text) * 100
    except InvalidOperation as error:
        raise InputError(f"--value {text!r}: expected money such as 480 or 480.01") from error
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
        raise InputError(f"--value {text!r}: expected money of at least 0, in whole cents")
    return int(amount)


def _lane(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    origin, arrow, destination = text.partition(">")
    if not (origin and arrow and destination):
        raise InputError(f"--lane {text!r}: expected FROM>TO, such as DC-EAST>ST-PINE")
    return origin, destination


def _fact(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InputError(f"--fact {text!r}: expected NAME=VALUE, such as confidence=0.5")
    return name, tuple(value.split(",")) if name in ("missing", "item_classes") else value
