"""The VN2 inventory game: its data, its rules and a referee.

Rules
-----
1. A week: what arrives is received at its start, sales are the week's demand as far as stock goes, the rest is lost;
   0.20 is paid per unit left at the end of the week and 1.00 per unit lost.
2. An order placed after week X is received at the start of week X + 3. Two orders are therefore always under way: those
   received at the start of week X + 1 (``in_transit_w1``) and X + 2 (``in_transit_w2``). Supply is unlimited.
3. Six rounds: orders after weeks 0 to 5, received in weeks 3 to 8, whose cost counts. Weeks 1 and 2 cannot be helped.
4. The demand of a week is its recorded sales and becomes visible after it, whatever stock a player had.
5. Replaying history, a week flagged as not in stock tells nothing about demand: nothing is sold in it and neither what
   is left nor what is lost is counted, for every policy alike; a policy sees it as missing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from optimizer.arguments import FloatArray, IntArray

HOLDING_COST, SHORTAGE_COST = 0.20, 1.00
LEAD_WEEKS = 2
"""Weeks whose sales come between an order and its arrival."""
ROUNDS = 6
WEEKS = 8
WARM_UP = 12
WINDOWS = 6
HELD_OUT = (2, 5)
"""Windows (0 to 5) on which nothing was tuned: one in the middle of the year, and the last."""
_FUTURE_FILE = re.compile(r"Week (\d+) - (\d{4}-\d{2}-\d{2}) - Sales\.csv")


@dataclass(frozen=True)
class Position:
    """Units of each series before a week: on hand, arriving at the start of that week, and at that of the next."""

    on_hand: FloatArray
    arriving: FloatArray
    arriving_next: FloatArray


Policy = Callable[[FloatArray, Position], FloatArray]
"""From the visible weeks ``(n, weeks)``, NaN where not in stock, and the position: units to order, ``(n,)``."""


@dataclass(frozen=True)
class Game:
    """The public data: demand ``(n, weeks)`` with NaN where not in stock, who is who, and the opening position."""

    store: IntArray
    product: IntArray
    groups: IntArray
    mondays: tuple[date, ...]
    demand: FloatArray
    opening: Position


@dataclass(frozen=True)
class Played:
    """Cost of each series and week, ``(n, weeks)``, money."""

    holding: FloatArray
    shortage: FloatArray

    @property
    def cost(self) -> FloatArray:
        """Both."""
        return self.holding + self.shortage


def read_game(folder: Path) -> Game:
    """The game as it lies in `folder`, see the data set's README."""
    head, sales = _rows(folder / "sales_weekly.csv")
    _, flags = _rows(folder / "in_stock_weekly.csv")
    _, stock = _rows(folder / "stock_snapshot.csv")
    _, products = _rows(folder / "products.csv")
    keys = [row[:2] for row in sales]
    if keys != [row[:2] for row in flags] or keys != [row[:2] for row in stock]:
        raise ValueError(f"{folder}: sales, flags and stock must list the same store-product pairs in one order")
    sold = np.array([row[2:] for row in sales], dtype=np.float64)
    in_stock = np.array([row[2:] for row in flags], dtype=np.float64) > 0.0
    # product, product_group, division, department, department_group: from the coarsest to the product itself.
    lines = {row[0]: [int(code) for code in row[:0:-1]] + [int(row[0])] for row in products}
    on_hand, first, second = np.array([row[3:6] for row in stock], dtype=np.float64).T
    return Game(
        np.array([int(key[0]) for key in keys]),
        np.array([int(key[1]) for key in keys]),
        np.array([lines[key[1]] for key in keys]),
        tuple(date.fromisoformat(day) for day in head[2:]),
        np.where(in_stock, sold, np.nan),
        Position(on_hand, first, second),
    )


def play_week(position: Position, demand: FloatArray, order: FloatArray) -> tuple[Position, FloatArray, FloatArray]:
    """One week: the position after it, what it cost to hold and to lose, ``(n,)`` each."""
    counts = ~np.isnan(demand)
    wanted = np.where(counts, demand, 0.0)
    available = position.on_hand + position.arriving
    left = np.maximum(available - wanted, 0.0)
    lost = np.maximum(wanted - available, 0.0)
    after = Position(left, position.arriving_next, order)
    return after, HOLDING_COST * left * counts, SHORTAGE_COST * lost


def window_start(game: Game, window: int) -> int:
    """Column of the window's first week: six windows of eight weeks end with the history."""
    return len(game.mondays) - (WINDOWS - window) * WEEKS


def play_window(game: Game, window: int, policy: Policy) -> Played:
    """Twelve weeks of warm-up and eight weeks, of which weeks 3 to 8 are returned.

    The warm-up starts from two mean weeks on hand and one in each of the two orders under way, the mean being that of
    the 13 weeks before, rounded up; from there on every policy lives with its own orders.
    """
    start = window_start(game, window)
    mean = np.ceil(recent_mean(game.demand[:, : start - WARM_UP]))
    position = Position(2.0 * mean, mean, mean)
    holding, shortage = [], []
    for week in range(start - WARM_UP, start + WEEKS):
        order = policy(game.demand[:, :week].copy(), position)
        position, held, lost = play_week(position, game.demand[:, week], order)
        if week >= start + LEAD_WEEKS:
            holding.append(held)
            shortage.append(lost)
    return Played(np.stack(holding, axis=1), np.stack(shortage, axis=1))


def recent_mean(demand: FloatArray, weeks: int = 13) -> FloatArray:
    """Mean of the last weeks in stock, 0 where there is none."""
    last = demand[:, -weeks:]
    known = ~np.isnan(last)
    return np.asarray(np.where(known, last, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def future_weeks(game: Game, folder: Path) -> Iterator[FloatArray]:
    """Sales of week 1, 2, ... ``(n,)``, each file opened only when its week is asked for.

    Only the column of the week's own Monday is read. Ends with the last file there is.

    Raises
    ------
    ValueError
        If a file's date is not that week's Monday, or the column or a pair is missing.
    """
    files = {int(m[1]): (path, m[2]) for path in folder.iterdir() if (m := _FUTURE_FILE.fullmatch(path.name))}
    for week in range(1, WEEKS + 1):
        if week not in files:
            return
        path, day = files[week]
        monday = game.mondays[-1] + timedelta(weeks=week)
        if date.fromisoformat(day) != monday:
            raise ValueError(f"{path.name}: week {week} must start on {monday}")
        yield _sales_of(path, monday, game)


def _sales_of(path: Path, monday: date, game: Game) -> FloatArray:
    head, rows = _rows(path)
    days = [name[:10] for name in head]
    if head[:2] != ["Store", "Product"] or monday.isoformat() not in days:
        raise ValueError(f"{path.name}: columns must be Store, Product, <Mondays> with {monday}, got {head[:3]} ...")
    column = days.index(monday.isoformat())
    sold = {(int(row[0]), int(row[1])): float(row[column]) for row in rows}
    missing = [pair for pair in zip(game.store.tolist(), game.product.tolist(), strict=True) if pair not in sold]
    if missing:
        raise ValueError(f"{path.name}: no row for store {missing[0][0]}, product {missing[0][1]}")
    return np.array([sold[pair] for pair in zip(game.store.tolist(), game.product.tolist(), strict=True)])


def write_orders(path: Path, game: Game, order: FloatArray) -> None:
    """Orders of a round as ``Store,Product,quantity``, whole units."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["Store", "Product", "quantity"])
        out.writerows(zip(game.store.tolist(), game.product.tolist(), np.rint(order).astype(int).tolist(), strict=True))


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        head, *rows = csv.reader(file)
    return head, rows
