"""The state program: the derived case, the closed form where it is exact, simulation elsewhere, bounds around it."""

from typing import Literal

import numpy as np
import pytest

from optimizer.arguments import FloatArray
from optimizer.risk.ever_out import ever_out_probability
from optimizer.risk.projection import InboundSchedule, project_stock
from optimizer.risk.state_dp import exact_stockout_risk
from tests.optimizer.golden import golden
from tests.optimizer.risk_worlds import mixed_world, one_uncertain_order, simulated


@pytest.mark.parametrize("unmet", ["lost", "backorder"])
def test_the_derived_case_is_met_to_1e_9(unmet: Literal["lost", "backorder"]) -> None:
    case, answer = golden("projection", "D1")
    risk = exact_stockout_risk(**one_uncertain_order(case), unmet=unmet)
    on_day = answer["lost_unmet_on_day" if unmet == "lost" else "backorder_on_day"]
    np.testing.assert_allclose(risk.stockout_probability[0], on_day, atol=1e-9)
    np.testing.assert_allclose(risk.ever_out_probability[0], answer["backorder_ever"], atol=1e-9)
    if unmet == "lost":
        lost = np.cumsum(risk.expected_unmet_units[0])
        np.testing.assert_allclose(lost, answer["lost_cum_expected"], atol=1e-9)


def test_pitfall_d1_out_on_the_day_is_not_ever_out_by_the_day() -> None:
    case, answer = golden("projection", "D1")
    world = one_uncertain_order(case)
    on_day = project_stock(**world).stockout_probability[0]
    ever = exact_stockout_risk(**world).ever_out_probability[0]
    assert on_day[-1] == pytest.approx(answer["backorder_on_day"][-1], abs=1e-9)
    assert ever[-1] == pytest.approx(0.44699259, abs=1e-8)
    assert (np.diff(ever) >= 0.0).all()
    assert (np.diff(on_day) < 0.0).any()


def test_backorders_agree_with_the_closed_form() -> None:
    world = mixed_world(60)
    exact = exact_stockout_risk(**world, unmet="backorder")
    closed = project_stock(**world, screened=False)
    np.testing.assert_allclose(exact.stockout_probability, closed.stockout_probability, atol=1e-9)
    np.testing.assert_allclose(exact.expected_unmet_units, closed.expected_short_units, atol=1e-8)


def test_bounds_of_ever_out_enclose_the_exact_value_and_meet_it_without_receipts() -> None:
    world = mixed_world(120)
    exact = exact_stockout_risk(**world).ever_out_probability
    bounds = ever_out_probability(**world)
    assert (bounds.lower <= exact + 1e-8).all()
    assert (exact <= bounds.upper + 1e-8).all()
    assert (bounds.upper - bounds.lower).mean() < 0.06
    del world["inbound"]
    alone, plain = ever_out_probability(**world), exact_stockout_risk(**world).ever_out_probability
    np.testing.assert_allclose(alone.lower, plain, atol=1e-8)
    np.testing.assert_allclose(alone.upper, plain, atol=1e-8)


@pytest.mark.parametrize("law", ["count", "gamma"])
def test_lost_sales_agree_with_simulation(law: Literal["count", "gamma"]) -> None:
    rng, days, paths = np.random.default_rng(9), 12, 100_000
    quantity = np.array([14.0, 9.0, 6.0])
    arrival = np.zeros((3, days))
    arrival[0, 3:7] = 0.25
    arrival[1, 5:10] = 0.18
    arrival[2, 6] = 1.0
    known = np.zeros((1, days))
    known[0, [2, 8]] = 3.0
    schedule = InboundSchedule(np.zeros(3, int), quantity, arrival)
    mean = np.where(np.arange(days) < 6, 2.0, 3.5)[None, :]
    risk = exact_stockout_risk(
        [9.0], mean, np.sqrt(2.0 * mean), horizon_days=days, known_demand=known, inbound=schedule, law=law, cells=512
    )
    out, ever, lost = simulated(rng, paths, 9.0, mean[0], quantity, arrival, known[0], law)
    np.testing.assert_allclose(risk.stockout_probability[0], out, atol=0.008)
    np.testing.assert_allclose(risk.ever_out_probability[0], ever, atol=0.008)
    np.testing.assert_allclose(risk.expected_unmet_units[0], lost, atol=0.03)


