"""Supplier reliability, disruption and drift: shares by hand, posteriors by simulation, false alarms by count."""

import numpy as np
import pytest

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.lead_time.disruption import disruption_risk
from optimizer.lead_time.drift import lead_time_drift
from optimizer.lead_time.reliability import supplier_reliability


def test_share_on_time_in_full_is_shrunk_to_that_of_all_suppliers() -> None:
    late = np.array([0.0, -2.0, 3.0, 0.0, 4.0, -1.0])
    received = np.array([True, True, True, True, False, False])
    filled = np.array([1.0, 1.0, 1.0, 0.5, 0.0, 0.0])
    score = supplier_reliability(late, received, filled, np.array([0, 0, 0, 0, 1, 1]), 3, prior_orders=2.0)
    # Of five decided orders two are good; the open order before its promise is undecided.
    overall = (2 + 1) / (5 + 2)
    assert score.decided_orders.tolist() == [4, 1, 0]
    np.testing.assert_allclose(score.on_time_in_full, [(2 + 2 * overall) / 6, 2 * overall / 3, overall], rtol=1e-12)
    mean_late = 7.0 / 5.0
    np.testing.assert_allclose(
        score.mean_late_days, [(3 + 2 * mean_late) / 6, (4 + 2 * mean_late) / 3, mean_late], rtol=1e-12
    )
    assert score.sd_late_days[0] == pytest.approx(np.std([0, -2, 3, 0], ddof=1))
    assert np.isnan(score.sd_late_days[1:]).all()
    assert (score.low < score.on_time_in_full).all()
    assert (score.on_time_in_full < score.high).all()


def test_an_overdue_open_order_counts_as_late_and_tolerance_forgives() -> None:
    arguments = (np.array([2.0]), np.array([False]), np.array([0.0]), np.array([0]), 1)
    assert supplier_reliability(*arguments).decided_orders.tolist() == [1]
    assert supplier_reliability(*arguments, tolerance_days=2.0).decided_orders.tolist() == [0]


def test_disruption_counts_orders_by_the_day_that_decides_them() -> None:
    # Contract 10, limit 15. An order placed 5 days ago that came after 3 is not yet counted.
    waited = np.array([3.0, 20.0, 40.0, 8.0])
    received = np.array([True, True, False, True])
    age = np.array([5.0, 200.0, 40.0, 200.0])
    risk = disruption_risk(waited, received, age, np.full(4, 10.0), np.zeros(4, int), 1, prior_orders=1.0)
    assert risk.recent_orders.tolist() == [1]
    assert risk.earlier_orders.tolist() == [2]
    overall = 2.5 / 4.0
    assert risk.recent[0] == pytest.approx((1 + overall) / 2)
    assert risk.earlier[0] == pytest.approx((1 + overall) / 3)
    assert risk.trend[0] == pytest.approx(risk.recent[0] - risk.earlier[0])


def test_probability_of_a_rise_agrees_with_draws_from_the_posteriors() -> None:
    rng, m = np.random.default_rng(1), 400
    age = rng.uniform(20.0, 300.0, m)
    supplier = rng.integers(0, 4, m)
    bad = rng.random(m) < np.where((age < 105.0) & (supplier == 0), 0.5, 0.1)
    risk = disruption_risk(np.where(bad, 19.0, 5.0), np.ones(m, bool), age, np.full(m, 10.0), supplier, 5)
    share = (bad.sum() + 0.5) / (m + 1.0)
    recent = (age - 15.0) < 90.0
    draws = []
    for window in (recent, ~recent):
        chosen = window & (supplier == 0)
        a, n = bad[chosen].sum(), chosen.sum()
        draws.append(rng.beta(a + 10 * share, n - a + 10 * (1 - share), 200_000))
    assert risk.rising[0] == pytest.approx((draws[0] > draws[1]).mean(), abs=0.005)
    assert risk.low[0] == pytest.approx(np.quantile(draws[0], 0.05), abs=0.005)
    assert risk.high[0] == pytest.approx(np.quantile(draws[0], 0.95), abs=0.005)
    assert risk.rising[0] > 0.99
    assert risk.rising[4] == pytest.approx(0.5, abs=1e-6)


def _orders(rng: np.random.Generator, groups: int, longer: float) -> tuple[FloatArray, BoolArray, BoolArray, IntArray]:
    """Forty earlier and forty recent orders a group, the recent ones partly open."""
    group = np.tile(np.repeat(np.arange(groups), 40), 2)
    recent = np.repeat([False, True], groups * 40)
    lead = np.rint(rng.gamma(4.0, 5.0, len(group)) * np.where(recent, longer, 1.0))
    age = np.where(recent, rng.integers(1, 61, len(group)), 400)
    observed = lead < age
    return np.where(observed, lead, age), observed, recent, group


def test_drift_alarms_at_the_stated_rate_when_nothing_changed() -> None:
    groups = 4_000
    drift = lead_time_drift(*_orders(np.random.default_rng(2), groups, 1.0), groups, false_alarm_rate=0.05)
    assert np.abs(drift.alarm).mean() == pytest.approx(0.05, abs=0.012)


def test_drift_finds_a_longer_lead_time_that_open_orders_would_hide() -> None:
    groups = 200
    days, observed, recent, group = _orders(np.random.default_rng(3), groups, 1.6)
    drift = lead_time_drift(days, observed, recent, group, groups)
    assert (drift.alarm == 1).mean() > 0.8
    assert drift.recent_days.mean() > drift.earlier_days.mean() + 5.0
    completed = days[observed & recent].mean()
    assert completed < drift.recent_days.mean()


def test_drift_needs_evidence() -> None:
    drift = lead_time_drift([5, 30], [True, True], [False, True], [0, 0], 2)
    assert drift.alarm.tolist() == [0, 0]
    assert np.isnan(drift.recent_days[1])
