"""How fast a sweep is and what it needs: item-sites per second, peak memory, and where the time goes.

    python -m benchmarks.sweep                  1,000, 10,000 and 100,000 item-sites, 104 weeks of history each
    python -m benchmarks.sweep 400000           other sizes
    python -m benchmarks.sweep --csv 10000      also the import of such a network as CSV

Each size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from agent.approval_policy import packaged_policy_text
from agent.desk import ExceptionDesk
from agent.drafting import TemplateDrafter
from agent.ruling import Gate
from benchmarks.worlds import AS_OF, demand_rows, network
from inventory.anchor import Anchor
from inventory.cases import list_cases
from inventory.database import Database
from inventory.importing.gate import import_feeds
from inventory.records import EVERYTHING, PolicyVersion
from inventory.rulebook import insert_policy
from inventory.snapshots import SnapshotStore
from service.demo.corpus import put_in_force
from tools.intake import take_stock
from tools.thresholds import packaged_thresholds
from tools.toolbox import Toolbox

SIZES = (1_000, 10_000, 100_000)
NOW = AS_OF + timedelta(minutes=30)
SCAN = ("health", "detect", "group")
"""Steps of a sweep whose work grows with the item-sites; planning and explaining grow with the cases."""
STEPS = ("write snapshot", "fill ledger", "refresh ledger", "recover", *SCAN, "plan", "queue")
Answer = TypeVar("Answer")


@dataclass
class Measured:
    """What one size took."""

    item_sites: int
    seconds: dict[str, float] = field(default_factory=dict)
    findings: int = 0
    cases: dict[str, int] = field(default_factory=dict)
    explained: int = 0
    scan_megabytes: float = 0.0
    """Peak resident memory up to the end of grouping."""
    megabytes: float = 0.0
    """Peak resident memory of the whole process."""

    def timed(self, step: str, work: Callable[[], Answer]) -> Answer:
        """Do the work and note how long it took."""
        started = perf_counter()
        answer = work()
        self.seconds[step] = perf_counter() - started
        return answer

    @property
    def scan(self) -> float:
        """Seconds of the steps that look at every item-site."""
        return sum(self.seconds[step] for step in SCAN)

    @property
    def sweep(self) -> float:
        """Seconds of the whole sweep."""
        return self.seconds["sweep"]

    @property
    def per_case(self) -> float:
        """Seconds to explain and rule on one case."""
        return self.seconds["queue"] / max(self.explained, 1)


class House:
    """A whole product in a folder, with policies and rules adopted and no data yet."""

    def __init__(self, folder: Path) -> None:
        self._open(folder)
        self._adopt(NOW)

    @classmethod
    def opened(cls, folder: Path) -> House:
        """The house another process made in the folder."""
        house = cls.__new__(cls)
        house._open(folder)
        return house

    def _open(self, folder: Path) -> None:
        self.database = Database(folder / "evenkeel.sqlite3", Anchor(folder / "anchor.log"))
        self.database.migrate()
        self.snapshots = SnapshotStore(folder / "snapshots", self.database)
        toolbox = Toolbox(self.database, self.snapshots, folder / "knowledge", lambda: NOW, lambda: NOW)
        gate = Gate(rollout="auto", erp_native_key=True)
        self.desk = ExceptionDesk(toolbox, TemplateDrafter(), folder / "checkpoints.sqlite3", gate)

    def _adopt(self, now: datetime) -> None:
        policies = {"approval": packaged_policy_text(), "thresholds": packaged_thresholds()}
        with self.database.write("bench", now) as transaction:
            for kind, content in policies.items():
                policy = {"kind": kind, "version": 1, "content": content, "author": "bench", "effective_at": now}
                insert_policy(transaction, PolicyVersion.model_validate(policy))
        put_in_force(self.database, now, uploaded_by="bench", confirmed_by="second")


def measure(item_sites: int, folder: Path) -> Measured:
    """Write a network of that size, fill the ledger, and sweep it once."""
    measured, house = Measured(item_sites), House(folder)
    tables = network(item_sites)
    started = perf_counter()
    snapshot = house.snapshots.write(tables, as_of=AS_OF, import_id="bench", actor="bench", now=NOW)
    measured.seconds["write snapshot"] = perf_counter() - started
    del tables  # what a sweep needs is read from the snapshot, and counts as its memory

    def take() -> None:
        with house.database.write("bench", NOW) as transaction:
            take_stock(transaction, snapshot)

    measured.timed("fill ledger", take)
    measured.timed("refresh ledger", take)

    def watch(step: str, done: int, of: int) -> None:
        if step == "plan jointly":
            measured.scan_megabytes = peak_megabytes()
        if step == "explain and rule":
            measured.explained = of

    worked = process_time()
    sweep = measured.timed("sweep", lambda: house.desk.sweep(watch))
    measured.seconds["processor"] = process_time() - worked
    measured.seconds |= sweep.seconds
    measured.item_sites, measured.findings = sweep.item_sites, sweep.findings
    with house.database.read() as connection:
        measured.cases = dict(Counter(row.case.kind.value for row in list_cases(connection, EVERYTHING)))
    measured.megabytes = peak_megabytes()
    return measured


def measure_csv(item_sites: int, folder: Path) -> tuple[int, float, float]:
    """Rows, seconds and peak memory of the import of such a network as CSV, ledger included."""
    house, feeds = House(folder), folder / "feeds"
    feeds.mkdir()
    rows = 0
    for name, frame in network(item_sites).items():
        delivered = demand_rows(frame) if name == "demand" else frame
        delivered.write_csv(feeds / f"{name}.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
        rows += delivered.height
    started = perf_counter()
    import_feeds(
        feeds, mapping=None, database=house.database, snapshots=house.snapshots, actor="bench", now=NOW, as_of=AS_OF,
        when_current=take_stock,
    )  # fmt: skip
    return rows, perf_counter() - started, peak_megabytes()


def peak_megabytes() -> float:
    """Most resident memory this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0**2 if sys.platform == "darwin" else 1024.0)


