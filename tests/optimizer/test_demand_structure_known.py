"""Known demand: published examples, a unit-by-unit clerk, and that nothing is counted twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optimizer.arguments import FloatArray
from optimizer.demand.known import KnownRows, join_known, unconsumed_share
from tests.optimizer.golden import golden

_UNITS = arrays(np.int64, (3, 6), elements=st.integers(0, 9))
_WINDOW = st.integers(0, 7)


def _clerk(forecast: list[int], part: list[int], backward: int, forward: int) -> list[int]:
    """Forecast left when every unit ordered strikes one unit of forecast off the list."""
    left, open_units = list(forecast), list(part)
    for day in range(len(left)):
        while open_units[day] and left[day]:
            open_units[day] -= 1
            left[day] -= 1
    for day in range(len(left)):
        for _ in range(open_units[day]):
            before = [other for other in range(day - 1, day - backward - 1, -1) if other >= 0 and left[other]]
            after = [other for other in range(day + 1, day + forward + 1) if other < len(left) and left[other]]
            for other in [*before, *after][:1]:
                left[other] -= 1
    return left


@pytest.mark.parametrize("case", ["CONSUME-1", "CONSUME-2"])
def test_consumption_equals_the_published_example(case: str) -> None:
    given_case, answer = golden("demand_structure", case)
    days = len(given_case["forecast"])
    joined = join_known(
        [given_case["forecast"]],
        [given_case["part"]],
        np.zeros((1, days)),
        backward_days=given_case["backward_days"],
        forward_days=given_case["forward_days"],
    )
    assert joined.unconsumed[0].tolist() == answer["unconsumed"]


@settings(max_examples=150, deadline=None)
@given(_UNITS, _UNITS, _WINDOW, _WINDOW)
def test_consumption_equals_a_clerk_striking_off_single_units(
    forecast: FloatArray, part: FloatArray, backward: int, forward: int
) -> None:
    joined = join_known(forecast, part, np.zeros((3, 6)), backward_days=backward, forward_days=forward)
    expected = [_clerk(f, p, backward, forward) for f, p in zip(forecast.tolist(), part.tolist(), strict=True)]
    assert joined.unconsumed.tolist() == expected


@settings(max_examples=100, deadline=None)
@given(_UNITS, _UNITS, _UNITS, _WINDOW, _WINDOW)
def test_total_never_double_counts_and_never_loses_known_demand(
    forecast: FloatArray, part: FloatArray, added: FloatArray, backward: int, forward: int
) -> None:
    joined = join_known(forecast, part, added, backward_days=backward, forward_days=forward)
    expected, booked, extra = forecast.sum(axis=1), part.sum(axis=1), added.sum(axis=1)
    total = joined.total.sum(axis=1)
    assert (total >= np.maximum(expected, booked) + extra).all()
    assert (total <= expected + booked + extra).all()
    assert (joined.total >= part + added).all()
    assert (joined.unconsumed >= 0.0).all()
    assert (joined.unconsumed <= forecast).all()
    np.testing.assert_array_equal(joined.total, joined.known + joined.unconsumed)


def test_without_a_window_a_day_is_the_larger_of_forecast_and_part_plus_what_adds() -> None:
    rng = np.random.default_rng(4)
    forecast, part, added = rng.gamma(1.0, 9.0, (3, 50, 28))
    np.testing.assert_allclose(join_known(forecast, part, added).total, np.maximum(forecast, part) + added, rtol=1e-12)


def test_a_window_over_everything_makes_the_larger_total_of_both() -> None:
    rng = np.random.default_rng(5)
    forecast, part = rng.gamma(1.0, 9.0, (2, 50, 28))
    total = join_known(forecast, part, np.zeros_like(part), backward_days=28, forward_days=28).total.sum(axis=1)
    np.testing.assert_allclose(total, np.maximum(forecast.sum(axis=1), part.sum(axis=1)), rtol=1e-12)


def test_a_contract_of_forty_percent_inside_the_forecast_leaves_the_total_as_it_was() -> None:
    forecast = np.full((1, 28), 10.0)
    joined = join_known(forecast, 0.4 * forecast, np.zeros((1, 28)))
    np.testing.assert_allclose(joined.total, forecast)
    np.testing.assert_allclose(unconsumed_share(forecast, joined.unconsumed), 0.6)


def test_an_own_day_is_served_before_another_day_reaches_for_it() -> None:
    joined = join_known([[5.0, 5.0]], [[8.0, 5.0]], [[0.0, 0.0]], forward_days=1)
    assert joined.total.tolist() == [[8.0, 5.0]]


def test_series_do_not_depend_on_each_other_nor_on_the_unit() -> None:
    rng = np.random.default_rng(6)
    forecast, part, added = rng.gamma(1.0, 9.0, (3, 20, 28)) * (rng.random((3, 20, 28)) < 0.5)
    joined = join_known(forecast, part, added, backward_days=3, forward_days=2)
    order = rng.permutation(20)
    shuffled = join_known(forecast[order], part[order], added[order], backward_days=3, forward_days=2)
    np.testing.assert_array_equal(shuffled.total, joined.total[order])
    scaled = join_known(8.0 * forecast, 8.0 * part, 8.0 * added, backward_days=3, forward_days=2)
    np.testing.assert_array_equal(scaled.total, 8.0 * joined.total)


def test_rows_of_one_series_and_day_add_up_by_kind_and_rows_outside_are_left_out() -> None:
    rows = KnownRows(
        np.array([1, 1, 1, 0, 1]),
        np.array([2, 2, 2, 7, 99]),
        np.array([3.0, 4.0, 5.0, 6.0, 7.0]),
        np.array([True, True, False, True, True]),
    )
    table = rows.in_buckets(series=2, first_day=0, buckets=8, days_per_bucket=1)
    assert table.added[1, 2] == 7.0
    assert table.part[1, 2] == 5.0
    assert table.added[0, 7] == 6.0
    assert table.added.sum() + table.part.sum() == 18.0


def test_a_row_for_a_series_that_does_not_exist_is_refused() -> None:
    rows = KnownRows(np.array([2]), np.array([0]), np.array([1.0]), np.array([True]))
    with pytest.raises(ValueError, match=r"series must be in 0\.\.1 at index \(0,\): 2"):
        rows.in_buckets(series=2, first_day=0, buckets=8, days_per_bucket=1)


def test_a_world_without_known_demand_is_the_forecast() -> None:
    nothing = KnownRows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))
    table = nothing.in_buckets(series=3, first_day=0, buckets=4, days_per_bucket=1)
    forecast = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(join_known(forecast, table.part, table.added).total, forecast)
