"""Promotions: a plain-Python estimate, worlds with a known effect, shrinkage, dips, unobserved periods."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.demand.promotion import (
    STEADY_CV2,
    PromotionEffect,
    cleaned_history,
    promotion_effect,
    promotion_factor,
)


@dataclass(frozen=True)
class _World:
    history: FloatArray
    promotion: BoolArray
    group: IntArray
    baseline: FloatArray
    uplift: FloatArray


def _promoted_world(seed: int, n: int = 300, weeks: int = 104) -> _World:
    """Poisson demand, three groups with their own uplift, a dip of 0.6 for two weeks."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    uplift = np.array([1.5, 2.5, 4.0])[group] * rng.lognormal(0.0, 0.1, n)
    promotion = rng.random((n, weeks)) < 0.03
    after = np.zeros_like(promotion)
    after[:, 1:] |= promotion[:, :-1]
    after[:, 2:] |= promotion[:, :-2]
    baseline = np.repeat(rng.gamma(1.5, 8.0, (n, 1)), weeks, axis=1)
    mean = baseline * np.where(promotion, uplift[:, None], np.where(after, 0.6, 1.0))
    return _World(rng.poisson(mean).astype(float), promotion, group, baseline, uplift)


def _plain_uplift(
    history: list[list[float]], promotion: list[list[bool]], group: list[int], dip_periods: int, shrinkage: float
) -> tuple[list[float], list[float]]:
    """Rules 1-4 series by series, period by period, without expected factors; uplift and dip."""
    answers = []
    for wanted in ("promoted", "after"):
        ratio, evidence = [], []
        for sales, flags in zip(history, promotion, strict=True):
            kinds = []
            for period, flag in enumerate(flags):
                recent = any(flags[max(period - dip_periods, 0) : period])
                kinds.append("promoted" if flag else "after" if recent else "base")
            seen = [(kind, sale) for kind, sale in zip(kinds, sales, strict=True) if not math.isnan(sale)]
            base = [sale for kind, sale in seen if kind == "base"]
            chosen = [sale for kind, sale in seen if kind == wanted]
            level = sum(base) / len(base) if base else 0.0
            cv2 = 1.0
            if len(base) > 1 and level > 0:
                cv2 = sum((sale / level - 1) ** 2 for sale in base) / (len(base) - 1)
            known = any(flags) and level > 0 and chosen
            ratio.append(sum(chosen) / (level * len(chosen)) if known else 0.0)
            evidence.append(len(chosen) * STEADY_CV2 / max(cv2, STEADY_CV2) if known else 0.0)
        total = sum(r * e for r, e in zip(ratio, evidence, strict=True))
        everywhere = (total + shrinkage) / (sum(evidence) + shrinkage)
        answer = []
        for r, e, mine in zip(ratio, evidence, group, strict=True):
            peers = [i for i, other in enumerate(group) if other == mine]
            weighted = sum(ratio[i] * evidence[i] for i in peers) + shrinkage * everywhere
            pooled = weighted / (sum(evidence[i] for i in peers) + shrinkage)
            answer.append((r * e + shrinkage * pooled) / (e + shrinkage))
        answers.append(answer)
    return answers[0], answers[1]


@pytest.mark.parametrize("seed", range(5))
def test_effect_equals_the_rules_worked_out_series_by_series(seed: int) -> None:
    rng = np.random.default_rng(seed)
    history = rng.poisson(rng.gamma(1.0, 4.0, (12, 1)), (12, 30)).astype(float)
    history[rng.random((12, 30)) < 0.1] = np.nan
    promotion = (rng.random((12, 30)) < 0.1) & (rng.random((12, 1)) < 0.7)
    group = rng.integers(0, 3, 12)
    effect = promotion_effect(history, promotion, group, groups=4, dip_periods=2, shrinkage=3.0)
    uplift, dip = _plain_uplift(history.tolist(), promotion.tolist(), group.tolist(), 2, 3.0)
    np.testing.assert_allclose(effect.uplift, uplift, rtol=1e-12)
    np.testing.assert_allclose(effect.dip, dip, rtol=1e-12)


def test_a_world_without_noise_gives_back_its_uplift_dip_and_baseline() -> None:
    promotion = np.zeros((1, 40), bool)
    promotion[0, [5, 6, 20, 33]] = True
    season = 1.0 + 0.3 * np.sin(np.arange(40.0))[None, :]
    effect = PromotionEffect(np.array([2.5]), np.array([0.7]), np.zeros(1), 2)
    history = 100.0 * season * promotion_factor(effect, promotion)
    found = promotion_effect(history, promotion, [0], groups=1, expected_factor=season, shrinkage=1e-9)
    assert found.uplift[0] == pytest.approx(2.5, rel=1e-8)
    assert found.dip[0] == pytest.approx(0.7, rel=1e-8)
    np.testing.assert_allclose(cleaned_history(history, promotion, found), 100.0 * season, rtol=1e-8)


def test_cleaned_history_has_the_mean_of_the_baseline_it_came_from() -> None:
    world = _promoted_world(1)
    effect = promotion_effect(world.history, world.promotion, world.group, groups=3)
    cleaned = cleaned_history(world.history, world.promotion, effect)
    for group in range(3):
        members = world.group == group
        assert cleaned[members].mean() == pytest.approx(world.baseline[members].mean(), rel=0.01)
    # As delivered, the history of the strongest promotions is not: uplift and dip do not cancel.
    assert world.history[world.group == 2].mean() > 1.03 * world.baseline[world.group == 2].mean()


def _relative_error(world: _World, shrinkage: float) -> float:
    effect = promotion_effect(world.history, world.promotion, world.group, groups=3, shrinkage=shrinkage)
    return float(np.sqrt(np.mean((effect.uplift / world.uplift - 1.0) ** 2)))


