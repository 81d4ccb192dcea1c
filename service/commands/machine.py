"""Commands about the installation: doctor, serve and demo."""

from __future__ import annotations

from typing import Annotated

import typer

from service.commands.options import AsJson, opened
from service.errors import BrokenError, SettingsError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def doctor(as_json: AsJson = False) -> None:
    """Check the installation and the home.

    Versions, database, audit chain, snapshot, rules and settings; needs no token and shows no business.
    """
    from service.case_tables import plain_table
    from service.console import inert, out, write_json
    from service.doctor import Health, examine
    from service.settings import read_settings

    found = examine(read_settings())
    if as_json:
        write_json(found)
    else:
        table = plain_table("", "check", "found")
        marks = {Health.SOUND: "✓", Health.WARNING: "!", Health.BROKEN: "✗"}
        for check in found:
            table.add_row(marks[check.health], check.name, inert(check.found))
        out().print(table)
    broken = [check.name for check in found if check.health is Health.BROKEN]
    if broken:
        raise BrokenError(f"not sound: {', '.join(broken)}")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = LOOPBACK[0],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8400,
) -> None:
    """Serve the HTTP API on this machine.

    Every route but /health asks for a token.
    """
    from threading import Thread

    import uvicorn

    from service.api import LOCAL_HOSTS, create_app

    with opened() as house:
        outside = host not in LOOPBACK
        if outside and not house.settings.allow_non_loopback:
            raise SettingsError(
                f"--host {host} would listen to other machines; expected one of {', '.join(LOOPBACK)}, "
                "or EVENKEEL_ALLOW_NON_LOOPBACK=true behind a proxy that encrypts"
            )
        app = create_app(house, hosts=("*",) if outside else LOCAL_HOSTS)
        # The first who asks need not wait for what all questions share.
        Thread(target=house.chat.warm, name="warm", daemon=True).start()
        uvicorn.run(app, host=host, port=port, server_header=False, log_level="info")


def demo() -> None:
    """Show a case from detection to receipt.

    In a made-up company and a home of its own; needs no key and no network.
    """
    from service.console import out
    from service.demo.run import run_demo

    run_demo(out())
