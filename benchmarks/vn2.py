"""VN2: what the replenishment decision is worth on a grocery chain's real sales.

    python -m benchmarks.vn2 --data DIR                              six windows of the history against baselines
    python -m benchmarks.vn2 --data DIR --cache DIR                  the same, AutoETS fits kept between runs
    python -m benchmarks.vn2 --data DIR --future DIR --orders-out DIR   the game's own weeks, orders for a referee

The rules of the game and of the replay are in `vn2_game`. In the future run, week N's file is opened only after the
orders of round N have been written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.vn2_game import (
    HELD_OUT,
    LEAD_WEEKS,
    ROUNDS,
    WINDOWS,
    Game,
    Played,
    Policy,
    future_weeks,
    play_week,
    play_window,
    read_game,
    write_orders,
)
from benchmarks.vn2_policies import auto_ets, evenkeel, has_auto_ets, last_week, last_week_cover, mean_cover
from optimizer.arguments import FloatArray

OURS = "Evenkeel"
COVERS = (2.5, 3.0, 3.5, 4.0)
RESAMPLES = 4000
PUBLISHED = "organiser's benchmark 4,334, best of the leaderboard 3,763, best known afterwards 3,219"


def main(arguments: list[str]) -> int:
    """Run what was asked for; exit code 1 when the windows miss the promise."""
    parser = argparse.ArgumentParser(prog="benchmarks.vn2", description=__doc__, formatter_class=_Raw)
    parser.add_argument("--data", type=Path, required=True, help="folder with sales_weekly.csv and its companions")
    parser.add_argument("--future", type=Path, help="folder with 'Week N - <date> - Sales.csv'")
    parser.add_argument("--orders-out", type=Path, help="folder for round_1.csv ... round_6.csv")
    parser.add_argument("--cache", type=Path, help="folder for AutoETS fits")
    given = parser.parse_args(arguments)
    if (given.future is None) != (given.orders_out is None):
        parser.error("--future and --orders-out belong together")
    game = read_game(given.data)
    if given.future is not None:
        play_future(game, given.future, given.orders_out)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        return play_history(game, given.cache or Path(scratch))


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of the module's text."""


def play_future(game: Game, future: Path, orders_out: Path, policy: Policy | None = None) -> None:
    """Play the game's own weeks: write the orders of a round, then look at its week.

    A known week shows sales, not whether the shelf was full, so all of them count as in stock.
    """
    player = evenkeel(game, refit_every=1) if policy is None else policy
    orders_out.mkdir(parents=True, exist_ok=True)
    weeks, visible, position = future_weeks(game, future), game.demand, game.opening
    costs: list[float] = []
    while True:
        order = np.zeros(len(game.store))
        if len(costs) < ROUNDS:
            order = player(visible.copy(), position)
            write_orders(orders_out / f"round_{len(costs) + 1}.csv", game, order)
        sold = next(weeks, None)
        if sold is None:
            break
        position, held, lost = play_week(position, sold, order)
        costs.append(float((held + lost).sum()))
        visible = np.concatenate([visible, sold[:, None]], axis=1)
    rounds = min(len(costs) + 1, ROUNDS)
    print(f"{rounds} of {ROUNDS} rounds written to {orders_out.name}/; cost by week: {[round(c, 1) for c in costs]}")
    if rounds < ROUNDS:
        print(f"no file for week {len(costs) + 1}: the later rounds need it")
    counted = costs[LEAD_WEEKS:]
    if counted:
        print(f"weeks 3 to {len(costs)}: {sum(counted):,.1f} (whole game, weeks 3 to 8: {PUBLISHED})")


def play_history(game: Game, cache: Path) -> int:
    """All players on all windows, as a table."""
    console = Console(width=None if sys.stdout.isatty() else 130)
    started = perf_counter()
    played = {OURS: _windows(game, evenkeel(game))}
    played["last week"] = _windows(game, last_week)
    for weeks in COVERS:
        played[f"last week × {weeks:g}"] = _windows(game, last_week_cover(weeks))
        played[f"13-week mean × {weeks:g}"] = _windows(game, mean_cover(weeks))
    print(f"{perf_counter() - started:.1f} s without AutoETS")
    if has_auto_ets():
        started = perf_counter()
        played["AutoETS, 0.833"] = _windows(game, auto_ets(cache))
        print(f"{perf_counter() - started:.1f} s for AutoETS (fits found in the cache included)")
    else:
        print("AutoETS is left out: statsforecast is not installed in this environment")
    console.print(_table(played))
    verdict = judge(played)
    print(verdict.text)
    return 0 if verdict.met else 1


def _windows(game: Game, policy: Policy) -> list[Played]:
    return [play_window(game, window, policy) for window in range(WINDOWS)]


def _table(played: Mapping[str, list[Played]]) -> Table:
    table = Table(
        "cost of weeks 3-8",
        *(f"window {w + 1}{' held' if w in HELD_OUT else ''}" for w in range(WINDOWS)),
        *("tuned", "held out", "pooled", "lost"),
    )
    for name, windows in played.items():
        cost = [float(p.cost.sum()) for p in windows]
        held = sum(cost[w] for w in HELD_OUT)
        lost = sum(float(p.shortage.sum()) for p in windows)
        table.add_row(name, *(f"{c:,.0f}" for c in [*cost, sum(cost) - held, held, sum(cost), lost]))
    return table


@dataclass(frozen=True)
class Verdict:
    """Saving against the best baseline, share of its cost, with the ends of a paired 95 % interval."""

    baseline: str
    saving: float
    low: float
    high: float
    held_out_saving: float
    windows_won: int

    @property
    def met(self) -> bool:
        """At least 5 % pooled, and four windows of six."""
        return self.saving >= 0.05 and self.windows_won >= 4

    @property
    def text(self) -> str:
        """For people."""
        return (
            f"against the best baseline ({self.baseline}): pooled cost {-self.saving:+.1%} "
            f"(95 % interval {-self.high:+.1%} to {-self.low:+.1%}), held-out windows {-self.held_out_saving:+.1%}, "
            f"better on {self.windows_won} of {WINDOWS} windows"
        )


def judge(played: Mapping[str, list[Played]]) -> Verdict:
    """Ours against the baseline with the lowest pooled cost; whole series are resampled, all windows together."""
    cost = {name: np.stack([p.cost.sum(axis=1) for p in windows]) for name, windows in played.items()}
    best = min((name for name in cost if name != OURS), key=lambda name: (float(cost[name].sum()), name))
    ours, theirs = cost[OURS], cost[best]
    low, high = np.quantile(_resampled(ours.sum(axis=0), theirs.sum(axis=0)), [0.025, 0.975])
    kept = list(HELD_OUT)
    return Verdict(
        best,
        float(1.0 - ours.sum() / theirs.sum()),
        float(low),
        float(high),
        float(1.0 - ours[kept].sum() / theirs[kept].sum()),
        int((ours.sum(axis=1) < theirs.sum(axis=1)).sum()),
    )


def _resampled(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    random = np.random.default_rng(1)
    drawn = random.integers(len(ours), size=(RESAMPLES, len(ours)))
    return np.asarray(1.0 - ours[drawn].sum(axis=1) / theirs[drawn].sum(axis=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
