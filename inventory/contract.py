"""The canonical data contract, version 1: which tables a snapshot holds and what each column means.

Rules
-----
- Ids are ASCII: letters, digits and ``. _ - /``, at most 64 characters.
- Quantities arrive as decimals in the item's base unit (or a unit it declares a conversion for) and are kept as
  integers in the item's smallest unit: ``10 ** decimals`` parts of the base unit.
- Prices and rates are kept as 64-bit floats in major currency units; money in *records* is integer minor units.
- Dates are calendar days at the site; times carry an offset and are kept in UTC.
- In transit comes only from open transfers and orders, never from a stock status.

It has over 500 lines because it is one list: the contract, table by table and column by column, and nothing else.
``docs/data-contract.md`` is generated from this module by :mod:`inventory.contract_docs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CONTRACT_VERSION = 1
WARN_BELOW_WEEKS = 78
"""Under this much history an item-site is planned with lower confidence."""
REFUSE_BELOW_WEEKS = 8
"""Under this much history an item-site gets no quantity from mathematics."""

ColumnType = Literal["id", "text", "integer", "quantity", "decimal", "date", "time", "boolean", "choice", "list"]


@dataclass(frozen=True)
class Column:
    """One column: its type, unit, range and meaning."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    required: bool = False
    """A row without it is quarantined."""
    default: str | int | float | bool | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    refers_to: str = ""
    """``table.column`` that must hold the value."""


@dataclass(frozen=True)
class Table:
    """One table: its key, its columns, and whether its rows live in item-range parts."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    by_item: bool = False
    """Rows carry an ``item`` column and are stored in contiguous item ranges."""
    required: bool = False
    """A first snapshot cannot exist without it."""

    def column(self, name: str) -> Column:
        """The column of that name; ``KeyError`` if the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")


def _item(required: bool = True) -> Column:
    return Column("item", "id", "the item", required=required, refers_to="items.item")


def _site(name: str = "site", meaning: str = "the site") -> Column:
    return Column(name, "id", meaning, required=True, refers_to="sites.site")


def _quantity(name: str, meaning: str, *, required: bool = False, low: float | None = 0) -> Column:
    return Column(name, "quantity", meaning, "base unit", required=required, default=None if required else 0, low=low)


SITES = Table(
    "sites",
    "Plants, distribution centres, warehouses, stores and channels.",
    ("site",),
    (
        Column("site", "id", "the site", required=True),
        Column("name", "text", "name for people", required=True),
        Column(
            "kind",
            "choice",
            "role in the network",
            required=True,
            choices=("plant", "dc", "warehouse", "store", "channel"),
        ),
        Column("region", "text", "region, for scopes and roll-ups", default=""),
        Column("time_zone", "text", "IANA time zone", default="UTC"),
        Column("currency", "text", "ISO 4217 code", default="EUR"),
        Column("calendar", "text", "working days as digits 1 (Monday) to 7", default="12345"),
        Column("storage_capacity", "decimal", "room in all", "units", low=0),
        Column("labour_capacity_per_day", "decimal", "units handled; joint transfers keep to it", "units/day", low=0),
        Column(
            "receiving_capacity_per_day", "decimal", "units received; joint transfers keep to it", "units/day", low=0
        ),
        Column(
            "holding_rate_per_year",
            "decimal",
            "carrying cost as a share of item cost",
            "1/year",
            default=0.2,
            low=0,
            high=5,
        ),
        Column("standstill_cost_per_day", "decimal", "cost of a stopped line", "currency/day", default=0.0, low=0),
    ),
    required=True,
)

