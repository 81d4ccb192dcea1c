"""Lead times: the textbook survival curve, censoring, pools and ages; demand during the lead time."""

import numpy as np
import pytest

from optimizer.laws.lead_time_demand import PoissonMixture, lead_time_demand_moments
from optimizer.lead_time.kaplan_meier import LeadTimeLaw, kaplan_meier_lead_time
from tests.optimizer.golden import golden

# Weeks of remission under 6-MP, 21 patients (Freireich et al. 1963; Kaplan-Meier curve in every survival text).
REMISSION = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
SURVIVAL = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}


def test_survival_curve_of_the_textbook_trial() -> None:
    # The text counts a censored patient as at risk in his last week; an order open in the morning of day a is not
    # at risk on day a, so the same curve needs a day more.
    days = np.array(REMISSION + [week + 1 for week in CENSORED])
    observed = np.arange(21) < len(REMISSION)
    law = kaplan_meier_lead_time(days, observed, np.ones(21), np.zeros(21, int), 1, horizon_days=60, shrinkage=0.0)
    survival = 1.0 - np.cumsum(law.probability[0])
    for week, expected in SURVIVAL.items():
        assert survival[week] == pytest.approx(expected, abs=5e-5)


def test_open_orders_pull_the_95_point_up_to_the_truth() -> None:
    rng = np.random.default_rng(11)
    lead = np.rint(rng.gamma(3.0, 20.0 / 3.0, 40_000)).astype(int)
    age = rng.integers(0, 90, 40_000)
    observed = lead < age
    days = np.where(observed, lead, age)
    ones, group = np.ones(len(days)), np.zeros(len(days), int)
    censored = kaplan_meier_lead_time(days, observed, ones, group, 1, shrinkage=0.0)
    completed = kaplan_meier_lead_time(
        days[observed], np.ones(observed.sum(), bool), ones[observed], group[observed], 1, shrinkage=0.0
    )
    truth = np.quantile(lead, 0.95)
    assert abs(censored.quantile_days(0.95)[0] - truth) <= 1
    assert completed.quantile_days(0.95)[0] < truth - 1
    assert censored.mean_days()[0] == pytest.approx(lead.mean(), rel=0.02)
    assert censored.sd_days()[0] == pytest.approx(lead.std(), rel=0.04)


def test_a_group_without_data_takes_its_pool_and_a_thin_one_leans_on_it() -> None:
    days = np.array([10] * 50 + [30])
    group = np.array([0] * 50 + [1])
    law = kaplan_meier_lead_time(days, np.ones(51, bool), np.ones(51), group, 3, shrinkage=5.0)
    pooled = kaplan_meier_lead_time(days, np.ones(51, bool), np.ones(51), np.zeros(51, int), 1, shrinkage=0.0)
    np.testing.assert_allclose(law.probability[2], pooled.probability[0], atol=1e-12)
    assert 10.0 < law.mean_days()[1] < 30.0
    assert law.mean_days()[0] < law.mean_days()[1]


def test_more_evidence_means_less_pool() -> None:
    def own_mean(orders: int) -> float:
        days = np.array([10] * 100 + [30] * orders)
        group = np.array([0] * 100 + [1] * orders)
        law = kaplan_meier_lead_time(days, np.ones(len(days), bool), np.ones(len(days)), group, 2)
        return float(law.mean_days()[1])

    means = [own_mean(orders) for orders in (1, 5, 20, 80)]
    assert means == sorted(means)
    assert means[-1] > 28.0


def test_the_unit_of_the_weights_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    days, group, weight = rng.integers(1, 40, 30), rng.integers(0, 3, 30), rng.uniform(1.0, 9.0, 30)
    observed = rng.random(30) < 0.8
    pieces, pallets = (kaplan_meier_lead_time(days, observed, w, group, 3) for w in (weight * 1000.0, weight))
    np.testing.assert_allclose(pieces.probability, pallets.probability, atol=1e-12)


def test_receipts_count_by_their_weight() -> None:
    law = kaplan_meier_lead_time([10, 30], [True, True], [3.0, 1.0], [0, 0], 1, shrinkage=0.0)
    assert law.mean_days()[0] == pytest.approx(15.0)


