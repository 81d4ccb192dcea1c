"""Which item-sites each machine rule speaks about, for all rows of a look at once.

Rules
-----
1. Scope lists of different names must all hold, members of one list are alternatives, an empty list leaves nothing out.
2. A lane ban and a shelf life on arrival hold where goods leave or come to one of their sites; of a row they ask the
   item alone.
3. The contract has no column for brands: an item is of a brand when its family or its name carries the brand's name.
4. A customer or channel is served by the item-sites that committed, known or recent demand names it at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import polars as pl

from inventory.machine_rules import LaneBan, PriorityCustomer, RuleOfClause, RuleRecord, ShelfLifeMinimum
from inventory.snapshots import Snapshot
from inventory.stored_tables import RECENT_DEMAND
from tools.columns import BoolArray

SITES_AT_EITHER_END = (LaneBan, ShelfLifeMinimum)
"""Kinds whose sites are those a movement leaves or comes to."""
LOT_CONTROLLED = "lot_controlled"
STANDARD = "standard"
_PLACE = ("item", "site")
_SEPARATORS = r"[^a-z_]+"


def speaking(rules: Sequence[RuleRecord], snapshot: Snapshot, places: pl.DataFrame) -> BoolArray:
    """Whether each rule speaks about each item-site.

    Parameters
    ----------
    places
        Columns ``item``, ``site`` and ``supplier``, a row an item-site.

    Returns
    -------
    BoolArray
        Shape ``(rows, rules)``.
    """
    found = np.ones((places.height, len(rules)), dtype=np.bool_)
    if not rules or places.is_empty():
        return found
    asked = []
    for number, rule in enumerate(rules):
        if conditions := _conditions(rule, snapshot, places):
            holds = pl.all_horizontal(condition.fill_null(value=False) for condition in conditions)
            asked.append(holds.alias(str(number)))
    told = _told(rules, snapshot, places).select(asked)
    for name in told.columns:
        found[:, int(name)] = told[name].to_numpy()
    return found


def _told(rules: Sequence[RuleRecord], snapshot: Snapshot, places: pl.DataFrame) -> pl.DataFrame:
    """The rows with what their items are, where some rule asks for it."""
    rows = places.select(*_PLACE, pl.col("supplier").fill_null(""))
    if not any(rule.families or rule.brands or rule.classes for rule in rules):
        return rows
    items = snapshot.table("items").select(
        "item",
        pl.col("family").fill_null(""),
        brand_in=pl.concat_str(pl.col("family").fill_null(""), pl.lit("\n"), pl.col("name").fill_null("")),
        lots=pl.col("lot_controlled").fill_null(value=False),
        flags=pl.col("flags").fill_null("").str.replace_all(_SEPARATORS, " ").str.strip_chars().str.split(" "),
    )
    return rows.join(items, on="item", how="left", maintain_order="left")


def _conditions(rule: RuleOfClause, snapshot: Snapshot, places: pl.DataFrame) -> list[pl.Expr]:
    """What must hold of a row, one condition a list of the scope that is not empty."""
    found = []
    if rule.sites and not isinstance(rule, SITES_AT_EITHER_END):
        found.append(pl.col("site").is_in(rule.sites))
    if rule.items:
        found.append(pl.col("item").is_in(rule.items))
    if rule.families:
        found.append(pl.col("family").is_in(rule.families))
    if rule.brands:
        found.append(pl.col("brand_in").str.contains(_any_of(rule.brands)))
    if rule.classes:
        found.append(_of_classes(rule.classes))
    if rule.suppliers:
        found.append(pl.col("supplier").is_in(rule.suppliers))
    customers = {*rule.customers} | ({rule.customer} if isinstance(rule, PriorityCustomer) else set())
    if customers:
        found.append(_at(places_of_customers(snapshot, customers)))
    if rule.channels:
        found.append(_at(_places_of_channels(snapshot, rule.channels, places["item"])))
    return found


def _any_of(brands: Collection[str]) -> str:
    """A pattern for any of the names as whole words, in any case."""
    return rf"(?i)(?:^|\W)(?:{'|'.join(re.escape(brand) for brand in brands)})(?:$|\W)"


def _of_classes(classes: Collection[str]) -> pl.Expr:
    flags = pl.col("flags")
    flagged = flags.list.set_intersection(sorted(set(classes) - {STANDARD, LOT_CONTROLLED})).list.len() > 0
    if STANDARD in classes:
        flagged |= flags.list.eval(pl.element().filter(pl.element() != "")).list.len() == 0
    return flagged | pl.col("lots") if LOT_CONTROLLED in classes else flagged


def _at(named: Collection[tuple[str, str]]) -> pl.Expr:
    keys = sorted(f"{item}\n{site}" for item, site in named)
    return pl.concat_str("item", pl.lit("\n"), "site").is_in(keys)


def places_of_customers(snapshot: Snapshot, customers: Collection[str]) -> set[tuple[str, str]]:
    """Item-sites that serve some customers: by a commitment that runs, or by demand that is known."""
    today, names = snapshot.as_of.date(), sorted(customers)
    promised = snapshot.table("commitments").filter(pl.col("until").is_null() | (pl.col("until") >= today))
    found: set[tuple[str, str]] = set()
    for table in (promised, snapshot.table("known_demand")):
        found |= {(item, site) for item, site in table.filter(pl.col("customer").is_in(names)).select(*_PLACE).rows()}
    return found


def _places_of_channels(snapshot: Snapshot, channels: Collection[str], items: pl.Series) -> set[tuple[str, str]]:
    """Item-sites whose recent demand came through some channels, and those that are one of them."""
    names = sorted(channels)
    recent = snapshot.of_items(set(items.to_list())).table(RECENT_DEMAND).filter(pl.col("channel").is_in(names))
    kept = snapshot.table("item_sites").filter(pl.col("site").is_in(names))
    return {(item, site) for table in (recent, kept) for item, site in table.select(*_PLACE).unique().rows()}
