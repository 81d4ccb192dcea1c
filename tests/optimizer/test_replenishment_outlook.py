"""The demand outlook learns what is in the past, and only that."""

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.replenishment.boosting import BoostingSettings, boosted_trees
from optimizer.replenishment.features import origin
from optimizer.replenishment.outlook import OutlookSettings, demand_outlook, dispersion
from optimizer.replenishment.rolling import OutlookBook

EVIDENCE = (20.0, 40.0, 80.0)
GROUPS, POOLS = np.repeat([[0], [1]], 6, axis=0), np.tile([[0], [1], [2]], (4, 1))
QUICK = OutlookSettings(trees=BoostingSettings(trees=20, depth=3))


def sales(weeks: int = 90, seed: int = 4) -> NDArray[np.float64]:
    """Twelve series with a season of 52 weeks, Poisson; one listed late, one with a gap."""
    level = np.linspace(0.5, 12.0, 12)[:, None]
    season = 1.0 + 0.6 * np.sin(2.0 * np.pi * np.arange(weeks) / 52.0)
    drawn: NDArray[np.float64] = np.random.default_rng(seed).poisson(level * season).astype(np.float64)
    drawn[3, :40] = np.nan
    drawn[7, 60:64] = np.nan
    return drawn


def book(**changes: int) -> OutlookBook:
    return OutlookBook(GROUPS, POOLS, evidence=EVIDENCE, settings=QUICK, **changes)


def test_trees_learn_an_interaction_no_line_can() -> None:
    random = np.random.default_rng(0)
    x = random.random((4000, 3))
    y = np.where((x[:, 0] > 0.5) == (x[:, 1] > 0.5), 2.0, 0.0)
    settings = BoostingSettings(trees=80, depth=3, learning_rate=0.2, leaf_prior=1.0, feature_share=1.0)
    model = boosted_trees(x, y, np.ones(4000), np.arange(4000) % 40, settings)
    fresh = random.random((1000, 3))
    wanted = np.where((fresh[:, 0] > 0.5) == (fresh[:, 1] > 0.5), 2.0, 0.0)
    line = np.abs(wanted - 1.0).mean()
    assert np.abs(model.predict(fresh) - wanted).mean() < 0.15 * line


def test_equal_seeds_give_equal_trees_and_row_order_in_a_block_does_not_matter() -> None:
    random = np.random.default_rng(1)
    x, y, block = random.random((600, 4)), random.random(600), np.arange(600) // 50
    settings = BoostingSettings(trees=10, depth=3)
    first = boosted_trees(x, y, np.ones(600), block, settings)
    order = random.permutation(600)
    second = boosted_trees(x[order], y[order], np.ones(600), block[order], settings)
    np.testing.assert_array_equal(first.feature, second.feature)
    np.testing.assert_allclose(first.predict(x), second.predict(x), rtol=1e-9)


def test_a_large_prior_leaves_the_mean() -> None:
    x = np.random.default_rng(1).random((200, 2))
    model = boosted_trees(x, x[:, 0], np.ones(200), np.arange(200), BoostingSettings(leaf_prior=1e9))
    np.testing.assert_allclose(model.predict(x), x[:, 0].mean(), atol=1e-4)


@pytest.mark.parametrize("name", ["trees", "depth", "learning_rate", "block_share", "leaf_prior"])
def test_settings_that_cannot_grow_are_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        BoostingSettings(**{name: -1})


def test_the_plain_forecast_of_poisson_sales_is_near_their_mean() -> None:
    found = origin(sales(), GROUPS, POOLS, evidence=EVIDENCE)
    season = 1.0 + 0.6 * np.sin(2.0 * np.pi * np.arange(90, 93) / 52.0)
    true = np.linspace(0.5, 12.0, 12)[:, None] * season
    # The season is at its trough: without it the forecast would be 2.5 times too high.
    assert abs(found.base.sum() / true.sum() - 1.0) < 0.25
    assert np.isfinite(found.features).all()
    assert found.features.shape[:2] == (12, 3)


def test_an_outlook_does_not_depend_on_what_the_book_has_seen_since() -> None:
    history = sales()
    fresh = book().outlook(history[:, :80])
    used = book()
    used.outlook(history)
    again = used.outlook(history[:, :80])
    np.testing.assert_array_equal(again.mean, fresh.mean)
    np.testing.assert_array_equal(again.variance, fresh.variance)


def test_a_book_refuses_a_past_that_has_changed() -> None:
    used, history = book(), sales()
    used.outlook(history[:, :80])
    history[0, 10] += 1.0
    with pytest.raises(ValueError, match="history"):
        used.outlook(history)


def test_a_short_history_has_the_plain_forecast_and_the_pooled_dispersion() -> None:
    history = sales()[:, :30]
    found = book().outlook(history)
    plain = origin(history, GROUPS, POOLS, evidence=EVIDENCE)
    np.testing.assert_array_equal(found.mean, plain.base)
    np.testing.assert_allclose(found.variance, found.mean + QUICK.dispersion * found.mean**2)


def test_series_that_never_sold_have_a_small_finite_outlook() -> None:
    history = sales()
    history[0], history[1] = 0.0, np.nan
    found = book().outlook(history)
    assert np.isfinite(found.mean).all()
    assert (found.mean[0] < 0.2).all()


def test_dispersion_tells_steady_from_wild_and_shrinks_thin_evidence() -> None:
    random = np.random.default_rng(2)
    base = np.full((3, 300), 20.0)
    wild = random.poisson(20.0 * random.gamma(1 / 0.6, 0.6, 300))
    actual = np.stack([random.poisson(20.0, 300), wild, np.full(300, np.nan)]).astype(float)
    settings = OutlookSettings(dispersion=0.25, dispersion_evidence=60.0)
    steady, spread, unknown = dispersion(base, actual, settings, period_discount=1.0)
    assert steady < 0.03
    assert 0.4 < spread < 0.8
    assert unknown == 0.25


def test_the_variance_is_poisson_plus_dispersion() -> None:
    now = origin(sales(), GROUPS, POOLS, evidence=EVIDENCE)
    found = demand_outlook(now, None, np.full(12, 0.5), QUICK)
    np.testing.assert_allclose(found.variance, now.base + 0.5 * now.base**2)
