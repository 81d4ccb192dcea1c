"""How suppliers and lanes deliver: lead times as they were against the contract, and what is late now."""

from __future__ import annotations

import numpy as np
import polars as pl

from inventory.errors import NotFoundError
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Fact
from tools.capabilities.facts import of_count, of_days, of_id, of_share, of_units
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import Row, data_source, known, listing, look_at
from tools.columns import IntArray
from tools.errors import ToolInputError
from tools.lead_times import LeadTimes

LATE_AFTER_DAYS = 0
"""Days past the promise from which a receipt counts as late."""
GROUPS = ("item", "receipts", "mean", "late_within", "contract")


def supplier_record(asking: Asking, asked: a.SupplierRecord) -> Answer:
    """Receipts of a supplier against its promises, and its open lines past their promise."""
    lead_times = _supplier(asking, asked.supplier)
    orders = asking.toolbox.snapshot().table("purchase_orders").filter(pl.col("supplier") == asked.supplier)
    orders = _visible(asking, orders, asked.item, asked.site)
    done = orders.filter(pl.col("received_date").is_not_null())
    waited = (pl.col("received_date") - pl.col("promised_date")).dt.total_days()
    behind = done.select(waited.alias("days"))["days"].to_numpy()
    today = asking.toolbox.snapshot().as_of.date()
    left = pl.col("quantity") - pl.col("received_quantity").fill_null(0)
    coming = orders.filter((pl.col("status") == "open") & (left > 0))
    late = coming.filter(pl.col("promised_date") < today).with_columns(units=left.cast(pl.Float64))
    days_late = [(today - promised).days for promised in late["promised_date"].to_list()]
    groups = _groups(lead_times, asked.supplier, asked.item)
    days = _receipt_days(lead_times, groups)
    facts = known(
        {
            "supplier": of_id("supplier", asked.supplier, "supplier"),
            "item": of_id("item", asked.item) if asked.item else None,
            "site": of_id("site", asked.site) if asked.site else None,
            "receipt_count": of_count(done.height, "receipt"),
            "on_time": of_share(float((behind <= LATE_AFTER_DAYS).mean())) if behind.size else None,
            "mean_behind": of_days(round(float(np.maximum(behind, 0).mean()), 1)) if behind.size else None,
            **_lead_facts(lead_times, groups, days),
            "open_count": of_count(coming.height, "open line"),
            "late_count": of_count(late.height, "line"),
            "late_units": of_units(float(late["units"].sum())),
            "longest_delay": of_days(max(days_late)) if days_late else None,
        }
    )
    about = (" for {{item}}" if asked.item else "") + (" to {{site}}" if asked.site else "")
    record = (
        "Of {{receipt_count}} from {{supplier}}"
        + about
        + ", {{on_time}} were on time; on average {{mean_behind}} late."
        if behind.size
        else "{{supplier}} has no receipts" + about + "."
    )
    lead = " It takes {{mean}} on average against {{contract}} in the contract." if "mean" in facts else ""
    now = (
        " Past the promise now: {{late_count}}, {{late_units}}, the longest by {{longest_delay}}."
        if days_late
        else " Nothing is past its promise now."
    )
    again = ("Its record shows that orders are often badly late, hence late together.",)
    pool = lead_times.suppliers.index(asked.supplier) if asked.supplier in lead_times.suppliers else -1
    return Answer(
        capability="supplier_record", found=bool(behind.size or coming.height), facts=facts,
        sources=(data_source(asking),),
        template=record + lead + now, notes=again if pool >= 0 and bool(lead_times.disrupted[pool]) else (),
    )  # fmt: skip


def lead_time(asking: Asking, asked: a.MaybeSupply) -> Answer:
    """How long replenishment takes: of an item at a site as it is replenished there, else of supplier and item.

    Raises
    ------
    ToolInputError
        If neither an item nor a supplier is named.
    """
    if asked.item is None and asked.supplier is None:
        raise ToolInputError("lead_time: name an item, a supplier, or both")
    if asked.item and asked.site and not asked.supplier:
        return _of_place(asking, asked.item, asked.site)
    lead_times = asking.toolbox.lead_times(asking.toolbox.snapshot())
    if asked.supplier:
        _supplier(asking, asked.supplier)
    if asked.item and not asking.sees_class(asked.item):
        raise NotFoundError(f"item {asked.item!r}: not known, or not for {asking.scope.user} to see")
    groups = _groups(lead_times, asked.supplier, asked.item)
    if not groups.size:
        raise NotFoundError(f"no supplier delivers {asked.item!r}, or not for {asking.scope.user} to see")
    facts = known(
        {
            "supplier": of_id("supplier", asked.supplier, "supplier") if asked.supplier else None,
            "item": of_id("item", asked.item) if asked.item else None,
            **_lead_facts(lead_times, groups, _receipt_days(lead_times, groups)),
        }
    )
    rows = [
        _group_row(lead_times, int(group)) for group in groups if asking.sees_class(_item_of(lead_times, int(group)))
    ]
    found = listing("pair", "Lead times", ("supplier", *GROUPS), rows)
    about = " of {{item}}" if asked.item else ""
    who = "{{supplier}}" if asked.supplier else "Its suppliers"
    template = (
        who
        + " take{s} {{mean}} on average"
        + about
        + ", {{late_within}} at most in nearly all cases; the contract says {{contract}}."
    )
    template = template.replace("{s}", "s" if asked.supplier else "")
    return Answer(
        capability="lead_time", facts={**facts, **found.facts}, tables=(found.table,), sources=(data_source(asking),),
        template=template,
    )  # fmt: skip


