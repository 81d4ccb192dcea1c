"""A rise of demand is seen within days, is put down to chance as rarely as stated, and one wild week counts half."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from benchmarks.injected import InMemory, frame
from inventory.records import CaseKind
from tests.tools.detect_pictures import (
    AS_OF,
    Row,
    arrays_of,
    days_from_now,
    found_in,
    look_at,
    picture,
    steady,
    thresholds,
)  # fmt: skip
from tools.detectors.rise import ALONE, CHANCE, FALSE_RISES_PER_WEEK, Rise, Stretches
from tools.detectors.scan import Scan
from tools.detectors.waiting import not_there_yet
from tools.signals import Shelf, Signals

WEEKS = 104


def _new_rises_per_week(mean: float, dispersion: float, *, rows: int = 1_500, weeks: int = 4) -> float:
    """Share of rows a week in which looking every day sees a rise that was not seen the day before."""
    generator = np.random.Generator(np.random.PCG64(20260301))
    daily = mean / 7.0
    shape = (rows, 7 * (WEEKS + weeks))
    demand: NDArray[np.int64] = (
        generator.poisson(daily, shape)
        if dispersion == 1.0
        else generator.negative_binomial(daily / (dispersion - 1.0), 1.0 / dispersion, shape)
    )
    seen, new = np.zeros(rows, dtype=np.bool_), 0
    for day in range(7 * WEEKS, shape[1]):
        monday = day - day % 7
        history = demand[:, monday - 7 * WEEKS : monday].reshape(rows, WEEKS, 7).sum(axis=2).astype(np.float64)
        sold = demand[:, monday:day].sum(axis=1).astype(np.float64)
        risen = Stretches.of(history, sold, day % 7).chance.min(axis=1) < CHANCE
        new += int((risen & ~seen).sum())
        seen = risen
    return new / rows / weeks


@pytest.mark.parametrize(("mean", "dispersion"), [(2.0, 1.0), (90.0, 1.0), (9.0, 3.0), (90.0, 2.0)])
def test_unchanged_demand_rises_no_oftener_than_stated(mean: float, dispersion: float) -> None:
    """Three standard deviations of a count are allowed; ten times the chance would still be far outside."""
    counted = 1_500 * 4
    allowed = FALSE_RISES_PER_WEEK + 3.0 * np.sqrt(FALSE_RISES_PER_WEEK / counted)
    assert _new_rises_per_week(mean, dispersion) <= allowed


def test_a_doubling_is_seen_after_a_week_and_three_days_where_four_weeks_would_hide_it() -> None:
    history = np.array([[*steady(10, 103), 22]], dtype=np.float64)
    alone, since = Stretches.of(history, np.array([0.0]), 0), Stretches.of(history, np.array([11.0]), 3)

    assert alone.chance[0].min() > since.chance[0].min()
    assert since.chance[0].min() < CHANCE
    best = int(since.chance[0].argmin())
    assert since.units[0, best] / since.weeks[0, best] == pytest.approx(33 / (10 / 7))


def test_weeks_below_the_old_level_break_a_stretch_and_unusable_weeks_do_not() -> None:
    broken = np.array([[*steady(10, 101), 60, 9, 60]], dtype=np.float64)
    gap = np.array([[*steady(10, 101), 30, np.nan, 30]], dtype=np.float64)

    assert Stretches.of(broken, np.array([0.0]), 0).chance[0, 1:].tolist() == [1.0, 1.0, 1.0]
    assert Stretches.of(gap, np.array([0.0]), 0).weeks[0].tolist() == [1.0, 1.0, 2.0, 3.0]
    assert Stretches.of(gap, np.array([0.0]), 0).chance[0, 2] < 1e-6


def _rises(*rows: Row, **tables: pl.DataFrame) -> Rise:
    snapshot = picture(*rows, **tables)
    arrays = arrays_of(snapshot)
    signals = Signals.of(arrays, thresholds(), shelf=Shelf.of(snapshot, arrays))
    return Rise.of(Scan.of(look_at(snapshot), signals, thresholds(), frozenset()))


def test_one_week_alone_counts_half_and_two_count_in_full() -> None:
    rises = _rises(Row("ONE", "NORTH", [*steady(10, 103), 30], 60), Row("TWO", "NORTH", [*steady(10, 102), 30, 30], 60))

    assert rises.row.tolist() == [0, 1]
    assert rises.lasts.tolist() == [ALONE, 1.0]
    assert rises.pace == pytest.approx([30 / 7, 30 / 7], rel=0.01)


def test_a_rise_that_the_shelf_outlasts_is_not_looked_at() -> None:
    assert not _rises(Row("RISEN", "NORTH", [*steady(10, 102), 30, 30], 400)).row.size


def test_one_wild_week_with_enough_on_the_shelf_for_it_is_no_stockout() -> None:
    wild = Row("WILD", "NORTH", [*steady(10, 103), 40], 120)
    assert not {f.kind for f in found_in(picture(wild)).values()} & {CaseKind.PROJECTED_STOCKOUT}


def test_days_since_the_last_complete_week_are_counted_but_for_today_and_promotions() -> None:
    """Looked at on Thursday: Monday's four and Wednesday's seven count."""
    days, promoted = [-1, 0, 1, 2, 3], [False, False, True, False, False]
    sold = frame(
        "demand", rows=True, item=["A"] * 5, site=["NORTH"] * 5, date=[days_from_now(day) for day in days],
        quantity=[9, 4, 20, 7, 50], promotion=promoted,
    )  # fmt: skip
    monday = picture(Row("A", "NORTH", steady(10), 60), demand_recent=sold)
    thursday = InMemory(AS_OF + timedelta(days=3), monday.tables)
    shelves = [Shelf.of(snapshot, arrays_of(snapshot)) for snapshot in (monday, thursday)]

    assert [shelf.days_since for shelf in shelves] == [0, 3]
    assert [shelf.sold_since.tolist() for shelf in shelves] == [[0.0], [11.0]]


def test_an_order_waits_evenly_between_no_time_and_a_whole_review_period() -> None:
    """By hand: 21 days on the way; on day 23 two sevenths of the reviews have had their order in."""
    outlook = look_at(picture(Row("A", "NORTH", steady(10), 60)))
    lead = float(outlook.lead_time_mean[0])
    missing = not_there_yet(outlook, np.array([0]))[0]

    assert lead == pytest.approx(21.0, abs=0.5)
    assert missing[: int(lead) + 1].tolist() == [1.0] * (int(lead) + 1)
    assert missing[23] == pytest.approx((lead + 7.0 - 23.0) / 7.0)
    assert missing[int(outlook.window_days[0]) :].max() == 0.0