ITEMS = Table(
    "items",
    "What is stocked.",
    ("item",),
    (
        Column("item", "id", "the item", required=True),
        Column("name", "text", "name for people", required=True),
        Column("family", "text", "product family", default=""),
        Column("base_unit", "text", "unit quantities are given in", default="each"),
        Column(
            "decimals",
            "integer",
            "decimals of the base unit that count; 0 for discrete items",
            default=0,
            low=0,
            high=6,
        ),
        Column("conversions", "list", "other units as unit=factor of the base unit, e.g. box=12", default=""),
        Column("cost", "decimal", "unit cost", "currency/base unit", required=True, low=0),
        Column("price", "decimal", "selling price", "currency/base unit", low=0),
        Column(
            "flags",
            "list",
            "classes: regulated, constrained, customer_specific, engineered_to_order, cold_chain, consumable",
            default="",
            choices=(
                "regulated",
                "constrained",
                "customer_specific",
                "engineered_to_order",
                "cold_chain",
                "consumable",
            ),
        ),
        Column("lot_controlled", "boolean", "moves must name lots", default=False),
        Column("shelf_life_days", "integer", "days from receipt to expiry", "days", low=1),
        Column("launch_date", "date", "first day on sale"),
        Column("end_of_life_date", "date", "last day on sale"),
        Column("analog", "id", "an older item whose launch resembles this one", refers_to="items.item"),
    ),
    by_item=True,
    required=True,
)

ITEM_SITES = Table(
    "item_sites",
    "Which item is planned at which site, and how today.",
    ("item", "site"),
    (
        _item(),
        _site(),
        _quantity("reorder_point", "today's reorder point in the ERP"),
        _quantity("order_up_to_level", "today's order-up-to level in the ERP"),
        Column("service_target", "decimal", "cycle service level asked for", "0-1", default=0.95, low=0.5, high=0.9999),
        Column("review_period_days", "integer", "days between reviews", "days", default=7, low=1, high=180),
        Column("source", "id", "supplier or site that replenishes it"),
        Column("planner", "id", "user who plans it", default=""),
        Column("planner_deputy", "id", "user who stands in", default=""),
        Column("buyer", "id", "user who buys it", default=""),
    ),
    by_item=True,
    required=True,
)

SUPPLIERS = Table(
    "suppliers",
    "Who sells to us.",
    ("supplier",),
    (
        Column("supplier", "id", "the supplier", required=True),
        Column("name", "text", "name for people", required=True),
        Column("currency", "text", "ISO 4217 code", default="EUR"),
        Column("country", "text", "where it ships from", default=""),
    ),
)

SUPPLIER_ITEMS = Table(
    "supplier_items",
    "What a supplier sells, on which terms.",
    ("supplier", "item"),
    (
        Column("supplier", "id", "the supplier", required=True, refers_to="suppliers.supplier"),
        _item(),
        Column("price", "decimal", "purchase price", "currency/base unit", required=True, low=0),
        Column("currency", "text", "ISO 4217 code", default="EUR"),
        _quantity("minimum_order_quantity", "smallest order"),
        Column("order_multiple", "quantity", "orders are whole multiples of it", "base unit", default=1, low=0),
        Column("contract_lead_time_days", "integer", "promised lead time", "days", required=True, low=0, high=730),
        Column("order_cost", "decimal", "fixed cost of an order line", "currency", default=0.0, low=0),
        Column(
            "expedite_lead_time_days", "integer", "lead time when expedited; empty: cannot", "days", low=0, high=730
        ),
        Column("expedite_price_factor", "decimal", "price when expedited over price", "ratio", low=1, high=20),
        Column("expedite_fixed_cost", "decimal", "fixed cost of expediting", "currency", default=0.0, low=0),
    ),
    by_item=True,
)

LANES = Table(
    "lanes",
    "Ways between sites: transit, cost, capacity.",
    ("origin", "destination", "mode"),
    (
        _site("origin", "site that gives"),
        _site("destination", "site that takes"),
        Column("mode", "id", "truck, van, parcel …", required=True),
        Column("transit_days", "decimal", "mean transit time", "days", required=True, low=0, high=120),
        Column("transit_sd_days", "decimal", "spread of it", "days", default=0.0, low=0, high=60),
        Column("unit_cost", "decimal", "cost per unit moved", "currency/unit", default=0.0, low=0),
        Column("fixed_cost", "decimal", "cost of a shipment", "currency", default=0.0, low=0),
        Column("capacity_per_day", "decimal", "units a day", "units/day", low=0),
        Column("lot_multiple", "integer", "transfers are whole multiples of it", "units", default=1, low=1),
        Column("calendar", "text", "departure days as digits 1 (Monday) to 7", default="12345"),
    ),
)

