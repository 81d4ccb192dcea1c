"""Sites of one kind that treat the same class of items differently, and what the difference costs.

Rules
-----
1. A class is item class, ABC segment by value and kind of site: a store may well differ from a distribution centre.
2. Each site speaks with the median over its items of the class; sites with few of them are not heard.
3. Compared are service target, review period, and the order-up-to level in days of demand.
4. The difference costs what the safety stock at own target and review differs from that at the medians of the class,
   carried for a year.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri

from inventory.records import CaseKind, Finding
from inventory.snapshots import Snapshot
from optimizer.demand.moments import demand_moments
from optimizer.stocking.segments import AbcClass, value_classes
from tools.arrays import FLAGS
from tools.columns import floats_of
from tools.detectors.records import EVERYWHERE
from tools.detectors.suppliers import Identity
from tools.lead_times import UNKNOWN_LEAD_TIME
from tools.shared import histories
from tools.thresholds import Thresholds

KIND = CaseKind.POLICY_INCONSISTENCY
OF_CLASS = ("item_class", "segment", "kind")
COMPARED = {"service_target": "service_points", "review_period_days": "review_days", "cover_days": "cover_ratio"}
"""What is compared, and the threshold of each."""


def policy_inconsistencies(
    snapshot: Snapshot, thresholds: Thresholds, standing: Collection[Identity] = ()
) -> list[Finding]:
    """One finding per class of items whose sites disagree by more than the thresholds, and dearly enough."""
    plan = snapshot.table("item_sites")
    if not _may_differ(plan):
        return []
    rows = _rows(snapshot)
    by_site = _medians(rows).filter(pl.col("places") >= thresholds.value(KIND.value, "item_sites"))
    costs = {tuple(key): cost for *key, cost in rows.group_by(*OF_CLASS).agg(pl.col("cost").sum()).iter_rows()}
    found = []
    for key, sites in sorted(by_site.group_by(*OF_CLASS), key=lambda group: group[0]):
        item_class, segment, site_kind = (str(part) for part in key)
        cause = f"policy:{item_class}:{segment}:{site_kind}"
        known = (KIND.value, EVERYWHERE, cause) in standing
        band = thresholds.value("hysteresis", "close_share") if known else 1.0
        differing = [name for name in COMPARED if _spread(sites, name) >= band * _limit(thresholds, name)]
        cost = float(costs[key])
        if sites.height < 2 or not differing or cost < band * thresholds.value(KIND.value, "minimum_money"):
            continue
        found.append(_finding(snapshot, thresholds, sites, differing, cause, cost))
    return found


def medians_by_site(snapshot: Snapshot) -> pl.DataFrame:
    """What each site asks of each class: columns of `OF_CLASS` and `COMPARED`, ``site``, and ``places`` it rests on."""
    return _medians(_rows(snapshot))


def _may_differ(plan: pl.DataFrame) -> bool:
    """Whether anything could be found, without looking at demand: most networks have one policy."""
    columns = ("service_target", "review_period_days", "order_up_to_level")
    return plan.height > 0 and any(plan[name].n_unique() > 1 for name in columns)


def _rows(snapshot: Snapshot) -> pl.DataFrame:
    """Item-sites with their class, policy, and yearly carrying cost of differing from the class's medians."""
    first_flag = pl.coalesce(
        *(pl.when(pl.col("flags").fill_null("").str.contains(rf"\b{flag}\b")).then(pl.lit(flag)) for flag in FLAGS),
        pl.lit("standard"),
    )
    items = snapshot.table("items").select("item", pl.col("cost").alias("unit_cost"), item_class=first_flag)
    terms = snapshot.table("supplier_items").select("item", "contract_lead_time_days", source="supplier")
    lanes = snapshot.table("lanes").group_by(source="origin", site="destination").agg(pl.col("transit_days").min())
    sites = snapshot.table("sites").select("site", "kind", "holding_rate_per_year")
    rows = (
        snapshot.table("item_sites")
        .select("item", "site", "source", "service_target", "review_period_days", "order_up_to_level")
        .join(_pace(snapshot), on=["item", "site"], how="inner")
        .filter(pl.col("mean") > 0)
        .join(items, on="item", how="left")
        .join(sites, on="site", how="left")
        .join(terms, on=["item", "source"], how="left")
        .join(lanes, on=["source", "site"], how="left")
        .with_columns(
            lead_days=pl.coalesce("contract_lead_time_days", pl.col("transit_days") + 1.0, pl.lit(UNKNOWN_LEAD_TIME)),
            cover_days=pl.col("order_up_to_level") / pl.col("mean"),
        )
        .sort("item", "site")
    )
    rows = rows.with_columns(_segments(rows))
    usual = [pl.col(name).median().over(*OF_CLASS).alias(f"usual_{name}") for name in COMPARED]
    return _with_cost(rows.with_columns(usual))


