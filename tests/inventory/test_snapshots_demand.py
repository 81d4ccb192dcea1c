"""Delivered demand becomes weekly lists that move on with the calendar."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.demand_history import DemandHistory, merge_demand, no_history
from inventory.stored_tables import HISTORY_WEEKS, RECENT_DEMAND, empty_table, history_weeks, stored_schema
from tests.inventory.import_worlds import BOARD, LYON, NOW, PORTO, rows_of

WEEKS = history_weeks(NOW)
LAST = WEEKS[-1]
Entry = tuple[date, int]


def rows(*entries: Entry, site: str = LYON, channel: str = "", **flags: object) -> pl.DataFrame:
    return rows_of(
        "demand",
        *(
            {"item": BOARD, "site": site, "channel": channel, "date": day, "quantity": units, **flags}
            for day, units in entries
        ),
    )


def merged(
    *deliveries: pl.DataFrame, weeks: list[date] = WEEKS, start: DemandHistory | None = None
) -> tuple[DemandHistory, pl.DataFrame]:
    history, recent = start or no_history(weeks), empty_table(RECENT_DEMAND)
    for delivery in deliveries:
        history, recent = merge_demand(history, recent, delivery, weeks)
    return history, recent


def test_the_last_week_is_the_last_complete_one() -> None:
    assert date(2026, 2, 23) == LAST
    assert len(WEEKS) == HISTORY_WEEKS
    sunday_night = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    assert history_weeks(sunday_night)[-1] == date(2026, 2, 16)


def test_weeks_before_the_first_row_are_unknown_and_gaps_are_zero() -> None:
    history, _ = merged(rows((LAST - timedelta(weeks=3), 5), (LAST - timedelta(weeks=1), 2)))
    assert np.isnan(history.weekly[0, :-4]).all()
    assert history.weekly[0, -4:].tolist() == [5, 0, 2, 0]
    assert history.history_weeks.tolist() == [4]


def test_days_and_channels_of_a_week_are_added_up() -> None:
    monday = LAST
    web = rows((monday, 3), (monday + timedelta(days=6), 4), channel="web")
    shop = rows((monday, 10), channel="shop", promotion=True)
    history, _ = merged(pl.concat([web, shop]))
    assert history.weekly[0, -1] == 17
    assert history.promotion[0, -1]
    assert not history.censored[0].any()


def test_a_day_sent_again_replaces_that_day_only() -> None:
    first = rows((LAST, 3), (LAST + timedelta(days=1), 4), lost_sales=True)
    history, _ = merged(first, rows((LAST, 30)))
    assert history.weekly[0, -1] == 34
    assert history.censored[0, -1]


def test_an_older_week_sent_again_is_replaced_whole() -> None:
    week = LAST - timedelta(weeks=5)
    history, _ = merged(rows((week, 3), (week + timedelta(days=1), 4)), rows((week, 30)))
    assert history.weekly[0, -6] == 30


def test_the_running_week_counts_once_it_is_complete() -> None:
    running = LAST + timedelta(weeks=1)
    history, recent = merged(rows((LAST, 1), (running, 8)))
    assert history.weekly[0, -1] == 1
    later = history_weeks(NOW + timedelta(weeks=1))
    moved, _ = merge_demand(history, recent, rows((running + timedelta(days=1), 2)), later)
    assert moved.weeks[-1] == running
    assert moved.weekly[0, -2:].tolist() == [1, 10]


def test_demand_older_than_the_window_still_tells_that_the_item_was_sold() -> None:
    history, _ = merged(rows((WEEKS[0] - timedelta(weeks=9), 5), (LAST, 2)))
    assert history.weekly[0, 0] == 0
    assert history.history_weeks.tolist() == [HISTORY_WEEKS]


def test_an_item_that_only_sells_this_week_has_no_history_yet() -> None:
    history, recent = merged(rows((LAST + timedelta(weeks=1), 5)))
    assert history.keys.is_empty()
    assert recent.height == 1


def test_time_does_not_run_backwards() -> None:
    history, recent = merged(rows((LAST, 5)))
    with pytest.raises(ValueError, match="cannot move back"):
        merge_demand(history, recent, rows(), history_weeks(NOW - timedelta(weeks=1)))


def test_arrays_and_stored_table_say_the_same() -> None:
    history, _ = merged(pl.concat([rows((LAST, 5)), rows((LAST - timedelta(weeks=2), 6), site=PORTO)]))
    frame = history.frame()
    assert frame.schema == stored_schema("demand")
    again = DemandHistory.of(frame, WEEKS)
    assert np.array_equal(again.weekly, history.weekly, equal_nan=True)
    assert again.weekly.dtype == np.float32
    assert again.promotion.dtype == again.censored.dtype == np.bool_


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=8), min_size=1, max_size=4))
def test_nightly_deliveries_add_up_to_one_delivery_of_everything(nights: list[list[tuple[int, int]]]) -> None:
    # oracle: a dictionary of days; each night delivers whole days since the Monday before, and the last word counts
    known: dict[date, int] = {}
    history, recent = no_history(history_weeks(NOW)), empty_table(RECENT_DEMAND)
    for night, sold in enumerate(nights):
        now = NOW + timedelta(days=3 * night)
        weeks = history_weeks(now)
        days = {weeks[-1] + timedelta(days=back % 10): units for back, units in sold}
        known |= days
        history, recent = merge_demand(history, recent, rows(*days.items()), weeks)
    expected: dict[date, int] = defaultdict(int)
    for day, units in known.items():
        expected[day - timedelta(days=day.weekday())] += units
    complete = {week: units for week, units in expected.items() if week <= history.weeks[-1]}
    found = dict(zip(history.weeks, history.weekly[0].tolist(), strict=True)) if history.keys.height else {}
    assert {week: units for week, units in found.items() if units > 0} == {w: u for w, u in complete.items() if u > 0}
    assert sum(1 for units in found.values() if units == units) == (
        (history.weeks[-1] - min(complete)).days // 7 + 1 if complete else 0
    )
