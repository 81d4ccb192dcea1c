"""Lead times from awkward evidence: open, partial, bimodal, crossing and overdue orders; lanes; suppliers unknown."""

import numpy as np
import pytest

from optimizer.arguments import FloatArray
from optimizer.lead_time.kaplan_meier import LeadTimeLaw, kaplan_meier_lead_time
from optimizer.lead_time.partial_receipts import receipt_observations
from optimizer.risk.projection import InboundSchedule, project_stock


def ones(count: int) -> FloatArray:
    return np.ones(count)


def test_pitfall_b1_a_fifth_of_orders_still_open_hides_six_days_of_the_95_point() -> None:
    rng = np.random.default_rng(3)
    lead = np.rint(rng.gamma(3.0, 20.0 / 3.0, 60_000)).astype(int)
    age = rng.integers(1, 96, len(lead))
    observed = lead < age
    days, group = np.where(observed, lead, age), np.zeros(len(lead), int)
    assert 1.0 - observed.mean() == pytest.approx(0.21, abs=0.01)
    done = days[observed]
    law = kaplan_meier_lead_time(days, observed, ones(len(days)), group, 1, shrinkage=0.0)
    assert done.mean() == pytest.approx(18.1, abs=0.4)
    assert np.quantile(done, 0.95) <= np.quantile(lead, 0.95) - 4
    assert abs(law.quantile_days(0.95)[0] - np.quantile(lead, 0.95)) <= 1
    assert law.mean_days()[0] == pytest.approx(lead.mean(), rel=0.01)


def test_pitfall_b2_shrinking_thin_groups_to_their_pool_lowers_the_error_of_the_curve() -> None:
    rng, groups, orders = np.random.default_rng(4), 60, 50
    lead = np.rint(rng.gamma(3.0, 20.0 / 3.0, groups * orders)).astype(int)
    group = np.repeat(np.arange(groups), orders)
    truth = np.searchsorted(np.sort(np.rint(rng.gamma(3.0, 20.0 / 3.0, 400_000))), np.arange(180), "right") / 400_000

    def error(shrinkage: float) -> float:
        law = kaplan_meier_lead_time(lead, lead >= 0, ones(len(lead)), group, groups, shrinkage=shrinkage)
        return float(np.sqrt(((np.cumsum(law.probability, axis=1) - truth) ** 2).mean()))

    assert error(20.0) < 0.75 * error(0.0)


def test_pitfall_b2_shrinkage_does_not_drown_a_group_with_a_law_of_its_own() -> None:
    rng = np.random.default_rng(5)
    group = np.repeat([0, 1], [2_000, 200])
    lead = np.where(group == 0, rng.integers(5, 10, 2_200), rng.integers(40, 50, 2_200))
    law = kaplan_meier_lead_time(lead, lead >= 0, ones(2_200), group, 2)
    assert law.mean_days()[1] == pytest.approx(lead[group == 1].mean(), rel=0.03)


def test_pitfall_b3_orders_that_cross_need_less_stock_than_the_spread_of_the_lead_time_says() -> None:
    # An order of 2 a day, lead time uniform over 10 days: orders overtake each other.
    rng, paths, days, orders = np.random.default_rng(6), 40_000, 24, 24
    arrival = np.zeros((orders, days))
    for placed in range(orders):
        arrival[placed, placed : placed + 10] = 0.1
    landed = np.arange(orders) + rng.integers(0, 10, (paths, orders))
    received = 2.0 * (landed[:, :, None] <= np.arange(days)).sum(axis=1)
    day = 20
    spread_of_units = received[:, day].std()
    assert spread_of_units < 0.6 * 2.0 * np.sqrt((10**2 - 1) / 12)
    demand = rng.gamma(2.0 * (day + 1), 1.0, paths)
    stock = 12.0
    schedule = InboundSchedule(np.zeros(orders, int), np.full(orders, 2.0), arrival)
    projection = project_stock([stock], [2.0], [np.sqrt(2.0)], horizon_days=days, inbound=schedule)
    out = (demand > stock + received[:, day]).mean()
    assert projection.stockout_probability[0, day] == pytest.approx(out, abs=0.012)


def test_pitfall_b4_air_and_sea_stay_two_humps() -> None:
    rng = np.random.default_rng(7)
    lead = np.where(rng.random(4_000) < 0.5, rng.integers(4, 7, 4_000), rng.integers(38, 43, 4_000))
    law = kaplan_meier_lead_time(lead, lead >= 0, ones(4_000), np.zeros(4_000, int), 1)
    between = law.probability[0, 10:35].sum()
    assert between < 1e-3
    assert law.mean_days()[0] == pytest.approx(22.5, abs=1.0)
    # A plane that is a week late has turned out to be a ship.
    assert law.given_age([12], [0])[0, :26].sum() < 1e-3


def test_pitfall_b5_partial_receipts_count_by_quantity() -> None:
    seen = receipt_observations([100.0], [30.0], [0], [0, 0], [10.0, 20.0], [60.0, 40.0])
    assert seen.observed.all()
    law = kaplan_meier_lead_time(seen.days, seen.observed, seen.weight, seen.group, 1, order=seen.order, shrinkage=0.0)
    assert law.mean_days()[0] == pytest.approx(14.0)


