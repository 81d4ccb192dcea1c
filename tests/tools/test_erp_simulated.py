"""The simulated ERP: the conformance suite with and without native keys, and what it keeps beyond the port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.contract import PURCHASE_ORDERS, STOCK, TRANSFERS, Table
from inventory.crash_points import VARIABLE
from inventory.record import canonical_record, load
from inventory.records import ActionKind, ErpDocument, ErpLine
from tests.processes import forks
from tests.tools.erp_conformance import ErpConformance
from tests.tools.erp_documents import (
    KEY,
    OTHER_KEY,
    ErpWorld,
    found,
    key_named,
    of_kind,
    order_change,
    purchase,
    transfer,
)
from tools.erp.faults import Fault, FaultKind
from tools.erp.port import ErpPort
from tools.erp.simulated import KnownOrder, SimulatedErp, StockRow
from tools.errors import ErpError, ErpRejectedError, ToolInputError

MORNING = datetime(2024, 4, 8, 6, 0, tzinfo=UTC)
ON_HAND = 30
ROOT = Path(__file__).parents[2]


class HandClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


def open_erp(path: Path, *, native_key: bool = True, clock: HandClock | None = None) -> SimulatedErp:
    return SimulatedErp(path, native_key=native_key, clock=clock or HandClock())


def two_sites_one_lane(erp: SimulatedErp) -> None:
    erp.load_stock(
        StockRow(item=item, site=site, on_hand=units)
        for item in ("DRILL", "SAW")
        for site, units in (("DC-EAST", ON_HAND), ("ST-PINE", 0))
    )
    erp.load_orders(
        [
            KnownOrder(
                reference="PO-LATE",
                action=ActionKind.PURCHASE,
                lines=(ErpLine(item="DRILL", quantity=10),),
                destination="ST-PINE",
                supplier="SUP-LARCH",
                ordered_on=date(2024, 3, 1),
                arrive_on=date(2024, 4, 30),
            )
        ]
    )


def world_behind(erp: SimulatedErp, clock: HandClock) -> ErpWorld:
    two_sites_one_lane(erp)

    def units(item: str, site: str) -> int:
        query = "SELECT sum(on_hand) FROM stock WHERE item = ? AND site = ?"
        with erp.books.read() as connection:
            return int(connection.execute(query, (item, site)).fetchone()[0])

    return ErpWorld(
        item="DRILL",
        other_item="SAW",
        origin="DC-EAST",
        destination="ST-PINE",
        supplier="SUP-LARCH",
        order_id="PO-LATE",
        on_hand=ON_HAND,
        inject=erp.faults.add,
        pass_time=clock.advance,
        documents=lambda key: len(erp.orders_with(key)),
        units=units,
    )


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def erp(tmp_path: Path, clock: HandClock) -> SimulatedErp:
    return open_erp(tmp_path / "erp.sqlite", clock=clock)


@pytest.fixture
def world(erp: SimulatedErp, clock: HandClock) -> ErpWorld:
    return world_behind(erp, clock)


class TestSimulatedErpWithNativeKeys(ErpConformance):
    """An ERP that keeps our key unique itself."""

    def test_capabilities_say_so(self, erp: SimulatedErp) -> None:
        port: ErpPort = erp
        assert port.capabilities.native_key


class TestSimulatedErpWithoutNativeKeys(ErpConformance):
    """An ERP for which our key is only a text."""

    @pytest.fixture
    def erp(self, tmp_path: Path, clock: HandClock) -> SimulatedErp:
        return open_erp(tmp_path / "erp.sqlite", native_key=False, clock=clock)

    def test_capabilities_say_so(self, erp: SimulatedErp) -> None:
        assert not erp.capabilities.native_key


class TestSimulatedErpOfFewKinds(ErpConformance):
    """An ERP that has documents for what most have, and none for the rest."""

    @pytest.fixture
    def erp(self, tmp_path: Path, clock: HandClock) -> SimulatedErp:
        kinds = (ActionKind.TRANSFER, ActionKind.PURCHASE, ActionKind.EXPEDITE, ActionKind.PULL_IN)
        return SimulatedErp(tmp_path / "erp.sqlite", clock=clock, actions=kinds)


def test_a_received_transfer_is_at_the_destination_and_no_longer_open(erp: SimulatedErp, world: ErpWorld) -> None:
    posting = erp.post(transfer(world, KEY, 5, 3))
    erp.receive(posting.reference, MORNING + timedelta(days=2))
    assert (erp.on_hand("DRILL", "ST-PINE"), erp.on_hand("SAW", "ST-PINE")) == (5, 3)
    assert erp.open_documents(ActionKind.TRANSFER) == ()
    assert found(erp, KEY) == posting


def test_a_transfer_received_in_part_stays_open_for_the_rest(erp: SimulatedErp, world: ErpWorld) -> None:
    posting = erp.post(transfer(world, KEY, 5))
    erp.receive(posting.reference, MORNING, 2)
    assert erp.on_hand("DRILL", "ST-PINE") == 2
    assert erp.open_documents(ActionKind.TRANSFER) == (posting,)
    with pytest.raises(ErpRejectedError, match="4 units cannot arrive, 3 are open"):
        erp.receive(posting.reference, MORNING, 4)
    erp.receive(posting.reference, MORNING, 3)
    assert erp.open_documents(ActionKind.TRANSFER) == ()
    with pytest.raises(ErpRejectedError, match=posting.reference):
        erp.receive(posting.reference, MORNING)


def test_a_part_of_a_document_of_two_lines_is_received_by_item(erp: SimulatedErp, world: ErpWorld) -> None:
    posting = erp.post(transfer(world, KEY, 5, 3))
    with pytest.raises(ErpRejectedError, match="name the item"):
        erp.receive(posting.reference, MORNING, 2)
    erp.receive(posting.reference, MORNING, 2, item="SAW")
    assert (erp.on_hand("DRILL", "ST-PINE"), erp.on_hand("SAW", "ST-PINE")) == (0, 2)


def test_an_order_change_moves_the_promised_day_and_closes_with_its_order(erp: SimulatedErp, world: ErpWorld) -> None:
    change = order_change(world, KEY, 10)
    posting = erp.post(change)
    (row,) = erp.export_purchase_orders()
    assert (row["order_id"], row["promised_date"], row["expedited"]) == ("PO-LATE", change.arrive_on, True)
    assert erp.open_documents(ActionKind.EXPEDITE) == (posting,)
    erp.receive("PO-LATE", MORNING)
    assert erp.open_documents() == ()


def test_a_line_takes_from_exactly_its_lot(erp: SimulatedErp, world: ErpWorld) -> None:
    erp.load_stock([StockRow(item="DRILL", site="DC-EAST", lot="L1", on_hand=4)])
    document = transfer(world, KEY, 4)
    of_lot = document.model_copy(update={"lines": (document.lines[0].model_copy(update={"lot": "L1"}),)})
    posting = erp.post(of_lot)
    with pytest.raises(ErpRejectedError, match="DRILL lot L1 at site DC-EAST: 4 units asked, 0 on hand"):
        erp.post(of_lot.model_copy(update={"key": OTHER_KEY}))
    erp.receive(posting.reference, MORNING)
    held = {(row["site"], row["lot"]): row["on_hand"] for row in erp.export_stock() if row["item"] == "DRILL"}
    assert held == {("DC-EAST", ""): ON_HAND, ("DC-EAST", "L1"): 0, ("ST-PINE", ""): 0, ("ST-PINE", "L1"): 4}


def test_refused_goods_are_the_origins_again_and_a_line_of_their_own(erp: SimulatedErp, world: ErpWorld) -> None:
    posting = erp.post(transfer(world, KEY, 5))
    erp.refuse(posting.reference, MORNING, 2)
    shown = [(row["quantity"], row["received_quantity"], row["status"]) for row in erp.export_transfers()]
    assert shown == [(3, 0, "in_transit"), (2, 0, "refused")]
    assert erp.on_hand("DRILL", "DC-EAST") == ON_HAND - 3
    erp.receive(posting.reference, MORNING)
    shown = [(row["quantity"], row["received_quantity"], row["status"]) for row in erp.export_transfers()]
    assert shown == [(3, 3, "received"), (2, 0, "refused")]
    assert (erp.on_hand("DRILL", "ST-PINE"), erp.open_documents(ActionKind.TRANSFER)) == (3, ())


def test_a_split_order_is_two_and_a_cancelled_one_is_gone(erp: SimulatedErp, world: ErpWorld) -> None:
    erp.post(of_kind(world, KEY, ActionKind.SPLIT, 4))
    orders = sorted((row["quantity"], row["promised_date"]) for row in erp.export_purchase_orders())
    assert orders == [(4, date(2024, 4, 11)), (6, date(2024, 4, 30))]
    erp.post(of_kind(world, OTHER_KEY, ActionKind.CANCEL, 6))
    assert [row["quantity"] for row in erp.export_purchase_orders()] == [4]
    with pytest.raises(ErpRejectedError, match="0 open units"):
        erp.post(of_kind(world, key_named("again"), ActionKind.CANCEL, 1))


def test_blocked_stock_is_turned_back_as_far_as_it_is_blocked(erp: SimulatedErp, world: ErpWorld) -> None:
    erp.post(of_kind(world, KEY, ActionKind.STATUS_CHANGE, 4))
    assert (erp.on_hand("DRILL", "DC-EAST"), erp.restricted("DRILL", "DC-EAST", "blocked")) == (ON_HAND - 4, 4)
    back = of_kind(world, OTHER_KEY, ActionKind.STATUS_CHANGE, 3).model_copy(update={"mode": "blocked-unrestricted"})
    erp.post(back)
    assert (erp.on_hand("DRILL", "DC-EAST"), erp.restricted("DRILL", "DC-EAST", "blocked")) == (ON_HAND - 1, 1)
    with pytest.raises(ErpRejectedError, match="fewer than 3 units are blocked"):
        erp.post(back.model_copy(update={"key": key_named("more")}))


def test_exports_carry_our_key_and_follow_a_transfer_from_open_to_received(
    erp: SimulatedErp, world: ErpWorld, clock: HandClock
) -> None:
    posting = erp.post(transfer(world, KEY, 5))
    seen = []
    for days, received in ((0, None), (1, 2), (1, 3)):
        clock.advance(timedelta(days=days))
        if received:
            erp.receive(posting.reference, clock.now, received)
        (row,) = erp.export_transfers()
        assert row["our_key"] == KEY
        seen.append((row["status"], row["shipped_date"], row["received_quantity"], row["received_date"]))
    ship_on = date(2024, 4, 9)
    assert seen == [
        ("open", None, 0, None),
        ("in_transit", ship_on, 2, None),
        ("received", ship_on, 5, date(2024, 4, 10)),
    ]


def test_exports_hold_only_columns_of_the_contract_and_every_required_one(erp: SimulatedErp, world: ErpWorld) -> None:
    erp.post(transfer(world, KEY, 5))
    feeds: tuple[tuple[Table, list[dict[str, object]]], ...] = (
        (STOCK, erp.export_stock()),
        (TRANSFERS, erp.export_transfers()),
        (PURCHASE_ORDERS, erp.export_purchase_orders()),
    )
    for table, rows in feeds:
        assert rows
        for row in rows:
            assert row.keys() <= {column.name for column in table.columns}
            assert all(row[column.name] is not None for column in table.columns if column.required)


def test_a_document_not_visible_yet_is_not_exported(erp: SimulatedErp, world: ErpWorld, clock: HandClock) -> None:
    erp.faults.add(Fault(kind=FaultKind.ANSWER_LATE, seconds=30))
    with pytest.raises(ErpError):
        erp.post(transfer(world, KEY, 5))
    assert erp.export_transfers() == []
    clock.advance(timedelta(seconds=30))
    assert [row["our_key"] for row in erp.export_transfers()] == [KEY]


def test_an_order_cannot_be_loaded_twice(erp: SimulatedErp, world: ErpWorld) -> None:
    with pytest.raises(ErpRejectedError, match="PO-LATE"):
        two_sites_one_lane(erp)


def test_a_clock_without_an_offset_is_refused(tmp_path: Path) -> None:
    naive = SimulatedErp(tmp_path / "erp.sqlite", clock=lambda: MORNING.replace(tzinfo=None))
    with pytest.raises(ToolInputError, match="2024-04-08"):
        naive.export_stock()


def test_a_delay_waits_as_long_as_the_script_says(tmp_path: Path) -> None:
    waited: list[float] = []
    clock = HandClock()
    erp = SimulatedErp(tmp_path / "erp.sqlite", clock=clock, sleep=waited.append)
    world = world_behind(erp, clock)
    erp.faults.add(Fault(kind=FaultKind.DELAY, seconds=7.5))
    erp.post(transfer(world, KEY, 5))
    assert waited == [7.5]


def test_faults_meet_calls_in_order_whichever_process_set_them(erp: SimulatedErp, world: ErpWorld) -> None:
    elsewhere = open_erp(erp.books.path)
    first, second = Fault(kind=FaultKind.UNREACHABLE), Fault(kind=FaultKind.REJECT)
    elsewhere.faults.add(first, second)
    assert erp.faults.waiting() == (first, second)
    with pytest.raises(ErpError, match="no connection"):
        erp.post(transfer(world, KEY, 5))
    with pytest.raises(ErpRejectedError, match="refuses"):
        elsewhere.post(transfer(world, KEY, 5))
    assert erp.faults.waiting() == ()


def _post_elsewhere(path: Path, native_key: bool, body: str) -> str:
    """Run in another process: post one document and say which number it got."""
    return open_erp(path, native_key=native_key).post(load(ErpDocument, body)).reference


def test_two_processes_posting_one_native_key_make_one_order(erp: SimulatedErp, world: ErpWorld) -> None:
    body = canonical_record(transfer(world, KEY, 2))
    with ProcessPoolExecutor(2, mp_context=forks()) as pool:
        jobs = [pool.submit(_post_elsewhere, erp.books.path, True, body) for _ in range(6)]
        references = {job.result() for job in jobs}
    assert references == {posting.reference for posting in erp.orders_with(KEY)}
    assert len(references) == 1
    assert erp.on_hand("DRILL", "DC-EAST") == ON_HAND - 2


@pytest.mark.parametrize(("place", "documents"), [("erp.before_post", 0), ("erp.after_post", 1)])
def test_killed_around_the_commit_the_books_hold_all_or_nothing(
    erp: SimulatedErp, world: ErpWorld, place: str, documents: int
) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.tools.test_erp_simulated import _post_elsewhere;"
        "_post_elsewhere(Path(sys.argv[1]), True, sys.argv[2])"
    )
    command = [sys.executable, "-c", program, str(erp.books.path), canonical_record(transfer(world, KEY, 5))]
    killed = subprocess.run(command, env={**os.environ, VARIABLE: place}, cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len(erp.orders_with(KEY)) == documents
    assert erp.on_hand("DRILL", "DC-EAST") == ON_HAND - 5 * documents
    erp.post(transfer(world, KEY, 5))
    assert len(erp.orders_with(KEY)) == 1
    assert erp.on_hand("DRILL", "DC-EAST") == ON_HAND - 5


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("post", "receive")),
        st.integers(min_value=0, max_value=3),
        st.integers(min_value=1, max_value=20),
        st.sampled_from((None, *FaultKind)),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, native_key=st.booleans())
def test_units_are_conserved_whatever_goes_wrong(
    steps: list[tuple[str, int, int, FaultKind | None]], native_key: bool
) -> None:
    with TemporaryDirectory() as folder:
        clock = HandClock()
        erp = SimulatedErp(Path(folder) / "erp.sqlite", native_key=native_key, clock=clock, sleep=lambda seconds: None)
        world = world_behind(erp, clock)
        for step, number, quantity, fault in steps:
            try:
                if step == "post":
                    if fault:
                        erp.faults.add(Fault(kind=fault))
                    erp.post(transfer(world, key_named(str(number)), quantity))
                else:
                    erp.receive(f"SIM-TO-{number + 2:06d}", MORNING, quantity)
            except ErpError:
                continue
        sites = sum(int(str(row["on_hand"])) for row in erp.export_stock())
        moving = sum(int(str(row["quantity"])) - int(str(row["received_quantity"])) for row in erp.export_transfers())
        assert sites + moving == 2 * ON_HAND


def test_a_purchase_order_is_exported_until_received_without_touching_the_origin(
    erp: SimulatedErp, world: ErpWorld
) -> None:
    posting = erp.post(purchase(world, KEY, 7))
    assert erp.on_hand("DRILL", "ST-PINE") == 0
    erp.receive(posting.reference, MORNING)
    row = next(row for row in erp.export_purchase_orders() if row["our_key"] == KEY)
    assert (row["status"], row["received_quantity"], row["received_date"]) == ("received", 7, MORNING.date())
    assert (erp.on_hand("DRILL", "ST-PINE"), erp.on_hand("DRILL", "DC-EAST")) == (7, ON_HAND)
