"""Are the troubles found, in time, and nothing else? Detectors over a world with troubles put in, and a clean one.

    python -m benchmarks.detection                    200 items at eight sites, looked at daily for ten weeks
    python -m benchmarks.detection 500                another number of items
    python -m benchmarks.detection --write            also write benchmarks/results/detection.md

A trouble counts as put in once it had the days to show itself that its row states. An alarm is the first finding of its
kind at a place after a look without one; it is right when the generator's law, not the detector, says so.
"""

from __future__ import annotations

import argparse
import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from os import cpu_count
from pathlib import Path
from statistics import median

import numpy as np
from sqlalchemy import create_engine

from benchmarks.injected import CLEAN, REVIEW_DAYS, SITES, START, InjectedWorld
from inventory.records import CaseKind, Finding
from inventory.tables import metadata
from optimizer.laws.demand_law import demand_tail
from tools.arrays import build_arrays
from tools.detect import detect
from tools.detectors.rise import FALSE_RISES_PER_WEEK
from tools.health import check_health
from tools.lead_times import LeadTimes
from tools.outlook import Outlook, look_ahead
from tools.shared import SharedFacts
from tools.signals import Shelf, Signals
from tools.thresholds import Thresholds, packaged_thresholds, parse_thresholds

Key = tuple[str, ...]
"""Kind or cause, and the place: item and site, a supplier, or a site."""
SHORT = "projected_stockout"


@dataclass
class Alarms:
    """What was found at each place: first looks of its spells, and the last day it was seen."""

    began: dict[Key, list[int]] = field(default_factory=lambda: defaultdict(list))
    last: dict[Key, int] = field(default_factory=dict)
    windows: dict[Key, list[int]] = field(default_factory=lambda: defaultdict(list))
    looks: int = 0

    def see(self, day: int, before: int, found: dict[Key, int]) -> None:
        """Note the findings of a look; `before` is the day of the look before it."""
        self.looks += 1
        for key, window in found.items():
            if self.last.get(key, -1) != before or before < 0:
                self.began[key].append(day)
                self.windows[key].append(window)
            self.last[key] = day

    def of(self, name: str) -> dict[Key, list[int]]:
        """Spells of one kind or cause, by place."""
        return {key[1:]: days for key, days in self.began.items() if key[0] == name}


@dataclass(frozen=True)
class Score:
    """How one kind did."""

    name: str
    injected: int
    found: int
    alarms: int
    right: int
    given_days: int
    covered: int = 0
    """Put in, and found under this kind or another: an item-site has one finding, of what explains most."""
    warnings: tuple[float, ...] = ()
    """Days from the first alarm to each true stockout that was warned of."""
    half_lead_times: tuple[float, ...] = ()

    @property
    def recall(self) -> float:
        """Share of what was put in that was found."""
        return self.found / self.injected if self.injected else 1.0

    @property
    def precision(self) -> float:
        """Share of alarms that were right."""
        return self.right / self.alarms if self.alarms else 1.0


def watch(world: InjectedWorld, *, every: int = 1, given_forecasts: bool = True) -> Alarms:
    """Look at the world as a sweep does, each look knowing what the one before found.

    Parameters
    ----------
    given_forecasts
        Forecasts come from outside, some of them biased; without, smoothed demand is judged.
    """
    thresholds = parse_thresholds(packaged_thresholds())
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    alarms, standing, before = Alarms(), frozenset[tuple[str, str, str]](), -1
    with engine.connect() as connection:
        for day in world.looks(every):
            snapshot = world.snapshot(day)
            lead_times = LeadTimes.of(snapshot)
            arrays = build_arrays(
                snapshot,
                world.ledger(snapshot),
                SharedFacts.of(snapshot, lead_times),
                horizon_days=int(thresholds.value("horizon", "days")),
            )
            outlook = look_ahead(arrays, lead_times, thresholds)
            forecast = world.forecast() if given_forecasts else None
            signals = Signals.of(arrays, thresholds, shelf=Shelf.of(snapshot, arrays), forecast=forecast)
            found = detect(outlook, thresholds, standing, signals=signals)
            standing = frozenset((finding.kind.value, finding.item, finding.site) for finding in found)
            now = START + timedelta(days=day)
            health = check_health(connection, snapshot, lead_times, thresholds, now).findings
            alarms.see(day, before, _keys([*found, *health], outlook))
            before = day
    engine.dispose()
    return alarms


