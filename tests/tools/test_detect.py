"""Every kind of trouble is found with its number, date, cause and threshold, and nothing else is."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from inventory.records import CaseKind, Finding
from tests.tools.networks import add_rows, amended, look, one_trouble_each
from tests.worlds import MONDAY, ItemSite, Lane, Network, World
from tools.detect import cover_days, detect
from tools.detectors.waiting import not_there_yet
from tools.outlook import Outlook
from tools.thresholds import Thresholds, packaged_thresholds, parse_thresholds


@pytest.fixture(scope="module")
def ahead(troubled: World) -> tuple[Outlook, Thresholds]:
    return look(troubled)


@pytest.fixture(scope="module")
def found(ahead: tuple[Outlook, Thresholds]) -> dict[str, Finding]:
    findings = detect(*ahead)
    assert len({finding.item for finding in findings}) == len(findings), "one finding an item-site"
    return {finding.item: finding for finding in findings}


def _with(change: str, kind: str = "", **where: str) -> Thresholds:
    """The packaged thresholds with one override."""
    place = "".join(f'{name} = "{value}"\n' for name, value in where.items())
    return parse_thresholds(f'{packaged_thresholds()}\n[overrides."test"]\nkind = "{kind}"\n{place}{change}\n')


def test_every_trouble_is_found_and_the_sound_item_is_not(found: dict[str, Finding]) -> None:
    assert {item: finding.kind.value for item, finding in found.items()} == {
        "EVEN": "imbalance",
        "LATE": "supplier_delay",
        "SHORT": "projected_stockout",
        "SLOW": "excess",
        "SPIKE": "demand_shift",
    }


def test_an_item_with_less_than_eight_weeks_of_history_is_refused(
    ahead: tuple[Outlook, Thresholds], found: dict[str, Finding]
) -> None:
    outlook, _ = ahead
    row = outlook.arrays.row_of[("NEW", "NORTH")]

    assert "NEW" not in found
    assert (int(outlook.history_weeks[row]), float(outlook.arrays.free[row])) == (5, 0.0)
    assert not outlook.planned[row]


def test_a_stockout_carries_units_short_and_the_first_risky_day(found: dict[str, Finding]) -> None:
    """By hand: four on hand last 1.4 days at twenty a week; until an order is here 29 days pass and 82.6 are asked."""
    finding = found["SHORT"]

    assert finding.bites_on == MONDAY + timedelta(days=1)
    assert finding.quantity == pytest.approx(29 * 20 / 7 - 4, abs=1.0)
    assert finding.cause == "low_cover"
    assert finding.measures["days_of_cover"] == pytest.approx(4 / (20 / 7), rel=0.01)
    assert (finding.threshold, finding.threshold_value, finding.threshold_version) == (
        "projected_stockout.probability", 0.5, 1,
    )  # fmt: skip
    assert finding.measures["probability_out"] >= finding.threshold_value


def test_excess_carries_what_half_a_year_will_not_sell(found: dict[str, Finding]) -> None:
    finding = found["SLOW"]

    assert finding.quantity == 500 - 26
    assert finding.measures["leftover_cost"] == pytest.approx(474 * 10.0)
    assert (finding.cause, finding.bites_on) == ("slow_moving", MONDAY)
    assert (finding.threshold, finding.threshold_value) == ("excess.leftover_share", 0.5)


def test_a_demand_shift_carries_the_units_of_the_change_and_its_direction(found: dict[str, Finding]) -> None:
    finding = found["SPIKE"]

    assert finding.cause == "spike"
    assert finding.measures["recent_per_week"] == 30
    assert finding.quantity == pytest.approx(4 * (30 - 5), abs=1.0)
    assert finding.measures["z_score"] >= finding.threshold_value == 4.5
    assert finding.bites_on > MONDAY


def test_an_imbalance_carries_what_could_move_and_names_the_largest_surplus(
    ahead: tuple[Outlook, Thresholds], found: dict[str, Finding]
) -> None:
    outlook, _ = ahead
    finding, row = found["EVEN"], outlook.arrays.row_of[("EVEN", "NORTH")]

    assert finding.site == "NORTH"
    assert outlook.levels.reorder_point[row] > 36
    assert finding.quantity == int(np.ceil(outlook.levels.order_up_to_level[row] - 36))
    assert finding.note == "largest surplus at DC"
    assert (finding.threshold, finding.threshold_value) == ("imbalance.minimum_units", 2)


def test_a_shortage_that_overdue_orders_explain_belongs_to_the_supplier(found: dict[str, Finding]) -> None:
    finding = found["LATE"]

    assert (finding.supplier, finding.cause) == ("LATECO", "late:LATECO")
    assert (finding.quantity, finding.measures["days_late"]) == (120, 10)
    assert (finding.threshold, finding.threshold_value) == ("supplier_delay.late_days", 5)
    assert finding.measures["expected_short_units"] > 10
    assert finding.measures["short_units_had_it_been_on_time"] < 1
    assert finding.bites_on == MONDAY + timedelta(days=1)


def test_fewer_late_lines_than_the_minimum_leave_the_shortage_to_the_item(ahead: tuple[Outlook, Thresholds]) -> None:
    outlook, _ = ahead
    text = packaged_thresholds().replace("minimum_lines = 3", "minimum_lines = 4")
    found = {finding.item: finding for finding in detect(outlook, parse_thresholds(text))}

    assert found["LATE"].kind is CaseKind.PROJECTED_STOCKOUT


def test_a_healthy_network_shows_nothing(tmp_path: Path) -> None:
    network = Network(
        item_sites=tuple(
            ItemSite(item, site, weekly=weekly, on_hand=8 * weekly)
            for item, weekly in (("A", 10), ("B", 40))
            for site in ("DC", "NORTH")
        ),
        lanes=(Lane("DC", "NORTH"),),
    )

    assert detect(*look(World(tmp_path / "home", network).furnish())) == []


def test_findings_are_the_same_from_the_same_facts(
    ahead: tuple[Outlook, Thresholds], found: dict[str, Finding], tmp_path: Path
) -> None:
    again = World(tmp_path / "home", one_trouble_each()).furnish()

    assert detect(*look(again)) == list(found.values()) == detect(*ahead)


@pytest.mark.parametrize(
    ("where", "hides"),
    [
        ({"site": "NORTH"}, True),
        ({"item_class": "consumable"}, True),
        ({"site": "NORTH", "item_class": "consumable"}, True),
        ({"site": "DC"}, False),
        ({"item_class": "standard"}, False),
        ({"site": "NORTH", "item_class": "standard"}, False),
    ],
)
def test_an_override_binds_only_where_it_covers(
    ahead: tuple[Outlook, Thresholds], where: dict[str, str], hides: bool
) -> None:
    outlook, _ = ahead
    found = detect(outlook, _with("minimum_short_units = 1000", "projected_stockout", **where))

    assert ("SHORT" not in {finding.item for finding in found}) is hides


def test_an_override_can_find_more_and_the_finding_names_its_value(ahead: tuple[Outlook, Thresholds]) -> None:
    outlook, _ = ahead
    row = outlook.arrays.row_of[("EVEN", "NORTH")]
    at_risk = float((not_there_yet(outlook, np.array([row]))[0] * outlook.projection.stockout_probability[row]).max())
    thresholds = _with(
        f"probability = {at_risk - 0.05:.3f}\nminimum_short_units = 0.1\nminimum_money = 0",
        "projected_stockout",
        site="NORTH",
        item_class="standard",
    )
    (finding,) = [finding for finding in detect(outlook, thresholds) if finding.item == "EVEN"]

    assert finding.kind is CaseKind.PROJECTED_STOCKOUT
    assert finding.threshold_value == pytest.approx(at_risk - 0.05, abs=1e-3)


def test_money_below_the_threshold_is_nobodys_case(ahead: tuple[Outlook, Thresholds]) -> None:
    outlook, _ = ahead
    kinds = ("projected_stockout", "excess", "demand_shift", "imbalance")
    text = packaged_thresholds() + "".join(
        f'\n[overrides."{kind}"]\nkind = "{kind}"\nminimum_money = 1000000\n' for kind in kinds
    )

    assert {finding.item for finding in detect(outlook, parse_thresholds(text))} == {"LATE"}


def test_a_drop_in_demand_is_a_shift_too(tmp_path: Path) -> None:
    history = (*(30 + week % 2 for week in range(26)), 2, 1, 2, 1)
    places = (ItemSite("OTHER", "DC", weekly=1, on_hand=9), ItemSite("FADE", "NORTH", 20, on_hand=120, history=history))
    world = World(tmp_path / "home", Network(places, (Lane("DC", "NORTH"),))).furnish()
    (finding,) = detect(*look(world))

    assert (finding.kind, finding.cause) == (CaseKind.DEMAND_SHIFT, "drop")
    assert finding.measures["recent_per_week"] < finding.measures["baseline_per_week"]


def test_days_of_cover_are_bounded_where_nothing_sells(tmp_path: Path) -> None:
    places = (ItemSite("DUST", "DC", weekly=0, on_hand=3, history=(0,) * 30), ItemSite("FINE", "NORTH", 10, on_hand=80))
    outlook, thresholds = look(World(tmp_path / "home", Network(places, (Lane("DC", "NORTH"),))).furnish())

    assert cover_days(outlook, outlook.arrays.row_of[("DUST", "DC")]) == 999
    assert detect(outlook, thresholds) == []


def test_an_expected_order_on_its_way_is_no_trouble(tmp_path: Path) -> None:
    """The same shelf as SHORT, with an order that arrives tomorrow."""
    place = ItemSite("SHORT", "NORTH", weekly=20, on_hand=8)
    arriving = {
        "transfer_id": "T-1", "line": 1, "item": "SHORT", "origin": "DC", "destination": "NORTH", "mode": "truck",
        "shipped_date": MONDAY, "expected_date": MONDAY + timedelta(days=1), "quantity": 110, "status": "in_transit",
        "received_quantity": 0,
    }  # fmt: skip
    network = Network((ItemSite("SHORT", "DC", weekly=1, on_hand=9), place), (Lane("DC", "NORTH"),))
    bare = detect(*look(World(tmp_path / "bare", network).furnish()))
    fed = detect(*look(World(tmp_path / "fed", amended(network, add_rows("transfers", arriving))).furnish()))

    assert [(finding.item, finding.site) for finding in bare] == [("SHORT", "NORTH")]
    assert fed == []


def test_bite_dates_never_lie_before_the_facts(found: dict[str, Finding]) -> None:
    assert all(isinstance(f.bites_on, date) and f.bites_on >= MONDAY for f in found.values())
