"""Lays a delivery over the snapshot before it.

Rules
-----
- A delivered table replaces the parent's whole table. ``demand``, ``movements`` and ``feeds`` are merged by key.
- A table that was not delivered is the parent's, but for rows that refer to something no longer there.
- ``feeds`` always tells how old each delivered table is at each site: the sender's own word where there is one, the
  newest line of the site for stock, else the moment of the delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from inventory.contract import TABLES, Table, table
from inventory.demand_history import merge_demand, no_history
from inventory.importing.references import referred_tables
from inventory.snapshots import Snapshot
from inventory.stored_tables import RECENT_DEMAND, STORED_TABLES, empty_table, history_weeks, row_schema, stored_key

MERGED = ("demand", RECENT_DEMAND, "movements", "feeds")
"""Tables a delivery adds to rather than replaces."""
BY_PRESENCE = ("stock", "demand")
"""Feeds that only vouch for the sites they have rows of: a missing site is a gap, not an empty shelf."""


@dataclass(frozen=True)
class Combined:
    """Stored tables of the new snapshot that differ from the parent's, and what should be said about it."""

    tables: dict[str, pl.DataFrame]
    warnings: tuple[str, ...]


def combine(accepted: Mapping[str, pl.DataFrame], parent: Snapshot | None, as_of: datetime) -> Combined:
    """The tables of the new snapshot.

    Parameters
    ----------
    accepted
        Accepted rows by delivered table, as :func:`inventory.stored_tables.row_schema` has them.
    parent
        The snapshot before; None for the first delivery.
    as_of
        The moment of the delivery, not before the parent's.
    """
    tables = {name: frame for name, frame in accepted.items() if name not in MERGED}
    tables |= _demand(accepted, parent, as_of)
    if "movements" in accepted:
        tables["movements"] = _over(accepted["movements"], parent, "movements")
    tables["feeds"] = _feeds(accepted, parent, as_of)
    if parent is None:
        return Combined(tables, ())
    return _without_dangling(tables, accepted, parent)


def _over(rows: pl.DataFrame, parent: Snapshot | None, name: str) -> pl.DataFrame:
    """The parent's rows with the new ones in their place or beside them."""
    if parent is None:
        return rows
    kept = parent.table(name).join(rows, on=stored_key(name), how="anti")
    return pl.concat([rows, kept])


def _demand(accepted: Mapping[str, pl.DataFrame], parent: Snapshot | None, as_of: datetime) -> dict[str, pl.DataFrame]:
    weeks = history_weeks(as_of)
    if parent is not None and "demand" not in accepted and parent.weeks == weeks:
        return {}
    rows = accepted.get("demand", pl.DataFrame(schema=row_schema("demand")))
    history = parent.demand() if parent else no_history(weeks)
    recent = parent.table(RECENT_DEMAND) if parent else empty_table(RECENT_DEMAND)
    merged, kept = merge_demand(history, recent, rows, weeks)
    return {"demand": merged.frame(), RECENT_DEMAND: kept}


def _feeds(accepted: Mapping[str, pl.DataFrame], parent: Snapshot | None, as_of: datetime) -> pl.DataFrame:
    """Age of every feed at every site; the sender's word before ours, this delivery's before the parent's."""
    schema = row_schema("feeds")
    sites = accepted["sites"]["site"] if "sites" in accepted else parent.table("sites")["site"] if parent else None
    stated = accepted.get("feeds", pl.DataFrame(schema=schema))
    layers = [stated]
    for name, frame in accepted.items():
        columns = _site_columns(table(name))
        if name != "feeds" and columns and sites is not None:
            layers.append(_ages(name, frame, columns, sites, as_of))
    if parent is not None:
        layers.append(parent.table("feeds"))
    return pl.concat(layers).unique(stored_key("feeds"), keep="first", maintain_order=True)


def _site_columns(contract: Table) -> list[str]:
    return [column.name for column in contract.columns if column.refers_to == "sites.site"]


def _ages(name: str, frame: pl.DataFrame, columns: list[str], sites: pl.Series, as_of: datetime) -> pl.DataFrame:
    """Columns ``feed``, ``site``, ``as_of`` for one delivered table."""
    moment = pl.lit(as_of, pl.Datetime("us", "UTC"))
    if name == "stock":
        ages = frame.group_by("site").agg(pl.col("as_of").max()).with_columns(pl.col("as_of").fill_null(moment))
    elif name in BY_PRESENCE:
        ages = frame.select(pl.col(columns[0]).unique().alias("site")).with_columns(moment.alias("as_of"))
    else:
        ages = pl.DataFrame({"site": sites}).with_columns(moment.alias("as_of"))
    return ages.select(pl.lit(name).alias("feed"), "site", "as_of").sort("site")


def _without_dangling(
    tables: dict[str, pl.DataFrame], accepted: Mapping[str, pl.DataFrame], parent: Snapshot
) -> Combined:
    """Drops inherited rows that refer to an item, site, supplier or customer that is no longer delivered."""
    gone = {}
    for contract in TABLES:
        if contract.name in accepted and contract.name in referred_tables():
            key = contract.key[0]
            lost = parent.table(contract.name).join(accepted[contract.name], on=key, how="anti")[key]
            if len(lost):
                gone[f"{contract.name}.{key}"] = lost
    warnings = []
    for name in STORED_TABLES if gone else ():
        if name in accepted and name not in MERGED:
            continue
        frame = tables[name] if name in tables else parent.table(name)
        kept = frame.filter(~_dangles(name, frame, gone))
        if kept.height < frame.height:
            tables[name] = kept
            warnings.append(
                f"{name}: {frame.height - kept.height} rows of the snapshot before were dropped, because what they "
                f"refer to ({', '.join(sorted(gone))}) was not delivered again"
            )
    return Combined(tables, tuple(warnings))


def _dangles(name: str, frame: pl.DataFrame, gone: Mapping[str, pl.Series]) -> pl.Expr:
    contract = table("demand" if name == RECENT_DEMAND else name)
    tests = [
        pl.col(column.name).is_in(gone[column.refers_to].implode()).fill_null(False)
        for column in contract.columns
        if column.refers_to in gone and column.name in frame.columns
    ]
    return pl.any_horizontal(tests) if tests else pl.lit(False)
