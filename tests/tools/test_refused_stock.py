"""A refused stock row is no quantity: its place is unknown, and nothing goes there by itself until it is known."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from inventory.importing.gate import import_feeds
from inventory.importing.mapping import Mapping
from inventory.proposals import find_explanation, list_rulings
from inventory.records import EVERYTHING, ActionKind, Finding, ProposalState, Tier
from tests.tools.networks import Edit, Frames, add_rows, amended
from tests.tools.test_health import check
from tests.worlds import START, World, two_sites_one_lane
from tools.health import EVERYWHERE, HealthReport

REFUSED_STOCK: dict[str, tuple[dict[str, object], set[tuple[str, str]]]] = {
    "a negative stock": ({"item": "BOLT", "site": "NORTH", "on_hand": -5}, {("BOLT", "NORTH")}),
    "a stock that is no number": ({"item": "BOLT", "site": "DC", "on_hand": "many"}, {("BOLT", "DC")}),
    "a second row of a place": ({"item": "BOLT", "site": "NORTH", "on_hand": 4}, {("BOLT", "NORTH")}),
    "an item nobody plans": ({"item": "GHOST", "site": "NORTH", "on_hand": 5}, set()),
    "a site nobody knows": ({"item": "BOLT", "site": "NRTH", "on_hand": 5}, set()),
    "no site at all": ({"item": "BOLT", "site": None, "on_hand": 5}, set()),
}
"""Stock rows besides those of a sound network, each with the places whose stock is unknown for it."""


@pytest.mark.parametrize("name", REFUSED_STOCK)
def test_a_refused_stock_row_makes_its_place_unknown_and_no_other(name: str, tmp_path: Path) -> None:
    row, places = REFUSED_STOCK[name]
    report = check(World(tmp_path / "home", amended(two_sites_one_lane(), stock_row(**row))).furnish(), START)
    found = [finding for finding in report.findings if finding.item]

    assert report.touched() == places
    assert {finding.cause for finding in found} <= {"refused_rows:stock"}
    assert {finding.quantity for finding in found} <= {0}, "what is refused is no quantity"
    assert _finding_of_feed(report).quantity == 1


def test_a_refused_row_without_a_site_makes_its_item_unknown_everywhere(tmp_path: Path) -> None:
    """The mapping gives the whole file its site, so no row names one."""
    mapping = Mapping.model_validate({"tables": {"stock": {"constants": {"site": "NORTH"}, "columns": {}}}})
    text = "item,on_hand,as_of\nBOLT,-5," + START.isoformat()
    world = World(tmp_path / "home", two_sites_one_lane()).furnish()
    (tmp_path / "stock.csv").write_text(text + "\n", encoding="utf-8")
    world.clock.forward(hours=1)
    import_feeds(
        tmp_path / "stock.csv", mapping=mapping, database=world.database, snapshots=world.snapshots, actor="pia",
        now=world.clock(), as_of=world.clock(), allow_shrink=True, max_quarantined_share=1.0,
    )  # fmt: skip

    assert check(world, world.clock()).touched() == {("BOLT", "DC"), ("BOLT", "NORTH")}


def test_unknown_stock_stays_unknown_until_a_stock_feed_is_whole(tmp_path: Path) -> None:
    """A day of other feeds says nothing about what lies on the shelf."""
    world = World(
        tmp_path / "home", amended(two_sites_one_lane(), stock_row(item="BOLT", site="NORTH", on_hand=-5))
    ).furnish()
    world.clock.forward(days=1)
    world.deliver(amended(two_sites_one_lane(), without("stock")))
    between = check(world, world.clock()).touched()
    world.clock.forward(days=1)
    world.deliver(two_sites_one_lane())

    assert between == {("BOLT", "NORTH")}
    assert check(world, world.clock()).touched() == set()


def test_nothing_goes_by_itself_to_a_place_whose_stock_is_unknown(tmp_path: Path) -> None:
    """The same network moves by itself when its stock is known; the draft says what is not."""
    negative = amended(two_sites_one_lane(), stock_row(item="BOLT", site="NORTH", on_hand=-5))
    world = World(tmp_path / "home", negative).furnish()
    world.desk.sweep()
    (moving,) = [p for p in world.proposals() if p.content.action is ActionKind.TRANSFER]
    with world.database.read() as connection:
        fired = {rule.rule for rule in list_rulings(connection, EVERYTHING, moving.proposal_id)[-1].fired}
        drafts = [find_explanation(connection, EVERYTHING, each.proposal_id) for each in world.proposals()]
    said = [draft.text for draft in drafts if draft]

    assert (moving.state, moving.tier) == (ProposalState.PENDING, Tier.PLANNER)
    assert "data_problem" in fired
    assert any("What BOLT has at NORTH is not known" in words for words in said)


def stock_row(**row: object) -> Edit:
    """A further row of the stock feed, as text so that it may hold what is none."""

    def edit(frames: Frames, as_of: datetime) -> None:
        frames["stock"] = frames["stock"].with_columns(pl.col("on_hand").cast(pl.String))
        told = {"allocated": 0, "as_of": as_of.isoformat(), **row, "on_hand": str(row["on_hand"])}
        add_rows("stock", told)(frames, as_of)

    return edit


def without(table: str) -> Edit:
    """The delivery leaves a table out."""

    def edit(frames: Frames, as_of: datetime) -> None:
        del frames[table]

    return edit


def _finding_of_feed(report: HealthReport) -> Finding:
    (finding,) = [finding for finding in report.findings if finding.site == EVERYWHERE]
    return finding
