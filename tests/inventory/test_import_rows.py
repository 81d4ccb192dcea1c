"""Every bad row is quarantined with the right reason, every good one beside it is kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest

from inventory.contract import table
from inventory.importing.checks import CheckedFeed, Known, check_feed
from inventory.importing.mapping import Mapping
from inventory.importing.readers import read_feed
from inventory.importing.rejection import MEANINGS
from tests.inventory.import_worlds import LYON, NOW, PORTO, as_csv, rows_of

KINDS = 25
"""Bad rows of each kind."""
Row = dict[str, str]


def known() -> Known:
    """Two sites and many items: I-n in pieces (boxes of 12), W-n by the gram."""
    world = Known(now=NOW, as_of=NOW)
    lyon: dict[str, object] = {"site": LYON, "name": "Lyon", "kind": "dc"}
    pieces: list[dict[str, object]] = [
        {"item": f"I-{n}", "name": "piece", "cost": 1.0, "conversions": "box=12"} for n in range(200)
    ]
    weights: list[dict[str, object]] = [
        {"item": f"W-{n}", "name": "weight", "cost": 1.0, "decimals": 3} for n in range(30)
    ]
    world.add(table("sites"), rows_of("sites", lyon, {**lyon, "site": PORTO}))
    world.add(table("items"), rows_of("items", *pieces, *weights))
    return world


def judge(name: str, rows: list[Row]) -> CheckedFeed:
    return check_feed(
        table(name), read_feed(f"{name}.csv", as_csv(rows).encode(), Mapping().defaults), Mapping(), known()
    )


def a_stock_row(n: int, **values: str) -> Row:
    plain = {"item": f"I-{n}", "site": LYON, "lot": "", "status": "unrestricted", "on_hand": str(n), "expiry": "",
             "as_of": NOW.isoformat(), "zone": ""}  # fmt: skip
    return {**plain, **values}


def one_of(*values: str) -> Callable[[int], str]:
    return lambda n: values[n % len(values)]


BAD: dict[str, tuple[str, str, Callable[[int], str]]] = {
    "no item": ("missing_value", "item", one_of("", " ", "\t")),
    "no quantity": ("missing_value", "on_hand", one_of("", "  ")),
    "item with blanks or umlauts": ("bad_id", "item", one_of("A B", "Ä-1", "x;y", "I–1", "١٢", "I" * 65)),
    "lot in another script": ("bad_id", "lot", one_of("Lot 1", "лот", "#1")),
    "control characters": ("bad_text", "zone", one_of("a\x07b", "x\x1by", "z\x7f")),
    "a novel": ("text_too_long", "zone", lambda n: "z" * (501 + n)),
    "words for numbers": ("not_a_number", "on_hand", one_of("many", "12,5", "1.0.0", "1 000", "1_0", "--1", "1/2")),
    "digits of other scripts": ("not_a_number", "on_hand", one_of("१२", "１２", "٣", "12²")),
    "NaN and infinity": ("not_finite", "on_hand", one_of("NaN", "nan", "inf", "-Infinity", "+INF")),
    "half a piece": ("fractional_quantity", "on_hand", one_of("0.5", "12.25", "1.0001", "0.1 box")),
    "negative stock": ("out_of_range", "on_hand", lambda n: str(-1 - n)),
    "more than there can be": ("out_of_range", "on_hand", lambda n: "9" * (13 + n)),
    "a unit nobody declared": ("unknown_unit", "on_hand", one_of("2 pallets", "3 kg", "1 Box", "4e3", "0x10")),
    "days that do not exist": ("bad_date", "expiry", one_of("2026-02-30", "2026-13-01", "1899-12-31")),
    "days written otherwise": ("bad_date", "expiry", one_of("2026-W10-1", "24.12.2026", "20260102", "2026-1-2")),
    "times without an offset": ("bad_time", "as_of", one_of("2026-03-02T06:00:00", "2026-03-02", "06:00Z")),
    "the future": ("future_date", "as_of", lambda n: (NOW + timedelta(hours=2 + n)).isoformat()),
    "a status of no kind": ("unknown_choice", "status", one_of("free", "Unrestricted", "UNRESTRICTED", "1")),
    "sites nobody knows": ("unknown_reference", "site", lambda n: f"SITE-{n}"),
    "items nobody knows": ("unknown_reference", "item", lambda n: f"X-{n}"),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(BAD))
def test_bad_stock_rows_are_quarantined_with_their_reason_and_the_rest_is_kept(kind: str) -> None:
    code, column, value = BAD[kind]
    good = [a_stock_row(n) for n in range(100)]
    bad = [a_stock_row(100 + n, **{column: value(n)}) for n in range(KINDS)]
    checked = judge("stock", [*good[:50], *bad, *good[50:]])
    assert checked.read == 125
    assert checked.accepted["item"].to_list() == [row["item"] for row in good]
    assert [(rejection.code, rejection.column) for rejection in checked.rejections] == [(code, column)] * KINDS
    assert [rejection.line for rejection in checked.rejections] == list(range(52, 77))
    for rejection in checked.rejections:
        assert rejection.message.startswith(f"stock.csv:{rejection.line}: {column}")
        assert "expected" in rejection.message or "required" in rejection.message
        assert LYON in rejection.raw or column == "site"


def test_every_later_row_with_a_key_is_quarantined_even_if_it_is_the_same() -> None:
    rows = [a_stock_row(n) for n in range(30)]
    checked = judge("stock", [*rows, *rows[:KINDS]])
    assert checked.accepted.height == 30
    assert {rejection.code for rejection in checked.rejections} == {"duplicate_key"}
    assert len(checked.rejections) == KINDS
    assert "('I-0', 'LYON', '', 'unrestricted', '')" in checked.rejections[0].message
    assert "line 2, which was kept" in checked.rejections[0].message


def test_a_bad_row_does_not_take_the_key_of_a_good_one() -> None:
    checked = judge("stock", [a_stock_row(1, on_hand="-1"), a_stock_row(1)])
    assert checked.accepted["on_hand"].to_list() == [1]


def test_quantities_are_exact_to_the_smallest_unit() -> None:
    grams = ["0.1", "0.001", "1.000", ".5", "999999999999.999", "1.10"]
    rows = [a_stock_row(0, item=f"W-{n}", on_hand=text) for n, text in enumerate(grams)]
    checked = judge("stock", [*rows, a_stock_row(7, on_hand="3 box")])
    assert checked.accepted["on_hand"].to_list() == [100, 1, 1000, 500, 999999999999999, 1100, 36]


def test_demand_dated_after_the_delivery_is_quarantined() -> None:
    days = [NOW.date() + timedelta(days=ahead) for ahead in (-1, 0, 1, 2, 30)]
    checked = judge("demand", [{"item": "I-1", "site": LYON, "date": day.isoformat(), "quantity": "1"} for day in days])
    assert checked.accepted["date"].to_list() == days[:3]  # a site's calendar may be a day ahead
    assert [rejection.code for rejection in checked.rejections] == ["future_date"] * 2


@pytest.mark.parametrize("kind", ["opening", "count"])
def test_a_balance_in_the_stock_book_is_never_negative(kind: str) -> None:
    row = {"item": "I-1", "site": LYON, "at": NOW.isoformat(), "quantity": "-2"}
    rows = [{"movement_id": "M-1", "kind": kind, **row}, {"movement_id": "M-2", "kind": "issue", **row}]
    checked = judge("movements", rows)
    assert checked.accepted["movement_id"].to_list() == ["M-2"]
    assert [rejection.code for rejection in checked.rejections] == ["out_of_range"]


def test_an_item_whose_analog_was_refused_is_refused_too() -> None:
    rows = [
        {"item": "NEW", "name": "n", "cost": "1", "analog": "MID"},
        {"item": "MID", "name": "m", "cost": "1", "analog": "OLD"},
        {"item": "OLD", "name": "o", "cost": "-1", "analog": ""},
        {"item": "SELF", "name": "s", "cost": "1", "analog": "SELF"},
    ]
    checked = judge("items", rows)
    assert checked.accepted["item"].to_list() == ["SELF"]
    assert [rejection.code for rejection in checked.rejections] == [
        "unknown_reference",
        "unknown_reference",
        "out_of_range",
    ]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("time_zone", "Europe/Atlantis", "bad_format"),
        ("calendar", "Mon-Fri", "bad_format"),
        ("currency", "euro", "bad_format"),
        ("holding_rate_per_year", "1e400", "out_of_range"),
        ("holding_rate_per_year", "5.1", "out_of_range"),
        ("kind", "depot", "unknown_choice"),
    ],
)
def test_site_columns_have_their_own_forms(column: str, value: str, code: str) -> None:
    rows = [{"site": "NICE", "name": "Nice", "kind": "store", column: value}]
    assert [rejection.code for rejection in judge("sites", rows).rejections] == [code]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("flags", "regulated, odd", "unknown_choice"),
        ("conversions", "box", "bad_format"),
        ("lot_controlled", "perhaps", "unknown_choice"),
        ("decimals", "1.5", "fractional_quantity"),
        ("decimals", "7", "out_of_range"),
        ("shelf_life_days", "9" * 16, "out_of_range"),
    ],
)
def test_item_columns_have_their_own_forms(column: str, value: str, code: str) -> None:
    rows = [{"item": "A", "name": "a", "cost": "1", column: value}]
    assert [rejection.code for rejection in judge("items", rows).rejections] == [code]


def test_lists_are_kept_in_one_form() -> None:
    rows = [
        {"item": "A", "name": "a", "cost": "-0.0", "flags": "regulated | cold_chain", "conversions": "box=12, t=0.5"}
    ]
    item = judge("items", rows).accepted.row(0, named=True)
    assert (item["flags"], item["conversions"]) == ("regulated;cold_chain", "box=12;t=0.5")


def test_every_reason_of_the_gate_is_explained() -> None:
    seen = {code for code, _, _ in BAD.values()}
    elsewhere = {"duplicate_key", "bad_format", "cut_off", "broken_quotes", "too_few_fields", "too_many_fields"}
    assert seen | elsewhere == set(MEANINGS)


def test_rows_of_a_typed_file_are_judged_alike() -> None:
    buffer = io.BytesIO()
    frame = pl.DataFrame({"item": ["I-1", "I-2", "I-3"], "site": [LYON] * 3, "on_hand": [1.0, float("nan"), -2.0]})
    frame.write_parquet(buffer)
    raw = read_feed("stock.parquet", buffer.getvalue(), Mapping().defaults)
    checked = check_feed(table("stock"), raw, Mapping(), known())
    assert checked.accepted["item"].to_list() == ["I-1"]
    assert [(rejection.line, rejection.code, rejection.raw) for rejection in checked.rejections] == [
        (3, "not_finite", "I-2;LYON;NaN"),
        (4, "out_of_range", "I-3;LYON;-2"),
    ]
