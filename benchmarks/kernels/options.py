"""Option pricing: whole curves of exceptions beside the loss function alone, simulation, and the target."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from benchmarks.measure import Row, compare
from optimizer.options.confidence import ParameterDraws, ranking_confidence
from optimizer.options.curve import option_curve
from optimizer.options.option_flips import Ranked, unit_cost_flips
from optimizer.options.pricing import price_options, surface_of
from optimizer.options.rows import OptionRows
from optimizer.options.worlds import Worlds
from optimizer.risk.inbound import InboundSchedule

NEEDS, OPTIONS, LOTS, DAYS = 2_048, 5, 10, 28
PATHS = 500
TARGET = 20_000.0


def measure() -> list[Row]:
    """Every row of the room."""
    return [*_curves(), _simulation(), _prices(), _confidence(), _flips()]


def _exceptions(needs: int, orders: int) -> tuple[OptionRows, NDArray[np.float64]]:
    """Hold and four options per need, each arriving over a week; stock for up to the horizon."""
    rng = np.random.default_rng(3)
    mean = rng.gamma(2.0, 5.0, needs) + 0.1
    count = needs * orders
    worlds = Worlds(
        on_hand=mean * rng.uniform(0.0, 1.0, needs) * DAYS,
        mean_per_day=mean,
        sd_per_day=mean * rng.uniform(0.3, 1.5, needs),
        horizon_days=np.full(needs, DAYS),
        inbound=InboundSchedule(
            np.repeat(np.arange(needs), orders), np.repeat(mean, orders) * 7.0, _week(rng.integers(1, 20, count))
        )
        if orders
        else None,
    )
    world = np.repeat(np.arange(needs), OPTIONS)
    rows = len(world)
    arrival = _week(rng.integers(1, 20, rows))
    arrival[::OPTIONS] = 0.0
    options = OptionRows(
        worlds, world, world, 7.0 * mean[world] * (np.arange(rows) % OPTIONS > 0), arrival, rng.uniform(0.5, 2.0, rows),
        np.full(rows, 5.0), np.full(rows, 20.0), np.full(rows, 0.01),
    )  # fmt: skip
    return options, 2.0 * mean[world]


def _week(first: NDArray[np.int64]) -> NDArray[np.float64]:
    arrival = np.zeros((len(first), DAYS))
    for later in range(7):
        arrival[np.arange(len(first)), first + later] = (1 + min(later, 6 - later)) / 16.0
    return arrival


def _curves() -> list[Row]:
    rows = []
    rng = np.random.default_rng(1)
    cells = NEEDS * OPTIONS * LOTS
    shape, level = rng.gamma(2.0, 5.0, cells), rng.gamma(2.0, 5.0, cells)
    for orders, name in ((0, "no open order"), (1, "one uncertain order")):
        options, lot = _exceptions(NEEDS, orders)
        ours, limit = compare(partial(option_curve, options, lot, LOTS), partial(gammaincc, shape, level))
        size = f"{OPTIONS} options x {LOTS} lots, {DAYS} days, {name}"
        rows.append(Row("cost curves", size, "exceptions", NEEDS / ours, "a gammaincc per lot", NEEDS / limit))
        target = 1.0 if orders == 0 else None
        rows.append(Row("cost curves", size, "exceptions", NEEDS / ours, "rate in view", TARGET, target))
    return rows


def _simulation() -> Row:
    """The same losses from paths: one set of paths per need, used for every option and lot."""
    options, lot = _exceptions(64, 1)
    rng = np.random.default_rng(2)
    worlds = options.worlds
    assert worlds.inbound is not None
    law = np.cumsum(worlds.inbound.arrival_probability, axis=1)
    own = np.cumsum(options.arrival_probability, axis=1)

    def simulate() -> None:
        for need in range(64):
            mean, sd = worlds.mean_per_day[need], worlds.sd_per_day[need]
            net = np.cumsum(rng.gamma((mean / sd) ** 2, sd * sd / mean, (PATHS, DAYS)), axis=1) - worlds.on_hand[need]
            net -= worlds.inbound.quantity[need] * (rng.random((PATHS, 1)) < law[need])  # type: ignore[union-attr]  # as above
            for row in range(need * OPTIONS, (need + 1) * OPTIONS):
                here = rng.random((PATHS, 1)) < own[row]
                for lots in range(1, LOTS + 1):
                    np.maximum((net - lots * lot[row] * here).max(axis=1), 0.0).mean()

    ours, theirs = compare(lambda: option_curve(options, lot, LOTS), simulate, repeats=3)
    size = f"{OPTIONS} options x {LOTS} lots, one uncertain order"
    return Row("cost curves", size, "exceptions", 64 / ours, f"numpy, {PATHS} paths", 64 / theirs, 12.0)


def _prices() -> Row:
    options, _ = _exceptions(NEEDS, 1)
    single = options.take(np.arange(64 * OPTIONS))

    def one_by_one() -> None:
        for need in range(64):
            price_options(single.alone(np.arange(need * OPTIONS, (need + 1) * OPTIONS)))

    ours, alone = compare(lambda: price_options(options), one_by_one, repeats=3)
    return Row(
        "prices", f"{NEEDS:,} needs x {OPTIONS} options", "needs", NEEDS / ours, "a call per need", 64 / alone, 5.0
    )


def _ranked(needs: int) -> Ranked:
    options, _ = _exceptions(needs, 1)
    case = np.repeat(np.arange(needs), OPTIONS)
    return Ranked(options, case, np.ones(len(case), dtype=np.bool_), 0.0)


def _confidence() -> Row:
    ranked = _ranked(32)
    draws = ParameterDraws.drawn(np.random.default_rng(5), 64, 32, len(ranked.case))
    ours, once = compare(
        lambda: ranking_confidence(ranked.rows, ranked.case, draws), lambda: price_options(ranked.rows), repeats=3
    )
    return Row("ranking under error, 64 draws", "32 needs", "draws", 64 / ours, "pricing once", 1 / once)


def _flips() -> Row:
    ranked = _ranked(256)
    surface = surface_of(ranked.rows)
    row = np.arange(256) * OPTIONS + 1
    ours, once = compare(
        lambda: unit_cost_flips(ranked, surface, np.zeros(256), np.full(256, 60.0), row=row),
        lambda: [price_options(ranked.rows) for _ in range(2)],
        repeats=3,
    )
    return Row("unit cost flip points", "256 needs x 5 options", "needs", 256 / ours, "pricing twice", 256 / once)
