"""Option pricing: hand-computed money, agreement with simulation, confidence, flip points."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.options import (
    OptionRows,
    ParameterError,
    flip_point,
    price_options,
    ranking_confidence,
)
from optimizer.risk.projection import InboundSchedule


def some_rows(quantities: list[float], *, day: int = 0, horizon: int = 10, sd: float = 0.0) -> OptionRows:
    """Stock of 10, demand of 2 a day; each option arrives on `day` for certain."""
    r = len(quantities)
    arrival = np.zeros((r, horizon))
    arrival[:, day] = 1.0
    return OptionRows(
        quantity=np.array(quantities),
        arrival_probability=arrival,
        unit_cost=np.full(r, 1.0),
        fixed_cost=np.full(r, 5.0),
        penalty_per_unit=np.full(r, 20.0),
        holding_cost_per_unit_day=np.full(r, 0.1),
        on_hand=np.full(r, 10.0),
        mean_per_day=np.full(r, 2.0),
        sd_per_day=np.full(r, sd),
    )


def test_hold_is_worth_nothing_and_costs_nothing() -> None:
    values = price_options(some_rows([0.0], sd=1.5))
    assert (values.cost[0], values.net_value[0], values.shortage_avoided_units[0]) == (0.0, 0.0, 0.0)
    assert values.break_even_penalty[0] == 0.0
    assert values.expected_short_before[0] > 0.0


def test_money_of_a_certain_world_is_what_one_computes_by_hand() -> None:
    # Ten on hand last five days; six more on day 3 last until day 7, and sixteen are sold of twenty wanted.
    values = price_options(some_rows([6.0], day=3))
    shelf = sum(max(10 + 6 - 2 * t, 0) - max(10 - 2 * t, 0) for t in range(4, 11))
    assert values.expected_short_before[0] == pytest.approx(10.0)
    assert values.expected_short_after[0] == pytest.approx(4.0)
    assert values.cost[0] == pytest.approx(5.0 + 6.0 + 0.1 * shelf)
    assert values.net_value[0] == pytest.approx(20.0 * 6.0 - values.cost[0])
    assert values.service_after[0] == pytest.approx(0.8)
    assert values.expected_leftover[0] == pytest.approx(0.0)
    assert values.break_even_penalty[0] == pytest.approx(values.cost[0] / 6.0)


def test_what_arrives_after_the_shortage_cannot_undo_it() -> None:
    early, late = (price_options(some_rows([10.0], day=day)) for day in (4, 8))
    assert early.shortage_avoided_units[0] == pytest.approx(10.0)
    assert late.shortage_avoided_units[0] == pytest.approx(4.0)


def test_an_option_that_never_arrives_avoids_nothing() -> None:
    rows = replace(some_rows([10.0], sd=1.0), arrival_probability=np.zeros((1, 10)))
    values = price_options(rows)
    assert values.shortage_avoided_units[0] == 0.0
    assert values.net_value[0] < 0.0
    assert values.break_even_penalty[0] == np.inf


def test_expected_shortage_agrees_with_simulated_lost_sales() -> None:
    rng, days, paths = np.random.default_rng(3), 10, 200_000
    rows = replace(some_rows([8.0], sd=2.0), arrival_probability=np.eye(10)[[3]] * 0.6 + np.eye(10)[[6]] * 0.4)
    demand = rng.gamma(1.0, 2.0, (paths, days)).cumsum(axis=1)
    arrival = np.where(rng.random((paths, 1)) < 0.6, 3, 6)
    supply = 10.0 + 8.0 * (np.arange(days) >= arrival)
    lost_before = np.maximum(demand - 10.0, 0.0)[:, -1].mean()
    lost_after = np.maximum(demand - supply, 0.0).max(axis=1).mean()
    values = price_options(rows)
    assert values.expected_short_before[0] == pytest.approx(lost_before, rel=0.01)
    # The highest expected backlog is a floor of the expected highest one.
    assert lost_after * 0.8 <= values.expected_short_after[0] <= lost_after * 1.01


def test_inbound_that_comes_anyway_lowers_what_an_option_saves() -> None:
    alone = some_rows([6.0], sd=1.0)
    schedule = InboundSchedule(np.array([0]), np.array([10.0]), np.eye(10)[[2]])
    assert (
        price_options(replace(alone, inbound=schedule)).shortage_avoided_units[0]
        < price_options(alone).shortage_avoided_units[0]
    )


@given(st.floats(0.0, 40.0), st.floats(0.1, 10.0), st.floats(0.0, 2.0), st.floats(0.0, 60.0), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_options_never_add_shortage_and_service_is_a_share(
    on_hand: float, mean: float, cv: float, quantity: float, day: int
) -> None:
    rows = replace(
        some_rows([quantity], day=day),
        on_hand=np.array([on_hand]),
        mean_per_day=np.array([mean]),
        sd_per_day=np.array([cv * mean]),
    )
    values = price_options(rows)
    assert 0.0 <= values.expected_short_after[0] <= values.expected_short_before[0]
    assert values.shortage_avoided_units[0] <= quantity + 1e-6
    assert 0.0 <= values.service_after[0] <= 1.0
    assert values.cost[0] >= 0.0 or quantity == 0.0


def test_scaling_money_scales_values_and_keeps_the_ranking() -> None:
    rows = some_rows([0.0, 4.0, 8.0, 16.0], day=2, sd=1.5)
    names = ("unit_cost", "fixed_cost", "penalty_per_unit", "holding_cost_per_unit_day")
    dear = replace(rows, **{name: 7.0 * getattr(rows, name) for name in names})
    plain, scaled = price_options(rows), price_options(dear)
    np.testing.assert_allclose(scaled.net_value, 7.0 * plain.net_value)
    assert plain.net_value.argmax() == scaled.net_value.argmax()


def test_a_clear_winner_is_sure_and_a_near_tie_is_not() -> None:
    clear, pair = some_rows([0.0, 8.0], day=2, sd=1.5), some_rows([6.0, 12.0], day=2, sd=1.5)
    values = price_options(pair)
    # At this penalty the dearer option is worth its price to the cent: the two tie.
    tie = np.diff(values.cost) / np.diff(values.shortage_avoided_units)
    near = replace(pair, penalty_per_unit=np.repeat(tie, 2))
    case = np.zeros(2, int)
    sure = ranking_confidence(clear, case, draws=100, generator=np.random.default_rng(1))
    unsure = ranking_confidence(near, case, draws=100, generator=np.random.default_rng(1))
    assert sure.best_row.tolist() == [1]
    assert sure.confidence[0] > 0.95
    assert unsure.confidence[0] < 0.8


def test_confidence_repeats_with_its_seed_and_is_one_without_error() -> None:
    rows = some_rows([0.0, 6.0, 9.0, 0.0, 8.0], day=2, sd=1.5)
    case = np.array([0, 0, 0, 1, 1])
    first, again = (ranking_confidence(rows, case, draws=30, generator=np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first.confidence, again.confidence)
    exact = ranking_confidence(
        rows, case, draws=5, generator=np.random.default_rng(4), error=ParameterError(0.0, 0.0, 0.0)
    )
    assert exact.confidence.tolist() == [1.0, 1.0]


def test_equal_options_are_settled_by_the_lowest_row() -> None:
    rows = some_rows([8.0, 8.0], day=2, sd=1.0)
    chosen = ranking_confidence(
        rows, np.zeros(2, int), draws=5, generator=np.random.default_rng(0), error=ParameterError(0.1, 0.1, 0.0)
    )
    assert chosen.best_row.tolist() == [0]
    assert chosen.confidence.tolist() == [1.0]


def test_option_arguments_are_checked() -> None:
    rows = some_rows([1.0])
    with pytest.raises(ValueError, match="penalty_per_unit must not be negative"):
        replace(rows, penalty_per_unit=np.array([-1.0]))
    with pytest.raises(ValueError, match="sum to at most 1"):
        replace(rows, arrival_probability=np.ones((1, 10)))
    with pytest.raises(ValueError, match="one length"):
        replace(rows, unit_cost=np.ones(2))
    with pytest.raises(ValueError, match=r"every case in 0\.\.1 a row"):
        ranking_confidence(rows, np.array([1]), draws=5, generator=np.random.default_rng(0))
    with pytest.raises(ValueError, match="mean_cv"):
        ParameterError(mean_cv=-0.1)


def test_flip_point_is_found_upwards_downwards_or_not_at_all() -> None:
    assert flip_point(lambda x: x >= 7.0, 0.0, 10.0) == pytest.approx(7.0, abs=1e-4)
    assert flip_point(lambda x: x >= 3.0, 10.0, 0.0) == pytest.approx(3.0, abs=1e-4)
    assert flip_point(lambda x: x >= 70.0, 0.0, 10.0) is None
    assert flip_point(lambda x: "abc"[int(x >= 2) + int(x >= 8)], 0.0, 10.0) == pytest.approx(2.0, abs=1e-4)
    with pytest.raises(ValueError, match="finite"):
        flip_point(lambda x: x, 0.0, np.inf)


def test_penalty_at_which_an_option_starts_to_pay_is_its_break_even() -> None:
    rows = some_rows([0.0, 6.0], day=3, sd=1.0)

    def best(penalty: float) -> int:
        return int(price_options(replace(rows, penalty_per_unit=np.full(2, penalty))).net_value.argmax())

    flip = flip_point(best, 20.0, 0.0)
    assert flip == pytest.approx(price_options(rows).break_even_penalty[1], abs=1e-4)
