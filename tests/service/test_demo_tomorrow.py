"""The day after: posted documents show up in the feeds, units are conserved, impossible documents are refused."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from service.demo.company import AS_OF, FEED_LAG, Tables, generate
from service.demo.tomorrow import PostedDocument, next_day

TRANSFER = PostedDocument("EK-ONE", "P-10364", "DC-EAST", "DC-WEST", 12)


@pytest.fixture(scope="module")
def today() -> Tables:
    return generate()


def on_shelf(tables: Tables, item: str, site: str, source: str = "erp") -> int:
    rows = tables["stock"].filter(pl.col("item") == item, pl.col("site") == site, pl.col("source") == source)
    return int(rows["on_hand"].sum())


def on_road(tables: Tables, item: str) -> int:
    return int(tables["transfers"].filter(pl.col("item") == item, pl.col("status") == "in_transit")["quantity"].sum())


def test_a_quiet_day_only_ages_the_feeds(today: Tables) -> None:
    tomorrow = next_day(today)
    assert tomorrow["feeds"]["as_of"].max() == AS_OF - FEED_LAG + timedelta(days=1)
    assert tomorrow["stock"].drop("as_of").equals(today["stock"].drop("as_of"))
    assert tomorrow["transfers"].equals(today["transfers"])


def test_a_posted_transfer_leaves_the_shelf_of_both_books_and_carries_our_key(today: Tables) -> None:
    tomorrow = next_day(today, [TRANSFER])
    for source in ("erp", "wms"):
        assert on_shelf(tomorrow, "P-10364", "DC-EAST", source) == on_shelf(today, "P-10364", "DC-EAST", source) - 12
    row = tomorrow["transfers"].row(by_predicate=pl.col("our_key") == "EK-ONE", named=True)
    assert (row["status"], row["quantity"], row["destination"]) == ("in_transit", 12, "DC-WEST")
    assert row["expected_date"] == (AS_OF + timedelta(days=3)).date()


def test_units_are_conserved_until_the_receipt(today: Tables) -> None:
    shipped = next_day(today, [TRANSFER])
    arrived = next_day(shipped, received=["EK-ONE"], days=2)

    def total(tables: Tables) -> int:
        shelves = sum(on_shelf(tables, "P-10364", site) for site in ("DC-EAST", "DC-WEST", "PL-NORTH", "FC-WEB"))
        return shelves + on_road(tables, "P-10364")

    assert total(today) == total(shipped) == total(arrived)
    assert on_shelf(arrived, "P-10364", "DC-WEST") == on_shelf(today, "P-10364", "DC-WEST") + 12


def test_the_stock_book_still_rebuilds_the_stock(today: Tables) -> None:
    regulated = PostedDocument("EK-TWO", "P-4495", "DC-EAST", "WH-SOUTH", 40)
    later = next_day(next_day(today, [TRANSFER, regulated]), received=["EK-ONE", "EK-TWO"])
    key = ["item", "site", "lot"]
    book = later["movements"].filter(pl.col("kind") != "count").group_by(key).agg(pl.col("quantity").sum())
    shelf = later["stock"].filter(pl.col("source") == "erp").group_by(key).agg(pl.col("on_hand").sum())
    assert book.filter(pl.col("quantity") > 0).sort(key).rows() == shelf.filter(pl.col("on_hand") > 0).sort(key).rows()
    assert not later["movements"]["movement_id"].is_duplicated().any()


def test_a_posted_purchase_is_on_order_after_its_contract_lead_time(today: Tables) -> None:
    terms = today["supplier_items"].row(by_predicate=pl.col("item") == "P-10364", named=True)
    order = PostedDocument("EK-BUY", "P-10364", terms["supplier"], "DC-WEST", 24)
    row = next_day(today, [order])["purchase_orders"].row(by_predicate=pl.col("our_key") == "EK-BUY", named=True)
    assert (row["status"], row["quantity"]) == ("open", 24)
    assert (row["promised_date"] - row["ordered_date"]).days == terms["contract_lead_time_days"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (PostedDocument("EK-X", "P-10364", "DC-EAST", "DC-WEST", 10_000), "cannot give 10000"),
        (PostedDocument("EK-X", "P-10364", "DC-EAST", "DC-EAST", 1), "no lane"),
        (PostedDocument("EK-X", "P-3679", "DC-EAST", "DC-WEST", 1), "keeps no stock"),
        (PostedDocument("EK-X", "P-10364", "SUP-LARCH", "DC-WEST", 1), "does not sell"),
    ],
)
def test_an_impossible_document_is_refused(today: Tables, document: PostedDocument, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        next_day(today, [document])


def test_the_same_key_is_never_posted_or_received_twice(today: Tables) -> None:
    with pytest.raises(ValueError, match="EK-ONE is posted twice"):
        next_day(today, [TRANSFER, TRANSFER])
    with pytest.raises(ValueError, match="already holds key EK-ONE"):
        next_day(next_day(today, [TRANSFER]), [TRANSFER])
    arrived = next_day(next_day(today, [TRANSFER]), received=["EK-ONE"])
    with pytest.raises(ValueError, match="no transfer with key EK-ONE"):
        next_day(arrived, received=["EK-ONE"])
