"""Machine rules: what a clause of a written rule asks of the planning, as data.

Rules
-----
1. A rule names the clause it implements, and speaks exactly as long as that version of the document does.
2. Scope lists of different names must all hold ("these classes at these sites"), members of one list are alternatives,
   and an empty list leaves nothing out. Where a rule names no sites, suppliers or classes, its document's count.
3. A rule only narrows what may be done; none widens it.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from sqlalchemy import Connection, select

from inventory.document_windows import windows
from inventory.record import Id, Record
from inventory.records import ActionKind, Scope
from inventory.tables import machine_rules

Clause = Annotated[str, StringConstraints(pattern=r"^\d+(?:\.\d+)+$")]
"""Number of a clause, such as ``3.2``."""

RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=96)]
ItemClass = Literal[
    "cold_chain",
    "constrained",
    "consumable",
    "customer_specific",
    "engineered_to_order",
    "lot_controlled",
    "regulated",
    "standard",
]
"""What an item is flagged as; ``standard`` without a flag, ``lot_controlled`` where stock is kept by lot."""


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("a name is given twice")
    return tuple(sorted(names))


def _window(first: date, last: date) -> None:
    if last < first:
        raise ValueError(f"ends on {last}, before it begins on {first}")


def _one_of(**given: object) -> None:
    if sum(value not in (None, "") for value in given.values()) != 1:
        raise ValueError(f"expected exactly one of {' and '.join(given)}")


Ids = Annotated[tuple[Id, ...], AfterValidator(_distinct)]
Names = Annotated[tuple[Name, ...], AfterValidator(_distinct)]
Classes = Annotated[tuple[ItemClass, ...], AfterValidator(_distinct)]
Actions = Annotated[tuple[ActionKind, ...], AfterValidator(_distinct)]
Units = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class RuleOfClause(Record):
    """What every machine rule says: its name, the clause it implements, and where it holds."""

    model_config = ConfigDict(strict=True, validate_by_name=True, validate_by_alias=True)

    rule_id: RuleId = Field(alias="id")
    """One in the company; the same rule in the next version of the document keeps it."""
    document_id: Id
    version: int = Field(ge=1)
    clause: Clause
    sites: Ids = ()
    items: Ids = ()
    families: Names = ()
    brands: Names = ()
    classes: Classes = ()
    suppliers: Ids = ()
    customers: Ids = ()
    channels: Names = ()

    @property
    def passage_id(self) -> str:
        """The passage to cite, such as ``SOP-TRF-01@v2#3.2``."""
        return f"{self.document_id}@v{self.version}#{self.clause}"

    @property
    def names_items(self) -> bool:
        """Whether the scope is narrowed to some items."""
        return bool(self.items or self.families or self.brands or self.classes)


class _AboutItems(RuleOfClause):
    """A rule that would close the whole house if it named no items."""

    @model_validator(mode="after")
    def _narrowed(self) -> _AboutItems:
        if not self.names_items:
            raise ValueError("expected items, families, brands or classes: it may not be about every item")
        return self


class OrderQuantity(RuleOfClause):
    """An order line is at least ``minimum`` and a multiple of ``multiple`` base units; ``sites`` receive it."""

    kind: Literal["order_quantity"] = "order_quantity"
    minimum: Units | None = None
    multiple: Units | None = None

    @model_validator(mode="after")
    def _says_something(self) -> OrderQuantity:
        if self.minimum is None and self.multiple is None:
            raise ValueError("expected minimum, multiple or both")
        return self


class Embargo(RuleOfClause):
    """No such movement starts or arrives in the window, both days included.

    ``direction`` is seen from ``sites``: ``out`` leaves them, ``in`` comes to them.
    """

    kind: Literal["embargo"] = "embargo"
    first_day: date = Field(alias="from")
    last_day: date = Field(alias="to")
    actions: Annotated[Actions, Field(min_length=1)] = (ActionKind.TRANSFER,)
    direction: Literal["out", "in", "both"] = "both"

    @model_validator(mode="after")
    def _in_order(self) -> Embargo:
        _window(self.first_day, self.last_day)
        return self


class NeverAutomatic(RuleOfClause):
    """A person decides, whatever the value; ``actions`` empty: every action."""

    kind: Literal["never_automatic"] = "never_automatic"
    actions: Actions = ()


class DonorFloor(RuleOfClause):
    """What a donor in ``sites`` keeps after giving: days of its own demand, or base units."""

    kind: Literal["donor_floor"] = "donor_floor"
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    units: Units | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> DonorFloor:
        _one_of(days=self.days, units=self.units)
        return self