def alone(work: Callable[[int, Path], Answer], item_sites: int) -> Answer:
    """Run in a fresh process and a fresh folder."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, item_sites, Path(folder)).result()


def table_of(results: list[Measured]) -> Table:
    """Sizes side by side."""
    table = Table(title="One sweep of a network with ten sites and 104 weeks of history", title_justify="left")
    table.add_column("")
    for measured in results:
        table.add_column(f"{measured.item_sites:,} item-sites", justify="right")
    for step in STEPS:
        ends = step in ("refresh ledger", "queue")
        table.add_row(f"{step}, s", *(f"{measured.seconds[step]:.2f}" for measured in results), end_section=ends)
    rows: tuple[tuple[str, Callable[[Measured], str]], ...] = (
        ("scan (health to group), s", lambda measured: f"{measured.scan:.2f}"),
        ("scan, item-sites/s", lambda measured: f"{measured.item_sites / measured.scan:,.0f}"),
        ("whole sweep, s", lambda measured: f"{measured.sweep:.2f}"),
        ("whole sweep, processor s", lambda measured: f"{measured.seconds['processor']:.2f}"),
        ("whole sweep, item-sites/s", lambda measured: f"{measured.item_sites / measured.sweep:,.0f}"),
        ("peak memory up to the plan, MB", lambda measured: f"{measured.scan_megabytes:,.0f}"),
        ("peak memory, MB", lambda measured: f"{measured.megabytes:,.0f}"),
        ("findings", lambda measured: f"{measured.findings:,}"),
        ("cases", lambda measured: f"{sum(measured.cases.values()):,}"),
        ("explain and rule, ms/case", lambda measured: f"{1000 * measured.per_case:.1f}"),
    )
    for name, cell in rows:
        table.add_row(name, *(cell(measured) for measured in results), end_section=name == "peak memory, MB")
    for kind in sorted({kind for measured in results for kind in measured.cases}):
        table.add_row(f"  {kind.replace('_', ' ')}", *(f"{measured.cases.get(kind, 0):,}" for measured in results))
    return table


def main() -> None:
    """Measure the sizes asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, metavar="ITEM_SITES")
    parser.add_argument("--csv", type=int, metavar="ITEM_SITES", help="also import a network of that size as CSV")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    results = []
    for size in arguments.sizes:
        results.append(alone(measure, size))
        console.print(f"{results[-1].item_sites:,} item-sites swept in {results[-1].sweep:.1f} s")
    console.print(table_of(results))
    if arguments.csv:
        rows, seconds, megabytes = alone(measure_csv, arguments.csv)
        console.print(
            f"CSV import of {arguments.csv:,} item-sites: {rows:,} rows in {seconds:.1f} s, "
            f"{rows / seconds:,.0f} rows/s, peak {megabytes:,.0f} MB"
        )


if __name__ == "__main__":
    main()
