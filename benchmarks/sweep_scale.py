"""One sweep of 8,000 items at 50 sites: detect, group, plan jointly, and write; graphs of single cases left out.

    python -m benchmarks.sweep_scale                       400,000 item-sites, two worker processes
    python -m benchmarks.sweep_scale 40000 --workers 1     another size; 0 workers: everything in one process
    python -m benchmarks.sweep_scale --profile             also where the sweep's own process spends its time
    python -m benchmarks.sweep_scale 40000 --rules 200     also the same network under so many machine rules, and ratios

About 2 % of the item-sites are short, and some hundred items meet on lanes that carry less than they would send. Every
step runs as `evenkeel sweep` runs it, drafts and reservations for shown and automatic cases included; explaining and
ruling on each draft is `benchmarks.sweep`'s to measure. Each step states its seconds and the processor seconds of the
sweep's own process, which other work on the machine moves less. How many items meet is told afterwards, by deciding
every item once more as if lanes had no end.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter, process_time

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from agent.sweep_graph import SweepContext, SweepState, sweep_graph
from benchmarks.rules import put_rules_in_force, rules_of_all_kinds
from benchmarks.scale_memory import Peak, watched
from benchmarks.sweep import NOW, House
from benchmarks.worlds import AS_OF, FIFTY_SITES, network
from inventory.proposals import find_plan_run
from inventory.records import EVERYTHING, PlanRun, Sweep
from inventory.tables import plan_runs
from tools.assemble import plan_outlook
from tools.engines import collecting_seldom, engine, processes
from tools.intake import take_stock
from tools.lanes import Lane
from tools.needs import Need, wanted_units
from tools.planning import ALONE, PlanParameters, solve_needs
from tools.toolbox import Toolbox

ITEM_SITES, WORKERS = 400_000, 2
FIRST_ITEM_SITES = 1_000
LAST_STEP = "brief"
SHORTEST_STEP = 0.1
"""Seconds; of a shorter step no ratio is told."""


@dataclass
class Clocked(SweepContext):
    """The context of a sweep that also notes what each step asked of the processor."""

    worked: dict[str, float] = field(default_factory=dict)
    """Processor seconds of the sweep's own process by step."""
    since: float = field(default_factory=process_time)

    def lap(self, step: str) -> None:
        """Note how long a step took, and what it asked of the processor."""
        super().lap(step)
        now = process_time()
        self.worked[step], self.since = now - self.since, now


@dataclass(frozen=True)
class Measured:
    """What one sweep took and came to."""

    sweep: Sweep
    steps: Mapping[str, float]
    """Seconds of each step."""
    worked: Mapping[str, float]
    """Of these, processor seconds of the sweep's own process."""
    seconds: float
    start: float
    """Of these, seconds to start the workers, which load while the sweep begins."""
    peak: Peak
    drafts: int
    kinds: dict[str, int]
    run: PlanRun
    meeting: int
    """Items that meet on lanes which carry less than these items would send, each for itself."""
    sent: int
    """Items with a transfer on a lane that carries only so much."""


