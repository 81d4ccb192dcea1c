"""What things are: items and what can replace them, segments and lanes."""

from __future__ import annotations

from typing import Any

import polars as pl

from inventory.errors import NotFoundError
from inventory.ledger import ledger_rows
from inventory.segment_words import CELLS, segment_words
from inventory.segments import places_in_cells
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Source
from tools.capabilities.facts import (
    of_count,
    of_date,
    of_days,
    of_id,
    of_price,
    of_share,
    of_units,
    of_words,
)
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import Row, currency_of, data_source, known, listing, look_at, narrowed
from tools.lane_claims import room_left
from tools.stocking_policy import stocking_policy_in_force


def item_row(asking: Asking, item: str) -> dict[str, Any]:
    """An item as the data has it.

    Raises
    ------
    NotFoundError
        If there is none, or it is of a class the asker may not see: in the same words.
    """
    found = asking.toolbox.snapshot().table("items").filter(pl.col("item") == item)
    classes = asking.scope.item_classes
    if found.is_empty() or (classes is not None and asking.item_class(item) not in classes):
        raise NotFoundError(f"item {item!r}: not known, or not for {asking.scope.user} to see")
    return found.row(0, named=True)


def item_facts(asking: Asking, asked: a.OfItem) -> Answer:
    """What an item is, and on which terms it is bought."""
    row, currency = item_row(asking, asked.item), currency_of(asking)
    snapshot = asking.toolbox.snapshot()
    terms = snapshot.table("supplier_items").filter(pl.col("item") == asked.item).sort("price", "supplier")
    rows: list[Row] = [
        {
            "supplier": of_id("supplier", line["supplier"], "supplier"),
            "price": of_price(float(line["price"]), line["currency"] or currency),
            "minimum": of_units(float(line["minimum_order_quantity"] or 0)),
            "multiple": of_units(float(line["order_multiple"] or 1)),
            "lead_time": of_days(float(line["contract_lead_time_days"])),
        }
        for line in terms.iter_rows(named=True)
    ]
    found = listing("terms", f"Terms of {asked.item}", ("supplier", "price", "minimum", "multiple", "lead_time"), rows)
    life, end = row["shelf_life_days"], row["end_of_life_date"]
    facts = known(
        {
            "item": of_id("item", asked.item),
            "name": of_words(row["name"]),
            "item_class": of_words(asking.item_class(asked.item).replace("_", " ")),
            "family": of_words(row["family"]) if row["family"] else None,
            "cost": of_price(float(row["cost"]), currency),
            "price": of_price(float(row["price"]), currency) if row["price"] is not None else None,
            "base_unit": of_words(row["base_unit"] or "each"),
            "packs": of_words(str(row["conversions"])) if row["conversions"] else None,
            "shelf_life": of_days(life) if life is not None else None,
            "launched": of_date(row["launch_date"]) if row["launch_date"] is not None else None,
            "ends_on": of_date(end) if end is not None else None,
        }
    )
    parts = [
        "{{item}} is {{name}}, a {{item_class}} item"
        + (" of the family {{family}}" if "family" in facts else "")
        + ".",
        "It costs {{cost}}" + (" and sells for {{price}}" if "price" in facts else "") + " per {{base_unit}}.",
        "It moves by lots." if row["lot_controlled"] else "",
        "Packs: {{packs}}." if "packs" in facts else "",
        "Shelf life is {{shelf_life}}." if "shelf_life" in facts else "No shelf life is known.",
        "It ends on {{ends_on}}." if "ends_on" in facts else "",
        found.told("[supplier] sells it for [price], at least [minimum], in steps of [multiple]."),
    ]
    return Answer(
        capability="item_facts", facts={**facts, **found.facts},
        tables=(found.table,) if rows else (),
        sources=(data_source(asking),), template=" ".join(part for part in parts if part),
    )  # fmt: skip


def substitutes(asking: Asking, asked: a.OfItem) -> Answer:
    """Items that may stand in, the most accepted first, with the free units the asker may see."""
    item_row(asking, asked.item)
    snapshot, toolbox = asking.toolbox.snapshot(), asking.toolbox
    others = toolbox.option_facts(snapshot).substitutes.get(asked.item, ())
    names = dict(snapshot.table("items").select("item", "name").iter_rows())
    visible = [other for other in others if asking.sees_class(other.item)]
    free = _free(asking, [other.item for other in visible])
    rows: list[Row] = [
        {
            "item": of_id("item", other.item),
            "name": of_words(str(names.get(other.item, other.item))),
            "acceptance": of_share(other.acceptance),
            "consent": of_words("the customer must agree" if other.needs_consent else "no consent is needed"),
            "free": of_units(free.get(other.item, 0)),
        }
        for other in visible
    ]
    found = listing(
        "substitute", f"What can replace {asked.item}", ("item", "name", "acceptance", "consent", "free"), rows
    )
    facts = {"item": of_id("item", asked.item), "substitute_count": of_count(len(rows), "item")}
    pattern = "[item] ([name]) is accepted by [acceptance] of customers, [consent], and [free] are free."
    return Answer(
        capability="substitutes", found=bool(rows), facts={**facts, **found.facts},
        tables=(found.table,) if rows else (),
        sources=(data_source(asking),),
        template="{{substitute_count}} can replace {{item}}. " + found.told(pattern) if rows
        else "No item is known that can replace {{item}}.",
        notes=narrowed(asking) if rows else (),
    )  # fmt: skip


