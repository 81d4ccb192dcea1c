"""The demo's items and what their suppliers ask: names, classes, cost, minimum orders.

Real: the price wherever the source has one. Invented: everything else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from service.demo.delays import SUPPLIERS
from service.demo.history import SalesHistory
from service.demo.situations import CONSUMABLE_SHORTAGES, FLAGS, LATE, LATE_SUPPLIER

FAMILIES: tuple[tuple[float, str, tuple[str, ...]], ...] = (
    (22.0, "Consumables", ("Sanding disc set", "Filter cartridge", "Sealing tape", "Blade pack", "Cleaning kit")),
    (32.0, "Accessories", ("Bit set", "Tool pouch", "Clamp", "Work light", "Adapter")),
    (60.0, "Tools", ("Torque wrench", "Hand planer", "Cable crimper", "Bolt cutter", "Level")),
    (float("inf"), "Devices", ("Thermal meter", "Cordless driver", "Gas detector", "Scan probe", "Pump unit")),
)
"""``(price below, family, nouns)``."""
FAMILY_PRICE = 24.0
"""Centre of the price drawn for an item the source has no price for."""
STABLE_BELOW = 0.8
"""Weekly coefficient of variation under which a cheap item counts as a consumable."""
CHEAP_BELOW = 25.0
MULTIPLES = np.array([1, 2, 3, 4, 5, 6, 10, 12, 20, 24, 50, 100], dtype=np.int64)
LATE_ITEMS = 30
"""Items of the late supplier."""
EXPEDITED_SHARE = 0.5
"""Share of items whose supplier can expedite."""


@dataclass(frozen=True)
class Catalogue:
    """What is true of an item wherever it lies; arrays follow ``SalesHistory.items``."""

    price: NDArray[np.float64]
    cost: NDArray[np.float64]
    purchase_price: NDArray[np.float64]
    supplier: NDArray[np.int64]
    """Index into ``SUPPLIERS``."""
    minimum_order: NDArray[np.int64]
    order_multiple: NDArray[np.int64]
    expedites: NDArray[np.bool_]
    flags: tuple[str, ...]
    """Classes joined by ``;``, empty for a standard item."""

    @property
    def lead_time_days(self) -> NDArray[np.int64]:
        """Shape ``(n_items,)``, the promised lead time of the item's supplier."""
        return np.array([terms.lead_time_days for terms in SUPPLIERS], dtype=np.int64)[self.supplier]


def network_weekly(history: SalesHistory) -> NDArray[np.int64]:
    """Shape ``(n_items, 26)``, weekly sales summed over sites."""
    total = np.zeros((len(history.items), history.weekly.shape[1]), dtype=np.int64)
    np.add.at(total, history.item_row, history.weekly)
    return total