STOCK = Table(
    "stock",
    "What is on the shelf, by lot and status.",
    ("item", "site", "lot", "status", "source"),
    (
        _item(),
        _site(),
        Column("lot", "id", "lot or batch; empty when not controlled", default=""),
        Column(
            "status", "choice", "may it be used", default="unrestricted", choices=("unrestricted", "quality", "blocked")
        ),
        Column(
            "source",
            "choice",
            "whose book: the ERP's, or the warehouse's own count",
            default="erp",
            choices=("erp", "wms"),
        ),
        _quantity("on_hand", "physically there", required=True),
        _quantity("allocated", "on hand and promised to someone"),
        Column("expiry", "date", "last usable day of the lot"),
        Column("zone", "text", "zone in the site", default=""),
        Column("shelf", "text", "shelf in the zone", default=""),
        Column("as_of", "time", "when the book said so"),
    ),
    by_item=True,
    required=True,
)

DEMAND = Table(
    "demand",
    "What was asked for, as it was sold or ordered; kept as weekly lists per item and site.",
    ("item", "site", "channel", "date"),
    (
        _item(),
        _site(),
        Column("channel", "text", "sales channel", default=""),
        Column("date", "date", "day, or Monday of the week, the demand belongs to", required=True),
        _quantity("quantity", "units asked for", required=True),
        Column("promotion", "boolean", "a promotion ran", default=False),
        Column("lost_sales", "boolean", "stock was out: sales understate demand", default=False),
    ),
    by_item=True,
    required=True,
)

KNOWN_DEMAND = Table(
    "known_demand",
    "Demand that is known and need not be predicted: orders, contracts, promotions, production needs. A promotion of "
    "quantity 0 announces one whose effect is to be told from earlier promotions.",
    ("reference", "item", "site"),
    (
        Column("reference", "id", "order, contract or promotion", required=True),
        _item(),
        _site(),
        Column(
            "kind",
            "choice",
            "where it comes from",
            required=True,
            choices=("order", "contract", "promotion", "production"),
        ),
        Column("customer", "id", "who asked", refers_to="customers.customer"),
        Column("due_date", "date", "day it is needed", required=True),
        _quantity("quantity", "units", required=True),
        Column("adds_to_forecast", "boolean", "on top of the forecast, or a part of it", default=True),
    ),
    by_item=True,
)

EXTERNAL_FORECASTS = Table(
    "external_forecasts",
    "Forecasts others make: sales, a customer, another system. Weeks that have passed are sent along, so that a "
    "source's record can be held against what came.",
    ("item", "site", "source", "week"),
    (
        _item(),
        _site(),
        Column("source", "id", "who made it", required=True),
        Column("week", "date", "Monday of the week", required=True),
        _quantity("quantity", "units expected in the week", required=True),
    ),
    by_item=True,
)

PURCHASE_ORDERS = Table(
    "purchase_orders",
    "Orders to suppliers, open and past, a row per line.",
    ("order_id", "line"),
    (
        Column("order_id", "id", "the order", required=True),
        Column("line", "integer", "line of the order", required=True, low=1),
        Column("supplier", "id", "the supplier", required=True, refers_to="suppliers.supplier"),
        _item(),
        _site(),
        Column("ordered_date", "date", "day it was sent", required=True),
        Column("promised_date", "date", "day the supplier promised", required=True),
        Column("received_date", "date", "day it was received in full; empty while open"),
        _quantity("quantity", "units ordered", required=True),
        _quantity("received_quantity", "units received so far"),
        Column("status", "choice", "where it stands", required=True, choices=("open", "received", "cancelled")),
        Column("expedited", "boolean", "it was expedited", default=False),
        Column("our_key", "text", "idempotency key if Evenkeel made it", default=""),
    ),
    by_item=True,
)