def _of_place(asking: Asking, item: str, site: str) -> Answer:
    outlook, row = look_at(asking, item, site)
    arrays = outlook.arrays
    inner = arrays.source_site[row]
    seen = inner and (asking.scope.sites is None or inner in asking.scope.sites)
    facts = known(
        {
            "item": of_id("item", item),
            "site": of_id("site", site),
            "mean": of_days(round(float(outlook.lead_time_mean[row]), 1)),
            "spread": of_days(round(float(outlook.lead_time_sd[row]), 1)),
            "review": of_days(float(arrays.review_days[row])),
            "window": of_days(int(outlook.window_days[row])),
            "origin": of_id("site", inner, "origin") if seen else None,
            "supplier": of_id("supplier", arrays.supplier[row], "supplier")
            if arrays.supplier[row] and not inner
            else None,
        }
    )
    source = " from {{origin}}" if "origin" in facts else " from {{supplier}}" if "supplier" in facts else ""
    template = (
        "Replenishing {{item}} at {{site}}" + source + " takes {{mean}}, give or take {{spread}}; with a review every "
        "{{review}}, what is ordered next is here within {{window}}."
    )
    return Answer(capability="lead_time", facts=facts, sources=(data_source(asking),), template=template)


def _supplier(asking: Asking, supplier: str) -> LeadTimes:
    lead_times = asking.toolbox.lead_times(asking.toolbox.snapshot())
    if supplier not in asking.toolbox.snapshot().table("suppliers")["supplier"].to_list():
        raise NotFoundError(f"supplier {supplier!r}: not known")
    return lead_times


def _visible(asking: Asking, orders: pl.DataFrame, item: str | None, site: str | None) -> pl.DataFrame:
    """Order lines about the item and site asked for, at sites and of classes the asker may see."""
    if item:
        orders = orders.filter(pl.col("item") == item)
    if site:
        orders = orders.filter(pl.col("site") == site)
    if asking.scope.sites is not None:
        orders = orders.filter(pl.col("site").is_in(sorted(asking.scope.sites)))
    if asking.scope.item_classes is not None:
        seen = [name for name in orders["item"].unique().to_list() if asking.sees_class(name)]
        orders = orders.filter(pl.col("item").is_in(seen))
    return orders


def _groups(lead_times: LeadTimes, supplier: str | None, item: str | None) -> IntArray:
    frame = lead_times.frame
    if supplier:
        frame = frame.filter(pl.col("supplier") == supplier)
    if item:
        frame = frame.filter(pl.col("item") == item)
    return frame["group"].cast(pl.Int64).to_numpy()


def _receipt_days(lead_times: LeadTimes, groups: IntArray) -> IntArray:
    receipts = lead_times.receipts
    return receipts.days[receipts.observed & np.isin(receipts.group, groups)]


def _lead_facts(lead_times: LeadTimes, groups: IntArray, days: IntArray) -> dict[str, Fact | None]:
    if not groups.size:
        return {}
    mean = float(lead_times.mean_days[groups].mean())
    tail = float(np.quantile(days, 0.95)) if days.size else mean + 1.645 * float(lead_times.sd_days[groups].mean())
    return {
        "mean": of_days(round(mean, 1)),
        "late_within": of_days(round(tail)),
        "contract": of_days(round(float(lead_times.contract_days[groups].mean()), 1)),
        "receipts": of_count(int(days.size), "receipt"),
    }


def _item_of(lead_times: LeadTimes, group: int) -> str:
    return str(lead_times.frame["item"][group])


def _group_row(lead_times: LeadTimes, group: int) -> Row:
    one = np.array([group], dtype=np.int64)
    return {
        "supplier": of_id("supplier", str(lead_times.frame["supplier"][group]), "supplier"),
        "item": of_id("item", _item_of(lead_times, group)),
        **_lead_facts(lead_times, one, _receipt_days(lead_times, one)),
    }


CAPABILITIES: tuple[Capability, ...] = (
    capability("supplier_record", supplier_record),
    capability("lead_time", lead_time),
)
