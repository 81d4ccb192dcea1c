"""Commands that talk: one question, or a conversation; answers are shown as they are checked, sentence by sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in

if TYPE_CHECKING:
    from rich.console import Console

    from agent.chat.events import ChatEvent, Reply
    from inventory.records import User
    from service.bootstrap import House

LEAVE = ("exit", "quit", "bye", ":q")
Conversation = Annotated[
    str | None, typer.Option("--conversation", metavar="ID", help="Go on with a conversation of your own.")
]


def ask(
    question: Annotated[str, typer.Argument(help="What you would like to know, in your words.")],
    conversation: Conversation = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Ask one question in plain words.

    It is looked up and computed by the same tools the other commands use; nothing is approved or changed.
    """
    from service.console import out, write_json

    with signed_in(as_user) as (house, user):
        if as_json:
            write_json(house.chat.answer(user, question, conversation))
            return
        console = out()
        reply = _told(console, house.chat.ask(user, question, conversation))
        console.print(f"conversation {reply.conversation_id}", style="dim")


def chat(conversation: Conversation = None, as_user: AsUser = None) -> None:
    """Talk with Evenkeel; leave with an empty line or 'exit'.

    It remembers what you talked about, asks back when an item or a site is not plain, and names its sources.
    """
    from service.console import out

    with signed_in(as_user) as (house, user):
        console = out()
        if sys.stdin.isatty():
            console.print("Ask about stock, cases, options, rules or decisions. An empty line ends.", style="dim")
        for line in _lines(console):
            conversation = _answered(console, house, user, line, conversation)
        if conversation is not None:
            console.print(f"conversation {conversation}", style="dim")


def _answered(console: Console, house: House, user: User, line: str, conversation: str | None) -> str | None:
    """One turn; a message that cannot be taken is said and the conversation goes on."""
    from service.console import inert
    from tools.errors import ToolInputError

    try:
        return _told(console, house.chat.ask(user, line, conversation)).conversation_id
    except ToolInputError as error:
        console.print(inert(str(error)), style="yellow")
        return conversation


def _lines(console: Console) -> Iterator[str]:
    """What the person types, until an empty line, a word that leaves, or the end."""
    while True:
        try:
            line = console.input("› " if sys.stdin.isatty() else "").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not line or line.casefold() in LEAVE:
            return
        yield line


def _told(console: Console, pieces: Iterator[ChatEvent | Reply]) -> Reply:
    """Show each piece as it comes; the whole turn at the end."""
    from agent.chat.events import Reply
    from service.console import inert

    sources: list[str] = []
    for piece in pieces:
        if isinstance(piece, Reply):
            if sources:
                console.print("sources: " + "; ".join(dict.fromkeys(inert(each) for each in sources)), style="dim")
            return piece
        if piece.kind == "source":
            sources.append(piece.text)
        elif piece.table is not None:
            _show_table(console, piece)
        elif piece.kind == "form":
            console.print(f"form {piece.form_digest[:12]}: submit it with evenkeel propose", style="bold")
        else:
            style = {"refusal": "yellow", "question": "cyan", "looking": "dim"}.get(piece.kind)
            console.print(inert(piece.text), style=style)
    raise AssertionError("a turn ends with a reply")


def _show_table(console: Console, piece: ChatEvent) -> None:
    from service.case_tables import cell, plain_table

    if piece.table is None or not piece.table.rows:
        return
    heads = [f"{column.name} ({column.unit})" if column.unit else column.name for column in piece.table.columns]
    table = plain_table(*heads)
    for row in piece.table.rows:
        table.add_row(*(cell("" if value is None else f"{value}") for value in row))
    console.print(cell(piece.table.title, "bold"), table)
    if piece.table.more:
        console.print(f"{piece.table.more:,} more", style="dim")
