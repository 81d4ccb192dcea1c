"""Opening balance plus movements rebuild stock, and every count that differs is shown."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from inventory.stock_book import count_differences, differences, rebuild_stock
from tests.inventory.import_worlds import BOARD, GLUE, LYON, NOW, PORTO, rows_of


def book(*entries: tuple[str, int], item: str = BOARD, site: str = LYON, lot: str = "") -> pl.DataFrame:
    """Movements an hour apart."""
    return rows_of(
        "movements",
        *(
            {
                "movement_id": f"{item}-{site}-{lot}-{number:03d}", "item": item, "site": site, "lot": lot,
                "at": NOW + timedelta(hours=number), "kind": kind, "quantity": quantity,
            }
            for number, (kind, quantity) in enumerate(entries)
        ),
    )  # fmt: skip


A_WEEK = (("opening", 100), ("receipt", 40), ("issue", -25), ("scrap", -2), ("return", 3), ("adjustment", -1))


def test_opening_and_movements_rebuild_stock() -> None:
    assert rebuild_stock(book(*A_WEEK)).row(0, named=True) == {"item": BOARD, "site": LYON, "lot": "", "on_hand": 115}


def test_the_order_of_the_file_does_not_matter() -> None:
    shuffled = book(*A_WEEK, ("count", 110), ("issue", -10)).sample(fraction=1.0, shuffle=True, seed=5)
    assert rebuild_stock(shuffled)["on_hand"].to_list() == [100]


def test_places_and_lots_are_kept_apart() -> None:
    at_porto, in_a_lot = book(("opening", 7), site=PORTO), book(("opening", 9), lot="L1")
    movements = pl.concat([book(("opening", 5)), at_porto, in_a_lot, book(("receipt", 1), item=GLUE)])
    assert rebuild_stock(movements).rows() == [
        (GLUE, LYON, "", 1), (BOARD, LYON, "", 5), (BOARD, LYON, "L1", 9), (BOARD, PORTO, "", 7)
    ]  # fmt: skip


def test_a_count_sets_the_balance_and_its_difference_is_reported() -> None:
    movements = book(*A_WEEK, ("count", 111), ("issue", -11), ("count", 100))
    assert rebuild_stock(movements)["on_hand"].to_list() == [100]
    found = count_differences(movements)
    assert found.select("booked", "counted", "difference").rows() == [(115, 111, -4)]


def test_an_opening_comes_before_other_movements_of_its_moment() -> None:
    issue = rows_of(
        "movements",
        {"movement_id": "A", "item": BOARD, "site": LYON, "at": NOW, "kind": "issue", "quantity": -4},
        {"movement_id": "B", "item": BOARD, "site": LYON, "at": NOW, "kind": "opening", "quantity": 10},
    )
    assert rebuild_stock(issue)["on_hand"].to_list() == [6]


def test_stock_that_is_not_what_the_book_says_is_shown() -> None:
    movements = pl.concat([book(*A_WEEK), book(("opening", 7), site=PORTO), book(("opening", 3), item=GLUE)])
    stock = rows_of(
        "stock",
        {"item": BOARD, "site": LYON, "on_hand": 110},
        {"item": BOARD, "site": LYON, "on_hand": 5, "status": "quality"},
        {"item": BOARD, "site": LYON, "on_hand": 90, "source": "wms"},
        {"item": BOARD, "site": PORTO, "on_hand": 6},
    )
    assert differences(stock, movements).select("item", "site", "on_hand", "rebuilt", "difference").rows() == [
        (GLUE, LYON, 0, 3, -3), (BOARD, PORTO, 6, 7, -1)
    ]  # fmt: skip


KINDS = ("opening", "receipt", "issue", "count", "adjustment", "scrap", "return")


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-50, 50)), min_size=1, max_size=20))
def test_the_book_is_what_a_clerk_adding_line_by_line_gets(entries: list[tuple[str, int]]) -> None:
    balance = 0
    for kind, quantity in entries:
        balance = quantity if kind in ("opening", "count") else balance + quantity
    assert rebuild_stock(book(*entries))["on_hand"].to_list() == [balance]
