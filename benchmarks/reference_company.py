"""The company of 8,000 items: before as published, after on the same draws.

python -m benchmarks.reference_company                   the committed seed
python -m benchmarks.reference_company --before-only     fit and print the old column, the new policy never run
python -m benchmarks.reference_company --keep-lots       the new policy must order the old lots
python -m benchmarks.reference_company --spread 4        other seeds, and other companies with the same old column
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

from rich.console import Console
from rich.table import Table

from benchmarks.company.columns import Column, Runs, cover_days, fitted
from benchmarks.company.planning import Fit
from benchmarks.company.world import ITEMS, SEED, Traits, company

OTHER_TRAITS = (Traits(4.0, 0.13), Traits(4.0, 0.0), Traits(8.0, 0.25), Traits(2.0, 0.25))
"""Steadier and lumpier companies, each fitted to the same published column."""


def main(arguments: list[str]) -> int:
    """Print the columns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--before-only", action="store_true")
    parser.add_argument("--keep-lots", action="store_true")
    parser.add_argument("--spread", type=int, default=0, metavar="SEEDS")
    chosen = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    started = perf_counter()
    if chosen.spread:
        _spread(chosen.seed, chosen.items, chosen.spread, console)
    else:
        _columns(chosen, console)
    console.print(f"{perf_counter() - started:.0f} s")
    return 0


def _columns(chosen: argparse.Namespace, console: Console) -> None:
    runs = Runs(company(chosen.seed, chosen.items), chosen.seed)
    fit, warm, before = fitted(runs)
    old = runs.column(before, fit)
    console.print(_fit_text(fit))
    if chosen.before_only:
        _show(old, old, console)
        return
    outcome, planner = runs.after(fit, warm, keep_lots=chosen.keep_lots)
    _show(old, runs.column(outcome, fit), console)
    for name, days in cover_days(planner, runs.company.unit_cost).items():
        console.print(
            f"safety-stock cover, days, 5/10/25/50/75/90/95 % of {name}: " + "  ".join(f"{d:.0f}" for d in days)
        )


def _spread(seed: int, items: int, seeds: int, console: Console) -> None:
    table = Table("seed", "lumpiness", "drift", "fit", "before", "after", "stock", "perfect", "expedite", "turns")
    cases = [(seed + k, Traits()) for k in range(seeds)] + [(seed, traits) for traits in OTHER_TRAITS]
    for number, traits in cases:
        runs = Runs(company(number, items, traits), number)
        fit, warm, before = fitted(runs)
        old, new = runs.column(before, fit), runs.column(runs.after(fit, warm)[0], fit)
        table.add_row(
            str(number), f"{traits.lumpiness:g}", f"{traits.quarterly_drift:g}", _fit_text(fit),
            _short(old), _short(new),
            f"{new.stock / old.stock - 1.0:+.1%}", f"{100.0 * (new.perfect - old.perfect):+.1f}",
            f"{new.freight / old.freight - 1.0:+.0%}", f"{new.turns:.2f}",
        )  # fmt: skip
    console.print(table)


def _fit_text(fit: Fit) -> str:
    return f"A lot {fit.lot_days:.0f} d, freight {fit.freight_share:.1%}, 1-{fit.most_lines} lines"


def _short(column: Column) -> str:
    return f"{column.stock / 1e6:.1f} M$, {column.perfect:.1%}, {column.freight / 1e6:.2f} M$"


def _show(old: Column, new: Column, console: Console) -> None:
    table = Table("", "published before", "before", "published after", "after", "change", "wanted")
    change = new.stock / old.stock - 1.0
    table.add_row("stock, M$", "41", _m(old.stock), "33", _m(new.stock), f"{change:+.1%}", "-19.5 %")
    points = 100.0 * (new.perfect - old.perfect)
    table.add_row("perfect orders", "78 %", f"{old.perfect:.1%}", "91 %", f"{new.perfect:.1%}", f"{points:+.1f}", "+13")
    table.add_row("turns", "4.2", f"{old.turns:.2f}", "5.2", f"{new.turns:.2f}", "", "5.2")
    change = new.freight / old.freight - 1.0
    table.add_row("expedite, M$", "1.9", _m(old.freight), "1.1", _m(new.freight), f"{change:+.0%}", "-42 %")
    rows = {
        "stock at year's end, M$": (_m(old.stock_at_end), _m(new.stock_at_end)),
        "rush shipments": (f"{old.rushes:,.0f}", f"{new.rushes:,.0f}"),
        "order lines placed": (f"{old.orders:,.0f}", f"{new.orders:,.0f}"),
        "fill rate, units": (f"{old.fill_rate:.1%}", f"{new.fill_rate:.1%}"),
    }
    for k, name in enumerate("ABC"):
        rows[f"{name}: stock, M$"] = (_m(old.class_stock[k]), _m(new.class_stock[k]))
        rows[f"{name}: lines complete"] = (f"{old.class_lines[k]:.1%}", f"{new.class_lines[k]:.1%}")
    for name, (was, becomes) in rows.items():
        table.add_row(name, "", was, "", becomes, "", "")
    console.print(table)


def _m(money: float) -> str:
    return f"{money / 1e6:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