class LaneBan(RuleOfClause):
    """No transfer from ``origin`` to ``destination``; an empty end means any. ``sites`` name either end."""

    kind: Literal["lane_ban"] = "lane_ban"
    origin: Id | Literal[""] = ""
    destination: Id | Literal[""] = ""

    @model_validator(mode="after")
    def _names_an_end(self) -> LaneBan:
        if not self.origin and not self.destination:
            raise ValueError("expected origin, destination or both")
        if self.origin == self.destination:
            raise ValueError(f"origin and destination are both {self.origin}")
        return self


class ApprovalRight(RuleOfClause):
    """One of the roles is among the signers; ``actions`` empty: every action."""

    kind: Literal["approval_right"] = "approval_right"
    roles: Annotated[Ids, Field(min_length=1)]
    above: Annotated[int, Field(ge=0)] | None = None
    """Value in whole units of the currency from which on it holds, not included; absent: whatever the value."""
    actions: Actions = ()


class Freeze(RuleOfClause):
    """Units that are not given away by ``sites``; absent: all. ``until`` is the last day; absent: as the document."""

    kind: Literal["freeze"] = "freeze"
    units: Units | None = None
    until: date | None = None


class SubstitutionConsent(RuleOfClause):
    """A substitute needs formal approval and the customer's consent."""

    kind: Literal["substitution_consent"] = "substitution_consent"


class ShelfLifeMinimum(RuleOfClause):
    """What is sent has at least that left when it arrives: days, or a share of its whole shelf life."""

    kind: Literal["shelf_life_minimum"] = "shelf_life_minimum"
    days: Annotated[int, Field(ge=1, le=36500)] | None = None
    share: Share | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> ShelfLifeMinimum:
        _one_of(days=self.days, share=self.share)
        return self


class AllocationCommitment(RuleOfClause):
    """Units a week, or a share of what is there, kept at ``sites`` for one customer or channel."""

    kind: Literal["allocation_commitment"] = "allocation_commitment"
    units: Units | None = None
    share: Share | None = None
    customer: Id | Literal[""] = ""
    channel: Annotated[str, StringConstraints(max_length=96)] = ""

    @model_validator(mode="after")
    def _one_of_each(self) -> AllocationCommitment:
        _one_of(units=self.units, share=self.share)
        _one_of(customer=self.customer, channel=self.channel)
        return self


class ProtectedRange(_AboutItems):
    """Not given away, not marked down, never ordered below its target."""

    kind: Literal["protected_range"] = "protected_range"


class PlannedDelisting(_AboutItems):
    """Nothing is bought that cannot be sold before that day."""

    kind: Literal["planned_delisting"] = "planned_delisting"
    delisted_on: date = Field(alias="on")


class PromotionBuildUp(_AboutItems):
    """Stock built for a promotion is neither given away nor excess in the window; ``units`` absent: all of it."""

    kind: Literal["promotion_build_up"] = "promotion_build_up"
    first_day: date = Field(alias="from")
    last_day: date = Field(alias="to")
    units: Units | None = None

    @model_validator(mode="after")
    def _in_order(self) -> PromotionBuildUp:
        _window(self.first_day, self.last_day)
        return self


class NoMarkdown(_AboutItems):
    """The price is never lowered to sell it off."""

    kind: Literal["no_markdown"] = "no_markdown"


class PriorityCustomer(RuleOfClause):
    """The customer's demand is served before that of others."""

    kind: Literal["priority_customer"] = "priority_customer"
    customer: Id


RuleRecord: TypeAlias = (
    OrderQuantity
    | Embargo
    | NeverAutomatic
    | DonorFloor
    | LaneBan
    | ApprovalRight
    | Freeze
    | SubstitutionConsent
    | ShelfLifeMinimum
    | AllocationCommitment
    | ProtectedRange
    | PlannedDelisting
    | PromotionBuildUp
    | NoMarkdown
    | PriorityCustomer
)
MachineRule = Annotated[RuleRecord, Field(discriminator="kind")]


@cache
def rule_adapter() -> TypeAdapter[RuleRecord]:
    """Reads any kind of rule; ``kind`` says which."""
    return TypeAdapter(MachineRule)


def list_effective(connection: Connection, scope: Scope, on: date) -> tuple[RuleRecord, ...]:
    """Machine rules of the documents in force on a day that touch the reader's sites, by rule id and document."""
    speaking = {
        (window.document_id, window.version) for window in windows(connection) if window.first <= on <= window.last
    }
    table = machine_rules.c
    query = select(table.document_id, table.version, table.body).order_by(table.rule_id, table.document_id)
    rules = [
        rule_adapter().validate_json(row.body)
        for row in connection.execute(query)
        if (row.document_id, row.version) in speaking
    ]
    return tuple(
        rule for rule in rules if scope.sites is None or not rule.sites or not scope.sites.isdisjoint(rule.sites)
    )
