"""Units lost with an option: against simulation, exact programs and the golden case; invariances to the bit."""

from dataclasses import replace

import numpy as np
import pytest

from optimizer.laws.demand_law import expected_short
from optimizer.options.lost_sales import loss_surface
from optimizer.options.pricing import price_options
from optimizer.options.worlds import Worlds
from optimizer.risk.inbound import InboundSchedule
from optimizer.risk.projection import project_stock
from tests.optimizer.golden import golden
from tests.optimizer.option_worlds import mixed_worlds, options_of, rows_of, scaled_units, simulated_lost


@pytest.mark.parametrize(
    ("days", "orders", "known"), [(10, 0, False), (28, 0, True), (28, 1, False), (28, 2, True), (60, 1, False)]
)
def test_pitfall_shortage_is_lost_sales_to_one_percent_of_demand_against_simulation(
    days: int, orders: int, known: bool
) -> None:
    """The bound used before, the highest expected backlog, is up to a fifth too low."""
    worlds = mixed_worlds(16, days, orders, seed=days + orders, known=known)
    units, arrival = options_of(worlds, seed=7)
    before, after = simulated_lost(worlds, units, arrival, paths=12_000, seed=5)
    surface = loss_surface(worlds, units)
    demand = worlds.expected_demand()
    with_units = surface.lost_with(np.arange(16), units, arrival)
    # Noise of so many paths is a fifth of a percent of demand.
    np.testing.assert_allclose(surface.lost / demand, before / demand, atol=0.012)
    np.testing.assert_allclose(with_units / demand, after / demand, atol=0.012)
    assert np.sqrt(np.mean(((surface.lost - with_units) - (before - after)) ** 2 / demand**2)) < 0.006


def test_the_old_bound_is_below_the_lost_sales_it_stood_for() -> None:
    arrival = np.zeros((1, 10))
    arrival[0, [3, 6]] = 0.6, 0.4
    worlds = Worlds(np.array([10.0]), np.array([2.0]), np.array([2.0]), np.array([10]))
    units = np.array([8.0])
    _, simulated = simulated_lost(worlds, units, arrival, paths=100_000, seed=3)
    ours = loss_surface(worlds, units).lost_with(np.zeros(1, int), units, arrival)
    inbound = InboundSchedule(np.array([0]), units, arrival)
    backlog = project_stock([10.0], [2.0], [2.0], horizon_days=10, inbound=inbound).expected_short_units.max()
    assert ours[0] == pytest.approx(simulated[0], rel=0.02)
    assert backlog < 0.95 * simulated[0]


def test_without_receipts_the_loss_is_that_of_the_whole_horizon() -> None:
    worlds = mixed_worlds(64, 28, 0, seed=3)
    exact = expected_short(worlds.on_hand, worlds.mean_per_day * 28.0, worlds.sd_per_day**2 * 28.0, "gamma")
    ours = loss_surface(worlds, np.zeros(64)).lost
    np.testing.assert_allclose(ours / worlds.expected_demand(), exact / worlds.expected_demand(), atol=0.002)


def test_a_counted_demand_agrees_with_the_exact_program_of_the_golden_case() -> None:
    case, answer = golden("projection", "D1")
    days = case["horizon_days"]
    arrival = np.zeros((1, days))
    arrival[0, case["arrival_day"]] = case["arrival_probability"]
    # The case counts days from 1 and receives at the start of the day.
    arrival = np.roll(arrival, -1, axis=1)
    mean = np.array([float(case["mean_per_day"])])
    worlds = Worlds(np.array([float(case["on_hand"])]), mean, np.sqrt(mean), np.array([days]))
    units = np.array([float(case["quantity"])])
    ours = loss_surface(worlds, units, law="count", points=96).lost_with(np.zeros(1, int), units, arrival)
    assert ours[0] == pytest.approx(answer["lost_cum_expected"][-1], abs=0.04)