def _pace(snapshot: Snapshot) -> pl.DataFrame:
    """Mean and spread of daily demand by item and site, part by part: a large network's two years are no one piece."""
    paces = [pl.DataFrame(schema={"item": pl.String, "site": pl.String, "mean": pl.Float64, "sd": pl.Float64})]
    # A generated world that was never stored has no parts.
    for history in histories(snapshot) if snapshot.parts("demand") else (snapshot.demand(),):
        if history.keys.height:
            moments = demand_moments(history.weekly)
            paces.append(history.keys.with_columns(mean=moments.mean_per_day, sd=moments.sd_per_day))
    return pl.concat(paces)


def _segments(rows: pl.DataFrame) -> pl.Series:
    worth = rows.group_by("item").agg(value=(pl.col("mean") * pl.col("unit_cost").fill_null(0.0)).sum()).sort("item")
    letter = (
        [AbcClass(code).name for code in value_classes(floats_of(worth, "value", 0.0)).tolist()] if len(worth) else []
    )
    named = worth.with_columns(segment=pl.Series(letter, dtype=pl.String))
    return rows.select("item").join(named, on="item", how="left", maintain_order="left")["segment"]


def _with_cost(rows: pl.DataFrame) -> pl.DataFrame:
    lead, sd = floats_of(rows, "lead_days"), floats_of(rows, "sd")

    def safety_stock(target: str, review: str) -> Any:
        factor = ndtri(np.clip(floats_of(rows, target), 0.5, 0.9999))
        return factor * sd * np.sqrt(lead + floats_of(rows, review))

    units = safety_stock("service_target", "review_period_days") - safety_stock(
        "usual_service_target", "usual_review_period_days"
    )
    yearly = np.abs(units) * floats_of(rows, "unit_cost", 0.0) * floats_of(rows, "holding_rate_per_year", 0.0)
    return rows.with_columns(cost=pl.Series(yearly, dtype=pl.Float64))


def _medians(rows: pl.DataFrame) -> pl.DataFrame:
    medians = [pl.col(name).median() for name in COMPARED]
    return rows.group_by(*OF_CLASS, "site").agg(pl.len().alias("places"), *medians).sort(*OF_CLASS, "site")


def _spread(sites: pl.DataFrame, name: str) -> float:
    """Difference of highest and lowest site; of cover days, their ratio."""
    values = sites[name].drop_nulls()
    if values.len() < 2:
        return 0.0
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]  # numbers, as the column is
    if name != "cover_days":
        return high - low + 1e-9
    return high / low if low > 0 else 0.0


def _limit(thresholds: Thresholds, name: str) -> float:
    return thresholds.value(KIND.value, COMPARED[name])


def _finding(
    snapshot: Snapshot, thresholds: Thresholds, sites: pl.DataFrame, differing: list[str], cause: str, cost: float
) -> Finding:
    measures, words = {"cost_per_year": round(cost, 2), "sites": float(sites.height)}, []
    for name in differing:
        ranked = sites.drop_nulls(name).sort(name, "site")
        low, high = ranked.row(0, named=True), ranked.row(-1, named=True)
        measures |= {f"lowest_{name}": round(low[name], 4), f"highest_{name}": round(high[name], 4)}
        words.append(f"{name.replace('_', ' ')} {low[name]:g} at {low['site']}, {high[name]:g} at {high['site']}")
    return Finding(
        kind=KIND,
        site=EVERYWHERE,
        cause=cause,
        bites_on=snapshot.as_of.date(),
        quantity=int(sites["places"].sum()),
        threshold=f"{KIND.value}.{COMPARED[differing[0]]}",
        threshold_value=_limit(thresholds, differing[0]),
        threshold_version=thresholds.version,
        measures=measures,
        note=f"one policy for the class: {'; '.join(words)}; the difference carries {cost:,.0f} a year",
    )