def test_the_rest_of_a_partial_receipt_is_an_open_order() -> None:
    seen = receipt_observations([100.0, 10.0], [30.0, 5.0], [0, 0], [0], [10.0], [60.0])
    assert seen.days.tolist() == [10.0, 30.0, 5.0]
    assert seen.observed.tolist() == [True, False, False]
    assert seen.weight.tolist() == [0.6, 0.4, 1.0]
    closed = receipt_observations([100.0], [30.0], [0], [0], [10.0], [98.0], closed_share=0.95)
    assert closed.observed.tolist() == [True]


def test_an_order_in_ten_parts_is_worth_one_order() -> None:
    other = ([10] * 5, [0] * 5)
    days, group = np.array(other[0] + [30] * 10), np.array(other[1] + [1] * 10)
    weight = np.array([1.0] * 5 + [0.1] * 10)
    parts = kaplan_meier_lead_time(days, days > 0, weight, group, 2, order=[0, 1, 2, 3, 4, *[9] * 10])
    whole = kaplan_meier_lead_time(days[:6], days[:6] > 0, ones(6), group[:6], 2)
    np.testing.assert_allclose(parts.probability, whole.probability, atol=1e-12)
    with pytest.raises(ValueError, match="receipt_day must not exceed"):
        receipt_observations([1.0], [3.0], [0], [0], [4.0], [1.0])


def test_a_supplier_leans_on_its_lane_and_a_group_on_both() -> None:
    # Lane 0 takes 10 days, lane 1 takes 40. Supplier 2 is new on lane 1; supplier 1 ships on both.
    days = np.array([10] * 50 + [40] * 50)
    group = np.array([0] * 50 + [1] * 50)
    pool, lane = [0, 1, 1, 2], [0, 1, 0, 1]
    law = kaplan_meier_lead_time(days, days > 0, ones(100), group, 4, pool=pool, lane=lane)
    means = law.mean_days()
    assert means[0] == pytest.approx(10.0)
    assert means[3] == pytest.approx(40.0)
    assert 35.0 < means[2] < 40.0
    plain = kaplan_meier_lead_time(days, days > 0, ones(100), group, 4, pool=pool, prior_days=[20.0] * 4)
    assert plain.mean_days()[3] == 20.0


def test_a_lane_without_receipts_changes_nothing() -> None:
    days, group = np.array([5, 9, 14]), np.array([0, 0, 1])
    with_lane = kaplan_meier_lead_time(days, days > 0, ones(3), group, 2, lane=[0, 0], lane_shrinkage=0.0)
    without = kaplan_meier_lead_time(days, days > 0, ones(3), group, 2)
    np.testing.assert_allclose(with_lane.probability, without.probability, atol=1e-12)


def test_an_unknown_supplier_is_as_late_as_suppliers_are() -> None:
    # Known supplier: contract 10 days, half of the orders take 15.
    days = np.array([10] * 100 + [15] * 100)
    arguments = (days, days > 0, ones(200), np.zeros(200, int), 2)
    law = kaplan_meier_lead_time(*arguments, pool=[0, 1], prior_days=[10.0, 20.0], unknown="scaled")
    assert law.probability[1, 30] == pytest.approx(0.5, abs=0.02)
    assert law.probability[1, 20] == pytest.approx(0.5, abs=0.02)
    overdue = law.given_age([25], [1])[0]
    assert overdue[5] == pytest.approx(1.0)


def test_pitfall_b6_an_overdue_order_of_an_unknown_supplier_is_not_expected_at_once() -> None:
    law = kaplan_meier_lead_time([], np.zeros(0, bool), [], np.zeros(0, int), 1, prior_days=[20.0])
    three_weeks_late = law.given_age([41], [0])[0]
    assert three_weeks_late[0] < 0.05
    assert LeadTimeLaw(three_weeks_late[None]).mean_days()[0] == pytest.approx(21.0, abs=1.5)


def test_no_groups_give_no_laws() -> None:
    assert kaplan_meier_lead_time([], np.zeros(0, bool), [], np.zeros(0, int), 0).probability.shape == (0, 180)


def test_permuting_groups_permutes_the_laws_bit_for_bit() -> None:
    rng, groups = np.random.default_rng(8), 12
    days, group = rng.integers(1, 50, 400), rng.integers(0, groups, 400)
    observed, pool, lane = rng.random(400) < 0.8, rng.integers(0, 3, groups), rng.integers(0, 2, groups)
    order = rng.permutation(groups)
    place = np.argsort(order)
    plain = kaplan_meier_lead_time(days, observed, ones(400), group, groups, pool=pool, lane=lane)
    moved = kaplan_meier_lead_time(days, observed, ones(400), place[group], groups, pool=pool[order], lane=lane[order])
    np.testing.assert_array_equal(moved.probability, plain.probability[order])
