"""What service costs, at the command line."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in


class AbcClass(StrEnum):
    """Item-sites by value."""

    A = "A"
    B = "B"
    C = "C"
    ALL = "all"


def curve(
    of_class: Annotated[AbcClass, typer.Option("--class", help="Which item-sites, by value.")] = AbcClass.ALL,
    first: Annotated[float, typer.Option("--from", help="Lowest cycle service level.")] = 0.95,
    last: Annotated[float, typer.Option("--to", help="Highest cycle service level.")] = 0.99,
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="MONEY", help="Money for reorder points: the best service it buys.")
    ] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Price service for a whole class.

    What each percentage point costs, what the same money could do if it were spread best, and the choices no other one
    beats in cost, service and capital. Reads only.
    """
    from agent.ruling import policy_in_force
    from service.console import out, write_json
    from service.curve_page import curve_page
    from service.sign_in import Right, require_everywhere
    from tools.service_curve import service_curve
    from tools.stock_rows import decided_stock

    with signed_in(as_user) as (house, user):
        # The curve is a sum over sites and classes: it cannot be narrowed to what a limited reader may see.
        require_everywhere(user, Right.OPERATE)
        toolbox = house.toolbox
        stock = decided_stock(toolbox)
        with house.database.read() as connection:
            currency = policy_in_force(connection, at=toolbox.now()).currency
            name = "" if of_class is AbcClass.ALL else of_class.value
            found = service_curve(
                connection, toolbox.snapshot(), stock, name, first=first, last=last, budget=budget, at=toolbox.now()
            )
    write_json(found) if as_json else out().print(curve_page(found, currency))
