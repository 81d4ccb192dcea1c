"""Where units of an item are, who could give some, and what is on the way."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from inventory.ledger import ledger_rows
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Fact
from tools.capabilities.facts import of_count, of_date, of_days, of_id, of_money, of_units, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import (
    ROWS,
    Row,
    currency_of,
    data_source,
    doubts,
    known,
    listing,
    look_at,
    narrowed,
    rows_of,
)
from tools.detect import cover_days
from tools.lane_claims import room_left
from tools.lanes import Lane
from tools.lot_rules import LotRules
from tools.money import to_minor
from tools.needs import donor_floor, donor_losses, spare_units
from tools.outlook import Outlook

BOOKS = ("on_hand", "allocated", "reserved", "in_flight", "frozen", "free")
POSITION = ("site", *BOOKS, "in_transit", "on_order", "overdue", "cover", "reorder_point")
FAR = 999.0
"""Days of cover beyond which a figure says nothing."""


def stock_position(asking: Asking, asked: a.ItemMaybeSite) -> Answer:
    """Stock of an item as the ledger and the feeds show it, at one site or at all."""
    outlook = asking.toolbox.decided_outlook(asking.connection, items=[asked.item])
    rows = [look_at(asking, asked.item, asked.site)[1]] if asked.site else rows_of(asking, outlook, asked.item)
    table = _positions(asking, outlook, asked.item, rows)
    sites = [outlook.arrays.sites[row] for row in rows]
    found = listing("place", f"Stock of {asked.item}", POSITION, table)
    trouble = doubts(asking, *sites)
    totals = {
        f"total_{name}": of_units(sum(_number(row[name]) for row in table))
        for name in ("on_hand", "free", "in_transit", "on_order")
    }
    facts = {"item": of_id("item", asked.item), "site_count": of_count(len(rows), "site"), **totals}
    if len(rows) == 1:
        template = (
            "{{item}} at {{place_1_site}}: {{place_1_on_hand}} on hand, {{place_1_free}} free to promise, "
            "{{place_1_allocated}} allocated, {{place_1_on_order}} on order, of which {{place_1_in_transit}} in "
            "transit. Free stock covers demand for {{place_1_cover}}."
        )
    else:
        said = found.told("[site] has [on_hand] on hand and [free] free.", most=len(rows))
        template = (
            f"{{{{item}}}} lies at {{{{site_count}}}}: {{{{total_on_hand}}}} on hand, {{{{total_free}}}} free. {said}"
        )
    return Answer(
        capability="stock_position",
        facts={**facts, **found.facts, **trouble.facts},
        tables=(found.table,),
        sources=(data_source(asking),),
        template=template,
        notes=(*trouble.notes, *(() if asked.site else narrowed(asking))),
    )


def _positions(asking: Asking, outlook: Outlook, item: str, rows: list[int]) -> list[Row]:
    ledger = ledger_rows(asking.connection, asking.scope, items=[item])
    moving = _in_transit(asking, item)
    table: list[Row] = []
    for row in rows:
        site = outlook.arrays.sites[row]
        here = [line for line in ledger if line.site == site]
        cover = cover_days(outlook, row)
        figures: dict[str, Fact | None] = {
            name: of_units(sum(int(getattr(line, name)) for line in here)) for name in BOOKS
        }
        table.append(
            {
                "site": of_id("site", site),
                **figures,
                "in_transit": of_units(moving.get(site, 0.0)),
                "on_order": of_units(float(outlook.on_order[row])),
                "overdue": of_units(float(outlook.overdue[row])),
                "cover": of_days(round(cover, 1)),
                "reorder_point": of_units(float(outlook.levels.reorder_point[row])),
            }
        )
    return table


def _in_transit(asking: Asking, item: str) -> dict[str, float]:
    """Units of an item on lanes, by the site they go to."""
    moves = (
        asking.toolbox.snapshot()
        .table("transfers")
        .filter((pl.col("item") == item) & (pl.col("status") == "in_transit"))
    )
    left = pl.col("quantity") - pl.col("received_quantity").fill_null(0)
    summed = moves.group_by("destination").agg(left.sum().cast(pl.Float64).alias("units"))
    return dict(summed.iter_rows())


def who_can_give(asking: Asking, asked: a.WhoCanGive) -> Answer:
    """Sites that could send units over a lane and stay above their own floor, most units first."""
    outlook, _ = look_at(asking, asked.item, asked.site)
    lanes = asking.toolbox.lanes(asking.toolbox.snapshot())
    barred = LotRules(asking.toolbox.snapshot()).no_place(asked.item, asked.site)
    today, currency = outlook.arrays.today, currency_of(asking)
    room = room_left(asking.connection, lanes, today)
    donors = [] if barred else [
        row for lane in lanes.get(asked.site, ())
        if (row := _donor(asking, outlook, asked, lane, room.get(lane.name), currency)) is not None
    ]  # fmt: skip
    donors.sort(key=lambda row: (-_number(row["can_give"]), _number(row["cost"]), str(row["origin"])))
    found = listing("donor", f"Who can give {asked.item} to {asked.site}", GIVING, donors)
    able = [row for row in donors if _number(row["can_give"]) > 0]
    trouble = doubts(asking, asked.site, *(str(row["origin"].value) for row in able if row["origin"]))
    facts = known(
        {
            "item": of_id("item", asked.item),
            "destination": of_id("site", asked.site, "destination"),
            "wanted": of_units(asked.quantity) if asked.quantity else None,
            "donor_count": of_count(len(able), "site"),
            "total_can_give": of_units(sum(_number(row["can_give"]) for row in able)),
            "barred": of_words(barred) if barred else None,
        }
    )
    return Answer(
        capability="who_can_give",
        found=bool(able),
        facts={**facts, **found.facts, **trouble.facts},
        tables=(found.table,) if donors else (),
        sources=(data_source(asking),),
        template=_giving_words(asked, able, found.told(_DONOR_WORDS, most=min(len(able), 3)), barred),
        notes=(*trouble.notes, *narrowed(asking)),
    )


GIVING = ("origin", "mode", "can_give", "free", "floor", "cover_after", "arrives", "arrives_late", "cost", "loss")
_DONOR_WORDS = (
    "[origin] can give [can_give] and keeps its floor of [floor], with [cover_after] of cover; by [mode] it is usually "
    "there by [arrives] and costs [cost]."
)


def _giving_words(asked: a.WhoCanGive, able: list[Row], said: str, barred: str) -> str:
    if barred:
        return "Nobody can send {{item}} to {{destination}}: {{barred}}."
    if not able:
        return "Nobody can give {{item}} to {{destination}} without going below its own floor."
    total = sum(_number(row["can_give"]) for row in able)
    enough = ""
    if asked.quantity and total >= asked.quantity:
        enough = " That covers the {{wanted}} wanted."
    elif asked.quantity:
        enough = " That is less than the {{wanted}} wanted."
    return "{{donor_count}} can give {{item}} to {{destination}}, {{total_can_give}} in all." + f"{enough} {said}"


def _donor(
    asking: Asking, outlook: Outlook, asked: a.WhoCanGive, lane: Lane, room: float | None, currency: str
) -> Row | None:
    """What one site could give over one lane; nothing where the item is not planned, or the asker may not see it."""
    arrays = outlook.arrays
    donor = arrays.row_of.get((asked.item, lane.origin))
    if donor is None or not asking.scope.allows(lane.origin, arrays.item_class[donor]) or not outlook.planned[donor]:
        return None
    spare = spare_units(outlook, donor)
    most = spare if room is None else min(spare, int(room))
    units = (min(most, asked.quantity) if asked.quantity else most) // lane.lot * lane.lot
    at, available, given = (np.array([value]) for value in (donor, spare, units))
    mean = float(outlook.demand.mean_per_day[donor])
    after = (float(arrays.free[donor]) - units) / mean if mean > 0 else FAR
    today = asking.toolbox.now().date()
    return {
        "origin": of_id("site", lane.origin, "origin"),
        "mode": of_words(lane.mode),
        "can_give": of_units(units),
        "free": of_units(float(arrays.free[donor])),
        "floor": of_units(donor_floor(outlook, donor)),
        "cover_after": of_days(round(min(after, FAR), 1)),
        "arrives": of_date(lane.arrives(today, 0.5)),
        "arrives_late": of_date(lane.arrives(today, 0.9)),
        "cost": of_money(to_minor(units * lane.unit_cost + lane.fixed_cost) if units else 0, currency),
        "loss": of_money(to_minor(float(donor_losses(outlook, at, available, given)[0])) if units else 0, currency),
    }


def _number(fact: Fact | None) -> float:
    return 0.0 if fact is None else fact.number


ORDERS = ("reference", "item", "destination", "source", "quantity", "ordered", "promised", "late")


def open_orders(asking: Asking, asked: a.MaybeSupply) -> Answer:
    """Orders and transfers under way, the one due first in front."""
    lines = _order_lines(asking, asked)
    today = asking.toolbox.snapshot().as_of.date()
    rows = [_order_row(asking, line, today) for line in lines.head(ROWS).iter_rows(named=True)]
    late = lines.filter(pl.col("promised") < today)
    found = listing("order", "On the way", ORDERS, rows, total=lines.height)
    trouble = doubts(asking, *([asked.site] if asked.site else []))
    facts = known(
        {
            "item": of_id("item", asked.item) if asked.item else None,
            "site": of_id("site", asked.site) if asked.site else None,
            "supplier": of_id("supplier", asked.supplier, "supplier") if asked.supplier else None,
            "order_count": of_count(lines.height, "open line"),
            "order_units": of_units(float(lines["units"].sum())),
            "late_count": of_count(late.height, "line"),
        }
    )
    about = "".join(
        f" {word} {{{{{name}}}}}"
        for name, word in (("item", "of"), ("site", "to"), ("supplier", "from"))
        if getattr(asked, name)
    )
    if not rows:
        template = f"Nothing is on the way{about}."
    else:
        pattern = "[reference] brings [quantity] of [item] to [destination], promised for [promised]."
        behind = " Past the promise: {{late_count}}." if late.height else ""
        template = f"{{{{order_count}}}}{about}, {{{{order_units}}}} in all.{behind} {found.told(pattern)}"
    return Answer(
        capability="open_orders", found=bool(rows), facts={**facts, **found.facts, **trouble.facts},
        tables=(found.table,) if rows else (), sources=(data_source(asking),), template=template,
        notes=(*trouble.notes, *(() if asked.site else narrowed(asking))),
    )  # fmt: skip


def _order_lines(asking: Asking, asked: a.MaybeSupply) -> pl.DataFrame:
    """Open lines that are meant and that the asker may see, the one due first in front."""
    snapshot, scope = asking.toolbox.snapshot(), asking.scope
    left = pl.col("quantity") - pl.col("received_quantity").fill_null(0)
    orders = snapshot.table("purchase_orders").filter((pl.col("status") == "open") & (left > 0))
    moves = snapshot.table("transfers").filter(pl.col("status").is_in(["open", "in_transit"]) & (left > 0))
    lines = pl.concat(
        [
            orders.select("item", "site", reference="order_id", source="supplier", units=left.cast(pl.Float64),
                          ordered="ordered_date", promised="promised_date", bought=pl.lit(value=True)),
            moves.select("item", site="destination", reference="transfer_id", source="origin",
                         units=left.cast(pl.Float64), ordered="shipped_date", promised="expected_date",
                         bought=pl.lit(value=False)),
        ]
    )  # fmt: skip
    for column, wanted in (("item", asked.item), ("site", asked.site)):
        if wanted:
            lines = lines.filter(pl.col(column) == wanted)
    if asked.supplier:
        lines = lines.filter((pl.col("source") == asked.supplier) & pl.col("bought"))
    if scope.sites is not None:
        lines = lines.filter(pl.col("site").is_in(sorted(scope.sites)))
    if scope.item_classes is not None:
        seen = [item for item in lines["item"].unique().to_list() if asking.sees_class(item)]
        lines = lines.filter(pl.col("item").is_in(seen))
    return lines.sort("promised", "reference", "item")


def _order_row(asking: Asking, line: dict[str, Any], today: date) -> Row:
    return {
        "reference": of_id("reference", line["reference"]),
        "item": of_id("item", line["item"]),
        "destination": of_id("site", line["site"], "destination"),
        "source": _source(asking, line["source"], bought=line["bought"]),
        "quantity": of_units(line["units"]),
        "ordered": None if line["ordered"] is None else of_date(line["ordered"]),
        "promised": of_date(line["promised"]),
        "late": of_days((today - line["promised"]).days) if line["promised"] < today else None,
    }


def _source(asking: Asking, name: str, *, bought: bool) -> Fact:
    """The supplier, or the giving site; one the asker may not see is not named."""
    if bought:
        return of_id("supplier", name, "supplier")
    if asking.scope.sites is None or name in asking.scope.sites:
        return of_id("site", name, "origin")
    return of_words("another site")


CAPABILITIES: tuple[Capability, ...] = (
    capability("stock_position", stock_position),
    capability("who_can_give", who_can_give),
    capability("open_orders", open_orders),
)
