"""The contract's page says what the contract in code says."""

from __future__ import annotations

from pathlib import Path

from inventory.contract import TABLES, table
from inventory.contract_docs import PAGE, render_contract
from inventory.importing.references import reading_order, targets
from inventory.importing.rejection import MEANINGS
from inventory.stored_tables import STORED_TABLES, stored_key, stored_schema

ROOT = Path(__file__).parents[2]


def test_the_page_is_not_stale() -> None:
    assert (ROOT / PAGE).read_text("utf-8") == render_contract(), "run: python -m inventory.contract_docs"


def test_every_table_column_and_reason_is_on_the_page() -> None:
    page = render_contract()
    for each in TABLES:
        section = page.split(f"### {each.name}\n")[1].split("\n### ")[0]
        assert all(f"| `{column.name}` |" in section for column in each.columns)
    assert all(f"| `{code}` |" in page for code in MEANINGS)


def test_every_reference_names_a_key_that_is_read_before() -> None:
    order = [each.name for each in reading_order()]
    assert sorted(order) == sorted(each.name for each in TABLES)
    for each in TABLES:
        assert all(order.index(name) <= order.index(each.name) for name in targets(each))
        for column in each.columns:
            if column.refers_to:
                name, _, key = column.refers_to.partition(".")
                assert table(name).key == (key,)


def test_keys_are_columns_that_are_never_empty() -> None:
    for each in TABLES:
        for name in each.key:
            column = each.column(name)
            assert column.required or column.default is not None
    for name in STORED_TABLES:
        assert set(stored_key(name)) <= set(stored_schema(name))
