"""Commands about the accounts of a PostgreSQL database."""

from __future__ import annotations

import typer

from service.commands.options import AsJson, AsUser, signed_in
from service.errors import SettingsError

app = typer.Typer(help="Show or grant what the processes of Evenkeel may do in the database.", no_args_is_help=True)


@app.command("roles")
def roles(as_json: AsJson = False) -> None:
    """Print what each database role may do to each table; needs neither a home nor a token."""
    import json

    from inventory.database_roles import RIGHTS, ROLES, privileges
    from service.case_tables import plain_table
    from service.console import out, write_text

    granted = {table: {role: privileges(table, role) for role in ROLES} for table in RIGHTS}
    if as_json:
        write_text(json.dumps(granted, indent=2))
        return
    table = plain_table("table", *ROLES)
    for name, by_role in granted.items():
        table.add_row(name, *(", ".join(held).lower() for held in by_role.values()))
    out().print(table)


@app.command("grant")
def grant(as_user: AsUser = None) -> None:
    """Give the three database roles their rights, as the owner of the database; again changes nothing.

    Makes the roles where they are missing. Accounts become members of them with GRANT evenkeel_decide TO account.
    """
    from agent.checkpoints import prepare_checkpoints
    from inventory.database_roles import ROLES, grant_roles
    from service.console import write_text
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user):
        require(user, Right.MANAGE_USERS)
        if not house.database.is_postgresql:
            raise SettingsError("this home is a SQLite file, which has no accounts: EVENKEEL_DATABASE_URL is not set")
        prepare_checkpoints(house.database.url)
        with house.database.write(user.user_id, house.clock()) as transaction:
            run = grant_roles(transaction.connection)
            transaction.record("database.granted", "database", "roles", {"roles": list(ROLES), "statements": len(run)})
    write_text(f"granted to {', '.join(ROLES)}: {len(run)} statements")
