"""The ``evenkeel`` command. ``--help`` loads no database, solver, index or graph.

Exit codes: 0 done; 1 it could not be done; 2 the command was not understood, or something it needs is not set up;
3 the decision was refused; 4 a check found damage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from service.commands import (
    acting,
    audit,
    chat,
    database,
    deciding,
    evaluate,
    freeze,
    knowledge,
    machine,
    mcp,
    messages,
    operating,
    policy,
    policy_curve,
    propose,
    reading,
    replenish,
    tasks,
    users,
    whatif,
)
from service.errors import BrokenError, InputError, ServiceError

REFUSED, USAGE, DAMAGED = 3, 2, 4


class Door(TyperGroup):
    """Turns every error raised on purpose into one line and an exit code; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read the output has gone; the interpreter must not complain again while it shuts down.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except Exception as error:
            code = exit_code(error)
            if code is None:
                raise
            typer.echo(f"error: {_plain(error)}", err=True)
            raise typer.Exit(code) from error


def exit_code(error: Exception) -> int | None:
    """What the process exits with for an error; ``None`` for one nobody raised on purpose."""
    if isinstance(error, InputError):
        return USAGE
    if isinstance(error, BrokenError):
        return DAMAGED
    if isinstance(error, ServiceError | OSError):
        return 1
    # Only a package that was loaded can have raised: asking for the others would load them for a message.
    for module, name, code in (
        ("agent.errors", "DecisionRefusedError", REFUSED),
        ("inventory.errors", "LostRaceError", REFUSED),
        ("inventory.errors", "AuditError", DAMAGED),
        ("inventory.errors", "InventoryError", 1),
        ("tools.errors", "ToolError", 1),
        ("agent.errors", "AgentError", 1),
        ("knowledge.errors", "KnowledgeError", 1),
        ("sqlalchemy.exc", "DatabaseError", 1),
    ):
        known = getattr(sys.modules.get(module), name, None)
        if known is not None and isinstance(error, known):
            return code
    return None


def _plain(error: Exception) -> str:
    """The message on one line a terminal does not obey; of a database error only what the database said."""
    from tools.plain_words import is_hidden

    text = " ".join(str(getattr(error, "orig", None) or error).split())
    return "".join(character for character in text if not is_hidden(character))


app = typer.Typer(
    cls=Door,
    name="evenkeel",
    help="Exceptions of inventory across many sites: found, priced, explained, approved and executed exactly once.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
COMMANDS: dict[str, Callable[..., None]] = {
    "import": acting.import_,
    "sweep": acting.sweep,
    "cases": reading.cases,
    "proposals": reading.proposals,
    "decide": deciding.decide,
    "execute": acting.execute,
    "tasks": tasks.tasks,
    "task": tasks.task,
    "doubt": tasks.doubt,
    "messages": messages.messages,
    "message": messages.message,
    "propose": propose.propose,
    "replenish": replenish.replenish,
    "whatif": whatif.whatif,
    "curve": policy_curve.curve,
    "ask": chat.ask,
    "chat": chat.chat,
    "brief": reading.brief,
    "why": reading.why,
    "role": reading.role,
    "place": reading.place,
    "trace": reading.trace,
    "replay": reading.replay,
    "kill-switch": acting.kill_switch,
    "evaluate": evaluate.evaluate,
    "worker": operating.worker,
    "backup": operating.backup,
    "restore": operating.restore,
    "retention": operating.retention,
    "doctor": machine.doctor,
    "serve": machine.serve,
    "mcp": mcp.mcp,
    "demo": machine.demo,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(audit.app, name="audit")
app.add_typer(database.app, name="database")
app.add_typer(freeze.app, name="freeze")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(policy.app, name="policy")
app.add_typer(users.app, name="user")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
