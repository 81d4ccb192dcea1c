"""The compact world of a golden scenario: a company as tables of a TOML file, dated from today."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

T = TypeVar("T")
Rows = Annotated[tuple[T, ...], Field(strict=False)]
"""A list of a TOML file; its members stay strict."""
Values = dict[str, str | int | float | bool | date | list[str]]
RULE_KINDS = frozenset(
    {
        "order_quantity", "embargo", "never_automatic", "donor_floor", "lane_ban", "approval_right", "freeze",
        "substitution_consent", "shelf_life_minimum", "allocation_commitment", "protected_range", "planned_delisting",
        "promotion_build_up", "no_markdown", "priority_customer",
    }
)  # fmt: skip


class Part(BaseModel):
    """A table of a scenario file: no unknown keys, no coercion, no change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Site(Part):
    """A row of the contract's ``sites``."""

    site: str
    kind: Literal["plant", "dc", "warehouse", "store", "channel"]
    standstill_cost_per_day: float = Field(default=0.0, ge=0)


class Item(Part):
    """A row of ``items``."""

    item: str
    name: str
    cost: float = Field(gt=0)
    price: float = Field(gt=0)
    flags: Rows[str] = ()
    lot_controlled: bool = False
    shelf_life_days: int | None = Field(default=None, ge=1)
    launched_days_ago: int = Field(default=800, ge=0)


class Receipts(Part):
    """Past orders of a supplier, as many for each of its items: the i-th was placed ``every_days`` after the last."""

    first_days_ago: int = Field(ge=1)
    every_days: int = Field(ge=1)
    days: Rows[int]
    """Lead time of each, oldest first."""

    @model_validator(mode="after")
    def _received(self) -> Self:
        for number, days in enumerate(self.days):
            if not 0 <= days <= self.first_days_ago - number * self.every_days:
                raise ValueError(f"receipt {number} took {days} days, which is not over yet")
        return self


class Supplier(Part):
    """A supplier and its record."""

    supplier: str
    receipts: Receipts


class Terms(Part):
    """A row of ``supplier_items``; the price is the item's cost."""

    supplier: str
    item: str
    lead_time_days: int = Field(ge=0)
    minimum: int = Field(default=0, ge=0)
    multiple: int = Field(default=1, ge=1)
    order_cost: float = Field(default=0.0, ge=0)
    expedite_days: int | None = Field(default=None, ge=0)
    expedite_factor: float | None = Field(default=None, ge=1)
    expedite_cost: float = Field(default=0.0, ge=0)


class Change(Part):
    """From so many weeks ago on, demand has this level."""

    weeks_ago: int = Field(ge=1)
    weekly: float = Field(ge=0)


class Spike(Part):
    """Demand of one week; 1 is the last complete week."""

    weeks_ago: int = Field(ge=1)
    quantity: int = Field(ge=0)
    promotion: bool = False


class Demand(Part):
    """Weekly demand: a level that wobbles by a unit, or with noise by a share drawn from a seed."""

    weekly: float = Field(ge=0)
    weeks: int = Field(default=104, ge=1, le=104)
    noise: float = Field(default=0.0, ge=0, lt=1)
    """Each week is the level times a uniform draw of ``1 - noise .. 1 + noise``."""
    seed: int = 0
    changes: Rows[Change] = ()
    spikes: Rows[Spike] = ()


class Lot(Part):
    """A lot on the shelf."""

    lot: str
    on_hand: int = Field(ge=0)
    expiry_in_days: int


class Place(Part):
    """An item planned at a site: what it sells and what it has."""

    item: str
    site: str
    on_hand: int
    """As the feed says it: a negative one is sent and refused at the import gate. 0 beside lots."""
    demand: Demand
    lots: Rows[Lot] = ()
    counted: int | None = Field(default=None, ge=0)
    """The warehouse's own count, where it is sent, too."""
    source: str = ""
    """Site or supplier that replenishes it; the item's supplier when empty."""