def test_units_balance_under_lost_sales() -> None:
    # With a certain receipt and no demand left on the shelf, what is not lost was sold.
    world = mixed_world(20)
    risk = exact_stockout_risk(**world)
    backlog = exact_stockout_risk(**world, unmet="backorder")
    lost = np.cumsum(risk.expected_unmet_units, axis=1)
    assert (lost >= backlog.expected_unmet_units - 1e-8).all()
    assert (risk.stockout_probability <= backlog.stockout_probability + 1e-9).all()


def test_owed_units_at_the_start_are_served_by_the_first_receipt() -> None:
    arrival = np.array([[0.0, 1.0, 0.0]])
    schedule = InboundSchedule(np.array([0]), np.array([5.0]), arrival)
    risk = exact_stockout_risk([-3.0], [0.0], [0.0], horizon_days=3, inbound=schedule)
    assert risk.stockout_probability.tolist() == [[1.0, 0.0, 0.0]]
    assert risk.ever_out_probability.tolist() == [[1.0, 1.0, 1.0]]
    with_demand = exact_stockout_risk([-3.0], [1.0], [1.0], horizon_days=3, inbound=schedule)
    # Two units are free on the second day: lost is demand above two.
    assert with_demand.expected_unmet_units[0, 0] == pytest.approx(1.0)
    assert with_demand.stockout_probability[0, 1] == pytest.approx(1.0 - 2.5 * np.exp(-1.0))


def test_permuting_series_and_regrouping_them_keeps_the_answer() -> None:
    world = mixed_world(40)
    whole = exact_stockout_risk(**world)
    rows = np.random.default_rng(1).permutation(40)[:15]
    inbound: InboundSchedule = world["inbound"]
    part = exact_stockout_risk(
        world["on_hand"][rows],
        world["mean_per_day"][rows],
        world["sd_per_day"][rows],
        horizon_days=world["horizon_days"],
        inbound=inbound.of_series(rows, 40),
    )
    np.testing.assert_allclose(part.ever_out_probability, whole.ever_out_probability[rows], atol=1e-12)


def test_the_program_refuses_what_it_cannot_hold() -> None:
    days = np.full((7, 2), 0.5)
    many = InboundSchedule(np.zeros(7, int), np.ones(7), days)
    with pytest.raises(ValueError, match="7 uncertain orders for series 0"):
        exact_stockout_risk([1.0], [1.0], [1.0], horizon_days=2, inbound=many)
    with pytest.raises(ValueError, match="on_hand must hold whole numbers"):
        exact_stockout_risk([1.5], [1.0], [1.0], horizon_days=2)
    with pytest.raises(ValueError, match="series 0 may reach"):
        exact_stockout_risk([1e9], [1.0], [1.0], horizon_days=2)
    with pytest.raises(ValueError, match="unmet must be"):
        exact_stockout_risk([1.0], [1.0], [1.0], horizon_days=2, unmet="ignored")  # type: ignore[arg-type]  # the point


def test_finer_cells_come_closer_to_the_gamma_law() -> None:
    stock: FloatArray = np.array([10.0])
    closed = project_stock(stock, [2.0], [1.4], horizon_days=8).stockout_probability[0]
    errors = [
        np.abs(exact_stockout_risk(stock, [2.0], [1.4], horizon_days=8, law="gamma", cells=c).ever_out_probability[0]
               - closed).max()
        for c in (32, 128, 512)
    ]  # fmt: skip
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 2e-3


def test_what_intermittent_gamma_days_lose_without_receipts_is_what_total_demand_exceeds() -> None:
    """A day's demand is nearly always close to nothing: the lattice must not sell out the shelf on its own."""
    mean, sd, stock = np.array([11.0958]), np.array([19.7647]), np.array([223.06])
    closed = project_stock(stock, mean, sd, horizon_days=28)
    for cells in (64, 256):
        walked = exact_stockout_risk(stock, mean, sd, horizon_days=28, law="gamma", unmet="lost", cells=cells)
        assert walked.expected_unmet_units.sum() == pytest.approx(closed.expected_short_units[0, -1], rel=2e-3)
        assert walked.ever_out_probability[0, -1] == pytest.approx(closed.stockout_probability[0, -1], abs=0.01)
