"""Risk by day: screening, receipt order, forecasts by day, shared delays, bands, the first risky day, losses."""

from typing import Any, Literal

import numpy as np
import pytest

from optimizer.lead_time.law import LeadTimeLaw
from optimizer.risk.bands import projection_bands
from optimizer.risk.ever_out import ever_out_probability
from optimizer.risk.first_risky_day import first_risky_day
from optimizer.risk.loss import stockout_loss
from optimizer.risk.projection import InboundSchedule, StockProjection, project_stock
from optimizer.risk.shared_delay import SharedDelay, delayed_arrivals, split_arrivals
from optimizer.risk.state_dp import exact_stockout_risk
from tests.optimizer.golden import golden
from tests.optimizer.risk_worlds import mixed_world, one_uncertain_order

Law = Literal["gamma", "normal", "count"]


@pytest.mark.parametrize("law", ["gamma", "normal", "count"])
def test_screening_changes_nothing_that_matters(law: Law) -> None:
    world = {**mixed_world(200), "law": law}
    quick, full = project_stock(**world), project_stock(**world, screened=False)
    np.testing.assert_allclose(quick.stockout_probability, full.stockout_probability, atol=5e-9)
    np.testing.assert_allclose(quick.expected_short_units, full.expected_short_units, atol=1e-7)
    np.testing.assert_allclose(quick.expected_on_hand, full.expected_on_hand, atol=1e-7)


def test_the_answer_does_not_depend_on_the_block() -> None:
    world = {**mixed_world(700), "law": "gamma"}
    whole = project_stock(**world)
    rows = np.arange(333, 340)
    part = project_stock(
        world["on_hand"][rows],
        world["mean_per_day"][rows],
        world["sd_per_day"][rows],
        horizon_days=world["horizon_days"],
        inbound=world["inbound"].of_series(rows, 700),
    )
    np.testing.assert_array_equal(part.stockout_probability, whole.stockout_probability[rows])
    np.testing.assert_array_equal(part.expected_short_units, whole.expected_short_units[rows])


def test_scaling_units_scales_the_projection() -> None:
    world = {**mixed_world(100), "law": "gamma"}
    inbound: InboundSchedule = world["inbound"]
    scaled = {
        **world,
        **{name: world[name] * 8.0 for name in ("on_hand", "mean_per_day", "sd_per_day")},
        "inbound": InboundSchedule(inbound.series, inbound.quantity * 8.0, inbound.arrival_probability),
    }
    one, eight = project_stock(**world), project_stock(**scaled)
    np.testing.assert_array_equal(eight.stockout_probability, one.stockout_probability)
    np.testing.assert_array_equal(eight.expected_short_units, one.expected_short_units * 8.0)


def test_pitfall_d2_receipts_after_demand_cannot_serve_the_day() -> None:
    schedule = InboundSchedule(np.array([0]), np.array([10.0]), np.array([[0.0, 1.0, 0.0]]))
    world: dict[str, Any] = {"horizon_days": 3, "inbound": schedule}
    first = project_stock([3.0], [3.0], [0.0], **world)
    late = project_stock([3.0], [3.0], [0.0], **world, receipt_order="after_demand")
    assert first.stockout_probability.tolist() == [[0.0, 0.0, 0.0]]
    assert late.stockout_probability.tolist() == [[0.0, 1.0, 0.0]]
    case, _ = golden("projection", "D1")
    derived = one_uncertain_order(case)
    before, after = exact_stockout_risk(**derived), exact_stockout_risk(**derived, receipt_order="after_demand")
    assert (after.ever_out_probability >= before.ever_out_probability - 1e-12).all()
    assert after.ever_out_probability[0, 4] > before.ever_out_probability[0, 4] + 0.05
    with pytest.raises(ValueError, match="receipt_order must be"):
        project_stock([3.0], [3.0], [0.0], horizon_days=3, receipt_order="noon")  # type: ignore[arg-type]  # the point


def test_pitfall_d3_a_late_order_arrives_by_its_age_not_by_its_law() -> None:
    # Ten or thirty days, evenly; on day 12 the order can only be the slow one.
    probability = np.zeros((1, 40))
    probability[0, [10, 30]] = 0.5
    remaining = LeadTimeLaw(probability).given_age([12], [0])[:, :20]
    schedule = InboundSchedule(np.array([0]), np.array([50.0]), remaining)
    projection = project_stock([20.0], [2.0], [0.5], horizon_days=20, inbound=schedule)
    assert projection.stockout_probability[0, 12] > 0.999
    assert projection.stockout_probability[0, 18] < 1e-6