def test_every_moment_of_a_walk_adds_up_to_one_loss() -> None:
    surface = loss_surface(mixed_worlds(20, 28, 2, seed=1, known=True), np.full(20, 30.0))
    whole = np.broadcast_to(surface.lost[:, None], surface.lost_until.shape)
    nothing_added = surface.lost_until + surface.lost_from[:, :, 1]
    inside = np.arange(nothing_added.shape[1]) <= surface.epochs[:, None]
    np.testing.assert_allclose(nothing_added[inside], whole[inside], rtol=1e-10, atol=1e-9)


def test_known_demand_counts_on_its_day() -> None:
    """Ten due on day four: what comes on day four serves it, what comes on day five does not."""
    due = np.zeros((1, 10))
    due[0, 4] = 10.0
    worlds = Worlds(np.zeros(1), np.zeros(1), np.zeros(1), np.array([10]), known_demand=due)
    surface = loss_surface(worlds, np.array([10.0]))
    lost = [surface.lost_with(np.zeros(1, int), np.array([10.0]), np.eye(10)[[day]])[0] for day in (0, 4, 5)]
    np.testing.assert_allclose(lost, [0.0, 0.0, 10.0], atol=0.02)


def test_units_owed_are_due_today() -> None:
    worlds = Worlds(np.array([-4.0]), np.array([1.0]), np.array([0.5]), np.array([8]))
    surface = loss_surface(worlds, np.array([4.0]))
    at_once, later = (surface.lost_with(np.zeros(1, int), np.array([4.0]), np.eye(8)[[day]])[0] for day in (0, 3))
    assert surface.lost[0] == pytest.approx(12.0, abs=0.05)
    assert at_once == pytest.approx(8.0, abs=0.05)
    assert later == pytest.approx(8.0, abs=0.2)


def test_a_forecast_by_day_of_equal_days_is_that_of_one_mean() -> None:
    flat = mixed_worlds(6, 20, 1, seed=4)
    by_day = replace(
        flat,
        mean_per_day=np.repeat(flat.mean_per_day[:, None], 20, axis=1),
        sd_per_day=np.repeat(flat.sd_per_day[:, None], 20, axis=1),
    )
    units, arrival = options_of(flat, seed=2)
    lost = [loss_surface(w, units).lost_with(np.arange(6), units, arrival) for w in (flat, by_day)]
    np.testing.assert_allclose(lost[0], lost[1], rtol=1e-9)


def test_horizons_of_their_own_change_nothing_for_the_others() -> None:
    """Every row priced in company equals the row priced alone, to the bit."""
    worlds = mixed_worlds(40, 30, 2, seed=9, known=True)
    assert worlds.known_demand is not None
    worlds = replace(
        worlds,
        horizon_days=np.arange(40) % 24 + 7,
        known_demand=np.where(np.arange(40)[:, None] % 3, 0.0, worlds.known_demand),
    )
    units, arrival = options_of(worlds, seed=2)
    rows = rows_of(worlds, units, arrival)
    together = price_options(rows)
    for row in (0, 1, 17, 39):
        alone = price_options(rows.alone(np.array([row])))
        for name in ("net_value", "cost", "expected_short_after", "expected_leftover"):
            assert getattr(alone, name)[0] == getattr(together, name)[row], name


def test_permuting_the_rows_permutes_the_answers_to_the_bit() -> None:
    worlds = mixed_worlds(30, 28, 1, seed=2)
    rows = rows_of(worlds, *options_of(worlds, seed=1))
    order = np.random.default_rng(0).permutation(30)
    shuffled = price_options(rows.take(order))
    np.testing.assert_array_equal(shuffled.net_value, price_options(rows).net_value[order])


def test_counting_in_other_units_changes_no_money() -> None:
    worlds = mixed_worlds(12, 28, 2, seed=2, known=True)
    rows = rows_of(worlds, *options_of(worlds, seed=1))
    plain = price_options(rows)
    for factor in (1e-3, 64.0, 1e4):
        scaled = price_options(scaled_units(rows, factor))
        np.testing.assert_allclose(scaled.net_value, plain.net_value, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(
            scaled.expected_short_after, plain.expected_short_after * factor, rtol=1e-6, atol=1e-6 * factor
        )