def test_pools_keep_apart_and_priors_stand_in() -> None:
    law = kaplan_meier_lead_time([12], [True], [1.0], [0], 2, pool=[7, 9], prior_days=[20.0, 33.0], horizon_days=60)
    assert law.mean_days().tolist() == [12.0, 33.0]
    with pytest.raises(ValueError, match="group 1 has no receipt"):
        kaplan_meier_lead_time([12], [True], [1.0], [0], 2, pool=[7, 9])


def test_an_open_order_older_than_every_receipt_is_expected_after_its_age() -> None:
    law = kaplan_meier_lead_time([10, 40], [True, False], [1.0, 1.0], [0, 0], 1, shrinkage=0.0)
    assert law.probability[0, 10] == pytest.approx(0.5)
    assert law.probability[0, 40] == pytest.approx(0.5)


def test_law_of_an_aged_order_is_the_rest_of_the_law() -> None:
    probability = np.zeros((1, 10))
    probability[0, [3, 5, 9]] = [0.2, 0.5, 0.3]
    law = LeadTimeLaw(probability)
    aged = law.given_age([0, 4, 5, 6], [0, 0, 0, 0])
    np.testing.assert_allclose(aged[0], probability[0])
    assert aged[1, 1] == pytest.approx(0.625)
    assert aged[1, 5] == pytest.approx(0.375)
    assert aged[2, 0] == pytest.approx(0.625)
    assert aged[3, 3] == 1.0


def test_an_order_beyond_the_law_waits_on_as_long_as_it_is_overdue() -> None:
    probability = np.zeros((2, 40))
    probability[0, [3, 7]] = 0.5
    probability[1, 5] = 1.0
    # Overdue by 1 day under a law with sd 2, by 13 days, and by a day under a law without spread.
    aged = LeadTimeLaw(probability).given_age([8, 20, 6], [0, 0, 1])
    np.testing.assert_allclose(aged.sum(axis=1), 1.0)
    assert aged[0, 1] / aged[0, 0] == pytest.approx(2.0 / 3.0)
    assert aged[1, 1] / aged[1, 0] == pytest.approx(13.0 / 14.0)
    assert aged[2, 1] / aged[2, 0] == pytest.approx(0.5)


def test_laws_are_checked() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        LeadTimeLaw(np.array([[0.5, 0.4]]))
    with pytest.raises(ValueError, match="p must be"):
        LeadTimeLaw(np.array([[1.0]])).quantile_days(0.0)
    with pytest.raises(ValueError, match="days must not be negative"):
        kaplan_meier_lead_time([-1], [True], [1.0], [0], 1)
    with pytest.raises(ValueError, match="shrinkage"):
        kaplan_meier_lead_time([1], [True], [1.0], [0], 1, shrinkage=-1.0)
    with pytest.raises(ValueError, match="one length"):
        kaplan_meier_lead_time([1, 2], [True], [1.0], [0], 1)


def test_lead_time_demand_of_the_textbook_example() -> None:
    case, answer = golden("stocking", "C4")
    demand = lead_time_demand_moments(case["mean"], case["sd"], case["lead_time"], case["lead_time_sd"])
    np.testing.assert_allclose(demand.sd, [row[0] for row in answer], rtol=1e-8)


def test_review_period_is_protected_too() -> None:
    demand = lead_time_demand_moments([2.0], [3.0], [7.0], [0.0], [7.0])
    assert demand.mean[0] == 28.0
    assert demand.variance[0] == 126.0


def test_poisson_demand_over_a_random_lead_time_keeps_all_humps() -> None:
    case, answer = golden("lead_time", "E1")
    duration = np.zeros((1, 10))
    duration[0, case["days"]] = case["probability"]
    mixture = PoissonMixture(np.array([float(case["mean_per_day"])]), duration)
    assert mixture.moments().mean[0] == pytest.approx(answer["mean"])
    assert mixture.moments().variance[0] == pytest.approx(answer["var"])
    assert [mixture.quantile(p)[0] for p in case["quantile_at"]] == answer["quantiles"]
    assert mixture.cdf(-1.0)[0] == 0.0
