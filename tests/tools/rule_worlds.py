"""Worlds in which a clause carries a machine rule, and the same worlds without it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from inventory.document_life import end_document
from inventory.ledger_frame import ledger_frame
from inventory.machine_rules import RuleRecord, rule_adapter
from inventory.proposals import find_plan_run, find_situation, list_citations
from inventory.records import (
    EVERYTHING,
    ActionKind,
    Citation,
    DocumentOfRecord,
    Option,
    PlanRun,
    Proposal,
    ProposalLine,
)
from tests.worlds import START, Network, World
from tests.written_rules import put_in_force
from tools.needs import Need, wanted_units
from tools.options import DescribedNeed, describe_all, offers
from tools.outlook import Outlook
from tools.planning import JointPlan, PlanParameters, plan_lines, solve_needs
from tools.targets import Targets

DOCUMENT = "SOP-RULE"
CLAUSE = "1.1"
CITED = f"{DOCUMENT}@v1#{CLAUSE}"
SAID = f"{CITED} (R-1)"
"""How the clause of the one rule of a world is named."""


def rule(kind: str, **told: Any) -> RuleRecord:
    """A machine rule of the world's document, as its file would say it; its id is ``R-1`` unless told."""
    body = {"id": told.pop("rule_id", "R-1"), "document_id": DOCUMENT, "version": 1, "clause": CLAUSE, "kind": kind}
    body |= told
    return rule_adapter().validate_json(json.dumps(body, default=date.isoformat))


def document(version: int = 1, since: date = date(2023, 1, 1)) -> DocumentOfRecord:
    """The document that carries them."""
    return DocumentOfRecord(
        document_id=DOCUMENT,
        title="House rules",
        version=version,
        text=f"# House rules\n\n## 1 Rules\n\n{CLAUSE} This is how it is done in version {version}.\n",
        effective_from=since,
        added_by="root",
        added_at=START,
    )


def world_with(folder: Path, network: Network, rules: Sequence[RuleRecord] = (), *, swept: bool = True) -> World:
    """A world in which people decide, with the rules in force before it is first looked at."""
    world = World(folder, network, rollout="guided").furnish()
    if rules:
        put_in_force(world.database, document(), rules)
    if swept:
        world.desk.sweep()
    return world


@dataclass(frozen=True)
class Planned:
    """What the joint plan and the option engine make of a world under some rules."""

    outlook: Outlook
    joint: JointPlan
    lines: tuple[ProposalLine, ...]
    options: tuple[Option, ...]

    @property
    def worth(self) -> float:
        """Net value of all that was chosen, currency."""
        return self.joint.objective

    def option(self, action: ActionKind, site: str = "") -> Option:
        """The one option of a kind, at a site if it is named."""
        (found,) = [one for one in self.options if one.action is action and site in ("", one.site)]
        return found

    def units(self, action: ActionKind, *, origin: str = "", destination: str = "") -> int:
        """Units of the plan's lines of a kind."""
        return sum(
            line.quantity
            for line in self.lines
            if line.action is action and origin in ("", line.origin) and destination in ("", line.destination)
        )


def planned(world: World, rules: Sequence[RuleRecord] = (), *, at_most: int | None = None) -> Planned:
    """Every place of a furnished world that is expected short, decided jointly under some rules.

    Parameters
    ----------
    at_most
        Most units each need wants; by its levels when omitted.
    """
    outlook = look_under(world, rules)
    short = np.flatnonzero(outlook.short > 0.5).tolist()
    needs = [Need(f"case-{outlook.arrays.sites[row]}", row, at_most or wanted_units(outlook, row)) for row in short]
    lanes = world.toolbox.lanes(world.toolbox.snapshot())
    parameters = PlanParameters(minimum_net_benefit=1.0, node_limit=100, hard_kill_seconds=None)
    joint = solve_needs(outlook, needs, lanes, parameters)
    facts = world.toolbox.option_facts(world.toolbox.snapshot())
    described = [
        DescribedNeed(
            one.need.row,
            tuple(
                offers(outlook, one.need.row, one.moves, lanes.get(outlook.arrays.sites[one.need.row], ()), 0.0, facts)
            ),
            one.moves,
            one.chosen,
        )
        for one in joint.needs
    ]
    tables = describe_all(outlook, described, minimum_net_benefit=1.0, seed=1, draws=4)
    lines = tuple(line for one in joint.needs for line in plan_lines(outlook, one, 1))
    return Planned(outlook, joint, lines, tuple(option for table in tables for option in table))


def look_under(world: World, rules: Sequence[RuleRecord] = ()) -> Outlook:
    """The forward look on a world's current facts under some rules."""
    with world.database.read() as connection:
        ledger, thresholds = ledger_frame(connection, EVERYTHING), world.toolbox.thresholds(connection)
    return world.toolbox.outlook_of(world.toolbox.snapshot(), ledger, [], thresholds, Targets.none(), rules)


def withdraw(world: World) -> None:
    """The document is withdrawn."""
    with world.database.write("second.person", world.clock()) as transaction:
        end_document(transaction, DOCUMENT, 1, "withdrawn", "no longer wanted")


def lines_of(world: World) -> list[ProposalLine]:
    """Lines of every proposal that bring or move something, by destination."""
    found = [line for proposal in world.proposals() for line in proposal.content.lines if line.quantity]
    return sorted(found, key=lambda line: (line.destination, line.number))


def net_value(world: World) -> int:
    """What the chosen options are worth together, minor units."""
    return sum(option.net_value_minor for option in options(world) if option.chosen)


def options(world: World, proposal: Proposal | None = None) -> list[Option]:
    """Options of one proposal, or of all of them."""
    found: list[Option] = []
    with world.database.read() as connection:
        for each in [proposal] if proposal else world.proposals():
            situation = find_situation(connection, EVERYTHING, each.proposal_id)
            found += situation.options if situation else ()
    return found


def citations(world: World) -> list[Citation]:
    """Citations of every proposal."""
    with world.database.read() as connection:
        return [one for each in world.proposals() for one in list_citations(connection, EVERYTHING, each.proposal_id)]


def run_of(world: World) -> PlanRun:
    """The plan run of the newest proposal."""
    with world.database.read() as connection:
        return find_plan_run(connection, EVERYTHING, world.proposals()[-1].content.plan_run_id)
