"""The feeds of a compact world: what its ERP would export at a moment, by the data contract, and their import."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from inventory.database import Database
from inventory.importing.gate import import_feeds
from inventory.importing.report import ImportReport
from inventory.snapshots import SnapshotStore
from service.evaluation.world import Demand, Document, Lane, Order, World
from tools.erp.simulated import StockRow
from tools.intake import take_stock

START = datetime(2024, 4, 8, 6, 30, tzinfo=UTC)
"""Today in every scenario, a Monday."""
EXPORTED = timedelta(minutes=30)
"""So old is an export when it is imported."""
PLANNER, BUYER = "planner", "buyer"
WOBBLE = (0, 1, -1, 1, 0, -1)
RECEIVED_UNITS = 50
"""Units of a past order; only its days matter."""
PAST_MOVE_DAYS, PAST_MOVE_UNITS = 60, 5
"""Age and units of the transfer that makes a lane a known one."""
Row = Mapping[str, object]


def frames(
    world: World, as_of: datetime, *, stock: Sequence[Row] | None = None, transfers: Sequence[Row] = ()
) -> dict[str, pl.DataFrame]:
    """Contract tables as of a moment; tables without a row are left out.

    Parameters
    ----------
    as_of
        When the export was made; days of the world are counted from its date.
    stock
        Rows of the ``stock`` feed instead of the world's own, once an ERP has booked.
    transfers
        Rows of the ``transfers`` feed beside the world's own.
    """
    today = as_of.date()
    tables: dict[str, Sequence[Row]] = {
        "sites": [site.model_dump() | {"name": site.site.title()} for site in world.sites],
        "items": _items(world, today),
        "suppliers": [{"supplier": one.supplier, "name": one.supplier} for one in world.suppliers],
        "supplier_items": _terms(world),
        "item_sites": _item_sites(world),
        "lanes": [_lane(lane) for lane in world.lanes],
        "stock": _stock(world, as_of) if stock is None else stock,
        "demand": _demand(world, today),
        "known_demand": [
            one.model_dump(exclude={"due_in_days"}) | {"due_date": today + timedelta(days=one.due_in_days)}
            for one in world.known_demand
        ],
        "purchase_orders": [*_received(world, today), *(_open(order, today) for order in world.orders)],
        "transfers": [*_transfers(world, today), *transfers],
        "substitutes": [one.model_dump() for one in world.substitutes],
        "customers": [one.model_dump() for one in world.customers],
        "commitments": [
            one.model_dump(exclude={"units"}) | {"protected_quantity": one.units} for one in world.commitments
        ],
        "boms": [one.model_dump() for one in world.boms],
        "production_orders": [
            one.model_dump(exclude={"order", "start_in_days"})
            | {"order_id": one.order, "start_date": today + timedelta(days=one.start_in_days)}
            for one in world.production
        ],
        "feeds": [
            {"feed": one.feed, "site": one.site, "as_of": (as_of - timedelta(hours=one.hours)).isoformat()}
            for one in world.ages
        ],
    }
    return {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items() if rows}


def deliver(
    world: World,
    folder: Path,
    *,
    database: Database,
    snapshots: SnapshotStore,
    now: datetime,
    stock: Sequence[Row] | None = None,
    transfers: Sequence[Row] = (),
) -> ImportReport:
    """Write the feeds as of now into a folder and send them through the import gate; see `frames`."""
    as_of = now - EXPORTED
    delivery = folder / f"{now:%Y%m%dT%H%M%S}"
    delivery.mkdir(parents=True)
    for name, frame in frames(world, as_of, stock=stock, transfers=transfers).items():
        frame.write_csv(delivery / f"{name}.csv")
    return import_feeds(
        delivery, mapping=None, database=database, snapshots=snapshots, actor="evenkeel", now=now, as_of=as_of,
        when_current=take_stock,
    )  # fmt: skip


def erp_stock(world: World) -> tuple[StockRow, ...]:
    """What lies in the ERP's book when the story begins; what a feed gives below zero is zero there."""
    rows = []
    for place in world.places:
        if place.lots:
            rows += [StockRow(item=place.item, site=place.site, lot=lot.lot, on_hand=lot.on_hand) for lot in place.lots]
        else:
            rows.append(StockRow(item=place.item, site=place.site, on_hand=max(place.on_hand, 0)))
    return tuple(rows)


def rule_file(document: Document) -> str:
    """A document as its Markdown file: front matter, prose, and its machine rules in a fenced block."""
    lists = ("sites", "suppliers", "item_classes", "actions")
    front = {
        "id": document.id, "title": document.title, "version": document.version,
        "effective_from": document.effective_from, "effective_to": document.effective_to or "",
        **{name: ", ".join(getattr(document, name)) for name in lists},
    }  # fmt: skip
    lines = ["---", *(f"{name}: {value}".rstrip() for name, value in front.items()), "---", "", document.text.strip()]
    if document.rules:
        lines += ["", "```rules"]
        for rule in document.rules:
            lines += ["[[rule]]", *(f"{name} = {_toml(value)}" for name, value in rule.items()), ""]
        lines[-1] = "```"
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value as TOML: dates as they are, the rest as JSON, which TOML agrees with for these types."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def weekly_demand(demand: Demand) -> tuple[tuple[int, int, bool], ...]:
    """Weeks ago, units and whether a promotion ran, oldest first; equal patterns give equal weeks."""
    draw = random.Random(demand.seed)
    spikes = {spike.weeks_ago: spike for spike in demand.spikes}
    weeks = []
    for number, ago in enumerate(range(demand.weeks, 0, -1)):
        begun = [(change.weeks_ago, change.weekly) for change in demand.changes if change.weeks_ago >= ago]
        level = min(begun)[1] if begun else demand.weekly
        if demand.noise:
            units = round(level * (1.0 - demand.noise + 2.0 * demand.noise * draw.random()))
        else:
            units = round(level) + (WOBBLE[number % len(WOBBLE)] if level >= 3 else 0)
        spike = spikes.get(ago)
        weeks.append((ago, units, False) if spike is None else (ago, spike.quantity, spike.promotion))
    return tuple(weeks)