def build_catalogue(history: SalesHistory, rng: np.random.Generator) -> Catalogue:
    """Prices, costs, suppliers and terms of every item."""
    count = len(history.items)
    drawn_price = np.round(FAMILY_PRICE * rng.uniform(0.7, 1.5, count)) - 0.05
    price = np.where(np.isnan(history.price), drawn_price, history.price)
    cost = np.round(price * rng.uniform(0.55, 0.70, count), 2)
    supplier = _suppliers(history, rng)
    weekly = network_weekly(history)
    two_weeks = np.maximum(1.0, 2.0 * weekly.mean(axis=1))
    minimum = MULTIPLES[np.searchsorted(MULTIPLES, np.minimum(two_weeks, MULTIPLES[-1]))]
    multiple = MULTIPLES[np.searchsorted(MULTIPLES, np.maximum(1, np.minimum(minimum // 4, 12)))]
    return Catalogue(
        price=price,
        cost=cost,
        purchase_price=np.round(cost * 0.97, 2),
        supplier=supplier,
        minimum_order=(minimum + multiple - 1) // multiple * multiple,
        order_multiple=multiple,
        expedites=rng.random(count) < EXPEDITED_SHARE,
        flags=_flags(history, price, weekly),
    )


def _suppliers(history: SalesHistory, rng: np.random.Generator) -> NDArray[np.int64]:
    """One supplier an item: the late one gets the items named for it and a few more, the rest is dealt out."""
    late_index = next(i for i, terms in enumerate(SUPPLIERS) if terms.supplier == LATE_SUPPLIER)
    others = np.array([i for i in range(len(SUPPLIERS)) if i != late_index], dtype=np.int64)
    supplier = others[rng.integers(0, len(others), len(history.items))]
    named = {item for item, _ in LATE}
    sold_only_there = [i for i, item in enumerate(history.items) if item not in named]
    filled = rng.choice(sold_only_there, size=LATE_ITEMS - len(named), replace=False)
    supplier[filled] = late_index
    supplier[[i for i, item in enumerate(history.items) if item in named]] = late_index
    return supplier


def _flags(history: SalesHistory, price: NDArray[np.float64], weekly: NDArray[np.int64]) -> tuple[str, ...]:
    """The class of each item: the named ones, else consumable when cheap and stable (or named so)."""
    named = {item: flag for flag, items in FLAGS.items() for item in items}
    consumables = {shortage.item for shortage in CONSUMABLE_SHORTAGES}
    recent = weekly[:, -16:]
    stable = recent.std(axis=1) < STABLE_BELOW * np.maximum(recent.mean(axis=1), 0.01)
    by_rule = stable & (price <= CHEAP_BELOW)
    return tuple(
        named.get(item, "consumable" if by_rule[i] or item in consumables else "")
        for i, item in enumerate(history.items)
    )


def items_table(history: SalesHistory, catalogue: Catalogue) -> pl.DataFrame:
    """The ``items`` table."""
    family = [_family(value) for value in catalogue.price.tolist()]
    lots = [flag in ("regulated", "cold_chain") for flag in catalogue.flags]
    shelf_life = [{"regulated": 540, "cold_chain": 180}.get(flag) for flag in catalogue.flags]
    nouns = [_noun(item, names) for item, (_, names) in zip(history.items, family, strict=True)]
    return pl.DataFrame(
        {
            "item": history.items,
            "name": nouns,
            "family": [name for name, _ in family],
            "base_unit": "each",
            "decimals": 0,
            "conversions": "",
            "cost": catalogue.cost,
            "price": catalogue.price,
            "flags": catalogue.flags,
            "lot_controlled": lots,
            "shelf_life_days": pl.Series(shelf_life, dtype=pl.Int64),
        }
    )


def _family(price: float) -> tuple[str, tuple[str, ...]]:
    """Family and nouns of an item at this price."""
    return next((family, nouns) for below, family, nouns in FAMILIES if price < below)


def _noun(item: str, nouns: tuple[str, ...]) -> str:
    """A name for people: a noun of the family and the product number."""
    number = int(item.removeprefix("P-"))
    return f"{nouns[number % len(nouns)]} {number}"


def suppliers_table() -> pl.DataFrame:
    """The ``suppliers`` table."""
    rows = [{"supplier": s.supplier, "name": s.name, "currency": "EUR", "country": s.country} for s in SUPPLIERS]
    return pl.DataFrame(rows)


def supplier_items_table(history: SalesHistory, catalogue: Catalogue) -> pl.DataFrame:
    """The ``supplier_items`` table: one supplier an item, expedite terms where it offers them."""
    terms = [SUPPLIERS[i] for i in catalogue.supplier.tolist()]
    rush = [term if ok else None for term, ok in zip(terms, catalogue.expedites.tolist(), strict=True)]
    rush_days = [None if term is None else term.lead_time_days - term.expedite_saves_days for term in rush]
    return pl.DataFrame(
        {
            "supplier": [term.supplier for term in terms],
            "item": history.items,
            "price": catalogue.purchase_price,
            "currency": "EUR",
            "minimum_order_quantity": catalogue.minimum_order,
            "order_multiple": catalogue.order_multiple,
            "contract_lead_time_days": catalogue.lead_time_days,
            "order_cost": [35.0 if term.lead_time_days > 25 else 18.0 for term in terms],
            "expedite_lead_time_days": pl.Series(rush_days, dtype=pl.Int64),
            "expedite_price_factor": [None if term is None else term.expedite_price_factor for term in rush],
            "expedite_fixed_cost": [0.0 if term is None else term.expedite_fixed_cost for term in rush],
        }
    )


def substitutes_table() -> pl.DataFrame:
    """The ``substitutes`` table: a few neighbours in the range."""
    rows = (
        ("P-10269", "P-10203", 0.7, False),
        ("P-4165", "P-72", 0.6, False),
        ("P-1902", "P-4911", 0.5, False),
        ("P-13079", "P-6514", 0.4, False),
        ("P-4132", "P-3426", 0.5, True),
        ("P-4495", "P-832", 0.3, True),
    )
    return pl.DataFrame(rows, schema=["item", "substitute", "acceptance", "needs_consent"], orient="row")
