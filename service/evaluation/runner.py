"""Plays a golden scenario in a home of its own, through the doors people use: gate, sweep, desk, dispatch.

Each home is a demo home: SQLite, a clock of its own that begins at :data:`~service.evaluation.feeds.START`, and a
simulated ERP whose books hold what the world's feeds say.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agent.decisions import Decision
from agent.document_changes import confirm, upload
from agent.errors import AgentError
from inventory.document_scan import scan_document
from inventory.people import save_user
from inventory.proposals import list_proposals
from inventory.records import (
    EVERYTHING,
    ActionKind,
    ErpLine,
    Proposal,
    ProposalState,
    ReasonCode,
    User,
)
from service.bootstrap import House, init_home, open_home
from service.evaluation.feeds import START, deliver, erp_stock, rule_file
from service.evaluation.scenario import (
    Decide,
    Dispatch,
    ErpAnswer,
    Import,
    Pass,
    Reconcile,
    Scenario,
    Step,
    Sweep,
)
from service.evaluation.world import Document, World
from service.home import HomeKind
from service.rule_files import as_record, parse_rule_file, rules_of
from service.settings import Settings
from tools.erp.faults import Fault, FaultKind
from tools.erp.simulated import KnownOrder, SimulatedErp

PEOPLE = (
    User(user_id="planner", name="Planner", roles=("planner",), value_limit_minor=500_000),
    User(user_id="buyer", name="Buyer", roles=("buyer",), value_limit_minor=1_000_000),
    User(user_id="approver", name="Approver", roles=("approver",), value_limit_minor=5_000_000),
    User(user_id="finance", name="Finance", roles=("finance", "approver"), value_limit_minor=10_000_000),
    User(user_id="central", name="Central supply chain", roles=("central", "approver"), value_limit_minor=25_000_000),
    User(user_id="manager", name="Manager", roles=("manager",)),
)
"""Who decides in a scenario; the manager brings in the written rules and central confirms them."""
BY_ID = {person.user_id: person for person in PEOPLE}


@dataclass(frozen=True)
class StepProblem:
    """A step that went otherwise than its scenario says."""

    step: str
    expected: str
    seen: str


def empty_home(folder: Path) -> Path:
    """A home with people and the packaged policies, and nothing else: the beginning of every scenario."""
    house = init_home(folder, HomeKind.DEMO, START, settings=settings_of(folder))
    try:
        with house.database.write("evenkeel", house.clock()) as transaction:
            for person in PEOPLE:
                save_user(transaction, person)
    finally:
        house.close()
    return folder


def settings_of(home: Path, **more: object) -> Settings:
    """What a scenario's home is opened with: of the environment only a language model, so that its words are judged."""
    fixed = {"rollout": "auto", "erp": "simulated", "database_url": None, "heads_folder": None, "heads_command": None}
    return Settings.model_validate({"home": home, **fixed, **more})


@contextmanager
def furnished(world: World, template: Path, home: Path, **more: object) -> Iterator[House]:
    """A copy of an empty home in which the world's rules are in force and its ERP knows its stock and orders.

    Parameters
    ----------
    more
        Settings besides, such as the address of a language model.
    """
    shutil.copytree(template, home)
    house = open_home(settings_of(home, **more))
    try:
        put_in_force(house, world.documents)
        erp = simulated_erp(house)
        erp.load_stock(erp_stock(world))
        erp.load_orders(_known_orders(world))
        yield house
    finally:
        house.close()


def put_in_force(house: House, documents: tuple[Document, ...]) -> None:
    """The manager brings written rules in as they are scanned, and central confirms each."""
    brought = []
    for document in documents:
        text = rule_file(document)
        scanned = scan_document(text.encode(), text)
        file = parse_rule_file(scanned.text, f"{document.id}-v{document.version}")
        record = as_record(file, added_by="manager", added_at=house.clock())
        brought.append((record, scanned.scan, rules_of(file, record)))
    for revision, _ in upload(house.database, BY_ID["manager"], house.clock(), brought):
        confirm(
            house.database, BY_ID["central"], house.clock(), revision.document.document_id,
            revision.document.version, revision.digest,
        )  # fmt: skip


