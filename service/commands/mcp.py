"""Serving other programs: the questions of the catalogue over the Model Context Protocol."""

from __future__ import annotations

from importlib.util import find_spec

from service.commands.options import AsUser, opened
from service.errors import SettingsError


def mcp(as_user: AsUser = None) -> None:
    """Serve questions to a program over the Model Context Protocol, on standard input and output.

    It reads, computes what-ifs and fills in forms with the rights of EVENKEEL_TOKEN; it approves nothing. 'evenkeel
    serve' offers the same at /mcp.
    """
    from service.sign_in import sign_in

    if find_spec("mcp") is None:
        raise SettingsError("this takes the optional part: pip install 'evenkeel[mcp]'")
    from service.mcp_server import serve_stdio

    with opened() as house:
        sign_in(house, as_user)
        serve_stdio(house, lambda: sign_in(house, as_user))
