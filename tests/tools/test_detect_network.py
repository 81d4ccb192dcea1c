"""What crosses items: suppliers that drift, orders booked twice, silent sites, unequal policies, recurring trouble."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import update

from benchmarks.injected import frame
from inventory.database import Transaction
from inventory.records import CaseKind, CaseState
from inventory.tables import cases
from tests.tools.conftest import Copy
from tests.tools.detect_pictures import Row, days_from_now, lead_times_of, picture, steady, thresholds
from tests.tools.networks import amended, counted
from tests.tools.test_health import check
from tests.worlds import World, two_sites_one_lane
from tools.detectors.policies import policy_inconsistencies
from tools.detectors.records import EVERYWHERE, duplicate_orders, silent_sites
from tools.detectors.recurring import recurring
from tools.detectors.standing import open_identities, open_places
from tools.detectors.suppliers import lead_time_drifts

BOLT = Row("BOLT", "NORTH", steady(10), 60)


def _orders(*lines: tuple[str, int, int | None], item: str = "BOLT", quantity: int = 40) -> pl.DataFrame:
    """Orders as ``(id, days ago, days it took)``; open where it took none."""
    return frame(
        "purchase_orders", order_id=[order for order, _, _ in lines], line=1, supplier="SUP", item=item, site="NORTH",
        ordered_date=[days_from_now(-ago) for _, ago, _ in lines],
        promised_date=[days_from_now(21 - ago) for _, ago, _ in lines],
        received_date=[None if took is None else days_from_now(took - ago) for _, ago, took in lines],
        quantity=quantity, received_quantity=[0 if took is None else quantity for _, _, took in lines],
        status=["open" if took is None else "received" for _, _, took in lines],
    )  # fmt: skip


def _history(recent_days: int) -> pl.DataFrame:
    """Two orders a week for a year, 20 to 22 days each; those of the last 90 days as many as given, plus 0 to 2."""
    lines = [
        (f"PO-{number:03d}", ago, (recent_days if ago <= 90 else 20) + number % 3)
        for number, ago in enumerate(range(32, 365, 4))
    ]
    return _orders(*lines)


def test_a_supplier_that_has_become_slower_is_a_drift_with_both_figures() -> None:
    slower = picture(BOLT, purchase_orders=_history(28))
    (finding,) = lead_time_drifts(slower, lead_times_of(slower), thresholds())

    assert (finding.kind, finding.supplier, finding.cause) == (
        CaseKind.LEAD_TIME_DRIFT, "SUP", "lead_time_drift:SUP",
    )  # fmt: skip
    assert finding.measures["recent_days"] == pytest.approx(29, abs=1)
    assert finding.measures["earlier_days"] == pytest.approx(21, abs=1)
    assert "slower" in finding.note


def test_a_supplier_as_it_always_was_is_no_drift() -> None:
    same = picture(BOLT, purchase_orders=_history(20))
    assert lead_time_drifts(same, lead_times_of(same), thresholds()) == []


def test_ordering_items_of_a_longer_contract_is_no_drift() -> None:
    """The same supplier sells SLOW at 35 days; lately it was SLOW that was ordered."""
    recent = _orders(*((f"SL-{ago}", ago, 34 + ago % 3) for ago in range(38, 90, 2)), item="SLOW")
    before = _orders(*((f"PO-{ago}", ago, 20 + ago % 3) for ago in range(91, 365, 4)))
    terms = frame("supplier_items", supplier="SUP", item=["BOLT", "SLOW"], price=1.0, contract_lead_time_days=[21, 35])
    mixed = picture(
        BOLT, Row("SLOW", "NORTH", steady(10), 60), supplier_items=terms,
        purchase_orders=pl.concat([recent, before]).sort("order_id"),
    )  # fmt: skip
    assert lead_time_drifts(mixed, lead_times_of(mixed), thresholds()) == []


def test_a_drift_that_is_open_stays_while_the_difference_is_above_the_lower_band() -> None:
    snapshot = picture(BOLT, purchase_orders=_history(28))
    lead_times = lead_times_of(snapshot)
    (finding,) = lead_time_drifts(snapshot, lead_times, thresholds())
    difference = finding.measures["difference_days"]
    limits = thresholds(("minimum_days = 3 ", f"minimum_days = {difference / 0.9:.3f} "))
    standing = {("lead_time_drift", "SUP", "lead_time_drift:SUP")}

    assert lead_time_drifts(snapshot, lead_times, limits) == []
    assert len(lead_time_drifts(snapshot, lead_times, limits, standing)) == 1


def test_an_order_booked_under_two_numbers_is_doubted_and_both_are_named() -> None:
    twice = _orders(("PO-1", 10, None), ("PO-1-B", 10, None), ("PO-2", 9, None), ("PO-3", 40, 21), ("PO-3-B", 40, 21))
    (finding,) = duplicate_orders(picture(BOLT, purchase_orders=twice), thresholds(), {"BOLT": 10.0})

    assert (finding.item, finding.site, finding.cause, finding.quantity) == ("BOLT", "NORTH", "duplicate_orders", 40)
    assert "PO-1, PO-1-B" in finding.note
    assert finding.measures["mismatch_cost"] == 400


def _recent(*sites: str) -> pl.DataFrame:
    return frame("demand", item="A00", site=list(sites), date=days_from_now(-7), quantity=3, rows=True)


def test_a_site_without_a_sale_while_the_others_sold_sent_no_demand() -> None:
    rows = [Row(f"A{n:02d}", site, steady(5), 40) for n in range(20) for site in ("EAST", "NORTH", "WEST")]
    (finding,) = silent_sites(picture(*rows, demand_recent=_recent("EAST", "WEST")), thresholds())

    assert (finding.site, finding.cause, finding.quantity) == ("NORTH", "missing_demand", 20)
    assert silent_sites(picture(*rows, demand_recent=_recent("EAST", "NORTH", "WEST")), thresholds()) == []


def test_a_week_without_sales_anywhere_is_no_sites_fault() -> None:
    rows = [Row(f"A{n:02d}", site, steady(5), 40) for n in range(20) for site in ("EAST", "NORTH", "WEST")]
    assert silent_sites(picture(*rows), thresholds()) == []


def _stores(target: float, review_days: int = 7) -> list[Row]:
    """Twelve dear items at three stores; WEST has a target and a review period of its own."""
    own = {"WEST": (target, review_days)}
    return [
        Row(f"A{n:02d}", site, steady(20), 100, 200.0, service_target=policy[0], review_days=policy[1])
        for n in range(12)
        for site in ("EAST", "NORTH", "WEST")
        for policy in (own.get(site, (0.95, 7)),)
    ]


def test_sites_that_treat_one_class_differently_are_one_finding_with_its_cost() -> None:
    found = policy_inconsistencies(picture(*_stores(0.99)), thresholds())

    assert {finding.kind for finding in found} == {CaseKind.POLICY_INCONSISTENCY}
    finding = found[0]
    assert finding.site == EVERYWHERE
    assert finding.cause.startswith("policy:standard:")
    assert (finding.measures["lowest_service_target"], finding.measures["highest_service_target"]) == (0.95, 0.99)
    assert finding.measures["cost_per_year"] >= 250
    assert "WEST" in finding.note


def test_an_equal_policy_or_a_difference_that_costs_little_is_none() -> None:
    cheap = [Row(row.item, row.site, row.weekly, 100, 0.1, service_target=row.service_target) for row in _stores(0.99)]

    assert policy_inconsistencies(picture(*_stores(0.95)), thresholds()) == []
    assert policy_inconsistencies(picture(*cheap), thresholds()) == []


def test_a_longer_review_is_an_inconsistency_too() -> None:
    found = policy_inconsistencies(picture(*_stores(0.95, review_days=28)), thresholds())
    assert found[0].measures["highest_review_period_days"] == 28


def _close(transaction: Transaction, case_id: str, days_ago: int) -> None:
    """Close a case as if it had been opened so many days ago."""
    transaction.connection.execute(
        update(cases)
        .where(cases.c.case_id == case_id)
        .values(state=CaseState.CLOSED.value, opened_at=transaction.now - timedelta(days=days_ago))
    )


def test_the_third_settling_of_one_trouble_proposes_a_parameter(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    limits = thresholds()
    for times in (1, 2, 3):
        with world.database.read() as connection:
            assert recurring(connection, limits, world.clock()) == []
        with world.database.write("test", world.clock()) as transaction:
            (case_id,) = [
                row.case_id
                for row in transaction.connection.execute(cases.select().where(cases.c.state != "closed"))
                if row.kind == CaseKind.PROJECTED_STOCKOUT
            ]
            _close(transaction, case_id, 90 - 30 * times)
        world.clock.forward(hours=1)
        world.deliver()
        world.desk.sweep()
    with world.database.read() as connection:
        (finding,) = recurring(connection, limits, world.clock())
        later = recurring(connection, limits, world.clock() + timedelta(days=400))

    assert (finding.kind, finding.cause) == (CaseKind.RECURRING, "recurring:projected_stockout")
    assert (finding.item, finding.site, finding.quantity) == ("BOLT", "NORTH", 3)
    assert finding.measures["days_between"] == pytest.approx(30, abs=1)
    assert "raise the reorder point of BOLT at NORTH" in finding.note
    assert later == [], "outside the window it is forgotten"


def test_what_is_open_is_remembered_by_place_and_by_identity(guided: World) -> None:
    with guided.database.read() as connection:
        assert open_places(connection) == {("projected_stockout", "BOLT", "NORTH")}
        assert open_identities(connection) == {("projected_stockout", "BOLT@NORTH", "low_cover")}


def test_a_count_between_the_bands_stays_open_and_opens_nothing(tmp_path: Path) -> None:
    """A gap of 6 % opens at 5 %; at 4.3 % it stays; a world that never saw the 6 % has no finding at 4.3 %."""
    world = World(tmp_path / "seen", amended(two_sites_one_lane(), counted("BOLT", "DC", 282))).furnish()
    world.desk.sweep()
    world.clock.forward(days=1)
    world.deliver(amended(two_sites_one_lane(), counted("BOLT", "DC", 287)))
    fresh = World(tmp_path / "fresh", amended(two_sites_one_lane(), counted("BOLT", "DC", 287))).furnish()

    assert [finding.cause for finding in check(world, world.clock()).findings] == ["stock_mismatch"]
    assert check(fresh, fresh.clock()).findings == ()
