"""The look ahead: lead times nobody has seen yet, suppliers whose orders are late together, and plans read by day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.demand.horizon import DemandPlan, demand_plan
from optimizer.demand.launch import LaunchForecast
from tests.tools.networks import add_rows, amended, look, order, replenished_by, sells
from tests.worlds import MONDAY, ItemSite, Lane, Network, World
from tools.forecast_cuts import by_channel
from tools.forecast_days import by_day, protected_demand
from tools.outlook import look_ahead

NETWORK = Network(
    item_sites=(
        ItemSite("NOVEL", "NORTH", weekly=10, on_hand=50),
        ItemSite("TWICE", "NORTH", weekly=70, on_hand=100),
        ItemSite("USUAL", "NORTH", weekly=10, on_hand=50),
    ),
    lanes=(Lane("DC", "NORTH"),),
)


def late_supplier() -> Network:
    """LATECO is badly late two times out of three and owes two orders; NEWCO never delivered yet."""
    past = (
        order(f"P-{n}", "TWICE", "NORTH", 50, supplier="LATECO", ordered_ago=130 - n, promised_in=-109 + n,
              received_ago=(130 - n) - (21 if n % 3 == 0 else 45))
        for n in range(60)
    )  # fmt: skip
    return amended(
        NETWORK,
        sells("LATECO", "TWICE"), replenished_by("LATECO", item="TWICE"),
        sells("NEWCO", "NOVEL"), replenished_by("NEWCO", item="NOVEL"),
        *past,
        *(order(f"O-{n}", "TWICE", "NORTH", 150, supplier="LATECO", ordered_ago=15, promised_in=6) for n in "12"),
        add_rows(
            "demand",
            {"item": "USUAL", "site": "NORTH", "date": MONDAY, "quantity": 3, "channel": "web"},
            {"item": "USUAL", "site": "NORTH", "date": MONDAY, "quantity": 1, "channel": "shop"},
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("late") / "home", late_supplier()).furnish()


def test_a_supplier_nobody_received_from_is_as_late_as_the_others_are_against_their_contracts(world: World) -> None:
    ahead = look(world)[0]
    row = ahead.arrays.row_of[("NOVEL", "NORTH")]

    assert ahead.lead_time_mean[row] > 23.0, "the contract says 21 days, orders of others take longer"
    assert ahead.lead_time_sd[row] > 3.0, "a contract is not a certainty"


def test_orders_of_a_disrupted_supplier_are_late_together(world: World) -> None:
    ahead, thresholds = look(world)
    lead_times, row = ahead.lead_times, ahead.arrays.row_of[("TWICE", "NORTH")]
    alone = look_ahead(ahead.arrays, replace(lead_times, disrupted=np.zeros_like(lead_times.disrupted)), thresholds)
    together, apart = (each.projection.expected_short_units[row, 25] for each in (ahead, alone))

    assert dict(zip(lead_times.suppliers, lead_times.disrupted.tolist(), strict=True)) == {
        "LATECO": True, "NEWCO": False, "SUP": False,
    }  # fmt: skip
    assert together > apart + 1.0, "both may be missing at once"


def test_only_orders_of_the_disrupted_supplier_are_tied(world: World) -> None:
    ahead, thresholds = look(world)
    lead_times, row = ahead.lead_times, ahead.arrays.row_of[("USUAL", "NORTH")]
    alone = look_ahead(ahead.arrays, replace(lead_times, disrupted=np.zeros_like(lead_times.disrupted)), thresholds)

    np.testing.assert_allclose(
        ahead.projection.stockout_probability[row], alone.projection.stockout_probability[row], rtol=1e-12
    )


def test_channels_are_told_from_the_rows_of_the_last_weeks_and_sum_to_the_item_site(world: World) -> None:
    ahead = look(world)[0]
    channels = by_channel(ahead.plan, ahead.arrays, world.toolbox.snapshot())
    share = dict(zip(channels.channels, channels.shares[ahead.arrays.row_of[("USUAL", "NORTH")]], strict=True))

    assert sorted(share) == ["", "shop", "web"]
    assert share["web"] == pytest.approx(3 * share["shop"]), "three to one"
    np.testing.assert_allclose(channels.per_week.mean.sum(axis=1), ahead.plan.mean_per_week, rtol=1e-12)


def test_without_any_demand_there_is_one_channel_without_a_name(tmp_path: Path) -> None:
    silent = Network((ItemSite("DEAD", "NORTH", weekly=0, on_hand=5, history=(0,) * 30),), (Lane("DC", "NORTH"),))
    world = World(tmp_path / "home", silent).furnish()
    ahead = look(world)[0]

    assert by_channel(ahead.plan, ahead.arrays, world.toolbox.snapshot()).channels == ("",)


@pytest.fixture(scope="module")
def plan() -> DemandPlan:
    """A level item, and one whose second month sells double."""
    season = np.ones((2, 26))
    season[1, 4:] = 2.0
    return demand_plan([70.0, 70.0], [49.0, 49.0], season=season)


def test_days_after_the_fourth_week_follow_their_weeks_and_the_last_week_goes_on(plan: DemandPlan) -> None:
    days = by_day(plan, 200)

    assert days.mean[0].tolist() == pytest.approx([10.0] * 200)
    assert days.mean[1].tolist() == pytest.approx([10.0] * 28 + [20.0] * 172)
    assert by_day(plan, 10).mean.shape == (2, 10)


def test_the_interval_protected_is_summed_ahead_and_goes_on_beyond_the_plan(plan: DemandPlan) -> None:
    short = protected_demand(plan, np.array([28.5, 28.5]), np.array([0.0, 2.0]))
    long = protected_demand(plan, np.array([364.0, 364.0]), np.zeros(2))

    assert short.mean.tolist() == pytest.approx([285.0, 290.0])
    assert short.variance.tolist() == pytest.approx(
        [28.5 * 7.0, 28 * 7.0 + 0.5 * 7.0 * 2.0**1.5 + (290.0 / 28.5 * 2.0) ** 2]
    )
    assert long.mean.tolist() == pytest.approx([3640.0, 2 * (280.0 + 154 * 20.0)])


def test_the_uncertain_height_of_a_young_item_grows_with_the_square_of_what_it_sells() -> None:
    ones = np.ones((1, 26))
    launch = LaunchForecast(70.0 * ones, 49.0 * ones, np.array([1.0]), np.array([0.25]))
    days = by_day(demand_plan([0.0], [0.0], launch=launch, launch_series=[0]), 42)

    assert np.cumsum(days.variance[0])[41] == pytest.approx(6 * 49.0 + 0.25 * 420.0**2)
