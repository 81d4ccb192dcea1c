"""Moves of lots name the lots: the first to expire that the receiver may have; and the path of a lot can be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import update

from inventory.ledger import list_reservations
from inventory.proposals import find_plan_run, list_proposals
from inventory.records import EVERYTHING, ActionKind, ProposalState, Scope
from inventory.tables import stock_lines
from tests.tools.networks import add_rows, amended, set_column
from tests.worlds import World, two_sites_one_lane
from tools.actions import dispatch
from tools.erp.simulated import StockRow
from tools.lot_path import lot_path
from tools.lot_rules import LotRules

S = ProposalState
OLD, FRESH = 100, 200


def world_of_lots(folder: Path, *, old: str, flags: str = "consumable", shelf_life: int = 120) -> World:
    """Bolts in two lots at the centre; ``old`` is the last usable day of the older one."""
    at_dc = pl.col("site") == "DC"
    tables: list[Callable[..., object]] = [
        set_column("stock", pl.when(at_dc).then(pl.lit("OLD")).otherwise(pl.lit("")).alias("lot")),
        set_column("stock", pl.when(at_dc).then(OLD).otherwise(pl.col("on_hand")).alias("on_hand")),
        set_column("stock", pl.when(at_dc).then(pl.lit(old)).otherwise(None).alias("expiry")),
        add_rows(
            "stock",
            {"item": "BOLT", "site": "DC", "lot": "FRESH", "on_hand": FRESH, "allocated": 0, "expiry": "2024-12-01",
             "as_of": "2024-04-08T06:00:00+00:00"},
        ),
        set_column("items", pl.lit(value=True).alias("lot_controlled")),
        set_column("items", pl.lit(shelf_life).alias("shelf_life_days")),
    ]  # fmt: skip
    network = amended(two_sites_one_lane(flags=flags), *tables)  # type: ignore[arg-type]
    world = World(folder / "home", network, rollout="guided")
    world.furnish()
    world.erp.load_stock(
        [
            StockRow(item="BOLT", site="DC", on_hand=0),
            StockRow(item="BOLT", site="DC", lot="OLD", on_hand=OLD),
            StockRow(item="BOLT", site="DC", lot="FRESH", on_hand=FRESH),
        ]
    )
    return world


def lots_promised(world: World) -> dict[str, int]:
    with world.database.read() as connection:
        return {held.lot: held.quantity for held in list_reservations(connection, EVERYTHING)}


def test_the_lot_that_expires_first_goes_first(tmp_path: Path) -> None:
    world = world_of_lots(tmp_path, old="2024-06-01")
    world.desk.sweep()

    assert lots_promised(world) == {"OLD": 78}


def test_a_lot_too_old_for_the_receiver_gives_way_to_the_next(tmp_path: Path) -> None:
    """It arrives on 11 April and needs a quarter of 120 days; the last day of the old lot is one too early."""
    world = world_of_lots(tmp_path, old="2024-05-10")
    world.desk.sweep()
    (move,) = [p.content for p in world.proposals() if p.content.action is ActionKind.TRANSFER]

    assert move.lines[0].arrive_on == date(2024, 4, 11)
    assert lots_promised(world) == {"FRESH": 78}


def test_a_lot_with_just_enough_life_is_taken(tmp_path: Path) -> None:
    world = world_of_lots(tmp_path, old="2024-05-11")
    world.desk.sweep()

    assert lots_promised(world) == {"OLD": 78}


def test_no_lot_the_receiver_may_have_leaves_the_case_without_a_draft_and_says_why(tmp_path: Path) -> None:
    world = world_of_lots(tmp_path, old="2024-05-10", shelf_life=4_000)
    world.desk.sweep()
    with world.database.read() as connection:
        drafted = list_proposals(connection, EVERYTHING)
        runs = list(connection.exec_driver_sql("SELECT plan_run_id FROM plan_runs").scalars())
        lost = [why for run in runs for why in find_plan_run(connection, EVERYTHING, run).lost_to.values()]

    assert [proposal for proposal in drafted if proposal.content.action is ActionKind.TRANSFER] == []
    assert any("lot FRESH expires 2024-12-01, 1000 days of life are needed" in why for why in lost), lost


@pytest.mark.parametrize(
    ("flags", "stores", "planned", "why"),
    [
        ("cold_chain", {"ambient"}, True, "NORTH has no cold storage for it"),
        ("cold_chain", {"ambient", "chilled"}, True, ""),
        ("cold_chain", set(), True, ""),
        ("regulated", set(), True, ""),
        ("regulated", set(), False, "NORTH is not licensed for it"),
        ("consumable", {"ambient"}, False, ""),
    ],
)
def test_what_a_receiver_may_not_keep_it_may_not_have(flags: str, stores: set[str], planned: bool, why: str) -> None:
    assert LotRules(Facts(flags, stores, planned)).no_place("BOLT", "NORTH") == why  # type: ignore[arg-type]


class Facts:
    """The tables of a snapshot that the rules read."""

    def __init__(self, flags: str, stores: set[str], planned: bool) -> None:
        self._tables = {
            "items": pl.DataFrame(
                {"item": ["BOLT"], "flags": [flags], "lot_controlled": [True], "shelf_life_days": [None]}
            ),
            "zones": pl.DataFrame(
                [("NORTH", kind) for kind in sorted(stores)], schema={"site": str, "storage": str}, orient="row"
            ),
            "item_sites": pl.DataFrame(
                {"item": ["BOLT"], "site": ["NORTH"]} if planned else {"item": [], "site": []},
                schema={"item": str, "site": str},
            ),
        }

    def table(self, name: str) -> pl.DataFrame:
        """One table."""
        return self._tables[name]


def test_a_lot_that_aged_since_is_not_sent(tmp_path: Path) -> None:
    """The second look before the ERP: the ledger says by now that the lot lasts shorter."""
    world = world_of_lots(tmp_path, old="2024-06-01")
    world.desk.sweep()
    world.decide(world.the_proposal(), "approve", "pia")
    with world.database.write("evenkeel", world.clock()) as transaction:
        transaction.connection.execute(
            update(stock_lines).where(stock_lines.c.lot == "OLD").values(expiry=date(2024, 4, 20))
        )
    done = dispatch(world.toolbox, world.the_proposal().proposal_id)

    assert done.state is S.VOID
    assert done.note == "item BOLT lot OLD: expires 2024-04-20, 30 days of life are needed on arrival 2024-04-11"
    assert world.erp.open_documents() == ()


def test_the_path_of_a_lot_is_told_from_promise_to_posting(tmp_path: Path) -> None:
    world = world_of_lots(tmp_path, old="2024-06-01")
    world.desk.sweep()
    proposal = world.the_proposal()
    with world.database.read() as connection:
        drafted = lot_path(connection, EVERYTHING, "OLD", world.toolbox.snapshot())
    assert [(step.what, step.units, step.site, step.to) for step in drafted] == [
        ("promised", 78, "DC", "NORTH"), ("lies there", OLD, "DC", ""),
    ]  # fmt: skip

    world.decide(proposal, "approve", "pia")
    (done,) = world.desk.execute()
    with world.database.read() as connection:
        moved = lot_path(connection, EVERYTHING, "OLD", world.toolbox.snapshot())
        assert lot_path(connection, EVERYTHING, "NEVER", world.toolbox.snapshot()) == ()
        stranger = Scope(user="otto", sites=frozenset({"ELSEWHERE"}))
        assert lot_path(connection, stranger, "OLD", world.toolbox.snapshot()) == ()
    (receipt,) = done.receipts
    assert [(step.what, step.units, step.reference, step.state) for step in moved] == [
        ("transfer", 78, receipt.erp_reference, "executed"), ("lies there", OLD, "", ""),
    ]  # fmt: skip
    assert moved[0].proposal_id == proposal.proposal_id
