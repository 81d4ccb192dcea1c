"""Ten million item-sites: read, estimate, set policy, judge risk and write, a file at a time, by one engine or another.

    python -m benchmarks.scale DIR                  0.1, 1 and 10 million item-sites in files below DIR (0.7 GB)
    python -m benchmarks.scale DIR --files 32       up to 1 million
    python -m benchmarks.scale DIR --dask           also on a Dask cluster of this machine

The limit measured beside it, in the same run and by as many processes at once: reading the files, and the kernel alone,
its input in memory and its output thrown away.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.scale_files import ROWS, write_file
from benchmarks.scale_memory import Peak, watched
from optimizer.demand.moments import demand_moments
from optimizer.laws.gamma_quantile import gamma_quantile
from optimizer.laws.lead_time_demand import lead_time_demand_moments
from optimizer.risk.first_risky_day import first_risky_day
from tools.engines import ONE_THREAD, engine, processes

FILES, WORKERS = 320, 2
SERVICE, RISK, HORIZON_DAYS, REVIEW_DAYS = 0.95, 0.05, 28, 7.0
SAMPLE = 16
"""Files the limit is measured on, at most."""
SMALL = 4
"""Files of 0.1 million item-sites, about; a number the workers share evenly."""


@dataclass(frozen=True)
class Answer:
    """What the kernel says about each item-site of a file, shape ``(rows,)``."""

    mean_per_day: np.ndarray
    sd_per_day: np.ndarray
    demand_class: np.ndarray
    reorder_point: np.ndarray
    first_risky_day: np.ndarray


@dataclass(frozen=True)
class Run:
    """What one engine took for so many files."""

    engine: str
    files: int
    seconds: float
    reading: float
    """Seconds a file takes to read, by as many workers at once, just before and after; their mean."""
    computing: float
    """The same of the kernel alone."""
    peak: Peak

    @property
    def over_limit(self) -> float:
        """Seconds, as a multiple of reading and the kernel alone."""
        return self.seconds / (self.files * (self.reading + self.computing))

    @property
    def rate(self) -> float:
        """Item-sites per second."""
        return self.files * ROWS / self.seconds


def kernel(weekly: np.ndarray, on_hand: np.ndarray, lead_time_mean: np.ndarray, lead_time_sd: np.ndarray) -> Answer:
    """Estimate demand, set the reorder point at the service target, and find the first day a stockout is likely."""
    demand = demand_moments(weekly)
    protected = lead_time_demand_moments(
        demand.mean_per_day, demand.sd_per_day, lead_time_mean, lead_time_sd, REVIEW_DAYS
    )
    level = protected.mean.copy()
    spread = np.flatnonzero((protected.mean > 0.0) & (protected.variance > 0.0))
    mean, variance = protected.mean[spread], protected.variance[spread]
    level[spread] = gamma_quantile(SERVICE, mean**2 / variance, variance / mean)
    day = first_risky_day(on_hand, demand.mean_per_day, demand.sd_per_day, RISK, horizon_days=HORIZON_DAYS)
    return Answer(demand.mean_per_day, demand.sd_per_day, demand.demand_class, level, day)


def read(path: str) -> tuple[pl.Series, dict[str, np.ndarray]]:
    """Ids and arrays of a file."""
    frame = pl.read_parquet(path)
    names = ("weekly", "on_hand", "lead_time_mean", "lead_time_sd")
    return frame["item_site"], {name: frame[name].to_numpy() for name in names}


def work(folder: str, path: str) -> int:
    """One file in, one file out; doing it again writes the same file. Returns the rows written."""
    ids, arrays = read(path)
    answer = kernel(**arrays)
    columns = {name: pl.Series(values, dtype=_TYPES[name]) for name, values in vars(answer).items()}
    target = Path(folder) / Path(path).name
    aside = target.with_suffix(f".{os.getpid()}.tmp")
    pl.DataFrame({"item_site": ids} | columns).write_parquet(aside, compression="zstd")
    os.replace(aside, target)
    return len(ids)


_TYPES: dict[str, type[pl.DataType]] = {
    "mean_per_day": pl.Float32, "sd_per_day": pl.Float32, "demand_class": pl.Int8, "reorder_point": pl.Float32,
    "first_risky_day": pl.Int16,
}  # fmt: skip


def bare(paths: list[str]) -> tuple[float, float]:
    """Seconds a file of reading, and of the kernel alone on arrays in memory."""
    started = perf_counter()
    arrays = [read(path)[1] for path in paths]
    reading = perf_counter() - started
    started = perf_counter()
    for one in arrays:
        kernel(**one)
    return reading / len(paths), (perf_counter() - started) / len(paths)


def limit(executor: Executor, paths: list[str], workers: int) -> tuple[float, float]:
    """The same with every worker busy at once, and divided among them."""
    shares = [paths[number::workers] for number in range(workers)]
    list(executor.map(bare, shares))
    measured = list(executor.map(bare, shares))
    return (
        sum(reading for reading, _ in measured) / workers**2,
        sum(computing for _, computing in measured) / workers**2,
    )


def timed(name: str, executor: Executor, paths: list[str], folder: Path, workers: int) -> Run:
    """Every file once, by the engine, between two looks at its limit."""
    before = limit(executor, paths[:SAMPLE], workers)
    with watched() as peak:
        started = perf_counter()
        rows = sum(executor.map(partial(work, str(folder)), paths))
        seconds = perf_counter() - started
    if rows != len(paths) * ROWS:
        raise RuntimeError(f"{name} wrote {rows} rows, expected {len(paths) * ROWS}")
    after = limit(executor, paths[:SAMPLE], workers)
    reading, computing = (statistics.mean(pair) for pair in zip(before, after, strict=True))
    return Run(name, len(paths), seconds, reading, computing, peak)


def sizes(name: str, executor: Executor, paths: list[str], folder: Path, workers: int) -> Iterator[Run]:
    """Small, middle and all; the small one is the median of five, over other files each time."""
    small = [
        timed(name, executor, paths[start : start + SMALL], folder, workers)
        for start in range(0, min(5 * SMALL, len(paths)), SMALL)
    ]
    yield sorted(small, key=lambda run: run.seconds)[len(small) // 2]
    if len(paths) > 100:
        yield timed(name, executor, paths[: len(paths) // 10], folder, workers)
    yield timed(name, executor, paths, folder, workers)


@contextmanager
def dask_of_this_machine(workers: int) -> Iterator[Executor]:
    """A Dask cluster of so many single-threaded processes, through the product's own engine."""
    distributed = import_module("distributed")
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, env=ONE_THREAD,
            memory_limit=0,
        ) as cluster,
        engine(dask=cluster.scheduler_address) as executor,
    ):  # fmt: skip
        assert executor is not None  # an address was named
        yield executor


