"""Demand kernels beside statsforecast, beside a bootstrap, and beside numpy's own rate on vectors in cache."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Row, compare, seconds
from optimizer.demand.history import BLOCK_BYTES
from optimizer.demand.moments import demand_moments
from optimizer.demand.smoothing import smooth, smooth_intermittent
from optimizer.demand.smoothing_choice import choose_smoothing
from optimizer.laws.empirical import empirical_demand

PERIODS = 104
# Vector operations every value goes through, by kind. Smoothing: the check's maximum; the transposition's copy; the
# comparison and the cast of an event; three operations on bytes to count it; then arithmetic: keep, size, backlog,
# chance and level, two each. Spread: subtraction, sum, square, sum in float64, and for float32 a cast before them. Not
# counted is what only some values or series need: the search for the first demand (a comparison and two operations on
# bytes in 16 of the periods), gaps, and the estimates and classes made of the final states.
MAXIMA, COPIES, COMPARISONS, CASTS, BYTES, ARITHMETIC = 1, 1, 1, 1, 3, 10
SMOOTHING_OPERATIONS = MAXIMA + COPIES + COMPARISONS + CASTS + BYTES + ARITHMETIC
SPREAD_OPERATIONS = {"float64": 4, "float32": 5}

History = NDArray[np.floating[Any]]


def measure() -> list[Row]:
    """Every row of the room."""
    rows = []
    for series in (10_000, 100_000):
        rows += _against_statsforecast(series)
    rows += _against_its_kernels(10_000)
    rows += _against_the_cache()
    rows += _against_targets()
    rows.append(_against_a_bootstrap())
    return rows


def _history(series: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(7)
    return rng.poisson(rng.uniform(0.1, 1.5, (series, 1)), (series, PERIODS)).astype(np.float64)


def _smoothing(history: History) -> Callable[[], object]:
    # The peer starts TSB's probability with the first period's event; so do we here, for equal answers.
    started = (history[:, 0] > 0.0).astype(np.float64)
    return lambda: smooth_intermittent(history, alpha=0.1, beta=0.1, initial_probability=started)


def _against_statsforecast(series: int) -> list[Row]:
    pandas: Any = importlib.import_module("pandas")
    forecasting: Any = importlib.import_module("statsforecast")
    models: Any = importlib.import_module("statsforecast.models")
    history = _history(series)
    frame = pandas.DataFrame(
        {
            "unique_id": np.repeat(np.arange(series), PERIODS),
            "ds": np.tile(np.arange(PERIODS), series),
            "y": history.ravel(),
        }
    )
    peer = forecasting.StatsForecast([models.CrostonSBA(), models.TSB(0.1, 0.1)], freq=1)
    answer = peer.forecast(df=frame, h=1)
    ours = smooth_intermittent(history, initial_probability=(history[:, 0] > 0.0).astype(np.float64))
    np.testing.assert_allclose(ours.sba, answer["CrostonSBA"], rtol=1e-12)
    np.testing.assert_allclose(ours.tsb, answer["TSB"], rtol=1e-12, atol=1e-12)
    rows = []
    for kind, target in ((np.float64, 60.0), (np.float32, 100.0)):
        mine = _smoothing(history.astype(kind))
        fast, slow = compare(
            mine, lambda: peer.forecast(df=frame, h=1), repeats=5 if series < 50_000 else 3, clock=time.process_time
        )
        rows.append(
            Row(
                f"SBA + TSB, {np.dtype(kind).name}",
                f"{series:,} x {PERIODS}",
                "series",
                series / fast,
                "statsforecast 2.1 forecast(h=1)",
                series / slow,
                target,
            )
        )
    return rows


def _against_its_kernels(series: int) -> list[Row]:
    models: Any = importlib.import_module("statsforecast.models")

    history = _history(series)

    def peer() -> None:
        for one in history:
            models._croston_sba(one, 1, False)
            models._tsb(one, 1, False, 0.1, 0.1)

    rows = []
    for kind, target in ((np.float64, 35.0), (np.float32, 35.0)):
        fast, slow = compare(_smoothing(history.astype(kind)), peer, clock=time.process_time)
        name = f"SBA + TSB, {np.dtype(kind).name}"
        size = f"{series:,} x {PERIODS}"
        rows.append(Row(name, size, "series", series / fast, "its kernels, called directly", series / slow, target))
    return rows


def _smoothing_in_cache(kind: type[Any], blocks: int) -> Callable[[], None]:
    """The vector operations counted above for so many blocks, on vectors of 128 KiB that stay in second-level cache.

    Each is of its own kind and precision, as long as a block's, and written into memory it has. What smoothing has
    besides: histories come by row from main memory, a block of them does not fit the cache, and what is not counted.
    """
    length = BLOCK_BYTES // np.dtype(kind).itemsize
    states, news = [np.zeros(length, kind) for _ in range(5)], np.full(length, 0.5, kind)
    bits, event = news.view(np.dtype(f"u{news.itemsize}")), np.zeros(length, np.bool_)
    small = [np.zeros(length, np.uint8) for _ in range(2)]

    def run() -> None:
        for _ in range(blocks * PERIODS):
            for _ in range(MAXIMA):
                np.maximum.reduce(bits, axis=None)
            for _ in range(COPIES):
                np.copyto(states[0], news)
            for _ in range(COMPARISONS):
                np.greater(news, 0.0, out=event)
            for _ in range(CASTS):
                np.copyto(states[0], event)
            for _ in range(BYTES):
                np.maximum(small[0], small[1], out=small[0])
            for step in range(ARITHMETIC):
                operation = np.add if step % 2 else np.multiply
                operation(states[step // 2], news, out=states[step // 2])

    return run


def _spread_in_cache(kind: type[Any], blocks: int) -> Callable[[], None]:
    """The same for the spread, whose vectors are float64 whatever the history."""
    length = BLOCK_BYTES // np.dtype(kind).itemsize
    narrow, wide, sums = np.full(length, 0.5, kind), np.zeros(length), [np.zeros(length) for _ in range(2)]
    cast = np.dtype(kind) != wide.dtype

    def run() -> None:
        for _ in range(blocks * PERIODS):
            if cast:
                np.copyto(wide, narrow)
            np.subtract(wide, sums[0], out=wide)
            np.add(sums[0], wide, out=sums[0])
            np.multiply(wide, wide, out=wide)
            np.add(sums[1], wide, out=sums[1])

    return run


def _against_the_cache() -> list[Row]:
    rows, blocks = [], 4
    kinds: tuple[type[Any], ...] = (np.float64, np.float32)
    for kind in kinds:
        series = blocks * BLOCK_BYTES // np.dtype(kind).itemsize
        history: History = _history(series).astype(kind)
        smoothed, spread = _smoothing_in_cache(kind, blocks), _spread_in_cache(kind, blocks)
        more = SPREAD_OPERATIONS[np.dtype(kind).name]
        jobs: tuple[tuple[str, Callable[[History], object], tuple[Callable[[], None], ...], int], ...] = (
            ("smoothing", smooth, (smoothed,), SMOOTHING_OPERATIONS),
            ("moments and class", demand_moments, (smoothed, spread), SMOOTHING_OPERATIONS + more),
        )
        for job, mine, mix, each in jobs:
            fast, limit = _alike(partial(mine, history), partial(_run, mix))
            operations = each * PERIODS * series
            name, size = f"{job}, {np.dtype(kind).name}", f"{series:,} x {PERIODS}"
            same = "the same in numpy, in cache"
            rows.append(Row(name, size, "operations", operations / fast, same, operations / limit, 0.6))
    return rows


def _alike(ours: Callable[[], object], limit: Callable[[], object]) -> tuple[float, float]:
    """Seconds of each in turns of four calls for both, the fastest call of each.

    `compare` would give the slower side one call a turn, right after the other side and a collection of garbage have
    taken the caches, and the quicker one a second call without: a sixth of a kernel that otherwise runs block on block.
    """
    best = [float("inf"), float("inf")]
    for _ in range(10):
        for number, side in enumerate((ours, limit)):
            best[number] = min(best[number], seconds(side, time.process_time, 4))
    return best[0], best[1]


def _run(jobs: tuple[Callable[[], None], ...]) -> None:
    for job in jobs:
        job()


def _rate(job: Callable[[], object], series: int) -> float:
    job()
    return series / min(seconds(job, time.process_time) for _ in range(5))


def _against_targets() -> list[Row]:
    """Rates promised in series per second; they move with whatever else the machine does."""
    series = 65_536
    history = _history(series)
    short, size = history.astype(np.float32), f"{series:,} x {PERIODS}"
    jobs: tuple[tuple[str, Callable[[], object], float], ...] = (
        ("smoothing, float64", lambda: smooth(history), 1.5e6),
        ("smoothing, float32", lambda: smooth(short), 3.0e6),
        ("moments and class, float64", lambda: demand_moments(history), 1.5e6),
        ("moments and class, float32", lambda: demand_moments(short), 3.0e6),
        ("SBA on 8 weights with error choice, float32", lambda: choose_smoothing(short), 0.4e6),
    )
    return [Row(name, size, "series", _rate(job, series), "rate in view", rate) for name, job, rate in jobs]


def _against_a_bootstrap() -> Row:
    series, periods, draws = 4_096, 4, 1_000
    history = _history(series)
    rng = np.random.default_rng(3)

    def bootstrap() -> NDArray[np.float64]:
        answer = np.empty(series)
        for start in range(0, series, 256):
            part = history[start : start + 256]
            picks = rng.integers(0, PERIODS, (len(part), draws, periods))
            drawn = np.take_along_axis(part, picks.reshape(len(part), -1), axis=1).reshape(picks.shape).sum(axis=2)
            answer[start : start + 256] = np.quantile(drawn, 0.98, axis=1, method="inverted_cdf")
        return answer

    fast, slow = compare(
        lambda: empirical_demand(history, periods, cells=64).quantile(0.98),
        bootstrap,
        repeats=3,
        clock=time.process_time,
    )
    size = f"{series:,} x {PERIODS}, {periods} periods"
    return Row("98 % of empirical demand", size, "series", series / fast, "bootstrap of 1,000", series / slow, 10.0)
