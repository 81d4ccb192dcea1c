"""The plan ahead for 100,000 series beside filling its arrays once, and the bill's explosion beside its arithmetic."""

from __future__ import annotations

import numpy as np

from benchmarks.measure import Row, compare
from optimizer.demand.end_of_life import run_out
from optimizer.demand.explosion import BillOfMaterials, explode
from optimizer.demand.horizon import demand_plan
from optimizer.demand.known import KnownRows

SERIES = 100_000


def measure() -> list[Row]:
    """Series per second of a bare plan, of a plan with everything in it, and of a netted explosion."""
    return [_bare(), _full(), _explosion()]


def _write_mean_and_variance() -> None:
    """The least a plan can do: its days and weeks, once each."""
    for _ in ("mean", "variance"):
        np.full((SERIES, 54), 2.0)


def _bare() -> Row:
    level = np.random.default_rng(1).gamma(2.0, 10.0, SERIES)
    ours, limit = compare(lambda: demand_plan(level, 3.0 * level), _write_mean_and_variance)
    return Row(
        "demand plan, level only", "100,000 series", "series", SERIES / ours, "filling its arrays", SERIES / limit
    )


def _full() -> Row:
    rng = np.random.default_rng(2)
    level, rows = rng.gamma(2.0, 10.0, SERIES), 2 * SERIES
    season, trend, promotion = rng.uniform(0.5, 1.5, (3, SERIES, 26))
    life = run_out(np.where(rng.random(SERIES) < 0.05, rng.integers(0, 200, SERIES), np.inf), bleed_days=28)
    known = KnownRows(
        rng.integers(0, SERIES, rows), rng.integers(0, 182, rows), rng.gamma(2.0, 5.0, rows), rng.random(rows) < 0.5
    )

    def plan() -> object:
        return demand_plan(
            level,
            3.0 * level,
            season=season,
            trend=trend,
            promotion=promotion,
            life=life,
            known=known,
            backward_days=7,
            forward_days=7,
        )

    ours, limit = compare(plan, _write_mean_and_variance)
    return Row(
        "demand plan, all of it", "100,000 series", "series", SERIES / ours, "filling its arrays", SERIES / limit
    )


def _explosion() -> Row:
    rng = np.random.default_rng(3)
    level = rng.integers(0, 6, SERIES)
    product, component = rng.integers(0, SERIES, (2, 3 * SERIES))
    down = level[product] < level[component]
    bill = BillOfMaterials(product[down], component[down], np.ones(int(down.sum())), SERIES)
    needs = np.where((level == 0)[:, None], rng.gamma(1.0, 5.0, (SERIES, 28)), 0.0)
    lead, stock = rng.integers(0, 5, SERIES), rng.gamma(1.0, 20.0, SERIES)

    def every_line_once() -> None:
        gathered = needs[bill.product]
        np.multiply(gathered, bill.quantity_per[:, None], out=gathered)

    ours, limit = compare(lambda: explode(bill, needs, lead, on_hand=stock), every_line_once, repeats=3)
    size = f"100,000 items, {int(down.sum()):,} lines"
    return Row("explosion, netted", size, "items", SERIES / ours, "every line gathered", SERIES / limit)