def _items(world: World, today: date) -> list[Row]:
    return [
        item.model_dump(exclude={"launched_days_ago", "flags"})
        | {"flags": ";".join(item.flags), "launch_date": today - timedelta(days=item.launched_days_ago)}
        for item in world.items
    ]


def _terms(world: World) -> list[Row]:
    cost = {item.item: item.cost for item in world.items}
    return [
        {
            "supplier": one.supplier, "item": one.item, "price": cost[one.item],
            "minimum_order_quantity": one.minimum, "order_multiple": one.multiple,
            "contract_lead_time_days": one.lead_time_days, "order_cost": one.order_cost,
            "expedite_lead_time_days": one.expedite_days, "expedite_price_factor": one.expedite_factor,
            "expedite_fixed_cost": one.expedite_cost,
        }
        for one in world.terms
    ]  # fmt: skip


def _item_sites(world: World) -> list[Row]:
    return [
        {
            "item": place.item, "site": place.site, "source": place.source or world.supplier_of.get(place.item, ""),
            "reorder_point": int(4 * place.demand.weekly), "order_up_to_level": int(8 * place.demand.weekly),
            "planner": PLANNER, "buyer": BUYER,
        }
        for place in world.places
    ]  # fmt: skip


def _lane(lane: Lane) -> Row:
    row = lane.model_dump(exclude={"lot", "known"})
    return row | {"mode": "truck", "transit_sd_days": 0.5, "lot_multiple": lane.lot, "calendar": "1234567"}


def _stock(world: World, as_of: datetime) -> list[Row]:
    hours = {one.site: one.hours for one in world.ages if one.feed == "stock"}
    rows: list[Row] = []
    for place in world.places:
        said = (as_of - timedelta(hours=hours.get(place.site, 0.0))).isoformat()
        row = {"item": place.item, "site": place.site, "source": "erp", "lot": "", "expiry": None, "as_of": said}
        if place.lots:
            rows += [
                row
                | {"lot": lot.lot, "on_hand": lot.on_hand}
                | {"expiry": as_of.date() + timedelta(days=lot.expiry_in_days)}
                for lot in place.lots
            ]
        else:
            rows.append(row | {"on_hand": place.on_hand})
        if place.counted is not None:
            rows.append(row | {"on_hand": place.counted, "source": "wms"})
    return rows


def _demand(world: World, today: date) -> list[Row]:
    monday = today - timedelta(days=today.weekday())
    return [
        {"item": place.item, "site": place.site, "date": monday - timedelta(weeks=ago), "quantity": units,
         "promotion": promotion}
        for place in world.places
        for ago, units, promotion in weekly_demand(place.demand)
    ]  # fmt: skip


def _received(world: World, today: date) -> list[Row]:
    """Past orders: as many as the supplier's record says, for each of its items, at its first site that buys it."""
    receipts = {one.supplier: one.receipts for one in world.suppliers}
    rows: list[Row] = []
    for terms in world.terms:
        site = next(place.site for place in world.places if place.item == terms.item)
        record = receipts[terms.supplier]
        for number, days in enumerate(record.days):
            ordered = today - timedelta(days=record.first_days_ago - number * record.every_days)
            rows.append(
                {"order_id": f"OLD-{terms.item}-{number}", "line": 1, "supplier": terms.supplier, "item": terms.item,
                 "site": site, "ordered_date": ordered,
                 "promised_date": ordered + timedelta(days=terms.lead_time_days),
                 "received_date": ordered + timedelta(days=days), "quantity": RECEIVED_UNITS,
                 "received_quantity": RECEIVED_UNITS, "status": "received"}
            )  # fmt: skip
    return rows


def _open(order: Order, today: date) -> Row:
    return {
        "order_id": order.order, "line": 1, "supplier": order.supplier, "item": order.item, "site": order.site,
        "ordered_date": today - timedelta(days=order.ordered_days_ago),
        "promised_date": today + timedelta(days=order.promised_in_days), "received_date": None,
        "quantity": order.quantity, "received_quantity": order.received, "status": "open",
    }  # fmt: skip


def _transfers(world: World, today: date) -> list[Row]:
    """One move of long ago on each known lane, and those on their way."""
    rows: list[Row] = []
    for number, lane in enumerate(world.lanes):
        if lane.known:
            item = next(place.item for place in world.places if place.site == lane.origin)
            gone = today - timedelta(days=PAST_MOVE_DAYS)
            there = gone + timedelta(days=round(lane.transit_days))
            rows.append(
                {"transfer_id": f"OLD-T{number}", "line": 1, "item": item, "origin": lane.origin,
                 "destination": lane.destination, "mode": "truck", "shipped_date": gone, "expected_date": there,
                 "received_date": there, "quantity": PAST_MOVE_UNITS, "received_quantity": PAST_MOVE_UNITS,
                 "status": "received", "our_key": ""}
            )  # fmt: skip
    return rows + [
        {"transfer_id": one.transfer, "line": 1, "item": one.item, "origin": one.origin,
         "destination": one.destination, "mode": "truck", "shipped_date": today - timedelta(days=one.shipped_days_ago),
         "expected_date": today + timedelta(days=one.expected_in_days), "received_date": None,
         "quantity": one.quantity, "received_quantity": 0, "status": "in_transit", "our_key": ""}
        for one in world.transfers
    ]  # fmt: skip