class Lane(Part):
    """A row of ``lanes``; departures every day."""

    origin: str
    destination: str
    transit_days: float = Field(default=2.0, gt=0)
    unit_cost: float = Field(default=0.5, ge=0)
    fixed_cost: float = Field(default=8.0, ge=0)
    lot: int = Field(default=1, ge=1)
    capacity_per_day: float | None = Field(default=None, gt=0)
    known: bool = True
    """Something has moved on it before."""


class Order(Part):
    """An open purchase order."""

    order: str
    supplier: str
    item: str
    site: str
    quantity: int = Field(ge=1)
    received: int = Field(default=0, ge=0)
    ordered_days_ago: int = Field(ge=0)
    promised_in_days: int
    """Negative when overdue."""


class Transfer(Part):
    """A transfer on its way."""

    transfer: str
    item: str
    origin: str
    destination: str
    quantity: int = Field(ge=1)
    shipped_days_ago: int = Field(ge=0)
    expected_in_days: int


class KnownDemand(Part):
    """A row of ``known_demand``."""

    reference: str
    item: str
    site: str
    kind: Literal["order", "contract", "promotion", "production"]
    due_in_days: int = Field(ge=0)
    quantity: int = Field(ge=0)


class Substitute(Part):
    """A row of ``substitutes``."""

    item: str
    substitute: str
    acceptance: float = Field(default=1.0, ge=0, le=1)
    needs_consent: bool = False


class Customer(Part):
    """A row of ``customers``."""

    customer: str
    name: str
    tier: Literal["strategic", "key", "standard"] = "standard"
    penalty_share: float = Field(default=0.0, ge=0)


class Commitment(Part):
    """Units of a site's stock promised to a customer."""

    customer: str
    item: str
    site: str
    units: int = Field(ge=1)


class Bom(Part):
    """A row of ``boms``."""

    product: str
    item: str
    site: str
    quantity_per: float = Field(gt=0)


class Production(Part):
    """A row of ``production_orders``."""

    order: str
    product: str
    site: str
    start_in_days: int
    quantity: int = Field(ge=1)
    status: Literal["planned", "released"] = "planned"


class FeedAge(Part):
    """How old a feed is at a site."""

    feed: Literal["stock", "demand", "purchase_orders", "transfers"]
    site: str
    hours: float = Field(ge=0)


class Document(Part):
    """One version of a written rule: prose by numbered clauses, and its machine rules."""

    id: str
    title: str
    version: int = Field(ge=1)
    effective_from: date
    effective_to: date | None = None
    sites: Rows[str] = ()
    suppliers: Rows[str] = ()
    item_classes: Rows[str] = ()
    actions: Rows[str] = ()
    text: str = Field(min_length=1)
    rules: Rows[Values] = ()

    @model_validator(mode="after")
    def _rules_implement_clauses(self) -> Self:
        clauses = set(re.findall(r"^(\d+\.\d+) ", self.text, re.MULTILINE))
        for rule in self.rules:
            if not {"id", "clause", "kind"} <= rule.keys() or rule["kind"] not in RULE_KINDS:
                raise ValueError(f"rule {rule.get('id')!r}: expected id, clause and one of {sorted(RULE_KINDS)}")
            if rule["clause"] not in clauses:
                raise ValueError(f"rule {rule['id']!r} implements clause {rule['clause']!r}, not in {sorted(clauses)}")
        return self


class World(Part):
    """A company, small enough to be worked out by hand."""

    sites: Rows[Site]
    items: Rows[Item]
    suppliers: Rows[Supplier]
    terms: Rows[Terms]
    places: Rows[Place]
    lanes: Rows[Lane] = ()
    orders: Rows[Order] = ()
    transfers: Rows[Transfer] = ()
    known_demand: Rows[KnownDemand] = ()
    substitutes: Rows[Substitute] = ()
    customers: Rows[Customer] = ()
    commitments: Rows[Commitment] = ()
    boms: Rows[Bom] = ()
    production: Rows[Production] = ()
    ages: Rows[FeedAge] = ()
    documents: Rows[Document] = ()

    @property
    def supplier_of(self) -> dict[str, str]:
        """Who sells each item."""
        return {terms.item: terms.supplier for terms in self.terms}