def _free(asking: Asking, items: list[str]) -> dict[str, int]:
    total: dict[str, int] = {}
    for line in ledger_rows(asking.connection, asking.scope, items=items) if items else []:
        total[line.item] = total.get(line.item, 0) + line.free
    return total


def segment(asking: Asking, asked: a.Place) -> Answer:
    """Segment of an item-site as last given, and what the stocking policy asks of it."""
    outlook, row = look_at(asking, asked.item, asked.site)
    arrays = outlook.arrays
    cells = places_in_cells(asking.connection, range(CELLS), items=[asked.item]).filter(pl.col("site") == asked.site)
    policy = stocking_policy_in_force(asking.connection, at=asking.toolbox.now())
    given = None if cells.is_empty() else int(cells["cell"][0])
    terms = None if given is None else policy.row(given, asked.site, arrays.item_class[row])
    facts = known(
        {
            "item": of_id("item", asked.item),
            "site": of_id("site", asked.site),
            "segment": of_words(segment_words(given)) if given is not None else None,
            "service_target": of_share(float(arrays.service_target[row])),
            "set_by": of_words("policy" if terms and terms.source == "policy" else "the ERP"),
            "measure": of_words(terms.measure.replace("_", " ")) if terms else None,
            "method": of_words(terms.method.replace("_", " ")) if terms else None,
            "safety_method": of_words(terms.safety_stock.replace("_", " ")) if terms else None,
            "tier": of_words(terms.tier.value) if terms else None,
            "review": of_days(float(arrays.review_days[row])),
            "safety_stock": of_units(float(outlook.levels.safety_stock[row])),
            "reorder_point": of_units(float(outlook.levels.reorder_point[row])),
            "order_up_to": of_units(float(outlook.levels.order_up_to_level[row])),
        }
    )
    first = (
        "{{item}} at {{site}} is in segment {{segment}}, ordered by {{method}} with safety stock by {{safety_method}}."
        if terms
        else "{{item}} at {{site}} has no segment yet: a sweep gives it."
    )
    rest = (
        " Its service target is {{service_target}}, set by {{set_by}}, reviewed every {{review}}. The reorder point is "
        "{{reorder_point}}, safety stock {{safety_stock}}, the order-up-to level {{order_up_to}}."
    )
    policy_source = Source(kind="policy", reference="stocking", version=policy.version)
    return Answer(
        capability="segment", found=terms is not None, facts=facts, sources=(data_source(asking), policy_source),
        template=first + rest,
    )  # fmt: skip


def lane(asking: Asking, asked: a.LaneOf) -> Answer:
    """Every mode of one lane: days, cost, capacity and what is left of it."""
    toolbox = asking.toolbox
    lanes = toolbox.lanes(toolbox.snapshot())
    today, currency = toolbox.snapshot().as_of.date(), currency_of(asking)
    room = room_left(asking.connection, lanes, today)
    rows: list[Row] = [
        {
            "mode": of_words(way.mode),
            "transit": of_days(way.transit_days),
            "departs": of_date(way.departs(today)),
            "arrives": of_date(way.arrives(today, 0.5)),
            "arrives_late": of_date(way.arrives(today, 0.9)),
            "per_shipment": of_price(way.fixed_cost, currency),
            "per_unit": of_price(way.unit_cost, currency),
            "capacity": of_units(way.capacity_per_day) if way.capacity_per_day is not None else None,
            "left": of_units(room[way.name]) if way.name in room else None,
            "lot": of_units(way.lot),
        }
        for way in lanes.get(asked.destination, ())
        if way.origin == asked.origin
    ]
    columns = (
        "mode",
        "transit",
        "departs",
        "arrives",
        "arrives_late",
        "per_shipment",
        "per_unit",
        "capacity",
        "left",
        "lot",
    )
    found = listing("way", f"{asked.origin} to {asked.destination}", columns, rows)
    facts = {
        "origin": of_id("site", asked.origin, "origin"),
        "destination": of_id("site", asked.destination, "destination"),
        "way_count": of_count(len(rows), "way"),
    }
    pattern = (
        "By [mode] it takes [transit]: leaving [departs] it is usually there by [arrives], if late by [arrives_late]. "
        "A shipment costs [per_shipment] and [per_unit] more for each unit."
    )
    return Answer(
        capability="lane", found=bool(rows), facts={**facts, **found.facts},
        tables=(found.table,) if rows else (),
        sources=(data_source(asking),),
        template="{{way_count}} from {{origin}} to {{destination}}. " + found.told(pattern) if rows
        else "No lane leads from {{origin}} to {{destination}}.",
    )  # fmt: skip


CAPABILITIES: tuple[Capability, ...] = (
    capability("item_facts", item_facts),
    capability("substitutes", substitutes),
    capability("segment", segment),
    capability("lane", lane),
)
