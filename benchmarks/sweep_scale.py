"""One sweep of 8,000 items at 50 sites: detect, group, plan jointly, and write; graphs of single cases left out.

    python -m benchmarks.sweep_scale                       400,000 item-sites, two worker processes
    python -m benchmarks.sweep_scale 40000 --workers 1     another size; 0 workers: everything in one process
    python -m benchmarks.sweep_scale --profile             also where the sweep's own process spends its time

About 2 % of the item-sites are short, and some hundred items meet on lanes that carry less than they would send. Every
step runs as `evenkeel sweep` runs it, drafts and reservations for shown and automatic cases included; explaining and
ruling on each draft is `benchmarks.sweep`'s to measure.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from agent.sweep_graph import SweepContext, SweepState, sweep_graph
from benchmarks.scale_memory import Peak, watched
from benchmarks.sweep import NOW, House
from benchmarks.worlds import AS_OF, FIFTY_SITES, network
from inventory.proposals import find_plan_run
from inventory.records import EVERYTHING, PlanRun, Sweep
from inventory.tables import plan_runs
from tools.engines import engine, processes
from tools.intake import take_stock

ITEM_SITES, WORKERS = 400_000, 2
STEPS = ("recover", "health", "detect", "group", "plan", "queue")


@dataclass(frozen=True)
class Measured:
    """What one sweep took and came to."""

    sweep: Sweep
    seconds: float
    start: float
    """Of these, seconds to start the workers, which load while the sweep begins."""
    processor: float
    """Processor seconds of the sweep's own process."""
    peak: Peak
    drafts: int
    kinds: dict[str, int]
    run: PlanRun
    meeting: int
    """Items with a transfer on a lane that carries only so much."""


def prepare(item_sites: int, folder: Path) -> None:
    """A house with such a network in its snapshot and ledger."""
    house = House(folder)
    tables = network(item_sites, shape=FIFTY_SITES)
    snapshot = house.snapshots.write(tables, as_of=AS_OF, import_id="bench", actor="bench", now=NOW)
    with house.database.write("bench", NOW) as transaction:
        take_stock(transaction, snapshot)
    house.database.dispose()


def measure(folder: Path, workers: int, profile: cProfile.Profile | None = None) -> Measured:
    """Sweep the house in the folder once."""
    house = House.opened(folder)
    toolbox = house.desk.toolbox
    seconds: dict[str, float] = {}
    with watched() as peak:
        started, worked = perf_counter(), process_time()
        with engine(workers=workers or None) as toolbox.executor:
            ready = perf_counter() - started
            context = SweepContext(
                toolbox=toolbox,
                gate=house.desk.gate,
                recover=house.desk.recover,
                work_case=lambda case_id, proposal_id: None,
                progress=lambda step, done, of: None,
                seconds=seconds,
            )
            if profile:
                profile.enable()
            answer: SweepState = sweep_graph().invoke({}, {"recursion_limit": 50}, context=context)  # type: ignore[assignment]
            if profile:
                profile.disable()
        took, worked = perf_counter() - started, process_time() - worked
    with house.database.read() as connection:
        run = find_plan_run(connection, EVERYTHING, connection.execute(select(plan_runs.c.plan_run_id)).scalar_one())
    lanes = toolbox.lanes(toolbox.snapshot())
    limited = {
        (lane.origin, lane.destination) for ways in lanes.values() for lane in ways if lane.capacity_per_day is not None
    }
    meeting = {line.line.item for line in run.lines if (line.line.origin, line.line.destination) in limited}
    return Measured(
        sweep=answer["result"], seconds=took, start=ready, processor=worked, peak=peak,
        drafts=len(answer["proposal_ids"]), kinds=dict(Counter(case.kind.value for case in answer["cases"])),
        run=run, meeting=len(meeting),
    )  # fmt: skip


def table_of(measured: Measured, workers: int) -> Table:
    """Steps, memory and what was found."""
    sweep, run = measured.sweep, measured.run
    actions = Counter(line.line.action.value for line in run.lines)
    table = Table(title=f"{sweep.item_sites:,} item-sites, {workers} workers", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("start of the workers, s", f"{measured.start:.2f}")
    for step in STEPS:
        table.add_row(f"{step}, s", f"{sweep.seconds[step]:.2f}", end_section=step == STEPS[-1])
    rows = {
        "whole, s": f"{measured.seconds:.2f}",
        "processor seconds of the sweep's own process": f"{measured.processor:.2f}",
        "most memory of all processes, PSS MB": f"{measured.peak.pss:,.0f}",
        "most memory of all processes, RSS MB": f"{measured.peak.rss:,.0f}",
        "processes": f"{measured.peak.processes}",
        "findings": f"{sweep.findings:,}",
        "cases": f"{sweep.found:,}",
        **{f"  {kind.replace('_', ' ')}": f"{count:,}" for kind, count in sorted(measured.kinds.items())},
        "needs in the plan": f"{len(run.needs):,}",
        **{f"  {action} lines": f"{count:,}" for action, count in sorted(actions.items())},
        "items on tight lanes": f"{measured.meeting:,}",
        "solver path": run.solver_path,
        "drafts written": f"{measured.drafts:,}",
        "ledger rows kept with the plan": f"{len(run.ledger):,}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def main() -> None:
    """Prepare, sweep, print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sweep_scale", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("item_sites", nargs="?", type=int, default=ITEM_SITES, metavar="ITEM_SITES")
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes; 0 for none")
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    profile = cProfile.Profile() if arguments.profile else None
    with tempfile.TemporaryDirectory() as folder:
        with processes(1) as pool:  # what it takes to draw the network is not the sweep's
            pool.submit(prepare, arguments.item_sites, Path(folder)).result()
        measured = measure(Path(folder), arguments.workers, profile)
    console.print(table_of(measured, arguments.workers))
    if profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(r"(tools|agent|inventory|optimizer)/", 40)


if __name__ == "__main__":
    main()