TRANSFERS = Table(
    "transfers",
    "Moves between sites, open and past, a row per line.",
    ("transfer_id", "line"),
    (
        Column("transfer_id", "id", "the transfer", required=True),
        Column("line", "integer", "line of the transfer", required=True, low=1),
        _item(),
        _site("origin", "site that gives"),
        _site("destination", "site that takes"),
        Column("mode", "id", "mode of the lane", default="truck"),
        Column("shipped_date", "date", "day it left; empty while not picked"),
        Column("expected_date", "date", "day it should arrive", required=True),
        Column("received_date", "date", "day it arrived in full; empty while open"),
        _quantity("quantity", "units", required=True),
        _quantity("received_quantity", "units received so far"),
        Column(
            "status",
            "choice",
            "where it stands",
            required=True,
            choices=("open", "in_transit", "received", "refused", "cancelled"),
        ),
        Column("our_key", "text", "idempotency key if Evenkeel made it", default=""),
    ),
    by_item=True,
)

BOMS = Table(
    "boms",
    "What a product is made of.",
    ("product", "item", "site"),
    (
        Column("product", "id", "what is made", required=True, refers_to="items.item"),
        _item(),
        _site(),
        Column("quantity_per", "decimal", "units of the component per unit made", "units", required=True, low=0),
    ),
    by_item=True,
)

PRODUCTION_ORDERS = Table(
    "production_orders",
    "What will be made, where and when.",
    ("order_id",),
    (
        Column("order_id", "id", "the order", required=True),
        Column("product", "id", "what is made", required=True, refers_to="items.item"),
        _site(),
        Column("start_date", "date", "day components are needed", required=True),
        Column("quantity", "integer", "units to make", "units", required=True, low=0),
        Column("status", "choice", "where it stands", default="planned", choices=("planned", "released", "finished")),
    ),
)

SUBSTITUTES = Table(
    "substitutes",
    "What may stand in for what.",
    ("item", "substitute"),
    (
        _item(),
        Column("substitute", "id", "what stands in", required=True, refers_to="items.item"),
        Column("acceptance", "decimal", "share of customers who accept it", "0-1", default=1.0, low=0, high=1),
        Column("needs_consent", "boolean", "the customer must agree", default=False),
    ),
    by_item=True,
)

RETURNS = Table(
    "returns",
    "Units that came back.",
    ("item", "site", "date"),
    (
        _item(),
        _site(),
        Column("date", "date", "day they came back", required=True),
        _quantity("quantity", "units", required=True),
        Column("reusable_share", "decimal", "share fit for sale", "0-1", default=1.0, low=0, high=1),
    ),
    by_item=True,
)

CUSTOMERS = Table(
    "customers",
    "Who buys, how much they matter, what was promised.",
    ("customer",),
    (
        Column("customer", "id", "the customer", required=True),
        Column("name", "text", "name for people", required=True),
        Column(
            "tier",
            "choice",
            "strategic customers are never given less by a machine",
            default="standard",
            choices=("strategic", "key", "standard"),
        ),
        Column(
            "penalty_share", "decimal", "penalty for late units as a share of price", "0-1", default=0.0, low=0, high=10
        ),
    ),
)

COMMITMENTS = Table(
    "commitments",
    "Units promised to a customer out of a site's stock.",
    ("customer", "item", "site"),
    (
        Column("customer", "id", "the customer", required=True, refers_to="customers.customer"),
        _item(),
        _site(),
        _quantity("protected_quantity", "units kept for the customer", required=True),
        Column("until", "date", "last day of the promise"),
    ),
    by_item=True,
)

