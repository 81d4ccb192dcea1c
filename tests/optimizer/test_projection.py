"""Projection by day, excess and shortage curves: exact programs, simulation, properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.arguments import FloatArray
from optimizer.exposure.excess import excess_exposure
from optimizer.laws.demand_law import DemandLaw, demand_tail, exceedance, expected_short
from optimizer.options.shortage import expected_shortage_curve, marginal_savings
from optimizer.risk.projection import InboundSchedule, project_stock
from tests.optimizer.golden import golden


def arrivals(days: int, *rows: dict[int, float]) -> FloatArray:
    law = np.zeros((len(rows), days))
    for row, masses in enumerate(rows):
        for day, mass in masses.items():
            law[row, day] = mass
    return law


def test_stockout_by_day_equals_the_exact_program() -> None:
    case, answer = golden("projection", "D1")
    days = case["horizon_days"]
    masses = dict(zip((day - 1 for day in case["arrival_day"]), case["arrival_probability"], strict=True))
    inbound = InboundSchedule(np.array([0]), np.array([float(case["quantity"])]), arrivals(days, masses))
    mean = float(case["mean_per_day"])
    projection = project_stock(
        [case["on_hand"]], [mean], [np.sqrt(mean)], horizon_days=days, inbound=inbound, law="count"
    )
    np.testing.assert_allclose(projection.stockout_probability[0], answer["backorder_on_day"], atol=1e-9)
    assert projection.first_risky_day(0.04).tolist() == [2]
    assert projection.first_risky_day(0.5).tolist() == [-1]


@pytest.mark.parametrize("law", ["gamma", "count"])
def test_many_uncertain_orders_agree_with_simulation(law: DemandLaw) -> None:
    rng, days, paths = np.random.default_rng(5), 12, 200_000
    quantity = np.array([30.0, 20.0, 8.0, 6.0])
    law_of = np.full((4, days), 1.0 / days)
    mean, variance = 6.0, 18.0
    if law == "gamma":
        demand = rng.gamma(mean**2 / variance, variance / mean, (paths, days)).cumsum(axis=1)
    else:
        demand = rng.negative_binomial(mean**2 / (variance - mean), mean / variance, (paths, days)).cumsum(axis=1)
    day = rng.integers(0, days, (paths, 4))
    supply = 25.0 + sum(quantity[k] * (day[:, [k]] <= np.arange(days)) for k in range(4))
    schedule = InboundSchedule(np.zeros(4, int), quantity, law_of)
    projection = project_stock([25.0], [mean], [np.sqrt(variance)], horizon_days=days, inbound=schedule, law=law)
    # Two orders are exact, two are matched by their moments: that costs up to a point of probability.
    np.testing.assert_allclose(projection.stockout_probability[0], (demand > supply).mean(axis=0), atol=0.012)
    short = np.maximum(demand - supply, 0.0).mean(axis=0)
    np.testing.assert_allclose(projection.expected_short_units[0], short, atol=0.12)
    on_hand = np.maximum(supply - demand, 0.0).mean(axis=0)
    np.testing.assert_allclose(projection.expected_on_hand[0], on_hand, atol=0.15)


def test_expected_units_balance_every_day() -> None:
    rng, n, days = np.random.default_rng(2), 300, 14
    on_hand, mean = rng.uniform(-5, 60, n), rng.uniform(0, 5, n)
    sd = mean * rng.uniform(0, 2, n)
    known = rng.integers(0, 3, (n, days)).astype(float)
    schedule = InboundSchedule(rng.integers(0, n, 200), rng.uniform(0, 40, 200), np.full((200, days), 0.9 / days))
    projection = project_stock(on_hand, mean, sd, horizon_days=days, known_demand=known, inbound=schedule)
    receipts = np.zeros((n, days))
    np.add.at(receipts, schedule.series, schedule.quantity[:, None] * schedule.arrival_probability)
    balance = on_hand[:, None] + np.cumsum(receipts - known - mean[:, None], axis=1)
    owed = projection.expected_on_hand - projection.expected_short_units
    np.testing.assert_allclose(owed, balance, atol=1e-6)


def test_series_that_cannot_run_out_are_plain_arithmetic() -> None:
    projection = project_stock([1000.0, 0.0], [1.0, 0.0], [0.5, 0.0], horizon_days=3)
    assert projection.expected_on_hand.tolist() == [[999.0, 998.0, 997.0], [0.0, 0.0, 0.0]]
    assert not projection.stockout_probability.any()


def test_receipts_of_a_day_serve_its_demand() -> None:
    schedule = InboundSchedule(np.array([0]), np.array([10.0]), arrivals(2, {0: 1.0}))
    certain = project_stock([0.0], [3.0], [0.0], horizon_days=2, inbound=schedule)
    assert certain.stockout_probability.tolist() == [[0.0, 0.0]]
    assert certain.expected_on_hand.tolist() == [[7.0, 4.0]]


def test_known_demand_beyond_stock_is_a_certain_stockout() -> None:
    projection = project_stock([4.0], [0.0], [0.0], horizon_days=2, known_demand=[[0.0, 9.0]])
    assert projection.stockout_probability.tolist() == [[0.0, 1.0]]
    assert projection.expected_short_units.tolist() == [[0.0, 5.0]]


@given(st.integers(0, 10_000), st.sampled_from(["gamma", "normal", "count"]))
@settings(max_examples=25, deadline=None)
def test_permuting_series_permutes_the_projection(seed: int, law: DemandLaw) -> None:
    rng, n, days = np.random.default_rng(seed), 8, 6
    on_hand, mean = rng.uniform(0, 20, n), rng.uniform(0, 4, n)
    sd = mean * rng.uniform(0.1, 2, n)
    series, quantity = rng.integers(0, n, 12), rng.uniform(1, 10, 12)
    law_of = rng.dirichlet(np.ones(days + 1), 12)[:, :days]
    order = rng.permutation(n)
    schedule = InboundSchedule(series, quantity, law_of)
    renamed = InboundSchedule(np.argsort(order)[series], quantity, law_of)
    plain = project_stock(on_hand, mean, sd, horizon_days=days, inbound=schedule, law=law)
    permuted = project_stock(on_hand[order], mean[order], sd[order], horizon_days=days, inbound=renamed, law=law)
    np.testing.assert_allclose(permuted.stockout_probability, plain.stockout_probability[order], atol=1e-12)
    np.testing.assert_allclose(permuted.expected_on_hand, plain.expected_on_hand[order], atol=1e-9)


@given(st.floats(0.0, 200.0), st.floats(0.05, 10.0), st.floats(0.0, 3.0), st.floats(0.0, 30.0))
@settings(max_examples=60, deadline=None)
def test_more_stock_never_raises_the_risk(on_hand: float, mean: float, cv: float, more: float) -> None:
    less_, more_ = (project_stock([s], [mean], [cv * mean], horizon_days=10) for s in (on_hand, on_hand + more))
    assert (more_.stockout_probability <= less_.stockout_probability + 2e-9).all()
    assert (more_.expected_short_units <= less_.expected_short_units + 1e-6).all()


@given(st.floats(0.0, 1e3), st.floats(1e-3, 1e3), st.floats(0.01, 5.0))
@settings(max_examples=200, deadline=None)
def test_the_fast_tail_equals_the_exact_one(level: float, mean: float, cv: float) -> None:
    arguments = (np.array([level]), np.array([mean]), np.array([(cv * mean) ** 2]))
    tail = demand_tail(*arguments, "gamma")
    assert tail.exceedance[0] == pytest.approx(exceedance(*arguments, "gamma")[0], abs=2e-9)
    exact = expected_short(*arguments, "gamma")[0]
    assert tail.expected_short[0] == pytest.approx(exact, rel=1e-8, abs=1e-8 * (level + mean))


def test_projection_arguments_are_checked() -> None:
    good = InboundSchedule(np.array([0]), np.array([1.0]), np.ones((1, 2)) / 2)
    with pytest.raises(ValueError, match="one length"):
        project_stock([1.0, 2.0], [1.0], [1.0], horizon_days=2)
    with pytest.raises(ValueError, match="horizon_days"):
        project_stock([1.0], [1.0], [1.0], horizon_days=0)
    with pytest.raises(ValueError, match="must have 3 days"):
        project_stock([1.0], [1.0], [1.0], horizon_days=3, inbound=good)
    wrong = InboundSchedule(np.array([1]), good.quantity, good.arrival_probability)
    with pytest.raises(ValueError, match=r"inbound\.series must be in 0\.\.0"):
        project_stock([1.0], [1.0], [1.0], horizon_days=2, inbound=wrong)
    with pytest.raises(ValueError, match="known_demand must have shape"):
        project_stock([1.0], [1.0], [1.0], horizon_days=2, known_demand=[[1.0]])
    with pytest.raises(ValueError, match="must be finite"):
        project_stock([np.nan], [1.0], [1.0], horizon_days=2)
    with pytest.raises(ValueError, match="law must be"):
        project_stock([1.0], [1.0], [1.0], horizon_days=2, law="weibull")  # type: ignore[arg-type]  # the point


def test_excess_at_end_of_life_equals_the_derived_case() -> None:
    case, answer = golden("projection", "I1")
    mean, days = case["weekly_mean"] / 7, case["weeks"] * 7
    sd = np.sqrt(case["cv2"]) * case["weekly_mean"] / np.sqrt(7)
    exposure = excess_exposure([case["on_hand"] - 200], [200], [mean], [sd], days)
    assert exposure.expected_leftover[0] == pytest.approx(answer["expected_leftover"], rel=1e-8)
    assert exposure.probability_leftover[0] == pytest.approx(answer["p_leftover"], rel=1e-8)
    assert exposure.days_of_supply[0] == pytest.approx(answer["cover_periods"] * 7)


def test_stock_without_demand_is_all_left_over() -> None:
    exposure = excess_exposure([5.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], 90)
    assert exposure.expected_leftover.tolist() == [5.0, 0.0]
    assert exposure.probability_leftover.tolist() == [1.0, 0.0]
    assert exposure.days_of_supply.tolist() == [np.inf, 0.0]


def test_counted_stock_is_left_over_unless_the_last_unit_is_asked_for() -> None:
    exposure = excess_exposure([1.0], [0.0], [0.1], [np.sqrt(0.1)], 1, law="count")
    assert exposure.probability_leftover[0] == pytest.approx(np.exp(-0.1))
    assert exposure.expected_leftover[0] == pytest.approx(np.exp(-0.1))


@given(st.floats(-5.0, 50.0), st.floats(0.0, 60.0), st.floats(0.0, 2.0), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_shortage_falls_and_is_convex_in_lots(available: float, mean: float, cv: float, lot: int) -> None:
    curve = expected_shortage_curve([available], [mean], [(cv * mean) ** 2], lot, 10)
    assert curve.shape == (1, 11)
    assert (np.diff(curve) <= 1e-9).all()
    assert (np.diff(curve, n=2) >= -1e-9 * (1.0 + mean)).all()
    savings = marginal_savings(curve)
    assert (np.diff(savings) <= 0.0).all()
    assert savings.sum() == pytest.approx(curve[0, 0] - curve[0, -1], abs=1e-7 * (1.0 + mean))


def test_shortage_curve_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="lot_units must be positive"):
        expected_shortage_curve([1.0], [1.0], [1.0], 0, 3)
    with pytest.raises(ValueError, match="curve must have shape"):
        marginal_savings([1.0])


@pytest.mark.parametrize("screened", [False, True])
def test_what_others_have_on_order_changes_no_digit_of_a_series_without_orders(screened: bool) -> None:
    rng = np.random.default_rng(8)
    n, days = 900, 28
    stock, mean = rng.uniform(0.0, 60.0, n), rng.uniform(0.2, 4.0, n)
    ordering = np.flatnonzero(rng.random(n) < 0.3)
    arrival = np.full((len(ordering), days), 1.0 / days)
    inbound = InboundSchedule(ordering, np.full(len(ordering), 20.0), arrival)
    together = project_stock(stock, mean, mean, horizon_days=days, inbound=inbound, screened=screened)
    without = project_stock(stock, mean, mean, horizon_days=days, screened=screened)
    others = np.setdiff1d(np.arange(n), ordering)
    for name, value in vars(together).items():
        np.testing.assert_array_equal(value[others], getattr(without, name)[others])
