"""Ids become rows here, and every unit on its way is counted once."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from inventory.ledger_frame import frame_of
from inventory.records import ActionKind, ProposalLine, ProposalState
from tests.tools.conftest import Copy
from tests.tools.networks import add_rows, amended, look, only_recent, order, replenished_by, sells, set_column
from tests.worlds import MONDAY, ItemSite, Lane, Network, World, two_sites_one_lane
from tools.arrays import NetworkArrays, build_arrays
from tools.lead_times import LeadTimes
from tools.toolbox import committed_lines

PLAIN = Network(
    item_sites=(
        ItemSite("GEAR", "DC", weekly=10, on_hand=200, cost=20.0, price=50.0),
        ItemSite("GEAR", "PLANT", weekly=20, on_hand=30, cost=20.0, price=50.0),
        ItemSite("NUT", "PLANT", weekly=5, on_hand=60, flags="consumable,regulated", price=0.0),
        ItemSite("ROBOT", "PLANT", weekly=1, on_hand=10, cost=900.0, price=2_000.0),
    ),
    lanes=(Lane("DC", "PLANT", transit_days=3.0),),
    open_orders=(("PO-1", "GEAR", "DC", 50, 10, 11), ("PO-2", "NUT", "PLANT", 40, 30, -9)),
)


def workshop() -> Network:
    """A plant that builds robots from gears it gets through the DC, and has promised gears to customers."""
    today = MONDAY
    return amended(
        PLAIN,
        replenished_by("DC", item="GEAR", site="PLANT"),
        sells("CHEAP", "GEAR", price=15.0, contract_lead_time_days=40),
        set_column("sites", pl.lit(1_000.0).alias("standstill_cost_per_day")),
        add_rows(
            "boms",
            {"product": "ROBOT", "item": "GEAR", "site": "PLANT", "quantity_per": 4.0},
        ),
        add_rows(
            "production_orders",
            {"order_id": "MO-0", "product": "ROBOT", "site": "PLANT", "start_date": today + timedelta(days=2),
             "quantity": 9, "status": "finished"},
            {"order_id": "MO-1", "product": "ROBOT", "site": "PLANT", "start_date": today + timedelta(days=12),
             "quantity": 3, "status": "planned"},
            {"order_id": "MO-2", "product": "ROBOT", "site": "PLANT", "start_date": today + timedelta(days=5),
             "quantity": 2, "status": "released"},
        ),
        add_rows(
            "customers",
            {"customer": "ACME", "name": "Acme", "tier": "key", "penalty_share": 0.2},
            {"customer": "ZETA", "name": "Zeta", "tier": "standard", "penalty_share": 0.5},
            {"customer": "GONE", "name": "Gone", "tier": "strategic", "penalty_share": 1.0},
        ),
        add_rows(
            "commitments",
            {"customer": "ACME", "item": "GEAR", "site": "PLANT", "protected_quantity": 12, "until": None},
            {"customer": "ZETA", "item": "GEAR", "site": "PLANT", "protected_quantity": 5,
             "until": today + timedelta(days=1)},
            {"customer": "GONE", "item": "GEAR", "site": "PLANT", "protected_quantity": 99,
             "until": today - timedelta(days=1)},
        ),
        add_rows(
            "known_demand",
            {"reference": "SO-1", "item": "NUT", "site": "PLANT", "kind": "order", "quantity": 7,
             "due_date": today + timedelta(days=3), "adds_to_forecast": True},
            {"reference": "SO-2", "item": "NUT", "site": "PLANT", "kind": "order", "quantity": 70,
             "due_date": today + timedelta(days=3), "adds_to_forecast": False},
        ),
        order("PO-PART", "GEAR", "DC", 30, ordered_ago=5, promised_in=16),
        set_column(
            "purchase_orders",
            pl.when(pl.col("order_id") == "PO-PART").then(10).otherwise(pl.col("received_quantity"))
            .alias("received_quantity"),
        ),
        only_recent("NUT", 12),
    )  # fmt: skip


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("plant") / "home", workshop()).furnish()


@pytest.fixture(scope="module")
def arrays(plant: World) -> NetworkArrays:
    return look(plant)[0].arrays


def test_rows_are_item_sites_in_order_of_item_and_site(arrays: NetworkArrays) -> None:
    assert list(zip(arrays.items, arrays.sites, strict=True)) == [
        ("GEAR", "DC"), ("GEAR", "PLANT"), ("NUT", "PLANT"), ("ROBOT", "PLANT"),
    ]  # fmt: skip
    assert all((arrays.items[row], arrays.sites[row]) == key for key, row in arrays.row_of.items())


def test_each_row_holds_its_own_item_sites_facts(arrays: NetworkArrays) -> None:
    assert arrays.on_hand.tolist() == [200, 30, 60, 10]
    assert arrays.cost.tolist() == [20, 20, 10, 900]
    assert arrays.erp_reorder_point.tolist() == [40, 80, 20, 4]
    assert arrays.margin.tolist() == [30, 30, 0, 1_100], "a price below cost earns nothing rather than less"
    assert arrays.item_class == ("standard", "standard", "regulated", "standard"), "the strictest flag names the class"


def test_history_ends_with_the_last_week_and_is_unknown_before_the_first(arrays: NetworkArrays) -> None:
    gear, nut = arrays.row_of[("GEAR", "PLANT")], arrays.row_of[("NUT", "PLANT")]

    assert np.isfinite(arrays.history[gear]).sum() == 30
    assert np.isfinite(arrays.history[nut]).sum() == 12
    assert np.isfinite(arrays.history[nut, -12:]).all()
    assert arrays.history[gear, -6:].tolist() == [20, 21, 19, 21, 20, 19]


def lead_times(world: World) -> LeadTimes:
    return world.toolbox.lead_times(world.toolbox.snapshot())


def test_an_item_replenished_through_a_site_knows_lane_and_supplier_behind_it(
    plant: World, arrays: NetworkArrays
) -> None:
    direct, through = arrays.row_of[("GEAR", "DC")], arrays.row_of[("GEAR", "PLANT")]

    assert (arrays.supplier[direct], arrays.source_site[direct]) == ("SUP", "")
    assert np.isnan(arrays.source_transit_days[direct])
    assert (arrays.supplier[through], arrays.source_site[through]) == ("CHEAP", "DC"), "the cheapest that sells it"
    assert arrays.source_transit_days[through] == 3.0
    assert lead_times(plant).contract_days[arrays.group[through]] == 40.0
    assert arrays.group[direct] != arrays.group[through]


def test_only_promises_still_in_force_are_kept_with_the_highest_penalty_and_tier(arrays: NetworkArrays) -> None:
    row = arrays.row_of[("GEAR", "PLANT")]

    assert arrays.committed_units[row] == 17
    assert arrays.commitment_penalty[row] == pytest.approx(0.5 * 50.0)
    assert arrays.customer_tier[row] == "key"
    assert arrays.committed_units.sum() == 17


def test_a_component_stands_a_line_still_from_the_first_unfinished_order_on(arrays: NetworkArrays) -> None:
    row = arrays.row_of[("GEAR", "PLANT")]

    assert (arrays.standstill_day[row], arrays.standstill_per_day[row]) == (5, 1_000.0)
    assert sorted(set(arrays.standstill_day.tolist())) == [-1, 5]


def test_known_demand_is_certain_on_its_day_once_whether_expected_or_not_and_includes_production(
    arrays: NetworkArrays,
) -> None:
    gear, nut = arrays.row_of[("GEAR", "PLANT")], arrays.row_of[("NUT", "PLANT")]

    assert {int(day): arrays.known_demand[gear, day] for day in np.flatnonzero(arrays.known_demand[gear])} == {
        5: 2 * 4.0, 12: 3 * 4.0,
    }  # fmt: skip
    assert {int(day): arrays.known_demand[nut, day] for day in np.flatnonzero(arrays.known_demand[nut])} == {
        3: 7.0 + 70.0,
    }


def test_open_orders_come_with_what_is_left_of_them_and_their_age(arrays: NetworkArrays) -> None:
    inbound = arrays.inbound
    rows = {
        reference: (int(inbound.series[n]), inbound.quantity[n], int(inbound.promised_day[n]), int(inbound.age_days[n]))
        for n, reference in enumerate(inbound.reference)
    }

    assert rows == {
        "PO-1": (arrays.row_of[("GEAR", "DC")], 50, 11, 10),
        "PO-2": (arrays.row_of[("NUT", "PLANT")], 40, -9, 30),
        "PO-PART": (arrays.row_of[("GEAR", "DC")], 20, 16, 5),
    }


def test_every_past_order_is_a_receipt_of_its_supplier_and_item(plant: World) -> None:
    known = lead_times(plant)
    receipts = known.receipts
    suppliers = {known.suppliers[known.pool[group]] for group in receipts.group.tolist()}

    assert suppliers == {"SUP"}
    assert int(receipts.observed.sum()) == 18
    assert sorted(receipts.days[receipts.observed].tolist()) == sorted([21, 22, 23] * 6)
    assert sorted(receipts.days[~receipts.observed].tolist()) == [5, 10, 30], "an open order is known to take longer"


def test_stock_of_places_without_a_plan_is_left_out(plant: World, arrays: NetworkArrays) -> None:
    with plant.database.read() as connection:
        line = ProposalLine(
            number=1, action=ActionKind.TRANSFER, item="GEAR", origin="DC", destination="NOWHERE", quantity=9,
            cost_minor=0, ship_on=MONDAY, arrive_on=MONDAY,
        )  # fmt: skip
        snapshot = plant.toolbox.snapshot()
        built = build_arrays(snapshot, frame_of([]), plant.toolbox.shared(snapshot), horizon_days=42, committed=[line])
        known = committed_lines(connection, plant.toolbox.snapshot())

    assert known == []
    assert built.inbound.reference == arrays.inbound.reference
    assert built.on_hand.sum() == 0, "what the ledger does not hold counts as none"


def _on_the_way(world: World) -> float:
    outlook, _ = look(world)
    return float(outlook.on_order[outlook.arrays.row_of[("BOLT", "NORTH")]])


def test_units_on_their_way_count_once_from_draft_to_receipt(automatic: World, a_copy: Copy) -> None:
    world = a_copy(automatic)
    (proposal,) = world.proposals(ProposalState.APPROVED)
    (line,) = proposal.content.lines
    assert _on_the_way(world) == line.quantity, "promised"

    world.clock.forward(hours=1)
    (done,) = world.desk.execute()
    assert done.state is ProposalState.EXECUTED
    assert _on_the_way(world) == line.quantity, "posted, and not in any feed yet"
    before = look(world)[0].arrays

    world.clock.forward(hours=2)
    network = two_sites_one_lane().with_stock({("BOLT", "DC"): 300 - line.quantity})
    world.deliver(network, world.erp.export_transfers())
    after = look(world)[0].arrays
    assert _on_the_way(world) == line.quantity, "shown by the feed, and no longer counted from the proposal"
    assert len(after.inbound.reference) == 1
    donor = before.row_of[("BOLT", "DC")]
    assert before.free[donor] == after.free[donor] == 300 - line.quantity, "the giving site gave them once"

    world.erp.receive(done.receipts[0].erp_reference, world.clock() + timedelta(days=3))
    world.clock.forward(days=3, hours=1)
    world.deliver(network.with_stock({("BOLT", "NORTH"): 4 + line.quantity}), world.erp.export_transfers())
    assert _on_the_way(world) == 0, "received"


def test_outlook_excludes_what_is_only_proposed_when_asked(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (pending,) = world.proposals(ProposalState.PENDING)
    with world.database.read() as connection:
        without = world.toolbox.outlook(connection, exclude=[pending.proposal_id])

    assert without.on_order.sum() == 0
    assert _on_the_way(world) == sum(line.quantity for line in pending.content.lines)