def _keys(found: list[Finding], outlook: Outlook) -> dict[Key, int]:
    """Kind and cause of each finding with its place, and the window of its row."""
    keys: dict[Key, int] = {}
    for finding in found:
        row = outlook.arrays.row_of.get((finding.item, finding.site))
        window = int(outlook.window_days[row]) if row is not None else 0
        place = (finding.item, finding.site) if finding.item else (finding.supplier or finding.site,)
        keys[(finding.kind.value, *place)] = window
        cause = finding.cause.split(":")[0]
        keys[(f"{finding.kind.value}/{cause}", *place)] = window
        if finding.kind is CaseKind.SUPPLIER_DELAY:
            keys[(finding.kind.value, finding.supplier)] = window
        if cause == "stale_feed":
            keys[(f"{finding.kind.value}/{cause}", finding.cause.split(":")[1], finding.site)] = window
    return keys


class Judge:
    """What the generator's law says about a world and the alarms it raised."""

    def __init__(self, world: InjectedWorld, alarms: Alarms) -> None:
        self.world, self.alarms = world, alarms
        self.places = world.names
        self.row: dict[Key, int] = {place: row for row, place in enumerate(self.places)}
        self.end = world.first_day + world.days

    def scores(self) -> list[Score]:
        """Every kind, and the data problems by cause as well."""
        rows = self._rows
        # What a phantom leaves is demand that stopped, as far as the records go.
        shifted = rows("phantom") | rows("surge") | rows("drop") | rows("dying")
        slow: set[Key] = {(self.world.supplier_name(n),) for n in (*self.late, *self.world.truth.drifting_supplier)}
        late: set[Key] = {(self.world.supplier_name(n),) for n in self.late}
        drifting: set[Key] = {(self.world.supplier_name(n),) for n in self.world.truth.drifting_supplier}
        silent: set[Key] = {(site,) for site in self.world.truth.silent}
        causes = [
            self._place("data_problem/stock_mismatch", self._miscounted(), 1),
            self._place("data_problem/phantom_stock", rows("phantom", 35), 35, right=rows("phantom") | rows("dying")),
            self._place("data_problem/duplicate_orders", self._doubled(), 1, right=rows("duplicated")),
            self._place("data_problem/stale_feed", set(self.world.truth.stale), 3, only=2),
            self._place("data_problem/missing_demand", silent, 1),
            self._place("data_problem/lead_time", set(), 1, right=slow),
        ]
        return [
            self._stockouts("projected_stockout"),
            self._stockouts("projected_stockout, cause two weeks old", since_days=14),
            self._place("supplier_delay", late, 10, right=slow, only=1),
            _sum("data_problem", causes),
            *causes,
            self._place("lead_time_drift", drifting, 70, right=slow),
            self._place("demand_shift", rows("surge", 28) | rows("drop", 28), 28, right=shifted),
            self._place("forecast_bias", rows("biased"), 1, right=rows("biased") | shifted),
            self._place("excess", rows("excess"), 1, holds=self._is_excess),
            self._place("obsolescence/expires", rows("expiring"), 1),
            self._place("obsolescence/dying", rows("dying", 63), 63, right=rows("dying") | rows("phantom")),
            self._place("imbalance", set(), 1, holds=self._is_short),
        ]

    @property
    def late(self) -> dict[int, int]:
        """Suppliers that are late, and since when."""
        return self.world.truth.late_supplier

    def _rows(self, name: str, days: int = 1) -> set[Key]:
        """Places of a trouble that had so many days to show itself."""
        since = self.world.truth.since[name]
        return {self.places[row] for row in np.flatnonzero((since >= 0) & (since + days <= self.end)).tolist()}

    def _miscounted(self) -> set[Key]:
        since, book = self.world.truth.since["miscounted"], self.world.book
        rows = [(place, self.row[place]) for place in self._rows("miscounted")]
        return {place for place, row in rows if int(book[row, since[row] : self.end].max()) >= 7}

    def _doubled(self) -> set[Key]:
        orders = self.world.orders
        return {
            self.places[row]
            for row, placed, arrives, twice in zip(orders.row, orders.placed, orders.arrives, orders.twice, strict=True)
            if twice and placed < self.end - 1 and arrives > self.world.first_day
        }

    def _place(
        self,
        name: str,
        injected: set[Key],
        days: int,
        *,
        right: set[Key] | None = None,
        holds: Callable[[Key, int], bool] | None = None,
        only: int = 0,
    ) -> Score:
        """A kind whose truth is a set of places, or a condition on place and day.

        Parameters
        ----------
        only
            Length of the places counted, where a kind has findings about several.
        """
        raised = {key: days for key, days in self.alarms.of(name).items() if not only or len(key) == only}
        good = injected if right is None else right
        hits = sum(1 for key, began in raised.items() if key in good or (holds is not None and holds(key, began[0])))
        found = len(injected & set(raised))
        covered = len(injected & (set(raised) | {key[1:] for key in self.alarms.began if len(key) == 3}))
        return Score(name, len(injected), found, len(raised), hits, days, covered)

    def _is_excess(self, place: Key, day: int) -> bool:
        """More than half of it is left after half a year at the true rate, give or take a tenth."""
        row = self.row[place]
        rate = self.world.rate[row, -1] / 7.0
        stock = float(self.world.book[row, day] + self.world.on_order[row, day])
        return bool(stock - 182.0 * rate >= 0.45 * float(self.world.book[row, day]))

    def _is_short(self, place: Key, day: int) -> bool:
        """Its position does not cover mean demand of lead time and review with two standard deviations."""
        row, world = self.row[place], self.world
        days = float(world.lead_mean[world.supplier[row]]) + 7.0
        mean = days * float(world.rate[row, -1]) / 7.0
        position = float(world.book[row, day] + world.on_order[row, day])
        spread = float(np.sqrt(mean + (mean / days * world.lead_sd[world.supplier[row]]) ** 2))
        return bool(position < mean + 2.0 * spread)

    def _stockouts(self, name: str, *, since_days: int = 0) -> Score:
        """True stockouts are runs of days with demand unmet that cost at least what the threshold asks for.

        Parameters
        ----------
        since_days
            Only those that begin so long after a surge.
        """
        world, margin = self.world, 0.7 * self.world.cost[self.world.item]
        least = parse_thresholds(packaged_thresholds()).value(SHORT, "minimum_money")
        alarms, late = self.alarms.of(SHORT), self.alarms.of("supplier_delay")
        hidden = world.truth.since["phantom"] >= 0
        injected, found, warnings, halves = 0, 0, [], []
        for row in np.flatnonzero((world.lost.sum(axis=1) > 0) & ~hidden).tolist():
            out = np.flatnonzero(world.lost[row, : self.end] > 0)
            out = out[out > world.first_day]
            if not out.size or float(world.lost[row, out[0] :].sum()) * margin[row] < least:
                continue
            if world.truth.since["surge"][row] >= 0 and out[0] < world.truth.since["surge"][row] + since_days:
                continue
            injected += 1
            days = [*alarms.get(self.places[row], []), *late.get(self.places[row], [])]
            early = [int(out[0]) - day for day in days if day < out[0]]
            if early:
                found += 1
                warnings.append(max(early))
                halves.append(0.5 * float(world.lead_mean[world.supplier[row]]))
        raised = right = 0
        for place, days in alarms.items():
            row = self.row[place]
            if hidden[row]:
                continue
            raised += 1
            window = self.alarms.windows[(SHORT, *place)][0]
            right += int(world.lost[row, days[0] : days[0] + window + 3].sum() > 0)
        return Score(
            name, injected, found, raised, right, max(since_days, 1), found, tuple(warnings), tuple(halves),
        )  # fmt: skip


