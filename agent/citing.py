"""The clause of every machine rule that binds is among a proposal's citations, whatever the search found."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from agent.ruling import machine_rules
from inventory.records import Citation, Option, Proposal
from tools.retrieve import cited
from tools.toolbox import Toolbox


def with_binding(
    toolbox: Toolbox,
    connection: Connection,
    proposal: Proposal,
    found: Sequence[Citation],
    options: Sequence[Option],
) -> tuple[Citation, ...]:
    """What the search found, after the clauses of the rules that bind the options or ask something of the gate."""
    asked = machine_rules(toolbox, connection, proposal, proposal.content.value_minor)
    named = [rule.passage_id for rule in asked.rules] + [name for option in options for name in option.clauses]
    base, today = toolbox.knowledge(connection), toolbox.now().date()
    binding = [one for name in dict.fromkeys(named) if (one := cited(base, name, on=today)) is not None]
    known = {one.passage_id for one in binding}
    return (*binding, *(one for one in found if one.passage_id not in known))
