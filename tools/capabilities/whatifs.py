"""What would be if: the network simulated as it is and with one change, and the options of an item solved again."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from inventory.records import ScenarioChange, ScenarioKind, StoredScenario
from inventory.snapshots import Snapshot
from tools.capabilities import arguments as a
from tools.capabilities.acting import OPTIONS, option_row
from tools.capabilities.answer import Answer, Fact
from tools.capabilities.changed_world import changed_lanes, changed_look
from tools.capabilities.facts import of_count, of_days, of_id, of_money, of_share, of_units, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.solving import lanes_for, solve
from tools.capabilities.surplus import half_year_sales
from tools.capabilities.telling import (
    Listing,
    currency_of,
    data_source,
    doubts,
    known,
    listing,
    look_at,
    narrowed,
)
from tools.errors import ToolInputError
from tools.money import to_minor
from tools.whatif import AS_IT_IS, WhatIf, what_if

PLAYED_DAYS = 56
"""Days simulated."""
MOST_ITEMS = 40
"""Items simulated at most, those that sell most at cost."""
FIGURES = ("site", "service_as_is", "service_then", "lost_as_is", "lost_then")
NEEDS: dict[ScenarioKind, tuple[str, ...]] = {
    ScenarioKind.SUPPLIER_SLIPS: ("days",),
    ScenarioKind.DEMAND_SURGE: ("percent",),
    ScenarioKind.PART_DELIVERIES: ("percent",),
    ScenarioKind.SITE_SHUTDOWN: ("site", "days"),
    ScenarioKind.LANE_CLOSED: ("origin", "destination"),
    ScenarioKind.SERVICE_TARGET_CHANGED: ("percent",),
}
"""What each change cannot do without."""


def what_would_be(asking: Asking, asked: a.WhatIfAsked) -> Answer:
    """One change, played on the items it touches, and the options of the item asked about under it.

    Raises
    ------
    ToolInputError
        Naming what the change needs besides.
    """
    change = change_of(asked)
    if change.kind is ScenarioKind.LANE_CLOSED and not _feeds(asking, change):
        return _unfed(asking, asked, change)
    items, left_out = _items(asking, asked)
    if not items:
        raise ToolInputError(f"what_if: no item planned at a site {asking.scope.user} may see is touched by it")
    name = "then"
    played = _narrowed(asking, what_if(
        asking.toolbox, [StoredScenario(name=name, changes=(change,))], days=PLAYED_DAYS, items=items
    ), asked)  # fmt: skip
    currency, trouble = currency_of(asking), doubts(asking, *([asked.site] if asked.site else []))
    figures = {row["scenario"]: row for row in played.figures().to_dicts()}
    sites = _by_site(played, name, currency)
    again = _again(asking, asked, change, currency)
    was, then = figures[AS_IT_IS], figures[name]
    lost = {key: to_minor(float(row["lost_money"])) for key, row in (("was", was), ("then", then))}
    facts = known(
        {
            **_said(asked),
            "played": of_days(PLAYED_DAYS),
            "item_count": of_count(len(items), "item"),
            "left_out": of_count(left_out, "item") if left_out else None,
            "draws": of_count(played.replications, "draw"),
            "service_as_is": of_share(float(was["fill_rate"])),
            "service_then": of_share(float(then["fill_rate"])),
            "lost_as_is": of_money(lost["was"], currency),
            "lost_then": of_money(lost["then"], currency),
            "lost_difference": of_money(abs(lost["then"] - lost["was"]), currency),
            "units_as_is": of_units(float(was["lost_units"])),
            "units_then": of_units(float(then["lost_units"])),
            **(again.facts if again else {}),
        }
    )
    return Answer(
        capability="what_if",
        facts={**facts, **sites.facts, **trouble.facts},
        tables=(sites.table, *((again.table,) if again else ())),
        sources=(data_source(asking),),
        template=_words(asked, lost["then"] - lost["was"], again),
        notes=(
            *(("{{left_out}} that sell less were left out.",) if left_out else ()),
            "Nothing is reserved or changed by this.", *trouble.notes, *narrowed(asking),
        ),
    )  # fmt: skip


def change_of(asked: a.WhatIfAsked) -> ScenarioChange:
    """The question as a change of the simulated world.

    Raises
    ------
    ToolInputError
        Naming what is missing, or an impossible percentage.
    """
    kind, percent = ScenarioKind(asked.change), asked.percent or 0.0
    missing = [name for name in NEEDS[kind] if getattr(asked, name) is None]
    if kind in (ScenarioKind.SUPPLIER_SLIPS, ScenarioKind.PART_DELIVERIES) and not (asked.supplier or asked.item):
        missing.append("supplier")
    if missing:
        raise ToolInputError(f"what_if: {kind.value} needs {' and '.join(missing)}")
    values: dict[str, object] = {
        "kind": kind, "end_day": PLAYED_DAYS, "supplier": asked.supplier or "", "site": asked.site or "",
        "origin": asked.origin or "", "destination": asked.destination or "",
        "items": (asked.item,) if asked.item else (),
    }  # fmt: skip
    if kind is ScenarioKind.DEMAND_SURGE:
        values |= {"factor": 1.0 + percent / 100.0, "end_day": asked.days or PLAYED_DAYS}
    elif kind is ScenarioKind.PART_DELIVERIES:
        if not 0 <= percent <= 100:
            raise ToolInputError(f"what_if: the share that comes is 0 to 100 percent, got {percent:g}")
        values |= {"share": percent / 100.0, "days": asked.days or 0}
    elif kind is ScenarioKind.SERVICE_TARGET_CHANGED:
        if not 0 < percent < 100:
            raise ToolInputError(f"what_if: a service target lies between 0 and 100 percent, got {percent:g}")
        values |= {"service_target": percent / 100.0}
    elif kind is ScenarioKind.SUPPLIER_SLIPS:
        values |= {"days": asked.days}
    else:
        values |= {"end_day": min(asked.days or PLAYED_DAYS, PLAYED_DAYS)}
    return ScenarioChange.model_validate(values)


def _items(asking: Asking, asked: a.WhatIfAsked) -> tuple[list[str], int]:
    """Items the change touches at sites the asker may see, those that sell most at cost, and how many are left out."""
    ranked = asking.toolbox.made_of_snapshot(item_sales)
    ranked = ranked.filter(pl.col("item") == asked.item) if asked.item else ranked
    for site in (asked.site, asked.origin, asked.destination):
        if site:
            at = asking.toolbox.snapshot().table("item_sites").filter(pl.col("site") == site)["item"]
            ranked = ranked.filter(pl.col("item").is_in(at.to_list()))
    if asked.supplier:
        sold = asking.toolbox.snapshot().table("supplier_items").filter(pl.col("supplier") == asked.supplier)["item"]
        ranked = ranked.filter(pl.col("item").is_in(sold.to_list()))
    if asking.scope.sites is not None:
        ranked = ranked.filter(pl.col("sites").list.set_intersection(sorted(asking.scope.sites)).list.len() > 0)
    items = [item for item in ranked["item"].to_list() if asking.sees_class(item)]
    return items[:MOST_ITEMS], max(len(items) - MOST_ITEMS, 0)


def item_sales(snapshot: Snapshot) -> pl.DataFrame:
    """Items with their sites, those in front that sold most at cost in the last half year."""
    cost = snapshot.table("items").select("item", pl.col("cost").cast(pl.Float64))
    summed = half_year_sales(snapshot).group_by("item").agg(pl.col("sold").sum())
    planned = snapshot.table("item_sites").group_by("item").agg(sites="site")
    worth = planned.join(cost, on="item", how="left").join(summed, on="item", how="left").with_columns(
        worth=(pl.col("sold") * pl.col("cost")).fill_null(0.0)
    )  # fmt: skip
    return worth.sort(["worth", "item"], descending=[True, False]).select("item", "sites")


def _feeds(asking: Asking, change: ScenarioChange) -> bool:
    """Whether any item at the end of a lane is replenished over it."""
    planned = asking.toolbox.snapshot().table("item_sites")
    return not planned.filter(
        (pl.col("site") == change.destination) & (pl.col("source") == change.origin)
    ).is_empty()  # fmt: skip


def _unfed(asking: Asking, asked: a.WhatIfAsked, change: ScenarioChange) -> Answer:
    """A lane that feeds nobody: only single transfers would have to do without it."""
    again = _again(asking, asked, change, currency_of(asking))
    best = " The best option for {{item}} then would be {{option_1_action}}." if again and again.rows else ""
    return Answer(
        capability="what_if",
        facts={**known(_said(asked)), **(again.facts if again else {})},
        tables=(again.table,) if again else (),
        sources=(data_source(asking),),
        template=f"{_if(asked)}, regular supply stays as it is, because nothing at {{{{destination}}}} is replenished "
        "over it; only transfers would have to go another way." + best,
        notes=("Nothing is reserved or changed by this.", *narrowed(asking)),
    )


def _narrowed(asking: Asking, played: WhatIf, asked: a.WhatIfAsked) -> WhatIf:
    """Figures of the site asked about, or of those the asker may see."""
    frame = played.frame
    if asking.scope.sites is not None:
        frame = frame.filter(pl.col("site").is_in(sorted(asking.scope.sites)))
    if asked.site and asked.item:
        frame = frame.filter(pl.col("site") == asked.site)
    if frame["scenario"].n_unique() < len(played.scenarios):
        raise ToolInputError("what_if: nothing sells or lies at the sites asked about")
    return replace(played, frame=frame)


def _by_site(played: WhatIf, name: str, currency: str) -> Listing:
    rows = played.figures(("site",)).to_dicts()
    was = {row["site"]: row for row in rows if row["scenario"] == AS_IT_IS}
    then = {row["site"]: row for row in rows if row["scenario"] == name}
    both = [
        {
            "site": of_id("site", site),
            "service_as_is": of_share(float(was[site]["fill_rate"])),
            "service_then": of_share(float(then[site]["fill_rate"])),
            "lost_as_is": of_money(to_minor(float(was[site]["lost_money"])), currency),
            "lost_then": of_money(to_minor(float(then[site]["lost_money"])), currency),
        }
        for site in sorted(was.keys() & then.keys())
    ]
    return listing("site", "As it is, and then", FIGURES, both)


def _again(asking: Asking, asked: a.WhatIfAsked, change: ScenarioChange, currency: str) -> Listing | None:
    """The options of the item at the site, worked out on the changed facts."""
    site = asked.site or asked.destination
    if not (asked.item and site):
        return None
    outlook, _ = look_at(asking, asked.item, site)
    thresholds = asking.toolbox.thresholds(asking.connection)
    changed = changed_look(outlook, change, thresholds)
    row = changed.arrays.row_of[(asked.item, site)]
    table = solve(asking, changed, row, changed_lanes(lanes_for(asking), change))
    title = f"Options for {asked.item} at {site} then"
    return listing("option", title, OPTIONS, [option_row(option, currency) for option in table if option.feasible])


def _said(asked: a.WhatIfAsked) -> dict[str, Fact | None]:
    return {
        "change": of_words(asked.change.replace("_", " ")),
        "item": of_id("item", asked.item) if asked.item else None,
        "at_site": of_id("site", asked.site) if asked.site else None,
        "supplier": of_id("supplier", asked.supplier, "supplier") if asked.supplier else None,
        "origin": of_id("site", asked.origin, "origin") if asked.origin else None,
        "destination": of_id("site", asked.destination, "destination") if asked.destination else None,
        "days": of_days(asked.days) if asked.days else None,
        "percent": Fact(value=asked.percent, kind="percent", unit="%", text=f"{asked.percent:g} %".replace("-", "−"))
        if asked.percent is not None
        else None,
    }


def _words(asked: a.WhatIfAsked, difference: int, again: Listing | None) -> str:
    moved = "more" if difference > 0 else "less"
    said = f"{_if(asked)}, sales lost over {{{{played}}}} would be {{{{lost_then}}}}"
    if difference:
        said += f" against {{{{lost_as_is}}}} as it is, {{{{lost_difference}}}} {moved}."
    else:
        said += ", the same as it is."
    said += " Service would be {{service_then}} against {{service_as_is}}, over {{item_count}}."
    if not (again and again.rows):
        return said
    quantity = again.rows[0]["quantity"]
    if quantity is None or not quantity.number:
        return said + " Nothing would be better than to hold."
    return (
        said
        + " The best option would be {{option_1_action}} of {{option_1_quantity}}, worth {{option_1_net_value}} net."
    )


def _if(asked: a.WhatIfAsked) -> str:
    """The change in words."""
    of_item = " of {{item}}" if asked.item else ""
    there = " at {{at_site}}" if asked.site else ""
    who = "{{supplier}}" if asked.supplier else "the supplier" + of_item
    later = " and the rest {{days}} later" if asked.days else ""
    return {
        "supplier_slips": f"If {who} slips by {{{{days}}}}",
        "demand_surge": f"If demand{of_item}{there} changes by {{{{percent}}}}",
        "part_deliveries": f"If {who} delivers only {{{{percent}}}} in time{later}",
        "site_shutdown": "If {{at_site}} is shut for {{days}}",
        "lane_closed": "If the lane from {{origin}} to {{destination}} is closed",
        "service_target_changed": f"If the service target{of_item}{there} is {{{{percent}}}}",
    }[asked.change]


CAPABILITIES: tuple[Capability, ...] = (capability("what_if", what_would_be),)