def _sum(name: str, parts: Iterable[Score]) -> Score:
    """Several scores as one."""
    all_of = list(parts)
    return Score(
        name,
        sum(part.injected for part in all_of),
        sum(part.found for part in all_of),
        sum(part.alarms for part in all_of),
        sum(part.right for part in all_of),
        max(part.given_days for part in all_of),
        sum(part.covered for part in all_of),
        tuple(days for part in all_of for days in part.warnings),
        tuple(days for part in all_of for days in part.half_lead_times),
    )


@dataclass(frozen=True)
class CleanRate:
    """Alarms of a kind in a world without trouble, per 1,000 item-sites and week."""

    name: str
    alarms: int
    per_week: float
    stated: float | None


def clean_rates(world: InjectedWorld, alarms: Alarms, thresholds: Thresholds) -> list[CleanRate]:
    """Rates of false alarms by kind; an alarm that stands at the first look is not of these weeks."""
    out, owed = uncovered(world)
    stated = {
        "projected_stockout": 1000.0 * (out / thresholds.value(SHORT, "probability") + FALSE_RISES_PER_WEEK),
        "imbalance": 1000.0 * owed / thresholds.value("imbalance", "minimum_short_units"),
        "demand_shift": 1000.0 * thresholds.value("demand_shift", "false_alarms_per_year") / 52.0,
        "obsolescence": 1000.0 * thresholds.value("obsolescence", "significance"),
        "data_problem": 1000.0 * thresholds.value("data_problem", "phantom_probability"),
        "lead_time_drift": (
            7000.0 * thresholds.value("lead_time_drift", "false_alarm_rate") * world.suppliers / world.n
        ),
    }  # fmt: skip
    weeks = world.n * world.days / 7.0 / 1000.0
    rates = []
    for kind in CaseKind:
        if kind in (CaseKind.RECURRING, CaseKind.POLICY_INCONSISTENCY):
            continue
        count = sum(len([day for day in days if day > world.first_day]) for days in alarms.of(kind.value).values())
        rates.append(CleanRate(kind.value, count, count / weeks, stated.get(kind.value)))
    return rates


