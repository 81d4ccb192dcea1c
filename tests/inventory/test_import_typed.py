"""Parquet and .xlsx files give the same plain text a CSV file would, and damaged ones are refused."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl
import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]  # ships no type information

from inventory.errors import UnreadableFeedError
from inventory.importing.csv_lines import LINE
from inventory.importing.mapping import FeedFormat
from inventory.importing.readers import read_feed


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def xlsx(*rows: Sequence[object], sheet: str = "Sheet1") -> bytes:
    book, buffer = Workbook(), io.BytesIO()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    book.save(buffer)
    return buffer.getvalue()


def test_parquet_values_are_written_plainly() -> None:
    frame = pl.DataFrame(
        {
            "number": [1001.0, 0.5, float("nan")],
            "whole": [7, None, -2],
            "day": [date(2026, 3, 1), None, date(2026, 3, 2)],
            "moment": [datetime(2026, 3, 1, 7, tzinfo=UTC), None, None],
            "naive": pl.Series(["2026-03-01T00:00", "2026-03-01T07:00", None]).str.to_datetime("%Y-%m-%dT%H:%M"),
            "yes": [True, False, None],
        }
    )
    raw = read_feed("feed.parquet", parquet(frame), FeedFormat())
    assert raw.rows.rows() == [
        (2, "1001", "7", "2026-03-01", "2026-03-01T07:00:00.000000+00:00", "2026-03-01", "true"),
        (3, "0.5", None, None, None, "2026-03-01T07:00:00", "false"),
        (4, "NaN", "-2", "2026-03-02", None, None, None),
    ]


def test_worksheet_rows_keep_their_line_behind_an_empty_one() -> None:
    data = xlsx(["item", "on_hand", "expiry"], [1001, 2.5, date(2026, 3, 1)], [None] * 3, ["A-2", 3, None])
    raw = read_feed("feed.xlsx", data, FeedFormat())
    assert raw.rows[LINE].to_list() == [2, 4]
    assert raw.rows["item"].to_list() == ["1001", "A-2"]
    assert raw.rows["on_hand"].to_list() == ["2.5", "3"]
    assert raw.rows["expiry"].to_list() == ["2026-03-01", None]


def test_only_text_columns_follow_the_declared_format() -> None:
    data = xlsx(["typed", "text"], [1.5, "1,5"], [2, "2"])
    assert read_feed("feed.xlsx", data, FeedFormat(delimiter=";", decimal_mark=",")).native == {"typed"}


def test_a_worksheet_is_found_by_name() -> None:
    data = xlsx(["a"], [1], sheet="Stock")
    assert read_feed("feed.xlsx", data, FeedFormat(), "Stock").rows.height == 1
    with pytest.raises(UnreadableFeedError, match=r"feed\.xlsx: not a whole \.xlsx worksheet: .*'Bin'"):
        read_feed("feed.xlsx", data, FeedFormat(), "Bin")


def test_a_column_that_is_no_column_of_values_is_refused() -> None:
    with pytest.raises(UnreadableFeedError, match="column tags holds List"):
        read_feed("feed.parquet", parquet(pl.DataFrame({"tags": [["a"]]})), FeedFormat())


@pytest.mark.parametrize("name", ["feed.parquet", "feed.xlsx"])
def test_a_cut_file_is_refused_wherever_it_was_cut(name: str) -> None:
    frame = pl.DataFrame({"item": [f"I-{n}" for n in range(50)], "on_hand": range(50)})
    whole = parquet(frame) if name == "feed.parquet" else xlsx(frame.columns, *frame.iter_rows())
    chance = random.Random(11)
    for _ in range(40):
        with pytest.raises(UnreadableFeedError, match=name):
            read_feed(name, whole[: chance.randrange(len(whole) - 30)], FeedFormat())


def test_a_damaged_worksheet_is_read_or_refused_but_never_breaks_the_gate() -> None:
    whole = xlsx(["a", "b"], [1, 2])
    chance, refused = random.Random(1), 0
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(5):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            read_feed("feed.xlsx", bytes(damaged), FeedFormat())
        except UnreadableFeedError:
            refused += 1
    assert refused > 50
