"""Whether a proposal keeps to the machine rules in force at this moment, and rests on clauses that still speak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import Connection

from inventory.document_windows import windows
from inventory.ledger import ledger_rows
from inventory.proposals import list_citations
from inventory.records import EVERYTHING, Citation, Proposal
from tools.assemble import plan_outlook
from tools.rules.check import Place, violations
from tools.toolbox import Toolbox


def rules_against(toolbox: Toolbox, connection: Connection, proposal: Proposal) -> tuple[str, ...]:
    """What speaks against a proposal that holds its units already, a sentence each; nothing while nothing does."""
    silent = silent_clauses(
        connection, list_citations(connection, EVERYTHING, proposal.proposal_id), toolbox.now().date()
    )
    return (*broken_rules(toolbox, connection, proposal), *silent)


def broken_rules(toolbox: Toolbox, connection: Connection, proposal: Proposal) -> tuple[str, ...]:
    """Machine rules in force that the lines of a proposal break, on the stock that is left with it."""
    rules, lines = toolbox.rules(connection), proposal.content.lines
    if not rules:
        return ()
    run = toolbox.plan_run(connection, proposal.content.plan_run_id)
    outlook, snapshot = plan_outlook(toolbox, connection, run), toolbox.snapshot(run.snapshot_id)
    left = left_of(connection, {line.item for line in lines})
    return tuple(found.words for found in violations(rules, snapshot, outlook, lines, left))


def left_of(connection: Connection, items: Collection[str]) -> dict[Place, float]:
    """Units each place has once everything promised is gone."""
    left: Counter[Place] = Counter()
    for row in ledger_rows(connection, EVERYTHING, items=sorted(items)):
        left[(row.item, row.site)] += row.on_hand - row.allocated - row.frozen - row.reserved - row.in_flight
    return {place: float(units) for place, units in left.items()}


def silent_clauses(connection: Connection, cited: Iterable[Citation], on: date) -> tuple[str, ...]:
    """Cited clauses whose version does not speak on a day: superseded, ended or withdrawn since."""
    speaking = {
        (window.document_id, window.version) for window in windows(connection) if window.first <= on <= window.last
    }
    return tuple(
        f"it cites {citation.passage_id}, which no longer speaks"
        for citation in cited
        if (citation.document_id, citation.version) not in speaking
    )
