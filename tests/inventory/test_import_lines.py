"""A broken line costs that line, never the ones behind it."""

from __future__ import annotations

import csv
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.errors import UnreadableFeedError
from inventory.importing.csv_lines import LINE, split_fields
from inventory.importing.mapping import FeedFormat
from inventory.importing.readers import RawFeed, read_feed

HEADER = "a,b,c\n"
fields = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8), min_size=3, max_size=3)


def read(text: str, **options: str) -> RawFeed:
    return read_feed("feed.csv", text.encode(options.get("encoding", "utf-8")), FeedFormat(**options))


def codes(raw: RawFeed) -> list[tuple[int, str]]:
    return [(broken.line, broken.code) for broken in raw.broken]


@pytest.mark.parametrize("bad", ['x,"y,z', 'x,y,"z', '"x,y,z', 'x,"y"y,z', '"x"x,y,z'])
def test_an_unclosed_quote_costs_one_line(bad: str) -> None:
    raw = read(HEADER + "1,2,3\n" + bad + "\n" + 'k,"l, m",n\n' * 40)
    assert codes(raw) == [(3, "broken_quotes")]
    assert raw.rows[LINE].to_list() == [2, *range(4, 44)]
    assert raw.rows["b"].to_list()[1:] == ["l, m"] * 40
    assert raw.raw(3) == bad


def test_a_quoted_field_may_span_lines_and_the_next_row_knows_its_line() -> None:
    raw = read(HEADER + '1,"two\nlines",3\n4,5,6\n')
    assert raw.rows.rows() == [(2, "1", "two\nlines", "3"), (4, "4", "5", "6")]


def test_two_stray_quotes_do_not_swallow_the_rows_between_them() -> None:
    raw = read(HEADER + '1,2,"\n4,5,6\n7,8,"\n7,8,"\n')
    assert codes(raw) == [(2, "broken_quotes"), (4, "broken_quotes"), (5, "broken_quotes")]
    assert raw.rows[LINE].to_list() == [3]


def test_a_quotation_mark_inside_a_plain_field_is_text() -> None:
    assert read(HEADER + 'Pipe 5",2,3\n').rows["a"].to_list() == ['Pipe 5"']


def test_lines_with_other_field_counts_are_named() -> None:
    raw = read(HEADER + "1,2\n1,2,3\n\n1,2,3,4\n , ,\n7,8,9\n")
    assert codes(raw) == [(2, "too_few_fields"), (5, "too_many_fields")]
    assert raw.rows[LINE].to_list() == [3, 7]
    assert raw.read == 4


def test_nul_and_endless_lines_cost_their_line() -> None:
    raw = read(HEADER + "1,\0,3\n1," + "x" * 200_000 + ',3\n1,"' + "y" * 200_000 + "\n1,2,3\n")
    assert codes(raw) == [(2, "bad_text"), (3, "text_too_long"), (4, "text_too_long")]
    assert raw.rows.height == 1


@pytest.mark.parametrize("tail", ["1,2", "1", '1,"2'])
def test_a_file_cut_in_its_last_line_is_found(tail: str) -> None:
    assert codes(read(HEADER + "1,2,3\n" + tail)) == [(3, "cut_off")]


def test_a_whole_last_line_needs_no_end() -> None:
    raw = read(HEADER + "1,2,3")
    assert (raw.rows.height, raw.broken) == (1, [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(end: str) -> None:
    assert read(f"\ufeffa,b,c{end}1,2,3{end}").rows.rows() == [(2, "1", "2", "3")]


def test_other_delimiters_and_encodings_are_read() -> None:
    raw = read("a;b;c\nMélèze;2,5;x\n", encoding="latin-1", delimiter=";", decimal_mark=",")
    assert raw.rows.rows() == [(2, "Mélèze", "2,5", "x")]


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        ("a,b\né,1\n".encode("latin-1"), "utf-8", r"feed.csv:2: byte 4 of the file \(0xe9\) is not utf-8"),
        ("a,b\n1,2\n".encode("utf-16"), "utf-8", r"feed.csv:1: byte 0 of the file \(0xff\) is not utf-8"),
        (b"\xef\xbb\xbfa,b\n1,2\n", "latin-1", "begins with a UTF-8 mark"),
        (b"", "utf-8", "no header"),
        (b"a,b,a\n", "utf-8", "column a stands in the header more than once"),
        (b'a,"b\n1,2\n', "utf-8", "header has quotation marks"),
    ],
)
def test_an_unreadable_file_is_refused_with_its_reason(data: bytes, encoding: str, words: str) -> None:
    with pytest.raises(UnreadableFeedError, match=words):
        read_feed("feed.csv", data, FeedFormat(encoding=encoding))


def test_a_file_of_another_kind_is_refused() -> None:
    for name in ("feed.parquet", "feed.xlsx", "feed.txt"):
        with pytest.raises(UnreadableFeedError, match=f"^{name}"):
            read_feed(name, b"a,b\n1,2\n", FeedFormat())


@given(st.lists(fields, max_size=20))
def test_what_a_csv_writer_wrote_is_read_back(rows: list[list[str]]) -> None:
    # an oracle from outside; out of bounds are rows of blanks, and fields of several lines that look like rows
    rows = [row for row in rows if "".join(row).strip(" \t,") and not _looks_like_rows(row)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *rows])
    raw = read(buffer.getvalue())
    assert raw.broken == []
    assert [list(row) for row in raw.rows.select("a", "b", "c").fill_null("").iter_rows()] == rows


def _looks_like_rows(row: list[str]) -> bool:
    text = "".join(row)
    return "\n" in text and ("," in text or "\n" in row[0] or text.count("\n") > 6)


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_every_line_of_any_text_is_a_row_or_broken(text: str) -> None:
    raw = read(HEADER + text)
    lines = sorted([*raw.rows[LINE].to_list(), *(broken.line for broken in raw.broken)])
    assert len(lines) == len(set(lines)) == raw.read
    assert all(0 <= line - 2 <= text.count("\n") + text.count("\r") for line in lines)


def test_random_damage_costs_the_damaged_lines_only() -> None:
    chance = random.Random(7)
    lines = [f'{n},"text, {n}",{n % 7}' for n in range(2_000)]
    hurt = set(chance.sample(range(2_000), 60))
    for number in hurt:
        lines[number] = chance.choice([f'{number},"open,{number}', f"{number}", f'{number},"a"b,1', "1,2,3,4,5"])
    raw = read(HEADER + "\n".join(lines) + "\n")
    assert {broken.line - 2 for broken in raw.broken} == hurt
    assert raw.rows.height == 1_940


def test_fields_are_split_as_rfc_4180_says() -> None:
    assert split_fields('a,"b, ""c""",,d', ",") == ["a", 'b, "c"', "", "d"]