def test_pitfall_d4_orders_that_are_late_together_are_a_greater_risk() -> None:
    days = 12
    arrival = np.zeros((2, days))
    arrival[:, 2] = 0.8
    arrival[:, 9] = 0.2
    schedule = InboundSchedule(np.array([0, 0]), np.array([20.0, 20.0]), arrival)
    delay = split_arrivals(arrival, [0, 0], [0.8, 0.2])
    world: dict[str, Any] = {"horizon_days": days, "inbound": schedule}
    alone = project_stock([12.0], [3.0], [1.0], **world)
    together = project_stock([12.0], [3.0], [1.0], **world, shared_delay=delay)
    # Independent: both late in 4 % of cases; together: in 20 %.
    assert alone.stockout_probability[0, 5] == pytest.approx(0.04, abs=0.005)
    assert together.stockout_probability[0, 5] == pytest.approx(0.2, abs=0.01)
    np.testing.assert_allclose(alone.expected_on_hand - alone.expected_short_units,
                               together.expected_on_hand - together.expected_short_units, atol=1e-9)  # fmt: skip


def test_shared_delay_is_the_mixture_of_its_states() -> None:
    rng, days = np.random.default_rng(2), 8
    arrival = rng.dirichlet(np.ones(days), 4)
    schedule = InboundSchedule(np.array([0, 0, 1, 1]), np.array([4.0, 6.0, 5.0, 3.0]), arrival)
    delay = delayed_arrivals(arrival, [0, 0, 1, 2], [0.7, 0.3], [0, 3])
    marginal = InboundSchedule(schedule.series, schedule.quantity, delay.marginal())
    stock, mean, sd = [5.0, 6.0], [2.0, 1.5], [1.0, 1.0]
    mixed = project_stock(stock, mean, sd, horizon_days=days, inbound=marginal, shared_delay=delay)
    states = [
        project_stock(
            stock, mean, sd, horizon_days=days, inbound=InboundSchedule(schedule.series, schedule.quantity, law)
        )
        for law in delay.arrival_probability
    ]
    by_hand = 0.7 * states[0].stockout_probability[0] + 0.3 * states[1].stockout_probability[0]
    np.testing.assert_allclose(mixed.stockout_probability[0], by_hand, atol=1e-12)
    # Two suppliers with one order each share nothing.
    plain = project_stock(stock, mean, sd, horizon_days=days, inbound=marginal)
    np.testing.assert_allclose(mixed.stockout_probability[1], plain.stockout_probability[1], atol=1e-12)
    bounds = ever_out_probability(stock, mean, sd, horizon_days=days, inbound=marginal, shared_delay=delay)
    assert (bounds.lower >= mixed.stockout_probability - 1e-9).all()


def test_two_suppliers_of_one_series_are_mixed_over_all_pairs_of_states() -> None:
    days = 6
    arrival = np.zeros((4, days))
    arrival[:, 1] = 0.5
    schedule = InboundSchedule(np.zeros(4, int), np.array([2.0, 2.0, 2.0, 2.0]), arrival)
    given = np.zeros((2, 4, days))
    given[0, :, 1] = 1.0
    delay = SharedDelay(np.array([0, 0, 1, 1]), np.array([0.5, 0.5]), given)
    projection = project_stock([0.0], [0.0], [0.0], horizon_days=days, known_demand=[[0, 0, 5, 0, 0, 0]],
                               inbound=schedule, shared_delay=delay)  # fmt: skip
    # Eight units arrive in a quarter of cases, four in half, none in a quarter.
    assert projection.stockout_probability[0, 3] == pytest.approx(0.75)
    assert projection.expected_short_units[0, 3] == pytest.approx(0.5 * 1.0 + 0.25 * 5.0)


def test_a_split_law_keeps_its_marginal() -> None:
    arrival = np.random.default_rng(3).dirichlet(np.ones(9), 5)[:, :8]
    np.testing.assert_allclose(
        split_arrivals(arrival, np.zeros(5, int), [0.6, 0.3, 0.1]).marginal(), arrival, atol=1e-12
    )