BUDGETS = Table(
    "budgets",
    "What may be spent.",
    ("site", "kind", "period_start"),
    (
        _site(),
        Column("kind", "choice", "what for", required=True, choices=("purchase", "expedite", "transfer")),
        Column("period_start", "date", "first day", required=True),
        Column("period_end", "date", "last day", required=True),
        Column("amount", "decimal", "money", "currency", required=True, low=0),
    ),
)

MOVEMENTS = Table(
    "movements",
    "The stock book: opening balance plus movements rebuild stock.",
    ("movement_id",),
    (
        Column("movement_id", "id", "the movement", required=True),
        _item(),
        _site(),
        Column("lot", "id", "lot or batch", default=""),
        Column("at", "time", "when", required=True),
        Column(
            "kind",
            "choice",
            "what happened",
            required=True,
            choices=("opening", "receipt", "issue", "count", "adjustment", "scrap", "return"),
        ),
        Column(
            "quantity",
            "quantity",
            "signed change; for opening and count the balance itself",
            "base unit",
            required=True,
        ),
        Column("reference", "text", "document behind it", default=""),
    ),
    by_item=True,
)

ZONES = Table(
    "zones",
    "Zones of a site.",
    ("site", "zone"),
    (
        _site(),
        Column("zone", "text", "the zone", required=True),
        Column("storage", "text", "ambient, chilled …", default="ambient"),
        Column("capacity", "decimal", "room", "units", low=0),
    ),
)

SUPPLIER_LOTS = Table(
    "supplier_lots",
    "Which supplier lot became which of ours.",
    ("item", "lot"),
    (
        _item(),
        Column("lot", "id", "our lot", required=True),
        Column("supplier", "id", "the supplier", required=True, refers_to="suppliers.supplier"),
        Column("supplier_lot", "text", "the supplier's lot", required=True),
        Column("received_date", "date", "day it was received"),
    ),
    by_item=True,
)

PRICE_HISTORY = Table(
    "price_history",
    "Selling prices over time.",
    ("item", "site", "date"),
    (
        _item(),
        _site(),
        Column("date", "date", "first day of the price", required=True),
        Column("price", "decimal", "selling price", "currency/base unit", required=True, low=0),
    ),
    by_item=True,
)

EVENTS = Table(
    "events",
    "What is known to be coming: shutdowns, holidays, disruptions.",
    ("event_id",),
    (
        Column("event_id", "id", "the event", required=True),
        Column("kind", "text", "what", required=True),
        Column("site", "id", "where; empty for all", refers_to="sites.site"),
        Column("supplier", "id", "whose deliveries; empty for all", refers_to="suppliers.supplier"),
        Column("start_date", "date", "first day", required=True),
        Column("end_date", "date", "last day", required=True),
        Column("note", "text", "in words", default=""),
    ),
)

FEEDS = Table(
    "feeds",
    "How old each feed is at each site.",
    ("feed", "site"),
    (
        Column("feed", "id", "table the age is about", required=True),
        _site(),
        Column("as_of", "time", "the feed is complete up to here", required=True),
    ),
)

TABLES: tuple[Table, ...] = (
    SITES, ITEMS, ITEM_SITES, SUPPLIERS, SUPPLIER_ITEMS, LANES, STOCK, DEMAND, KNOWN_DEMAND, EXTERNAL_FORECASTS,
    PURCHASE_ORDERS, TRANSFERS, BOMS, PRODUCTION_ORDERS, SUBSTITUTES, RETURNS, CUSTOMERS, COMMITMENTS, BUDGETS,
    MOVEMENTS, ZONES, SUPPLIER_LOTS, PRICE_HISTORY, EVENTS, FEEDS,
)  # fmt: skip
"""Every table of the contract, in the order a loader reads them (what is referred to comes first)."""


def table(name: str) -> Table:
    """The table of that name; ``KeyError`` naming the known ones if there is none."""
    for candidate in TABLES:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no table {name!r} in the data contract; known: {', '.join(t.name for t in TABLES)}")