def simulated_erp(house: House) -> SimulatedErp:
    """The home's ERP."""
    if not isinstance(house.erp, SimulatedErp):
        raise TypeError(f"a scenario needs the simulated ERP, not {type(house.erp).__name__}")
    return house.erp


def play(scenario: Scenario, world: World, house: House) -> tuple[StepProblem, ...]:
    """Every step of the scenario in order, in this form of its world; what went otherwise than the scenario says."""
    problems = [_take(step, world, house) for step in scenario.steps]
    return tuple(problem for problem in problems if problem is not None)


def _take(step: Step, world: World, house: House) -> StepProblem | None:
    match step:
        case Import():
            _import(world, house)
        case Sweep():
            house.desk.sweep()
        case Pass():
            house.advance(timedelta(days=step.days, minutes=step.minutes) / timedelta(hours=1))
        case Decide():
            return _decide(step, house)
        case Dispatch():
            house.dispatch_desk.execute()
        case ErpAnswer():
            simulated_erp(house).faults.add(Fault(kind=FaultKind(step.fault)))
        case Reconcile():
            house.dispatch_desk.recover()
    return None


def _import(world: World, house: House) -> None:
    """Deliver the world's feeds; once the ERP has posted something of ours, its own stock and transfers."""
    erp = simulated_erp(house)
    ours = [row for row in erp.export_transfers() if row["our_key"]]
    deliver(
        world, house.layout.home / "feeds", database=house.database, snapshots=house.snapshots, now=house.clock(),
        stock=erp.export_stock() if ours else None, transfers=ours,
    )  # fmt: skip


def _decide(step: Decide, house: House) -> StepProblem | None:
    """A person's decision; a refusal is an answer, too, where the scenario expects one."""
    said = f"{step.person}: {step.verb} {step.item}@{step.site}"
    waiting = waiting_for(house, step.item, step.site)
    if waiting is None:
        return StepProblem(said, "one proposal that waits", "none, or several")
    decision = Decision.model_validate(
        {
            "proposal_id": waiting.proposal_id,
            "digest_prefix": waiting.digest[:12],
            "verb": step.verb,
            "reason": ReasonCode.AGREE if step.verb == "approve" else ReasonCode.STRATEGY,
            "text": "" if step.verb == "approve" else "decided otherwise",
        }
    )
    try:
        after = house.desk.decide(decision, BY_ID[step.person])
    except AgentError as error:
        return None if step.refused else StepProblem(said, "the decision is taken", f"refused: {error}")
    return StepProblem(said, "refused", f"taken: {after.state.value}") if step.refused else None


def waiting_for(house: House, item: str, site: str) -> Proposal | None:
    """The one pending proposal that serves an item at a site."""
    with house.database.read() as connection:
        pending = list_proposals(connection, EVERYTHING, states=(ProposalState.PENDING,))
    serving = [one for one in pending if any((x.item, x.destination) == (item, site) for x in one.content.lines)]
    return serving[0] if len(serving) == 1 else None


def _known_orders(world: World) -> list[KnownOrder]:
    """Open purchase orders and transfers, with the units that are still to come."""
    today = START.date()
    orders = [
        KnownOrder(
            reference=one.order, action=ActionKind.PURCHASE, supplier=one.supplier, destination=one.site,
            lines=(ErpLine(item=one.item, quantity=one.quantity - one.received),),
            ordered_on=today - timedelta(days=one.ordered_days_ago),
            arrive_on=today + timedelta(days=one.promised_in_days),
        )
        for one in world.orders
        if one.quantity > one.received
    ]  # fmt: skip
    moves = [
        KnownOrder(
            reference=one.transfer, action=ActionKind.TRANSFER, origin=one.origin, destination=one.destination,
            lines=(ErpLine(item=one.item, quantity=one.quantity),),
            ordered_on=today - timedelta(days=one.shipped_days_ago),
            arrive_on=today + timedelta(days=one.expected_in_days),
        )
        for one in world.transfers
    ]  # fmt: skip
    return [*orders, *moves]
