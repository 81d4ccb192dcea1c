"""Whoever looked ahead for it, the plan is the same: any number of workers and parts decides, writes, records alike."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import tools.plan
from benchmarks.sweep import NOW, House
from benchmarks.worlds import AS_OF, Shape, network
from inventory.audit import last_link
from inventory.ledger import Reservation, list_reservations
from inventory.proposals import find_plan_run, list_proposals
from inventory.records import EVERYTHING, ActionKind, Finding, PlanRun, Proposal
from tools.engines import processes
from tools.intake import take_stock
from tools.plan import plan_cases
from tools.planning import PlanParameters
from tools.sweeping import look_everywhere
from tools.thresholds import Thresholds
from tools.toolbox import Toolbox
from tools.triage import group_findings, open_cases

ITEMS, SITES = 84, 10
SHAPE = Shape(sites=SITES, neighbours=2, empty_share=0.2, tight_lanes=6, tight_capacity=2)
ROWS = {1: ITEMS * SITES, 2: ITEMS * SITES // 2, 7: ITEMS * SITES // 7}
"""Item-sites of a part that make so many parts."""


@dataclass(frozen=True)
class Decided:
    """Everything one look and one plan came to, as the store has it."""

    findings: tuple[Finding, ...]
    run: PlanRun
    proposals: tuple[Proposal, ...]
    digests: tuple[str, ...]
    """Digest of each proposal, by its id."""
    reserved: tuple[Reservation, ...]
    last_link: tuple[int, str]
    """Number and hash of the last entry of the audit chain, which covers every entry before it."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of 84 items at ten sites, a fifth of it empty, with six lanes that carry two units a day."""
    folder = tmp_path_factory.mktemp("plan") / "home"
    house = House(folder)
    snapshot = house.snapshots.write(
        network(ITEMS * SITES, shape=SHAPE), as_of=AS_OF, import_id="plan", actor="test", now=NOW
    )
    with house.database.write("test", NOW) as transaction:
        take_stock(transaction, snapshot)
    house.database.dispose()
    return folder


def planned(home: Path, executor: Executor | None, parts: int) -> Decided:
    """Look and plan in a copy of the home, cut into so many parts, every list of needs a long one."""
    parameters_of = tools.plan.plan_parameters

    def in_two_passes(toolbox: Toolbox, thresholds: Thresholds) -> PlanParameters:
        return replace(parameters_of(toolbox, thresholds), joint_needs=0)

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools.plan, "plan_parameters", in_two_passes)
        # A plan looks at some of the network only.
        patch.setattr(tools.plan, "PLACES_AT_ONCE", ROWS[parts] if parts == 1 else ROWS[parts] // 4)
        house = House.opened(Path(shutil.copytree(home, Path(folder) / "home")))
        house.desk.toolbox.executor = executor
        try:
            return decided(house, ROWS[parts])
        finally:
            house.database.dispose()


def decided(house: House, rows: int) -> Decided:
    """Look, open cases, plan them, and read everything back."""
    toolbox = house.desk.toolbox
    snapshot = toolbox.snapshot()
    look = look_everywhere(toolbox, lambda done, of: None, rows=rows)
    with house.database.write("evenkeel", NOW) as transaction:
        thresholds = toolbox.thresholds(transaction.connection)
        cases = group_findings(list(look.findings), look.outlook, thresholds, snapshot)
        found = open_cases(transaction, cases, snapshot.snapshot_id).found
    written = plan_cases(toolbox, list(found), policy_version=1)
    with house.database.read() as connection:
        proposals = tuple(list_proposals(connection, EVERYTHING))
        return Decided(
            findings=look.findings,
            run=find_plan_run(connection, EVERYTHING, written.plan_run_id),
            proposals=proposals,
            digests=tuple(proposal.digest for proposal in proposals),
            reserved=tuple(list_reservations(connection, EVERYTHING)),
            last_link=last_link(connection),
        )


@pytest.fixture(scope="module")
def by_one(home: Path) -> Decided:
    """What this process decides by itself, the network in one part."""
    return planned(home, None, 1)


def test_the_plan_compared_has_something_to_decide(by_one: Decided) -> None:
    actions = Counter(line.line.action for line in by_one.run.lines)

    assert len(by_one.run.needs) > 50
    assert len(by_one.run.places) > ROWS[2] // 4
    assert actions[ActionKind.TRANSFER] > 20
    assert by_one.run.solver_path.startswith("alone")
    assert "|" in by_one.run.solver_path, "some items meet on a full lane"
    assert len(by_one.proposals) > 30
    assert len(by_one.reserved) > 20


@pytest.mark.parametrize(("workers", "parts"), [(1, 2), (2, 7), (7, 1), (7, 7)])
def test_plan_proposals_and_audit_chain_do_not_depend_on_workers_and_parts(
    home: Path, by_one: Decided, workers: int, parts: int
) -> None:
    with ThreadPoolExecutor(workers) as pool:
        assert planned(home, pool, parts) == by_one


@pytest.mark.acceptance
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_plan_is_the_same_for_any_number_of_processes(home: Path, by_one: Decided, workers: int) -> None:
    with processes(workers) as pool:
        for parts in ROWS:
            assert planned(home, pool, parts) == by_one
