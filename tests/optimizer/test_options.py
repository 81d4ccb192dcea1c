"""Option pricing: hand-computed money, parts that sum, choice, confidence, flip points."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.options.arrival import shifted_arrival
from optimizer.options.choice import chosen_rows
from optimizer.options.confidence import ParameterDraws, ParameterError, ranking_confidence
from optimizer.options.flip import flip_point, flip_points
from optimizer.options.lost_sales import loss_surface
from optimizer.options.option_flips import Ranked, delay_flips, demand_flips, penalty_flips, unit_cost_flips
from optimizer.options.pricing import price_on, price_options, surface_of
from optimizer.options.rows import CostParts
from optimizer.options.worlds import Worlds
from optimizer.risk.inbound import InboundSchedule
from tests.optimizer.option_worlds import mixed_worlds, options_of, rows_of, some_rows


def test_hold_is_worth_nothing_and_costs_nothing() -> None:
    values = price_options(some_rows([0.0], sd=1.5))
    assert (values.cost[0], values.net_value[0], values.shortage_avoided_units[0]) == (0.0, 0.0, 0.0)
    assert values.break_even_penalty[0] == 0.0
    assert values.expected_short_before[0] > 0.0


def test_money_of_a_certain_world_is_what_one_computes_by_hand() -> None:
    # Ten on hand last five days; six more on day 3 last until day 7, and sixteen are sold of twenty wanted.
    values = price_options(some_rows([6.0], day=3))
    shelf = sum(max(10 + 6 - 2 * t, 0) - max(10 - 2 * t, 0) for t in range(4, 11))
    assert values.expected_short_before[0] == pytest.approx(10.0, rel=0.01)
    assert values.expected_short_after[0] == pytest.approx(4.0, rel=0.01)
    assert values.cost[0] == pytest.approx(5.0 + 6.0 + 0.1 * shelf, rel=0.01)
    assert values.net_value[0] == pytest.approx(20.0 * 6.0 - values.cost[0], rel=0.01)
    assert values.service_after[0] == pytest.approx(0.8, rel=0.01)
    assert values.expected_leftover[0] == pytest.approx(0.0, abs=0.05)
    assert values.break_even_penalty[0] == pytest.approx(values.cost[0] / 6.0, rel=0.01)


def test_what_arrives_after_the_shortage_cannot_undo_it() -> None:
    early, late = (price_options(some_rows([10.0], day=day)) for day in (4, 8))
    assert early.shortage_avoided_units[0] == pytest.approx(10.0, rel=0.01)
    assert late.shortage_avoided_units[0] == pytest.approx(4.0, rel=0.02)


def test_an_option_that_never_arrives_avoids_nothing() -> None:
    values = price_options(replace(some_rows([10.0], sd=1.0), arrival_probability=np.zeros((1, 10))))
    assert values.shortage_avoided_units[0] == pytest.approx(0.0, abs=1e-12)
    assert values.net_value[0] < 0.0


def test_inbound_that_comes_anyway_lowers_what_an_option_saves() -> None:
    alone = some_rows([6.0], sd=1.0)
    schedule = InboundSchedule(np.array([0]), np.array([10.0]), np.eye(10)[[2]])
    crowded = replace(alone, worlds=replace(alone.worlds, inbound=schedule))
    assert price_options(crowded).shortage_avoided_units[0] < price_options(alone).shortage_avoided_units[0]


@given(st.floats(0.0, 40.0), st.floats(0.1, 10.0), st.floats(0.0, 2.0), st.floats(0.0, 60.0), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_options_never_add_shortage_and_service_is_a_share(
    on_hand: float, mean: float, cv: float, quantity: float, day: int
) -> None:
    worlds = Worlds(np.array([on_hand]), np.array([mean]), np.array([cv * mean]), np.array([10]))
    values = price_options(replace(some_rows([quantity], day=day), worlds=worlds))
    assert 0.0 <= values.expected_short_after[0] <= values.expected_short_before[0] + 1e-9
    assert values.shortage_avoided_units[0] <= quantity + 0.01 * mean * 10.0
    assert 0.0 <= values.service_after[0] <= 1.0
    assert values.cost[0] >= 0.0


@given(st.integers(0, 10_000), st.lists(st.floats(0.0, 50.0), min_size=9, max_size=9))
@settings(max_examples=30, deadline=None)
def test_printed_parts_sum_to_the_whole_exactly(seed: int, rates: list[float]) -> None:
    worlds = mixed_worlds(3, 14, 1, seed=seed)
    names = (
        "duty_per_unit", "freight_per_unit", "freight", "handling_per_unit", "write_off_per_unit", "elsewhere_cost",
        "credit", "sale_value", "baseline_sale_value",
    )  # fmt: skip
    more = {name: np.full(3, rate) for name, rate in zip(names, rates, strict=True)}
    values = price_options(replace(rows_of(worlds, *options_of(worlds, seed=seed)), **more))  # type: ignore[arg-type]  # names are fields
    whole = np.zeros(3)
    for field in fields(CostParts):
        part = getattr(values.parts, field.name)
        assert (part >= 0.0).all()
        whole = whole + part
    np.testing.assert_array_equal(whole, values.cost)
    np.testing.assert_allclose(
        values.net_value, values.shortage_avoided_value + values.saved - values.cost, rtol=1e-12, atol=1e-9
    )


def test_units_are_conserved_stock_receipts_sales_and_leftover() -> None:
    worlds = mixed_worlds(12, 28, 2, seed=6)
    units, arrival = options_of(worlds, seed=3)
    values = price_options(rows_of(worlds, units, arrival))
    supply = worlds.on_hand + worlds.expected_receipts() + units * arrival.sum(axis=1)
    sold = worlds.expected_demand() - values.expected_short_after
    np.testing.assert_allclose(
        values.expected_leftover, supply - sold, rtol=0.01, atol=0.02 * worlds.expected_demand().max()
    )


def test_an_order_moved_earlier_is_the_world_with_its_other_day() -> None:
    """Pull-in as world without the order plus its units early, against the order itself early."""
    rows = some_rows([0.0, 8.0], day=1, sd=1.5)
    late = InboundSchedule(np.array([0]), np.array([8.0]), np.eye(10)[[7]])
    stock = Worlds(np.full(2, 10.0), np.full(2, 2.0), np.full(2, 1.5), np.full(2, 10), late)
    moved = replace(rows, worlds=stock, world=np.array([0, 1]), baseline=np.zeros(2, dtype=np.int64))
    early = replace(stock, inbound=InboundSchedule(np.array([0]), np.array([8.0]), np.eye(10)[[1]]))
    direct = price_options(replace(moved, worlds=early, quantity=np.zeros(2)))
    pulled = price_options(moved)
    assert pulled.expected_short_after[1] == pytest.approx(direct.expected_short_after[0], abs=0.1)
    assert pulled.shortage_avoided_units[1] > 0.5
    assert pulled.leftover_added[1] == pytest.approx(-pulled.shortage_avoided_units[1], abs=0.1)


def test_scaling_money_scales_values_and_keeps_the_ranking() -> None:
    rows = some_rows([0.0, 4.0, 8.0, 16.0], day=2, sd=1.5)
    names = ("unit_cost", "fixed_cost", "penalty_per_unit", "holding_cost_per_unit_day")
    dear = replace(rows, **{name: 7.0 * getattr(rows, name) for name in names})
    plain, scaled = price_options(rows), price_options(dear)
    np.testing.assert_allclose(scaled.net_value, 7.0 * plain.net_value)
    assert plain.net_value.argmax() == scaled.net_value.argmax()


def test_choice_is_hold_unless_something_that_can_be_done_pays_enough() -> None:
    case = np.array([0, 0, 0, 1, 1])
    worth = np.array([0.0, 5.0, 9.0, 0.0, -1.0])
    assert chosen_rows(worth, case).tolist() == [2, 3]
    assert chosen_rows(worth, case, eligible=np.array([True, True, False, True, True])).tolist() == [1, 3]
    assert chosen_rows(worth, case, minimum=10.0).tolist() == [0, 3]
    assert chosen_rows(np.array([0.0, 5.0, 5.0 + 1e-12]), np.zeros(3, int)).tolist() == [1]


def _draws(
    draws: int, rows: int, cases: int = 1, *, seed: int = 1, error: ParameterError | None = None
) -> ParameterDraws:
    return ParameterDraws.drawn(np.random.default_rng(seed), draws, cases, rows, error or ParameterError())


def test_a_clear_winner_is_sure_and_a_near_tie_is_not() -> None:
    clear, pair = some_rows([0.0, 8.0], day=2, sd=1.5), some_rows([6.0, 12.0], day=2, sd=1.5)
    values = price_options(pair)
    # At this penalty the dearer option is worth its price to the cent: the two tie.
    tie = np.diff(values.cost) / np.diff(values.shortage_avoided_units)
    near = replace(pair, penalty_per_unit=np.repeat(tie, 2))
    case = np.zeros(2, int)
    sure, unsure = (ranking_confidence(rows, case, _draws(100, 2)) for rows in (clear, near))
    assert sure.best_row.tolist() == [1]
    assert sure.confidence[0] > 0.95
    assert unsure.confidence[0] < 0.8
    assert unsure.share_best.sum() == pytest.approx(1.0)


def test_confidence_of_a_case_does_not_depend_on_its_company() -> None:
    rows, case = some_rows([0.0, 6.0, 9.0, 0.0, 8.0], day=2, sd=1.5), np.array([0, 0, 0, 1, 1])
    two = Worlds(np.full(2, 10.0), np.full(2, 2.0), np.full(2, 1.5), np.full(2, 10))
    rows = replace(rows, worlds=two, world=case, baseline=case)
    first, second = _draws(30, 3, seed=4), _draws(30, 2, seed=5)
    together = ranking_confidence(rows, case, ParameterDraws.beside([first, second]))
    alone = ranking_confidence(rows.alone(np.arange(3)), np.zeros(3, int), first)
    np.testing.assert_array_equal(together.share_best[:3], alone.share_best)
    exact = ranking_confidence(rows, case, _draws(5, 5, 2, error=ParameterError(0.0, 0.0, 0.0)))
    assert exact.confidence.tolist() == [1.0, 1.0]


def test_equal_options_are_settled_by_the_lowest_row() -> None:
    rows = some_rows([8.0, 8.0], day=2, sd=1.0)
    chosen = ranking_confidence(rows, np.zeros(2, int), _draws(5, 2, error=ParameterError(0.1, 0.1, 0.0)))
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
    with pytest.raises(ValueError, match="at least 10 days"):
        replace(rows, arrival_probability=np.zeros((1, 9)))
    with pytest.raises(ValueError, match=r"every case in 0\.\.1 a row"):
        ranking_confidence(rows, np.array([1]), _draws(5, 1, 2))
    with pytest.raises(ValueError, match="mean_cv"):
        ParameterError(mean_cv=-0.1)
    with pytest.raises(ValueError, match="points must be at least 8"):
        loss_surface(rows.worlds, np.zeros(1), points=4)


def test_flip_point_is_found_upwards_downwards_or_not_at_all() -> None:
    assert flip_point(lambda x: x >= 7.0, 0.0, 10.0) == pytest.approx(7.0, abs=1e-4)
    assert flip_point(lambda x: x >= 3.0, 10.0, 0.0) == pytest.approx(3.0, abs=1e-4)
    assert flip_point(lambda x: x >= 70.0, 0.0, 10.0) is None
    assert flip_point(lambda x: "abc"[int(x >= 2) + int(x >= 8)], 0.0, 10.0) == pytest.approx(2.0, abs=1e-4)
    with pytest.raises(ValueError, match="finite"):
        flip_point(lambda x: x, 0.0, np.inf)


def test_many_flip_points_are_bisected_together_with_few_calls() -> None:
    at, calls = np.array([7.0, 2.5, 70.0, 0.3]), 0

    def evaluate(value: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return (value >= at).astype(np.int64)

    found = flip_points(evaluate, np.zeros(4), np.full(4, 10.0))
    np.testing.assert_allclose(found[[0, 1, 3]], at[[0, 1, 3]], atol=1e-4)
    assert np.isnan(found[2])
    assert calls < 40


def _ranked() -> Ranked:
    case = np.repeat(np.arange(3), 3)
    rows = some_rows([0.0, 6.0, 9.0] * 3, day=3, sd=1.5)
    worlds = Worlds(np.array([10.0, 4.0, 30.0]), np.full(3, 2.0), np.full(3, 1.5), np.full(3, 10))
    return Ranked(replace(rows, worlds=worlds, world=case, baseline=case), case, np.ones(9, dtype=np.bool_), 0.0)


def test_pitfall_each_flip_point_is_verified_by_solving_again_on_both_sides() -> None:
    ranked = _ranked()
    surface = surface_of(ranked.rows)
    chosen = ranked.choose(price_on(surface, ranked.rows).net_value)
    assert chosen.tolist() == [2, 5, 6]
    side = 1e-3

    def by_cost(value: float, case: int) -> int:
        cost = ranked.rows.unit_cost.copy()
        cost[chosen[case]] = value
        return int(ranked.choose(price_options(replace(ranked.rows, unit_cost=cost)).net_value)[case])

    def by_penalty(value: float, case: int) -> int:
        rows = replace(ranked.rows, penalty_per_unit=ranked.rows.penalty_per_unit * value)
        return int(ranked.choose(price_options(rows).net_value)[case])

    def by_delay(value: float, case: int) -> int:
        delay = np.zeros(9)
        delay[chosen[case]] = value
        rows = replace(ranked.rows, arrival_probability=shifted_arrival(ranked.rows.arrival_probability, delay))
        return int(ranked.choose(price_options(rows).net_value)[case])

    ways = (
        (by_cost, unit_cost_flips(ranked, surface, np.full(3, 0.0), np.full(3, 60.0), row=chosen), 0.5),
        (by_penalty, penalty_flips(ranked, surface, np.full(3, 1.0), np.full(3, 0.01)), 1.0),
        (by_delay, delay_flips(ranked, surface, np.full(3, 0.0), np.full(3, 10.0), row=chosen), 0.0),
    )
    seen = 0
    for answer, found, now in ways:
        for case in range(3):
            if np.isnan(found[case]):
                continue
            direction = np.sign(found[case] - now)
            assert answer(float(found[case]) + 1e-9 * direction, case) != chosen[case]
            assert answer(float(found[case]) - 20 * side * direction, case) == chosen[case]
            seen += 1
    assert seen >= 4


def test_demand_that_falls_far_enough_turns_acting_into_holding() -> None:
    ranked = _ranked()
    found = demand_flips(ranked, np.ones(3), np.full(3, 0.05))
    assert np.isfinite(found[:2]).all()
    assert np.isnan(found[2])


def test_penalty_at_which_an_option_starts_to_pay_is_its_break_even() -> None:
    rows = some_rows([0.0, 6.0], day=3, sd=1.0)

    def best(penalty: float) -> int:
        return int(price_options(replace(rows, penalty_per_unit=np.full(2, penalty))).net_value.argmax())

    flip = flip_point(best, 20.0, 0.0)
    assert flip == pytest.approx(price_options(rows).break_even_penalty[1], abs=1e-4)


def test_laws_move_by_whole_and_part_days_and_lose_what_is_late() -> None:
    law = np.array([[0.0, 0.5, 0.5, 0.0]])
    np.testing.assert_allclose(shifted_arrival(law, [1.0]), [[0.0, 0.0, 0.5, 0.5]])
    np.testing.assert_allclose(shifted_arrival(law, [-2.0]), [[1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(shifted_arrival(law, [0.5]), [[0.0, 0.25, 0.5, 0.25]])
    np.testing.assert_allclose(shifted_arrival(law, [9.0]), [[0.0, 0.0, 0.0, 0.0]])
