"""A mapping file that cannot be meant is refused with the name of what is wrong in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory.contract_docs import EXAMPLE_MAPPING
from inventory.errors import MappingError
from inventory.importing.mapping import parse_mapping, read_mapping


def test_the_example_of_the_contract_page_is_read() -> None:
    mapping = parse_mapping(EXAMPLE_MAPPING)
    stock = mapping.format_of("stock")
    assert (stock.encoding, stock.delimiter, stock.decimal_mark, stock.date_format) == (
        "iso8859-1",
        ";",
        ",",
        "%d.%m.%Y",
    )
    assert mapping.defaults.as_of == datetime(2024, 4, 8, 6, tzinfo=UTC)
    assert mapping.feed("stock").columns["LABST"] == "on_hand"


def test_a_table_may_differ_from_the_defaults() -> None:
    mapping = parse_mapping('[defaults]\ndelimiter = ";"\n[tables.demand]\ndelimiter = "|"\n')
    assert (mapping.format_of("demand").delimiter, mapping.format_of("stock").delimiter) == ("|", ";")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("defaults = [", "not TOML"),
        ("[default]", "unknown key default"),
        ('[defaults]\nencodng = "utf-8"', "unknown key defaults.encodng"),
        ('[defaults]\nencoding = "klingon"', "encoding 'klingon' is not known"),
        ('[defaults]\nencoding = "hex"', "encoding 'hex' is not known"),
        ('[defaults]\ndelimiter = "ab"', "defaults.delimiter = 'ab'"),
        ('[defaults]\ndate_format = "dd.mm"', "must hold a year yyyy"),
        ('[defaults]\ndate_format = "%G-W%V"', "must hold a year yyyy"),
        ('[defaults]\ndate_format = "yyyy-mm-dd hh"', "may hold only"),
        ("[defaults]\nas_of = 2026-03-02T06:00:00", "defaults.as_of"),
        ('[defaults]\ndecimal_mark = ","', "delimiter and decimal mark are both ','"),
        ("[tables.stok]", "no table 'stok' in the data contract"),
        ('[tables.stock]\ncolumn = "x"', "unknown key tables.stock.column"),
        ('[tables.stock]\ncolumns = { A = "onhand" }', "tables.stock.columns names onhand"),
        ('[tables.stock]\ncolumns = { A = "item", B = "item" }', "item is given more than once"),
        (
            '[tables.stock]\ncolumns = { A = "source" }\nconstants = { source = "erp" }',
            "source is given more than once",
        ),
        ('[tables.stock]\nunits = { item = "box" }', "item has no unit to declare"),
        (
            '[tables.stock]\nunits = { on_hand = "box" }\nunit_columns = { on_hand = "U" }',
            "unit of on_hand is given twice",
        ),
    ],
)
def test_a_wrong_mapping_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(MappingError, match=r"company\.toml") as caught:
        parse_mapping(text, "company.toml")
    assert words in str(caught.value)


def test_a_mapping_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "company.toml"
    path.write_text(EXAMPLE_MAPPING, encoding="utf-8")
    assert read_mapping(path) == parse_mapping(EXAMPLE_MAPPING)
    path.write_bytes(b"# \xe9\n")
    with pytest.raises(MappingError, match=r"company\.toml: cannot be read as UTF-8"):
        read_mapping(path)