def uncovered(world: InjectedWorld) -> tuple[float, float]:
    """What ordering leaves uncovered in a week, by the world's own law: chance of being out, and units owed.

    Means over item-sites: after a review the position is at least the reorder point, and nothing ordered later comes
    before lead time and review have passed.
    """
    days = world.lead_mean[world.supplier] + REVIEW_DAYS
    mean, spread = world.weekly / 7.0 * days, world.weekly / 7.0 * world.lead_sd[world.supplier]
    tail = demand_tail(world.reorder_point.astype(np.float64), mean, mean + spread**2, "gamma")
    weeks = REVIEW_DAYS / 7.0
    return float(tail.exceedance.mean()) / weeks, float(tail.expected_short.mean()) / weeks


def report(items: int, days: int, *, every: int = 1, seeds: Sequence[int] = (7,), on: date) -> str:
    """Worlds of several seeds together, with and without troubles, as Markdown; measured on that day."""
    thresholds = parse_thresholds(packaged_thresholds())
    by_seed, clean = [], []
    for seed in seeds:
        world = InjectedWorld(items, days, seed=seed)
        by_seed.append(Judge(world, watch(world, every=every)).scores())
        quiet = InjectedWorld(items, days, seed=1000 + seed, troubles=CLEAN)
        clean.append(clean_rates(quiet, watch(quiet, every=every, given_forecasts=False), thresholds))
    scores = [_sum(together[0].name, together) for together in zip(*by_seed, strict=True)]
    short = scores[0]
    each = f"{len(seeds)} worlds (seeds {', '.join(str(seed) for seed in seeds)})"
    lines = [
        "# Detectors against injected truth",
        "",
        f"{each} of {items * len(SITES):,} item-sites ({items} items, eight sites), looked at every {every} day(s) for "
        f"{days} days. {on}, {cpu_count()} virtual cores ({platform.machine()}), Python "
        f"{platform.python_version()}. Again: "
        f"`python -m benchmarks.detection --seeds {' '.join(str(seed) for seed in seeds)} --write`.",
        "",
        "| kind / cause | put in | found | recall | found under any kind | alarms | right | precision | days to show |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_line(score) for score in scores),
        "",
        "An item-site has one finding: a surge that empties the shelf is found as the stockout it leads to. Imbalance",
        "is not put in; it follows from the others. Projected stockouts are judged by demand that was not met, for",
        "whatever reason, and count as found when a stockout or a late supplier was said there at least a day before.",
        "Sales of the week that is not over are delivered by day.",
        "",
        f"Warning before a true stockout: median {median(short.warnings or (0.0,)):.0f} days; half the lead time is "
        f"{median(short.half_lead_times or (0.0,)):.1f} days (median).",
        "",
        "Alarms in as many worlds without trouble, per 1,000 item-sites and week:",
        "",
        "| kind | alarms | measured | stated |",
        "|---|--:|--:|--:|",
    ]
    for together in zip(*clean, strict=True):
        rate = sum(one.per_week for one in together) / len(together)
        stated = f"at most {together[0].stated:.3f}" if together[0].stated is not None else "none"
        lines.append(f"| {together[0].name} | {sum(one.alarms for one in together)} | {rate:.3f} | {stated} |")
    lines += [
        "",
        "Stated rates follow from the thresholds: `false_alarms_per_year` of a shift, `significance` of a dead item,",
        "`phantom_probability` of phantom stock, `false_alarm_rate` of a supplier's drift, per look. A stockout is",
        "said when the chance of being out with no order there yet reaches `probability`, an imbalance when the units",
        "owed meanwhile reach `minimum_short_units`. An expectation followed from look to look reaches a height at",
        "most as often as its start over that height (Doob), as far as the forecast is right; its start is what the",
        "world's own ordering leaves uncovered in a week. Rises of demand that are none add at most",
        "`FALSE_RISES_PER_WEEK` of the item-sites to the stockouts. Excess, late suppliers and bias say what",
        "holds by rule, without a rate.",
        "",
    ]
    return "\n".join(lines)


def _line(score: Score) -> str:
    recall = f"{score.recall:.2f} | {score.covered}" if score.injected else "- | -"
    precision = f"{score.precision:.2f}" if score.alarms else "-"
    cells = (score.name, score.injected, score.found, recall, score.alarms, score.right, precision, score.given_days)
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("items", nargs="?", type=int, default=200)
    parser.add_argument("--days", type=int, default=70)
    parser.add_argument("--every", type=int, default=1, metavar="DAYS", help="days between looks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/detection.md")
    arguments = parser.parse_args()
    text = report(
        arguments.items, arguments.days, every=arguments.every, seeds=arguments.seeds, on=datetime.now(UTC).date()
    )
    print(text)
    if arguments.write:
        Path(__file__).with_name("results").joinpath("detection.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
