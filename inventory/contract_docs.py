"""Writes ``docs/data-contract.md`` from the contract in code: ``python -m inventory.contract_docs``."""

from __future__ import annotations

from pathlib import Path

from inventory.contract import CONTRACT_VERSION, REFUSE_BELOW_WEEKS, TABLES, WARN_BELOW_WEEKS, Column, Table
from inventory.importing.checks import PAST
from inventory.importing.conversions import BOOLEANS, FIRST_YEAR, TEXT_LIMIT
from inventory.importing.gate import QUARANTINE_FLOOR, QUARANTINE_LIMIT, SHRINK_LIMIT
from inventory.importing.rejection import MEANINGS
from inventory.stored_tables import HISTORY_WEEKS

PAGE = Path("docs") / "data-contract.md"

EXAMPLE_MAPPING = """\
[defaults]
encoding = "latin-1"
delimiter = ";"
decimal_mark = ","
date_format = "dd.mm.yyyy"
as_of = 2024-04-08T06:00:00Z

[tables.stock]
file = "MB52.csv"
columns = { MATNR = "item", WERKS = "site", LABST = "on_hand" }
unit_columns = { on_hand = "MEINS" }
constants = { source = "erp", status = "unrestricted" }
"""

_TYPES = {
    "id": "1 to 64 of the ASCII letters, digits and `. _ - /`",
    "text": f"at most {TEXT_LIMIT} characters, no control characters",
    "integer": "a whole number in ASCII digits",
    "quantity": "a decimal in the item's base unit, or with a unit beside it (`3 box`); must be a whole number of the "
    "item's smallest unit, `10 ** decimals` parts of the base unit",
    "decimal": "a finite decimal",
    "date": f"a calendar day, `YYYY-MM-DD` or as the mapping declares, from {FIRST_YEAR} on",
    "time": "ISO 8601 with an offset, `2024-04-08T06:00:00+00:00` or `…Z`",
    "boolean": f"one of {', '.join(BOOLEANS)}",
    "choice": "one of the words listed, spelled so",
    "list": "members separated by semicolon, comma or vertical bar",
}

_HEAD = f"""# The data contract, version {CONTRACT_VERSION}

Generated from `inventory/contract.py` by `python -m inventory.contract_docs`; edit there.

A delivery is a folder of files named after their tables (`stock.csv`, `demand.parquet`, `items.xlsx`): CSV in UTF-8
with comma, decimal point and ISO dates, Parquet, or the first worksheet of an .xlsx file; the first row names the
columns. A mapping file renames columns and declares other files, formats and units.

A delivered table replaces the one before; `demand`, `movements` and `feeds` are merged by key; what is not delivered
stays. Required columns are marked; an empty value of any other takes the default. Demand is kept as {HISTORY_WEEKS}
weeks per item and site: weeks before the first row are unknown, later weeks without a row are zero, channels are added
up. A day sent again replaces that day in the last complete week and after; an older week is replaced as a whole.

Under {WARN_BELOW_WEEKS} weeks of demand an item-site is planned with lower confidence, under {REFUSE_BELOW_WEEKS} it
gets no quantity from mathematics. In transit comes only from open transfers and orders, never from a stock status.
"""


def render_contract() -> str:
    """The page as Markdown."""
    return "\n".join([_HEAD, _types(), _mapping(), _refusals(), "## Tables\n", *(_table(each) for each in TABLES)])


def _types() -> str:
    rows = "\n".join(f"| {name} | {words} |" for name, words in _TYPES.items())
    return f"## Types\n\n| Type | How it is written |\n|---|---|\n{rows}\n"


def _mapping() -> str:
    return (
        "## A mapping file\n\n"
        f"```toml\n{EXAMPLE_MAPPING}```\n\n"
        "A table's section may hold `file`, `sheet`, `columns`, `units` (one unit for a whole column),\n"
        "`unit_columns`, `constants`, and its own `encoding`, `delimiter`, `decimal_mark` and `date_format`.\n"
        "Times are ISO 8601 with an offset in every mapping.\n"
    )


def _refusals() -> str:
    rows = "\n".join(f"| `{code}` | {words} |" for code, words in MEANINGS.items())
    past = ", ".join(f"`{name}.{column}`" for name, columns in PAST.items() for column in columns)
    return (
        "## What is refused\n\n"
        "A row that does not fit is quarantined with file, line, column, reason and raw text; the rest is kept. What "
        "lies\nat an item and site that a refused row of `stock` names is not known: until a stock feed comes without "
        "such a row,\nnothing is done there automatically.\n\n"
        f"| Reason | Meaning |\n|---|---|\n{rows}\n\n"
        f"Never after the delivery: {past}.\n\n"
        "The whole delivery is refused, and the last snapshot stays, when a file cannot be read, the first delivery\n"
        f"lacks a required table, more than {QUARANTINE_LIMIT:.0%} of a file's rows (and at least {QUARANTINE_FLOOR}) "
        "are quarantined, a required\n"
        f"table keeps less than {SHRINK_LIMIT:.0%} of its rows, an item changes its unit, or the delivery is dated in "
        "the future or\nbefore the current snapshot.\n"
    )


def _table(table: Table) -> str:
    required = "Required in the first delivery. " if table.required else ""
    rows = "\n".join(_row(column) for column in table.columns)
    return (
        f"### {table.name}\n\n{table.meaning} {required}Key: {', '.join(f'`{name}`' for name in table.key)}.\n\n"
        f"| Column | Type | Unit | Required | Default | Range | Meaning |\n|---|---|---|---|---|---|---|\n{rows}\n"
    )


def _row(column: Column) -> str:
    default = "" if column.default in (None, "") else f"`{column.default}`"
    meaning = f"{column.meaning}; refers to `{column.refers_to}`" if column.refers_to else column.meaning
    cells = (
        f"`{column.name}`", column.type, column.unit, "yes" if column.required else "", default, _range(column), meaning
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _range(column: Column) -> str:
    if column.choices:
        return ", ".join(f"`{word}`" for word in column.choices)
    if column.low is None:
        return "" if column.high is None else f"≤ {column.high:g}"
    return f"≥ {column.low:g}" if column.high is None else f"{column.low:g} to {column.high:g}"


if __name__ == "__main__":
    PAGE.write_text(render_contract(), encoding="utf-8")
