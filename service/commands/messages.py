"""Commands about messages to suppliers: what is drafted, what was sent, what came back."""

from __future__ import annotations

from typing import Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in
from service.errors import InputError


def messages(
    message_id: Annotated[str, typer.Argument(metavar="[MESSAGE]", help="Show this one in full.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """List messages to suppliers, or show one in full.

    Those marked ready belong to an approved change and wait for somebody to send them.
    """
    from inventory.people import scope_of
    from inventory.supplier_messages import find_message, list_messages, may_be_sent
    from service.case_tables import cell, plain_table
    from service.console import out, write_json, write_text

    with signed_in(as_user) as (house, user), house.database.read() as connection:
        scope = scope_of(user)
        found = [find_message(connection, scope, message_id)] if message_id else list_messages(connection, scope)
        ready = {message.message_id for message in found if may_be_sent(connection, message)}
    if as_json:
        write_json(found)
    elif message_id:
        write_text(found[0].text)
        if found[0].answer:
            write_text(f"\nAnswered, entered by {found[0].noted_by}:\n{found[0].answer}")
    else:
        table = plain_table("message", "to", "order", "state", "proposal")
        for message in found:
            state = "ready" if message.message_id in ready else message.state
            shown = (message.message_id, message.supplier, message.order_id, state, message.proposal_id)
            table.add_row(*(cell(each) for each in shown))
        out().print(table if found else cell("no message is drafted"))


def message(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE")],
    reference: Annotated[str, typer.Option(help="It was sent: number of the mail or call.")] = "",
    answer: Annotated[str, typer.Option(help="What the supplier answered; kept as evidence.")] = "",
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Say that a message was sent, or what the supplier answered.

    Only a message of an approved change can be sent, once. An answer changes nothing by itself.
    """
    from agent.supplier_message import note_answer, send
    from service.console import write_json, write_text

    if bool(reference) is bool(answer):
        raise InputError("say --reference of what was sent, or --answer")
    with signed_in(as_user) as (house, user):
        if reference:
            kept = send(house.toolbox, message_id, user, reference)
        else:
            kept = note_answer(house.toolbox, message_id, user, answer)
    if as_json:
        write_json(kept)
    else:
        write_text(f"{kept.message_id}: {kept.state}")
