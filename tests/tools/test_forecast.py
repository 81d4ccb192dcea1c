"""What lies ahead differs from what lies behind for a reason that has a name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from inventory.ledger_frame import ledger_frame
from inventory.records import EVERYTHING
from optimizer.demand.external import UsedForecast
from optimizer.demand.scope import Exclusion, Route
from tests.tools.forecast_worlds import OLD_CURVE, PEAK_WEEK, everything_ahead, ice
from tests.tools.networks import add_rows, look
from tests.worlds import MONDAY, World
from tools.forecast_cuts import by_channel, roll_up
from tools.forecast_external import source_records
from tools.forecast_needs import Circle
from tools.forecast_promotion import learn_promotions
from tools.forecast_season import learn_seasons, relative_sums
from tools.outlook import Outlook
from tools.shared import SharedFacts, histories
from tools.sweeping import look_at_part, parts_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("ahead") / "home", everything_ahead()).furnish()


@pytest.fixture(scope="module")
def ahead(world: World) -> Outlook:
    return look(world)[0]


def row_of(ahead: Outlook, item: str, site: str = "NORTH") -> int:
    return ahead.arrays.row_of[(item, site)]


def weekly(ahead: Outlook, item: str, site: str = "NORTH") -> list[float]:
    return [float(units) for units in ahead.plan.mean_per_week[row_of(ahead, item, site)]]


def test_a_seasonal_item_gets_its_peak_in_the_week_of_the_peak(ahead: Outlook) -> None:
    expected = weekly(ahead, "ICE")

    assert abs(int(np.argmax(expected)) - PEAK_WEEK) <= 1
    assert expected == pytest.approx([ice(104 + week) for week in range(26)], rel=0.1, abs=15)


def test_an_item_without_season_beside_a_seasonal_family_stays_level(ahead: Outlook) -> None:
    assert weekly(ahead, "PLAIN") == pytest.approx([10.0] * 26)


def test_sold_out_weeks_are_no_demand_but_no_zero_either(ahead: Outlook) -> None:
    assert ahead.history_weeks[row_of(ahead, "PLAIN")] == 102


def test_a_promotion_announced_for_next_week_raises_next_week_only(ahead: Outlook) -> None:
    expected = weekly(ahead, "PROMO")

    assert 25.0 < expected[1] <= 40.0, "fourfold in the past, drawn a little towards no effect"
    assert [*expected[:1], *expected[2:]] == pytest.approx([10.0] * 25, rel=0.02), "promoted weeks left the baseline"


def test_a_known_order_the_forecast_expects_is_not_counted_twice(ahead: Outlook) -> None:
    part, extra = (ahead.plan.over(0, 28).mean[row_of(ahead, item)] for item in ("PART", "EXTRA"))

    assert part == pytest.approx(4 * 14.0), "the order is a part of what was forecast"
    assert extra == pytest.approx(4 * 14.0 + 14.0), "the order is on top of it"


def test_known_and_unknown_demand_add_up_to_the_plan(ahead: Outlook) -> None:
    row, days = row_of(ahead, "PART"), int(ahead.window_days[row_of(ahead, "PART")])
    total = ahead.demand.mean_per_day[row] * days + ahead.arrays.known_demand[row, :days].sum()

    assert total == pytest.approx(ahead.plan.over(0, days).mean[row])


def test_production_asks_its_components_through_two_levels_net_of_what_is_there(ahead: Outlook) -> None:
    arm, bolt = (ahead.arrays.known_demand[row_of(ahead, item)] for item in ("ARM", "BOLT"))

    assert {int(day): arm[day] for day in np.flatnonzero(arm)} == {5: 70 * 2.0}, "and not the listed need again"
    assert {int(day): bolt[day] for day in np.flatnonzero(bolt)} == {5: (140 - 100) * 3.0}, "100 arms lie there"


def test_a_young_item_follows_its_older_ones_launch_at_its_own_height(ahead: Outlook) -> None:
    expected = weekly(ahead, "FRESH")
    scale = expected[0] / OLD_CURVE[3]

    assert ahead.scope.route[row_of(ahead, "FRESH")] == Route.ANALOG
    assert 1.2 < scale < 2.0, "sold twice as much as the old one did, over three weeks"
    assert expected[1:] == pytest.approx([scale * OLD_CURVE[4]] * 25)
    assert ahead.planned[row_of(ahead, "FRESH")]


def test_an_item_launched_in_a_fortnight_sells_nothing_before(ahead: Outlook) -> None:
    assert weekly(ahead, "TOMORROW")[:4] == pytest.approx([0.0, 0.0, OLD_CURVE[0], OLD_CURVE[1]])


def test_a_young_item_without_an_older_one_is_refused_with_its_reason(ahead: Outlook) -> None:
    row = row_of(ahead, "YOUNG")

    assert not ahead.planned[row]
    assert ahead.scope.exclusion[row] == Exclusion.SHORT_HISTORY


def test_an_ending_item_runs_out_on_its_last_day(ahead: Outlook) -> None:
    row = row_of(ahead, "GOING")

    assert ahead.plan.mean_per_day[row].tolist() == pytest.approx([10.0] * 10 + [0.0] * 18)
    assert ahead.plan.over(0, 182).mean[row] == pytest.approx(100.0)


def test_an_ended_item_sells_nothing_and_its_stock_is_all_left(ahead: Outlook) -> None:
    row = row_of(ahead, "ENDED")

    assert ahead.scope.exclusion[row] == Exclusion.ENDED
    assert ahead.planned[row], "that nothing sells is known, so the rest of the mathematics holds"
    assert ahead.excess.expected_leftover[row] == pytest.approx(100.0)


def test_what_is_made_to_order_has_no_forecast_but_its_orders(ahead: Outlook) -> None:
    row = row_of(ahead, "DRAWN")

    assert ahead.scope.exclusion[row] == Exclusion.ENGINEERED_TO_ORDER
    assert not ahead.planned[row]
    assert ahead.plan.over(0, 182).mean[row] == 5.0
    assert ahead.arrays.item_class[row] == "engineered_to_order"


def test_returns_fit_for_sale_are_netted(ahead: Outlook) -> None:
    row = row_of(ahead, "BACK")

    assert ahead.plan.over(0, 182).mean[row] == pytest.approx(26 * 80.0, rel=0.02), "100 sold, 25 back, 80 % fit"
    assert ahead.plan.variance_per_week[row, 5] > 0.0, "how many come back is not certain"


def test_a_forecast_from_outside_counts_where_its_record_is_the_better(ahead: Outlook) -> None:
    used, foretold = ahead.forecast.used, weekly(ahead, "FORETOLD")

    assert used[row_of(ahead, "FORETOLD")] == UsedForecast.EXTERNAL
    assert foretold[:20] == pytest.approx([30.0] * 20), "of two sources the one that was right"
    assert foretold[20:] == pytest.approx([10.0] * 6, rel=0.1), "ours goes on where theirs ends"
    assert used[row_of(ahead, "PLAIN")] == UsedForecast.OWN, "there the only source was wrong by far"


def test_each_source_has_its_record(world: World) -> None:
    names, record = source_records(world.toolbox.snapshot())

    assert names == ("rumour", "sales")
    assert record.wape[1] == 0.0
    assert record.bias[0] == pytest.approx(8.0), "ninety forecast where ten came"


def test_a_drift_beyond_chance_goes_on_and_flattens(ahead: Outlook) -> None:
    expected = weekly(ahead, "RISING")

    assert 7 * ahead.forecast.level.mean_per_day[row_of(ahead, "RISING")] < expected[0] < 258, "256 last week"
    assert 0 < expected[25] - expected[20] < expected[5] - expected[0] < 2 * 5
    assert ahead.forecast.trend[row_of(ahead, "PLAIN")] == 1.0


def test_levels_protect_the_interval_ahead_rather_than_the_average(ahead: Outlook) -> None:
    row = row_of(ahead, "ICE")
    interval = ahead.lead_time_mean[row] + ahead.arrays.review_days[row]
    flat = ahead.forecast.level.mean_per_day[row] * interval

    assert ahead.levels.reorder_point[row] - ahead.levels.safety_stock[row] > 1.2 * flat, "ice sells in summer"


def test_risk_by_day_sees_the_peak_coming(ahead: Outlook) -> None:
    row = row_of(ahead, "ICE")
    owed = np.diff(ahead.projection.expected_short_units[row])

    assert owed[-1] > 1.1 * owed[7]


def _same(one: object, other: object, path: str = "") -> None:
    """Equal to the last bit, through records and tuples of records."""
    if is_dataclass(one) and not isinstance(one, type):
        for field in fields(one):
            _same(getattr(one, field.name), getattr(other, field.name), f"{path}.{field.name}")
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, np.asarray(other), err_msg=path)
    elif isinstance(one, pl.DataFrame):
        assert one.equals(other), path  # type: ignore[arg-type]
    else:
        assert one == other, path


@pytest.mark.parametrize("rows", [3, 7])
def test_cutting_the_network_into_parts_changes_no_digit(
    world: World, ahead: Outlook, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.sweeping.item_ranges", lambda places, *_: _ranges(places, rows))
    toolbox, snapshot = world.toolbox, world.toolbox.snapshot()
    with world.database.read() as connection:
        ledger, thresholds = ledger_frame(connection, EVERYTHING), toolbox.thresholds(connection)
    shared = toolbox.shared(snapshot)
    looks = [
        look_at_part(part).on(shared.lead_times, part.number)
        for part in parts_of(snapshot, ledger, shared, [], thresholds)
    ]
    joined = Outlook.join(looks)

    assert len(looks) == rows
    _same(joined.forecast, ahead.forecast)
    _same(joined.projection, ahead.projection)
    _same(joined.levels, ahead.levels)
    _same(joined.arrays.inputs.known, ahead.arrays.inputs.known)


def _ranges(places: pl.DataFrame, parts: int) -> list[tuple[str, ...]]:
    items = places["item"].unique().sort().to_list()
    return [tuple(chunk.tolist()) for chunk in np.array_split(np.array(items), parts)]


@pytest.mark.parametrize("parts", [1, 3, 7])
def test_what_is_shared_is_learnt_alike_from_any_parts(world: World, parts: int) -> None:
    snapshot = world.toolbox.snapshot()
    shared = SharedFacts.of(snapshot)
    (whole,) = histories(snapshot)
    cuts = np.array_split(np.arange(whole.keys.height), parts)
    pieces = [
        replace(
            whole, keys=whole.keys[rows.tolist()], weekly=whole.weekly[rows], promotion=whole.promotion[rows],
            censored=whole.censored[rows],
        )
        for rows in cuts
    ]  # fmt: skip
    seasons = learn_seasons((relative_sums(piece, shared.groups) for piece in pieces[::-1]), shared.groups)

    _same(seasons, shared.seasons)
    _same(learn_promotions(pieces[::-1], shared.groups, seasons), shared.promotions)
    assert seasons.any


def test_rows_taken_and_joined_again_are_the_rows_they_were(ahead: Outlook) -> None:
    halves = [ahead.take(rows) for rows in np.array_split(np.arange(ahead.arrays.rows), 2)]
    joined = Outlook.join(halves)

    _same(joined.forecast, ahead.forecast)
    _same(joined.arrays.inputs, ahead.arrays.inputs)


def test_every_cut_adds_up_to_the_same_whole(world: World, ahead: Outlook) -> None:
    channels = by_channel(ahead.plan, ahead.arrays, world.toolbox.snapshot())
    everything = roll_up(ahead.plan, ahead.arrays, "network").per_week.mean
    families = roll_up(ahead.plan, ahead.arrays, "family")

    assert channels.per_week.mean.sum(axis=1) == pytest.approx(ahead.plan.mean_per_week)
    assert families.names == ("DRY", "FROZEN")
    assert families.per_week.mean.sum(axis=0) == pytest.approx(everything[0])
    assert everything[0] == pytest.approx(ahead.plan.mean_per_week.sum(axis=0))
    assert families.per_week.mean[1, 0] == pytest.approx(2 * weekly(ahead, "ICE")[0])


def test_a_bill_that_leads_back_to_itself_leaves_the_direct_needs_and_says_so(tmp_path: Path) -> None:
    circle = add_rows("boms", {"product": "BOLT", "item": "ARM", "site": "NORTH", "quantity_per": 1.0})
    network = everything_ahead()
    looped = World(tmp_path / "home", replace(network, edits=(*network.edits, circle))).furnish()
    needs = looped.toolbox.shared(looped.toolbox.snapshot()).needs

    assert needs.circle == Circle("NORTH", ("ARM", "BOLT", "ARM"))
    assert needs.fault == "the bill at NORTH leads back to itself: ARM → BOLT → ARM"
    assert needs.of_items(["ARM"]).circle == needs.circle
    assert needs.frame.rows() == [("ARM", "NORTH", MONDAY + timedelta(days=5), 140.0)]
