"""Writes the demo's tables as the files an ERP would export: one CSV a table, UTF-8, comma, header, ISO dates.

The stock file also holds four rows that the import gate must refuse. They exist only here, as text: a typed table
could not hold them.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from service.demo.company import Tables

REFUSED_STOCK: tuple[tuple[str, dict[str, str]], ...] = (
    ("negative stock", {"item": "P-9936", "site": "DC-EAST", "status": "blocked", "source": "erp", "on_hand": "-3"}),
    ("unknown site", {"item": "P-9936", "site": "DC-NORD", "status": "unrestricted", "source": "erp", "on_hand": "12"}),
    ("not a number", {"item": "P-9936", "site": "DC-EAST", "status": "quality", "source": "erp", "on_hand": "NaN"}),
    (
        "same key twice",
        {"item": "P-12291", "site": "DC-WEST", "status": "unrestricted", "source": "erp", "on_hand": "7"},
    ),
)
"""``(what is wrong, the row)``; columns left out are empty."""
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%:z"


def write_feeds(tables: Tables, folder: Path, *, with_refused: bool = True) -> tuple[Path, ...]:
    """Writes one file per table below ``folder`` and returns their paths in the order of the tables.

    Parameters
    ----------
    tables
        Result of :func:`service.demo.company.generate`.
    folder
        Created when absent; files of the same name are replaced.
    with_refused
        Append to the stock file the rows the import gate must refuse.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in tables.items():
        path = folder / f"{name}.csv"
        # An ERP leaves a cell empty; it does not write a pair of quotes.
        text = table.with_columns(pl.col(pl.String).replace("", None)).write_csv(datetime_format=TIME_FORMAT)
        if with_refused and name == "stock":
            text += refused_rows(table.columns)
        path.write_text(text, encoding="utf-8", newline="\n")
        paths.append(path)
    return tuple(paths)


def refused_rows(columns: list[str]) -> str:
    """The refused stock rows as CSV lines with these columns."""
    rows = [{name: row.get(name, "") for name in columns} for _, row in REFUSED_STOCK]
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)).write_csv(
        include_header=False, quote_style="never"
    )
