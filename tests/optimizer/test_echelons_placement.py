"""Hold it centrally or forward: prices against the two-echelon model, limits with a known answer."""

import doctest

import numpy as np
import pytest

import optimizer.echelons.central_or_forward
from optimizer.arguments import FloatArray, IntArray
from optimizer.echelons.backorder_moments import BackorderLaw
from optimizer.echelons.central_or_forward import CenterAndSites, central_or_forward
from optimizer.echelons.depot_and_bases import DepotAndBases, network_backorders
from optimizer.laws.demand_law import expected_short


def four_shops(level: float = 4.0, site_days: float = 2.0, center_days: float = 20.0) -> CenterAndSites:
    demand = np.full((1, 4), 0.5)
    return CenterAndSites(
        demand,
        np.sqrt(demand),
        np.array([center_days]),
        np.full((1, 4), site_days),
        np.array([2.0 * center_days]),
        np.full((1, 4), level),
    )


def test_docstring_examples_hold() -> None:
    result = doctest.testmod(optimizer.echelons.central_or_forward)
    assert result.attempted > 0
    assert result.failed == 0


def test_poisson_demand_gives_the_backorders_of_vari_metric() -> None:
    shops = four_shops(2.0)
    network = DepotAndBases(shops.demand_mean, shops.site_lead_time_days, shops.center_lead_time_days)
    options = central_or_forward(shops, [12], 0.02, 0.03, 5.0, law="count")
    for option in range(5):
        levels = 2.0 + options.site_units[:, option]
        found = network_backorders(network, 40.0 + options.center_units[:, option], levels, method="vari-metric")
        assert options.backordered[0, option] == pytest.approx(found.base.sum(), rel=1e-10)


@pytest.mark.parametrize("law", ["gamma", "count"])
def test_every_unit_is_placed_once_and_the_parts_sum_to_the_cost(law: BackorderLaw) -> None:
    rng = np.random.default_rng(0)
    mean = rng.uniform(0.1, 6.0, (30, 5))
    network = CenterAndSites(
        mean,
        np.sqrt(mean) * 1.3,
        rng.uniform(0.0, 30.0, 30),
        rng.uniform(0.0, 6.0, (30, 5)),
        np.rint(mean.sum(axis=1) * 15.0),
        np.rint(mean * 3.0),
    )
    units = rng.integers(0, 200, 30)
    options = central_or_forward(network, units, 0.02, 0.03, 2.0, law=law)
    placed = options.center_units + options.site_units.sum(axis=2)
    assert placed == pytest.approx(np.repeat(units[:, None], 5, axis=1), rel=1e-12)
    if law == "count":
        assert np.array_equal(options.site_units, np.rint(options.site_units))
    assert np.array_equal(options.cost, options.center_holding + options.site_holding + options.shortage)
    assert (options.saving >= 0.0).all()
    assert (options.saving[np.arange(30), options.best] == 0.0).all()
    assert ((options.ready_rate >= 0.0) & (options.ready_rate <= 1.0)).all()


def test_sites_next_door_to_the_center_leave_stock_there_and_a_short_supply_pulls_it_forward() -> None:
    # Sites a day away, supplier a month away: pooling wins. Supplier at hand and sites a month away: it cannot.
    near = central_or_forward(four_shops(1.0, 0.05, 30.0), [8], 0.02, 0.03, 1.0, central_shares=(1.0, 0.0))
    far = central_or_forward(four_shops(15.0, 30.0, 0.1), [8], 0.02, 0.03, 1.0, central_shares=(1.0, 0.0))
    assert near.cost[0, 0] < near.cost[0, 1]
    assert near.best.tolist() == [0]
    assert far.best.tolist() == [1]


def test_a_center_without_lead_time_leaves_sites_their_own_pipeline() -> None:
    shops = four_shops(3.0, 4.0, 0.0)
    options = central_or_forward(shops, [0], 0.02, 0.03, 5.0, central_shares=(1.0,))
    own = expected_short(np.full(4, 3.0), np.full(4, 2.0), np.full(4, 2.0), "gamma").sum()
    assert options.backordered[0, 0] == pytest.approx(own, rel=1e-12)


def test_more_units_never_lower_the_ready_rate() -> None:
    rates = [central_or_forward(four_shops(), [units], 0.02, 0.03, 5.0).ready_rate[0] for units in range(0, 40, 4)]
    assert (np.diff(rates, axis=0) >= -1e-12).all()


def test_the_forward_division_beats_any_other_of_few_units() -> None:
    mean = np.array([[0.2, 0.6, 1.5]])
    network = CenterAndSites(
        mean, np.sqrt(mean), np.array([5.0]), np.full((1, 3), 3.0), np.array([11.0]), 2.0 * np.ones((1, 3))
    )
    penalty = np.array([[9.0, 3.0, 1.0]])
    options = central_or_forward(network, [5], 0.02, 0.03, penalty, central_shares=(0.0,), law="count")
    for first in range(6):
        for second in range(6 - first):
            level = 2.0 + np.array([[first, second, 5 - first - second]])
            moved = CenterAndSites(mean, np.sqrt(mean), np.array([5.0]), np.full((1, 3), 3.0), np.array([11.0]), level)
            other = central_or_forward(moved, [0], 0.02, 0.03, penalty, central_shares=(0.0,), law="count")
            assert options.cost[0, 0] <= other.cost[0, 0] + 1e-12


def test_items_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(2)
    mean = rng.uniform(0.1, 6.0, (20, 3))
    lead, lane = rng.uniform(1.0, 30.0, 20), rng.uniform(1.0, 6.0, (20, 3))
    units = rng.uniform(0.0, 90.0, 20)

    def priced(rows: IntArray) -> tuple[FloatArray, FloatArray]:
        part = mean[rows]
        network = CenterAndSites(part, 0.7 * part, lead[rows], lane[rows], part.sum(axis=1) * 12.0, part * 3.0)
        options = central_or_forward(network, units[rows], 0.02, 0.03, 2.0)
        return options.cost, options.site_units

    together, mixed = priced(np.arange(20)), rng.permutation(20)
    for rows in (mixed, mixed[:3], mixed[:1]):
        for whole, part in zip(together, priced(rows), strict=True):
            assert np.array_equal(whole[rows], part)


def test_counts_are_whole() -> None:
    with pytest.raises(ValueError, match=r"units must be whole at index \(0,\): 2.5"):
        central_or_forward(four_shops(), [2.5], 0.02, 0.03, 5.0, law="count")
