"""What ``langgraph.json`` names: the three graphs over the home the settings name, as whoever holds the token.

For development. The home stays open as long as the server runs. Everything that touches a file or a database is done
off the event loop, on which a development server allows neither.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.bootstrap import House
    from service.studio_graphs import Graph


async def sweep() -> Graph:
    """One look at everything."""
    return await asyncio.to_thread(_sweep)


async def case() -> Graph:
    """One case from facts to the gate; a person decides elsewhere, and nothing is posted from here."""
    return await asyncio.to_thread(_case)


async def chat() -> Graph:
    """A conversation with the rights of the token's holder."""
    return await asyncio.to_thread(_chat)


@cache
def opened_home() -> House:
    """The home the settings name, opened once."""
    from service.bootstrap import open_home
    from service.settings import read_settings

    return open_home(read_settings())


def _sweep() -> Graph:
    from service.studio_graphs import studio_sweep

    return studio_sweep(opened_home().desk)


def _case() -> Graph:
    from service.studio_graphs import studio_case

    return studio_case(opened_home().desk)


def _chat() -> Graph:
    from service.sign_in import sign_in
    from service.studio_graphs import studio_chat

    return studio_chat(opened_home().chat, sign_in(opened_home()))