def test_shrunk_uplift_is_closer_to_the_truth_than_each_series_alone() -> None:
    world = _promoted_world(2)
    assert _relative_error(world, 4.0) < 0.8 * _relative_error(world, 1e-6)
    assert _relative_error(world, 4.0) < 0.15


def test_a_lucky_sale_of_a_slow_mover_is_not_an_uplift() -> None:
    history = np.zeros((1, 52))
    history[0, [3, 30]] = 1.0
    promotion = np.zeros((1, 52), bool)
    promotion[0, 30] = True
    effect = promotion_effect(history, promotion, [0], groups=1)
    # Read naively the uplift is 48.
    assert effect.uplift[0] < 1.5
    assert effect.evidence_periods[0] < 0.01


def test_a_series_without_promotions_takes_the_uplift_of_its_group_and_keeps_its_history() -> None:
    history = np.tile([10.0, 10.0, 30.0, 10.0], (3, 1))
    promotion = np.zeros((3, 4), bool)
    promotion[0, 2] = True
    effect = promotion_effect(history, promotion, [0, 0, 1], groups=2, dip_periods=0, shrinkage=0.5)
    assert effect.evidence_periods.tolist() == [1.0, 0.0, 0.0]
    assert effect.uplift[0] > effect.uplift[1] > effect.uplift[2] > 1.0
    np.testing.assert_array_equal(cleaned_history(history, promotion, effect)[1:], history[1:])


def test_planned_promotions_lift_and_those_just_ended_dip() -> None:
    effect = PromotionEffect(np.array([3.0]), np.array([0.5]), np.zeros(1), 2)
    planned = np.array([[False, False, True, False, False, False]])
    assert promotion_factor(effect, planned).tolist() == [[1.0, 1.0, 3.0, 0.5, 0.5, 1.0]]
    before = np.array([[True, False]])
    assert promotion_factor(effect, planned, promoted_before=before).tolist() == [[0.5, 1.0, 3.0, 0.5, 0.5, 1.0]]


def test_no_history_of_promotions_means_no_effect() -> None:
    effect = promotion_effect(np.ones((2, 9)), np.zeros((2, 9), bool), [0, 1], groups=2)
    assert effect.uplift.tolist() == [1.0, 1.0]
    assert effect.dip.tolist() == [1.0, 1.0]
    nobody = promotion_effect(np.zeros((0, 9)), np.zeros((0, 9), bool), np.zeros(0, int), groups=2)
    assert nobody.uplift.shape == (0,)


def test_pitfall_a1_a_negative_sale_is_refused_by_place_for_returns_have_their_own_history() -> None:
    history = np.ones((2, 5))
    history[1, 3] = -1.0
    with pytest.raises(ValueError, match=r"history must be finite and not negative at index \(1, 3\): -1.0"):
        promotion_effect(history, np.zeros((2, 5), bool), [0, 0], groups=1)


def test_pitfall_a2_all_zeros_one_sale_and_leading_zeros_have_finite_effects() -> None:
    history = np.zeros((3, 12))
    history[1, 6] = 5.0
    history[2, 7:] = 5.0
    promotion = np.zeros((3, 12), bool)
    promotion[:, 6] = True
    effect = promotion_effect(history, promotion, [0, 0, 0], groups=1)
    assert (np.isfinite(effect.uplift) & (effect.uplift > 0.0)).all()
    # Without base demand there is nothing to compare with.
    assert effect.evidence_periods[:2].tolist() == [0.0, 0.0]
    assert np.isfinite(cleaned_history(history, promotion, effect)).all()


def test_pitfall_a9_a_promotion_that_sold_out_is_no_evidence_of_a_small_uplift() -> None:
    history = np.tile([10.0, 10.0, 10.0, 10.0, 30.0, 10.0, 10.0, 30.0], (1, 4))
    promotion = history == 30.0
    told = promotion_effect(history, promotion, [0], groups=1, dip_periods=0)
    sold_out = history.copy()
    sold_out[0, 4] = np.nan
    censored = promotion_effect(sold_out, promotion, [0], groups=1, dip_periods=0)
    sold_out[0, 4] = 0.0
    fooled = promotion_effect(sold_out, promotion, [0], groups=1, dip_periods=0)
    assert censored.evidence_periods[0] == told.evidence_periods[0] - 1.0
    assert fooled.uplift[0] < 0.9 * censored.uplift[0]
    assert np.isnan(cleaned_history(np.where(sold_out == 0.0, np.nan, sold_out), promotion, censored)[0, 4])


def test_effect_does_not_depend_on_the_unit_of_a_series_and_follows_a_permutation() -> None:
    world = _promoted_world(3, n=40)
    plain = promotion_effect(world.history, world.promotion, world.group, groups=3)
    unit = 2.0 ** np.arange(40)[:, None]
    np.testing.assert_array_equal(
        promotion_effect(world.history * unit, world.promotion, world.group, groups=3).uplift, plain.uplift
    )
    order = np.random.default_rng(1).permutation(40)
    moved = promotion_effect(world.history[order], world.promotion[order], world.group[order], groups=3)
    np.testing.assert_allclose(moved.uplift, plain.uplift[order], rtol=1e-12)


def test_float32_stays_float32_in_the_cleaned_history() -> None:
    world = _promoted_world(4, n=9)
    effect = promotion_effect(world.history.astype(np.float32), world.promotion, world.group, groups=3)
    cleaned = cleaned_history(world.history.astype(np.float32), world.promotion, effect)
    assert cleaned.dtype == np.float32
    np.testing.assert_allclose(cleaned, cleaned_history(world.history, world.promotion, effect), rtol=1e-6)
