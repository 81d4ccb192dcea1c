"""Each kind of trouble of an item-site with its number, date and cause; and what is between two bands stays."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from benchmarks.injected import frame
from inventory.records import CaseKind
from tests.tools.detect_pictures import AS_OF, TODAY, Row, days_from_now, found_in, look_at, picture, steady, thresholds
from tools.detectors.waiting import not_there_yet
from tools.thresholds import Thresholds

SOUND = Row("SOUND", "NORTH", steady(10), 60)


def test_lots_that_expire_unsold_are_found_with_the_day_they_expire() -> None:
    """Ten a week: of 300 units expiring in 35 days, 50 are sold before."""
    finding = found_in(picture(SOUND, Row("MILK", "NORTH", steady(10), 300, expires_in=35)))["MILK", "NORTH"]

    assert (finding.kind, finding.cause, finding.bites_on) == (CaseKind.OBSOLESCENCE, "expires", days_from_now(35))
    assert finding.quantity == pytest.approx(250, abs=8)
    assert finding.measures["leftover_cost"] == pytest.approx(2500, abs=80)


def test_first_expired_is_sold_first() -> None:
    """Two lots of 60: 50 are sold by day 35, 100 by day 70; ten of the first lot expire, and twenty in all."""
    rows = Row("MILK", "NORTH", steady(10), 120, expires_in=35), SOUND
    lots = frame(
        "stock", item=["MILK", "MILK", "SOUND"], site="NORTH", lot=["A", "B", ""], on_hand=[60, 60, 60], as_of=AS_OF,
        expiry=[days_from_now(35), days_from_now(70), None],
    )  # fmt: skip
    finding = found_in(picture(*rows, stock=lots))["MILK", "NORTH"]

    assert finding.bites_on == days_from_now(35)
    assert finding.quantity == pytest.approx(20, abs=6)


def test_a_lot_that_will_be_sold_in_time_is_no_trouble() -> None:
    assert found_in(picture(SOUND, Row("MILK", "NORTH", steady(10), 60, expires_in=70))) == {}


def test_stock_that_outlasts_the_last_day_on_sale_is_found_with_that_day() -> None:
    rows = (Row("LAST", "NORTH", steady(10), 200), SOUND)
    items = frame(
        "items", item=["LAST", "SOUND"], name=["LAST", "SOUND"], cost=10.0, price=20.0,
        end_of_life_date=[days_from_now(56), None],
    )  # fmt: skip
    finding = found_in(picture(*rows, items=items))["LAST", "NORTH"]

    assert (finding.kind, finding.cause, finding.bites_on) == (
        CaseKind.OBSOLESCENCE, "end_of_life", days_from_now(56),
    )  # fmt: skip
    assert 100 <= finding.quantity <= 200


def test_demand_that_died_everywhere_is_obsolescence_and_not_a_miscount() -> None:
    dead = [*steady(10, 90), *([0] * 14)]
    found = found_in(picture(Row("DEAD", "NORTH", dead, 30), Row("DEAD", "SOUTH", dead, 30), SOUND))

    assert {finding.kind for finding in found.values()} <= {CaseKind.OBSOLESCENCE, CaseKind.EXCESS}
    assert found["DEAD", "NORTH"].measures["expected_leftover_units"] > 20


def test_a_sudden_silence_at_one_site_alone_is_a_shelf_to_be_counted() -> None:
    silent = [*steady(10, 99), *([0] * 5)]
    found = found_in(picture(Row("GHOST", "NORTH", silent, 30), Row("GHOST", "SOUTH", steady(10), 60), SOUND))

    assert set(found) == {("GHOST", "NORTH")}
    finding = found["GHOST", "NORTH"]
    assert (finding.kind, finding.cause, finding.quantity) == (CaseKind.DATA_PROBLEM, "phantom_stock", 30)
    assert finding.measures["silent_weeks"] == 5
    assert finding.measures["silence_probability"] < finding.threshold_value == 0.0001


def test_one_wild_week_is_noise_and_a_lasting_rise_is_a_shift() -> None:
    wild, risen = [*steady(10, 102), 60, 10], [*steady(10, 99), 30, 28, 31, 29, 30]
    found = found_in(picture(Row("WILD", "NORTH", wild, 90), Row("RISEN", "NORTH", risen, 290)))

    assert set(found) == {("RISEN", "NORTH")}
    finding = found["RISEN", "NORTH"]
    assert (finding.kind, finding.cause) == (CaseKind.DEMAND_SHIFT, "spike")
    assert finding.measures["told_from_noise"] == 1
    assert finding.measures["recent_per_week"] == pytest.approx(30, abs=2)
    assert finding.measures["baseline_per_week"] == pytest.approx(10, abs=1)


def test_forecasts_off_to_one_side_are_a_bias_with_its_share() -> None:
    rows = (Row("HIGH", "NORTH", steady(20), 150), Row("RIGHT", "NORTH", steady(20), 150))
    forecast = np.vstack([np.full(26, 30.0), np.full(26, 20.0)])
    found = found_in(picture(*rows), forecast=forecast)

    assert set(found) == {("HIGH", "NORTH")}
    finding = found["HIGH", "NORTH"]
    assert (finding.kind, finding.cause) == (CaseKind.FORECAST_BIAS, "forecast_high")
    assert finding.measures["bias_share"] == pytest.approx(-0.5, abs=0.02)
    assert finding.measures["weeks"] == 26
    assert finding.bites_on > TODAY


def test_a_transfer_that_should_have_come_names_the_site_that_owes_it() -> None:
    rows = (Row("BOLT", "NORTH", steady(20), 2, source="DC"), Row("BOLT", "DC", steady(5), 60))
    late = frame(
        "transfers", transfer_id=["T1"], line=1, item="BOLT", origin="DC", destination="NORTH", mode="truck",
        shipped_date=days_from_now(-6), expected_date=days_from_now(-4), quantity=15, received_quantity=0,
        status="in_transit",
    )  # fmt: skip
    finding = found_in(picture(*rows, transfers=late))["BOLT", "NORTH"]

    assert (finding.kind, finding.supplier, finding.cause) == (CaseKind.SUPPLIER_DELAY, "DC", "late_transfer:DC")
    assert (finding.measures["days_late"], finding.quantity) == (4, 15)


def test_a_rise_is_warned_of_at_the_pace_of_the_last_weeks() -> None:
    """A forecast that has hardly learnt of the rise sees 80 units last; at thirty a week they do not."""
    risen = [*steady(10, 100), 30, 31, 29, 30]
    outlook = look_at(picture(Row("RISEN", "NORTH", risen, 85)))
    finding = found_in(picture(Row("RISEN", "NORTH", risen, 85)))["RISEN", "NORTH"]
    window = int(outlook.window_days[0])

    assert finding.kind is CaseKind.PROJECTED_STOCKOUT
    assert finding.measures["at_the_pace_of_the_last_weeks"] == 1
    assert finding.measures["probability_out"] > outlook.projection.stockout_probability[0, :window].max()


EDGE = Row("EDGE", "NORTH", steady(10), 41)
WAS_OPEN = frozenset({("projected_stockout", "EDGE", "NORTH")})


def _threshold_over(share: float) -> tuple[float, Thresholds]:
    """The probability of EDGE being out, and thresholds of which it is that share."""
    outlook = look_at(picture(EDGE))
    at_risk = float((not_there_yet(outlook, np.array([0]))[0] * outlook.projection.stockout_probability[0]).max())
    return at_risk, thresholds(
        ("probability = 0.5 ", f"probability = {at_risk / share:.6f} "),
        ("minimum_short_units = 1.0", "minimum_short_units = 0"),
        ("minimum_money = 40.0", "minimum_money = 0"),
    )


def test_between_the_bands_nothing_opens_and_nothing_closes() -> None:
    at_risk, limits = _threshold_over(0.9)
    assert found_in(picture(EDGE), limits=limits) == {}

    finding = found_in(picture(EDGE), limits=limits, open_places=WAS_OPEN)["EDGE", "NORTH"]
    assert finding.threshold_value == pytest.approx(0.8 * at_risk / 0.9, abs=1e-3)
    assert finding.measures["probability_out"] >= finding.threshold_value


def test_below_the_lower_band_even_an_open_one_closes() -> None:
    _, limits = _threshold_over(0.7)
    assert found_in(picture(EDGE), limits=limits, open_places=WAS_OPEN) == {}


def test_another_kind_or_place_that_is_open_lowers_no_band() -> None:
    _, limits = _threshold_over(0.9)
    others = frozenset({("excess", "EDGE", "NORTH"), ("projected_stockout", "EDGE", "SOUTH")})
    assert found_in(picture(EDGE), limits=limits, open_places=others) == {}


def test_findings_do_not_depend_on_the_order_or_the_company_of_rows() -> None:
    dead, silent = [*steady(10, 90), *([0] * 14)], [*steady(10, 99), *([0] * 5)]
    rows = [
        SOUND, Row("DEAD", "NORTH", dead, 30), Row("GHOST", "NORTH", silent, 30), Row("GHOST", "SOUTH", steady(10), 60),
        Row("MILK", "NORTH", steady(10), 300, expires_in=35), Row("SLOW", "NORTH", steady(3), 900),
    ]  # fmt: skip
    whole = found_in(picture(*rows))
    by_item: dict[tuple[str, str], object] = {}
    for item in {row.item for row in rows}:
        by_item |= found_in(picture(*(row for row in rows if row.item == item)))

    assert whole == by_item
    assert all(isinstance(finding.bites_on, date) and finding.quantity > 0 for finding in whole.values())