def table_of(runs: list[Run]) -> Table:
    """Every run beside its limit; the growth of one engine is against its own smallest run."""
    table = Table(title="Read, estimate, policy, risk, write: 104 weeks each", title_justify="left")
    headings = (
        "engine", "item-sites", "seconds", "item-sites/s", "reading", "kernel", "x limit", "x linear", "PSS MB",
        "RSS MB",
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    for run in runs:
        first = next(other for other in runs if other.engine == run.engine)
        table.add_row(
            run.engine, f"{run.files * ROWS:,}", f"{run.seconds:.2f}", f"{run.rate:,.0f}",
            f"{run.files * run.reading:.2f}", f"{run.files * run.computing:.2f}", f"{run.over_limit:.2f}",
            f"{first.rate / run.rate:.2f}", f"{run.peak.pss:,.0f}", f"{run.peak.rss:,.0f}",
        )  # fmt: skip
    return table


def main() -> None:
    """Write what files are missing, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the files are, or are to be written")
    parser.add_argument("--files", type=int, default=FILES, help=f"files of {ROWS:,} item-sites")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--dask", action="store_true", help="also on a Dask cluster of this machine")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    facts, answers = arguments.folder / "facts", arguments.folder / "answers"
    facts.mkdir(parents=True, exist_ok=True)
    answers.mkdir(exist_ok=True)
    with processes(arguments.workers) as pool:
        paths = list(pool.map(partial(write_file, str(facts)), range(arguments.files)))
        runs = list(sizes("process pool", pool, paths, answers, arguments.workers))
    if arguments.dask:
        with dask_of_this_machine(arguments.workers) as executor:
            runs += sizes("Dask", executor, paths, answers, arguments.workers)
    console.print(table_of(runs))


if __name__ == "__main__":
    main()