def test_a_forecast_by_day_is_added_up() -> None:
    rng, days = np.random.default_rng(4), 10
    mean = rng.uniform(0.5, 4.0, (5, days))
    stock = rng.uniform(5.0, 25.0, 5)
    by_day = project_stock(stock, mean, np.sqrt(1.7 * mean), horizon_days=days)
    for day in (0, 4, 9):
        total = mean[:, : day + 1].sum(axis=1)
        one = project_stock(stock, total, np.sqrt(1.7 * total), horizon_days=1)
        np.testing.assert_allclose(by_day.stockout_probability[:, day], one.stockout_probability[:, 0], atol=5e-9)
    flat = project_stock(stock, mean[:, 0], np.sqrt(mean[:, 0]), horizon_days=days)
    wide = project_stock(stock, np.repeat(mean[:, :1], days, 1), np.sqrt(mean[:, 0]), horizon_days=days)
    np.testing.assert_allclose(wide.stockout_probability, flat.stockout_probability, atol=1e-9)


@pytest.mark.parametrize("law", ["gamma", "count"])
@pytest.mark.parametrize("threshold", [0.05, 0.5])
def test_the_day_found_by_bisection_is_that_of_the_grid(law: Law, threshold: float) -> None:
    world = {**mixed_world(400), "law": law}
    grid = project_stock(**world).first_risky_day(threshold)
    assert first_risky_day(**world, threshold=threshold).tolist() == grid.tolist()
    assert len(set(grid.tolist())) > 5


def test_the_day_is_found_with_crowded_series_known_demand_and_forecasts_by_day() -> None:
    world = {**mixed_world(50), "law": "gamma"}
    inbound: InboundSchedule = world["inbound"]
    world["inbound"] = InboundSchedule(
        np.concatenate([inbound.series, np.zeros(2, int)]),
        np.concatenate([inbound.quantity, [3.0, 4.0]]),
        np.concatenate([inbound.arrival_probability, np.full((2, 14), 0.05)]),
    )
    world["known_demand"] = np.random.default_rng(5).integers(0, 2, (50, 14)).astype(float)
    for mean in (world["mean_per_day"], np.repeat(world["mean_per_day"][:, None], 14, axis=1)):
        case = {**world, "mean_per_day": mean}
        assert first_risky_day(**case, threshold=0.3).tolist() == project_stock(**case).first_risky_day(0.3).tolist()


@pytest.mark.parametrize("law", ["gamma", "count"])
def test_bands_are_undercut_with_their_probability(law: Law) -> None:
    rng, days, paths = np.random.default_rng(6), 10, 100_000
    arrival = np.full((2, days), 0.1)
    schedule = InboundSchedule(np.zeros(2, int), np.array([12.0, 7.0]), arrival)
    bands = projection_bands([15.0], [3.0], [np.sqrt(6.0)], horizon_days=days, inbound=schedule, law=law)
    daily = rng.gamma(1.5, 2.0, (paths, days)) if law == "gamma" else rng.negative_binomial(3.0, 0.5, (paths, days))
    landed = rng.integers(0, days, (paths, 2))
    supply = 15.0 + 12.0 * (landed[:, [0]] <= np.arange(days)) + 7.0 * (landed[:, [1]] <= np.arange(days))
    stock = np.maximum(supply - daily.cumsum(axis=1), 0.0)
    expected = np.quantile(stock, [0.1, 0.5, 0.9], axis=0, method="inverted_cdf")
    np.testing.assert_allclose(bands.on_hand[:, 0], expected, atol=0.25 if law == "gamma" else 1.0)
    assert (np.diff(bands.on_hand, axis=0) >= 0.0).all()
    if law == "count":
        np.testing.assert_array_equal(bands.on_hand, np.rint(bands.on_hand))
        assert (bands.on_hand[:, 0] == expected).mean() > 0.9


def test_certain_demand_gives_bands_of_no_width() -> None:
    bands = projection_bands([5.0], [2.0], [0.0], horizon_days=3)
    np.testing.assert_allclose(bands.on_hand[:, 0], np.tile([3.0, 1.0, 0.0], (3, 1)), atol=1e-6)


def test_loss_counts_a_unit_once_and_says_when_it_bites() -> None:
    projection = StockProjection(np.zeros((1, 3)), np.array([[0.1, 0.6, 0.2]]), np.array([[1.0, 4.0, 2.0]]))
    loss = stockout_loss(projection, [2.5])
    assert loss.units_until.tolist() == [[1.0, 4.0, 4.0]]
    assert loss.money_until.tolist() == [[2.5, 10.0, 10.0]]
    assert loss.bites_on.tolist() == [1]


def test_closed_loss_is_below_the_exact_units_lost() -> None:
    world = mixed_world(80)
    closed = stockout_loss(project_stock(**world), np.ones(80)).units_until
    exact = np.cumsum(exact_stockout_risk(**world).expected_unmet_units, axis=1)
    assert (closed <= exact + 1e-6).all()
    assert closed[:, -1].sum() > 0.7 * exact[:, -1].sum()