def prepare(item_sites: int, folder: Path, rules: int = 0) -> None:
    """A house with such a network in its snapshot and ledger, and so many machine rules in force."""
    house = House(folder)
    if rules:
        items = -(-item_sites // FIFTY_SITES.sites)
        put_rules_in_force(house.database, rules_of_all_kinds(rules, items, FIFTY_SITES.names))
    tables = network(item_sites, shape=FIFTY_SITES)
    snapshot = house.snapshots.write(tables, as_of=AS_OF, import_id="bench", actor="bench", now=NOW)
    with house.database.write("bench", NOW) as transaction:
        take_stock(transaction, snapshot)
    house.database.dispose()


def measure(folder: Path, workers: int, profile: cProfile.Profile | None = None) -> Measured:
    """Sweep the house in the folder once."""
    house = House.opened(folder)
    toolbox = house.desk.toolbox
    with watched() as peak:
        started = perf_counter()
        with engine(workers=workers or None) as toolbox.executor:
            ready = perf_counter() - started
            context = Clocked(
                toolbox=toolbox,
                gate=house.desk.gate,
                recover=house.desk.recover,
                work_case=lambda case_id, proposal_id: None,
                progress=lambda step, done, of: None,
            )
            if profile:
                profile.enable()
            with collecting_seldom():
                answer: SweepState = sweep_graph().invoke({}, {"recursion_limit": 50}, context=context)  # type: ignore[assignment]
            if profile:
                profile.disable()
            context.lap(LAST_STEP)
        took = perf_counter() - started
    with house.database.read() as connection:
        run = find_plan_run(connection, EVERYTHING, connection.execute(select(plan_runs.c.plan_run_id)).scalar_one())
    return Measured(
        sweep=answer["result"], steps=context.seconds, worked=context.worked, seconds=took, start=ready, peak=peak,
        drafts=len(answer["proposal_ids"]), kinds=dict(Counter(case.kind.value for case in answer["cases"])),
        run=run, meeting=meeting_on_full_lanes(toolbox, run), sent=sent_over_limited_lanes(toolbox, run),
    )  # fmt: skip


def meeting_on_full_lanes(toolbox: Toolbox, run: PlanRun) -> int:
    """Items that would send over a lane more than it carries, if every item of a plan were decided alone."""
    with toolbox.database.read() as connection:
        outlook = plan_outlook(toolbox, connection, run)
    rows = [outlook.arrays.row_of[(item, site)] for _, item, site in run.needs]
    needs = [
        Need(case, row, wanted_units(outlook, row), relief)
        for (case, _, _), row, relief in zip(run.needs, rows, run.reliefs, strict=True)
    ]
    parameters = PlanParameters(
        minimum_net_benefit=run.parameters["minimum_net_benefit"],
        node_limit=int(run.parameters["node_limit"]),
        hard_kill_seconds=None,
    )
    endless = {
        site: tuple(replace(lane, capacity_per_day=None) for lane in ways)
        for site, ways in toolbox.lanes(toolbox.snapshot()).items()
    }
    alone = solve_needs(outlook, needs, endless, parameters, force_path=ALONE)
    sent: Counter[str] = Counter()
    senders: dict[str, set[str]] = defaultdict(set)
    for plan in alone.needs:
        for move in plan.moves:
            sent[move.lane.name] += move.units
            senders[move.lane.name].add(outlook.arrays.items[plan.need.row])
    limits = {lane.name: lane.capacity_per_day or 0.0 for lane in limited_lanes(toolbox)}
    return len(set[str]().union(*(senders[name] for name, units in sent.items() if units > limits.get(name, units))))


def sent_over_limited_lanes(toolbox: Toolbox, run: PlanRun) -> int:
    """Items a plan sends over lanes that carry only so much."""
    limited = {(lane.origin, lane.destination) for lane in limited_lanes(toolbox)}
    return len({line.line.item for line in run.lines if (line.line.origin, line.line.destination) in limited})


def limited_lanes(toolbox: Toolbox) -> list[Lane]:
    """Lanes that carry only so much."""
    ways = toolbox.lanes(toolbox.snapshot()).values()
    return [lane for lanes in ways for lane in lanes if lane.capacity_per_day is not None]


def table_of(measured: Measured, workers: int) -> Table:
    """Steps, memory and what was found."""
    sweep, run = measured.sweep, measured.run
    actions = Counter(line.line.action.value for line in run.lines)
    table = Table(title=f"{sweep.item_sites:,} item-sites, {workers} workers", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_column("own processor, s", justify="right")
    table.add_row("start of the workers, s", f"{measured.start:.2f}")
    for step, seconds in measured.steps.items():
        table.add_row(f"{step}, s", f"{seconds:.2f}", f"{measured.worked[step]:.2f}", end_section=step == LAST_STEP)
    table.add_row("whole, s", f"{measured.seconds:.2f}", f"{sum(measured.worked.values()):.2f}", end_section=True)
    rows = {
        "most memory of all processes, PSS MB": f"{measured.peak.pss:,.0f}",
        "most memory of all processes, RSS MB": f"{measured.peak.rss:,.0f}",
        "processes": f"{measured.peak.processes}",
        "findings": f"{sweep.findings:,}",
        "cases": f"{sweep.found:,}",
        **{f"  {kind.replace('_', ' ')}": f"{count:,}" for kind, count in sorted(measured.kinds.items())},
        "needs in the plan": f"{len(run.needs):,}",
        **{f"  {action} lines": f"{count:,}" for action, count in sorted(actions.items())},
        "items that meet on full lanes": f"{measured.meeting:,}",
        "items sent over limited lanes": f"{measured.sent:,}",
        "solver path": run.solver_path,
        "drafts written": f"{measured.drafts:,}",
        "ledger rows kept with the plan": f"{len(run.ledger):,}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def ratios(without: Measured, under: Measured) -> Table:
    """Seconds of each step under rules over those without."""
    used = len(under.run.rules)
    table = Table(title=f"under {used} rules that speak of the plan's places", title_justify="left")
    for heading in ("", "times as long", "times the own processor"):
        table.add_column(heading, justify="left" if not heading else "right")
    for step, seconds in under.steps.items():
        if without.steps[step] >= SHORTEST_STEP:
            worked = under.worked[step] / max(without.worked[step], 1e-9)
            table.add_row(step, f"{seconds / without.steps[step]:.2f}", f"{worked:.2f}")
    whole = sum(under.worked.values()) / sum(without.worked.values())
    table.add_row("whole", f"{under.seconds / without.seconds:.2f}", f"{whole:.2f}")
    return table


def swept(item_sites: int, rules: int, workers: int, profile: cProfile.Profile | None) -> Measured:
    """A fresh network of that size under so many rules, swept once."""
    with tempfile.TemporaryDirectory() as folder:
        with processes(1) as pool:  # what it takes to draw the network is not the sweep's
            pool.submit(prepare, item_sites, Path(folder), rules).result()
        return measure(Path(folder), workers, profile)


def main() -> None:
    """Prepare, sweep, print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sweep_scale", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("item_sites", nargs="?", type=int, default=ITEM_SITES, metavar="ITEM_SITES")
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes; 0 for none")
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    parser.add_argument("--rules", type=int, default=0, help="sweep it again under so many machine rules of all kinds")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    profile = cProfile.Profile() if arguments.profile else None
    if arguments.rules:
        swept(FIRST_ITEM_SITES, arguments.rules, arguments.workers, None)  # loading modules is neither sweep's
    measured = swept(arguments.item_sites, 0, arguments.workers, profile)
    console.print(table_of(measured, arguments.workers))
    if arguments.rules:
        under = swept(arguments.item_sites, arguments.rules, arguments.workers, None)
        console.print(table_of(under, arguments.workers))
        console.print(ratios(measured, under))
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(r"(tools|agent|inventory|optimizer)/", 40)


if __name__ == "__main__":
    main()
