"""What each question takes: the arguments a model or a program may give; who asks is never one of them.

Dates are ISO, percentages numbers of percent, ids exactly as in the data; what the user did not say is left out.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from inventory.record import Id, Record
from inventory.records import ActionKind, CaseKind

Item = Annotated[Id, Field(description="Id of an item, such as P-320")]
Site = Annotated[Id, Field(description="Id of a site, such as DC-EAST")]
Supplier = Annotated[Id, Field(description="Id of a supplier, such as SUP-LARCH")]
Days = Annotated[int, Field(ge=1, le=365, description="Number of days")]
Quantity = Annotated[int, Field(ge=1, le=1_000_000_000, description="Units")]
On = Annotated[date, Field(description="Day, YYYY-MM-DD; today when left out")]
Words = Annotated[str, Field(min_length=1, max_length=2000)]
Role = Annotated[Words, Field(description="planner, manager, approver, plant leader, finance, auditor, buyer …")]
Action = Annotated[ActionKind, Field(description="Kind of action")]
ItemClass = Annotated[Id, Field(description="Item class: standard, regulated, lot_controlled, cold_chain …")]
WhyNotAction = Literal[
    ActionKind.TRANSFER, ActionKind.PURCHASE, ActionKind.EXPEDITE, ActionKind.SUBSTITUTE, ActionKind.REALLOCATE,
    ActionKind.MARKDOWN, ActionKind.RETURN_TO_SUPPLIER, ActionKind.HOLD,
]  # fmt: skip
FormAction = Literal[
    ActionKind.TRANSFER, ActionKind.PURCHASE, ActionKind.EXPEDITE, ActionKind.PULL_IN, ActionKind.PUSH_OUT,
    ActionKind.SPLIT, ActionKind.CANCEL, ActionKind.COUNT_REQUEST,
]  # fmt: skip
Change = Literal[
    "supplier_slips", "demand_surge", "part_deliveries", "site_shutdown", "lane_closed", "service_target_changed"
]


class Arguments(Record):
    """Arguments of a capability; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Nothing(Arguments):
    """No arguments."""


class OfItem(Arguments):
    """An item."""

    item: Item


class Place(Arguments):
    """An item at a site."""

    item: Item
    site: Site


class ItemMaybeSite(Arguments):
    """An item, at one site or everywhere the asker may see."""

    item: Item
    site: Site | None = None


class MaybeSite(Arguments):
    """A site, or all the asker may see."""

    site: Site | None = None


class MaybePlace(Arguments):
    """An item, a site, both or neither."""

    item: Item | None = None
    site: Site | None = None


class MaybeSupply(Arguments):
    """An item, a site, a supplier: any of them."""

    item: Item | None = None
    site: Site | None = None
    supplier: Supplier | None = None


class WhoCanGive(Place):
    """A shortage somebody could help with."""

    quantity: Quantity | None = None


class Projection(Place):
    """Stock by day."""

    days: Days | None = None


class ForecastAhead(Place):
    """Demand by week."""

    weeks: Annotated[int, Field(ge=1, le=52, description="Number of weeks")] | None = None


class WhyNot(Place):
    """What was not proposed."""

    action: WhyNotAction | None = None


class WhatIfAsked(Arguments):
    """One change of the world, and what it is limited to."""

    change: Change
    item: Item | None = None
    site: Site | None = None
    supplier: Supplier | None = None
    origin: Site | None = None
    destination: Site | None = None
    days: Days | None = None
    percent: (
        Annotated[float, Field(ge=-100, le=1000, description="Percent: +29 or -20; the share that comes")] | None
    ) = None


class FindRules(MaybeSupply):
    """A question about the written rules."""

    question: Annotated[Words, Field(description="The user's own words, or their core")]


class PastDecision(MaybePlace):
    """A decision of the past, by place and day or by reference."""

    on: On | None = None
    reference: Annotated[Id, Field(description="Id of a case or proposal, or key of an ERP document")] | None = None


class OnDay(Arguments):
    """A day."""

    on: On | None = None


class OnDayMaybeSite(OnDay):
    """A day, at one site or everywhere."""

    site: Site | None = None


class SummaryFor(OnDayMaybeSite):
    """A day in short, for a role."""

    role: Role | None = None


class ListCases(MaybeSupply):
    """Open cases."""

    kind: Annotated[CaseKind, Field(description="Kind of case")] | None = None


class ShowCase(Arguments):
    """A case."""

    case: Annotated[Id, Field(description="Id of a case, or the beginning of it")]


class PrefillProposal(Place):
    """What somebody wants to propose."""

    action: Annotated[FormAction, Field(description="Kind of action")]
    origin: Site | None = None
    supplier: Supplier | None = None
    quantity: Quantity | None = None
    keep_days: Annotated[float, Field(ge=0, le=365, description="Days of demand the donor keeps")] | None = None
    arrive_by: Annotated[date, Field(description="Day it must be there, YYYY-MM-DD")] | None = None


class SupplierRecord(Arguments):
    """A supplier."""

    supplier: Supplier
    item: Item | None = None
    site: Site | None = None


class Expiring(MaybePlace):
    """Lots that expire soon."""

    days: Days | None = None


class LaneOf(Arguments):
    """A lane."""

    origin: Site
    destination: Site


class ForRole(Arguments):
    """For a role, at a site."""

    role: Role | None = None
    site: Site | None = None


class WhoApproves(Arguments):
    """An action or a value somebody must approve."""

    action: Action | None = None
    value: Annotated[float, Field(ge=0, le=1e12, description="Value in whole units of the currency")] | None = None
    item_class: ItemClass | None = None
    site: Site | None = None


class TierPreview(Place):
    """An action whose tier is asked for."""

    action: Action
    origin: Site | None = None
    supplier: Supplier | None = None
    quantity: Quantity | None = None


class PolicyValue(MaybePlace):
    """A figure of the policies in force."""

    name: Annotated[Words, Field(description="What it is called: minimum net benefit, cool-down, auto limit …")]


class Kpis(MaybeSite):
    """Figures of the company."""

    name: (
        Annotated[Words, Field(description="inventory value, fill rate, turns, expedite spend or forecast bias")] | None
    ) = None


class Overrides(MaybeSite):
    """Who decided otherwise."""

    days: Days | None = None


class ClassMaybeSite(MaybeSite):
    """A class of items."""

    item_class: ItemClass | None = None
