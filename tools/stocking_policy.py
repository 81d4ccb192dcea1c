"""The stocking policy as versioned data: what each segment of item-sites asks for.

Reading is strict, as for the thresholds: an unknown key, a wrong type or a value out of range is an error that names
it. Of the ERP's own settings, those a segment's policy calls ``source = "erp"`` stay as they are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import resources
from itertools import product
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator
from sqlalchemy import Connection

from inventory.errors import NotFoundError
from inventory.record import Record
from inventory.records import EVERYTHING, Tier
from inventory.rulebook import find_policy
from inventory.segment_words import CELLS, STAGES, VALUES, VARIABILITIES, cell_codes, segment_words
from optimizer.stocking.segments import SegmentCodes, Stage, XyzClass
from tools.columns import FloatArray, IntArray
from tools.errors import ToolInputError
from tools.safety_stock import SAFETY_STOCK, Bounds

SafetyStock = Literal["gamma", "normal", "count", "exact_fill_rate", "newsvendor"]
Method = Literal["order_up_to", "reorder_point", "none"]
METHODS: tuple[Method, ...] = ("order_up_to", "reorder_point", "none")
MEASURES = ("cycle", "fill_rate")
TIERS = tuple(Tier)
Share = Annotated[float, Field(gt=0, lt=1)]
Band = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3650, strict=True)]
SomeDays = Annotated[float, Field(ge=0, le=3650)]
Units = Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)]
Place = tuple[int, str, str]
"""Cell, site and item class; an empty name is any place no rule names."""


class SegmentCuts(Record):
    """Where item-sites are divided, and how far beyond its class one must be to leave it."""

    value_cuts: tuple[Share, Share]
    value_band: Band
    variability_cuts: tuple[float, float]
    variability_band: Band
    launch_days: Days
    silence_days: Days
    ending_days: Days
    trend: Share
    trend_band: Band
    constrained_share: Annotated[float, Field(gt=0, le=1)]
    constrained_band: Band

    @model_validator(mode="after")
    def _rising(self) -> SegmentCuts:
        for name in ("value_cuts", "variability_cuts"):
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ValueError(f"{name} must be two rising positive numbers, got {low}, {high}")
        return self


class StockingRow(Record):
    """What holds for one segment."""

    source: Literal["erp", "policy"]
    service_target: Share
    measure: Literal["cycle", "fill_rate"]
    review_days: Days
    method: Method
    tier: Tier
    maximum_cover_days: Days
    safety_stock: SafetyStock = "gamma"
    floor_days: SomeDays = 0.0
    """Least safety stock in days of mean demand, and in units; the larger holds."""
    floor_units: Units = 0
    minimum_days: SomeDays = 0.0
    """Least reorder point in days of mean demand, and in units; the larger holds."""
    minimum_units: Units = 0
    maximum_units: Units | None = None
    """Most an order or a level may come to, units; no limit when ``None``."""

    @property
    def contradiction(self) -> str:
        """What cannot hold at once, in words; empty when everything can."""
        for name in ("floor", "minimum"):
            if self.maximum_units is not None and (units := getattr(self, f"{name}_units")) > self.maximum_units:
                return f"{name}_units {units} is above maximum_units {self.maximum_units}"
            if (days := getattr(self, f"{name}_days")) > self.maximum_cover_days:
                return f"{name}_days {days:g} is above maximum_cover_days {self.maximum_cover_days}"
        if self.safety_stock == "exact_fill_rate" and self.measure != "fill_rate":
            return f"safety_stock exact_fill_rate meets a fill rate, and measure is {self.measure}"
        return ""

    @property
    def sets_levels(self) -> bool:
        """Whether it asks for other levels than the ERP's target under the gamma law gives."""
        return (
            self.source == "policy" or self.safety_stock != "gamma" or self.maximum_units is not None
            or max(self.floor_days, self.floor_units, self.minimum_days, self.minimum_units) > 0
        )  # fmt: skip


class StockingRule(Record):
    """Other settings where its conditions hold; an empty condition holds everywhere."""

    name: str
    value: tuple[Literal["A", "B", "C"], ...] = ()
    variability: tuple[Literal["X", "Y", "Z"], ...] = ()
    stage: tuple[Literal["launch", "growth", "mature", "decline", "end_of_life"], ...] = ()
    constrained: bool | None = None
    site: tuple[str, ...] = ()
    item_class: tuple[str, ...] = ()
    source: Literal["erp", "policy"] | None = None
    service_target: Share | None = None
    measure: Literal["cycle", "fill_rate"] | None = None
    review_days: Days | None = None
    method: Method | None = None
    tier: Tier | None = None
    maximum_cover_days: Days | None = None
    safety_stock: SafetyStock | None = None
    floor_days: SomeDays | None = None
    floor_units: Units | None = None
    minimum_days: SomeDays | None = None
    minimum_units: Units | None = None
    maximum_units: Units | None = None

    def holds_at(self, site: str, item_class: str) -> bool:
        """Whether it applies at a site to items of a class."""
        return (not self.site or site in self.site) and (not self.item_class or item_class in self.item_class)

    def covers(self, value: str, variability: str, stage: str, constrained: bool) -> bool:
        """Whether it applies to a segment."""
        return (
            (not self.value or value in self.value)
            and (not self.variability or variability in self.variability)
            and (not self.stage or stage in self.stage)
            and self.constrained in (None, constrained)
        )


class StockingPolicy(Record):
    """One version of the stocking policy."""

    version: int = Field(ge=1)
    segments: SegmentCuts
    default: StockingRow
    rules: tuple[StockingRule, ...] = ()

    @property
    def tells_places(self) -> bool:
        """Whether any rule tells sites or item classes apart."""
        return any(rule.site or rule.item_class for rule in self.rules)

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """Sites a rule names."""
        return tuple(sorted({site for rule in self.rules for site in rule.site}))

    @cached_property
    def item_classes(self) -> tuple[str, ...]:
        """Item classes a rule names."""
        return tuple(sorted({name for rule in self.rules for name in rule.item_class}))

    @cached_property
    def table(self) -> dict[Place, StockingRow]:
        """What holds in every segment at every kind of place the rules tell apart."""
        made: dict[tuple[int, ...], StockingRow] = {}
        found = {}
        for place in product(range(CELLS), ("", *self.sites), ("", *self.item_classes)):
            held = self._holding(*place)
            if held not in made:
                made[held] = self._layered(held)
            found[place] = made[held]
        return found

    @model_validator(mode="after")
    def _consistent(self) -> StockingPolicy:
        for (cell, site, item_class), row in self.table.items():
            if said := row.contradiction:
                where = " ".join(filter(None, (segment_words(cell), site and f"at {site}", item_class)))
                by = ", ".join(repr(self.rules[number].name) for number in self._holding(cell, site, item_class))
                raise ValueError(f"{where}: {said}" + (f" (by the rules {by})" if by else ""))
        return self

    def row(self, cell: int, site: str = "", item_class: str = "") -> StockingRow:
        """What holds for the segment of a cell at a place: the default, changed by every rule that covers it, in order.

        Without a place, what holds wherever no rule names one.
        """
        known = site if site in self.sites else "", item_class if item_class in self.item_classes else ""
        return self.table[(cell, *known)]

    def _holding(self, cell: int, site: str, item_class: str) -> tuple[int, ...]:
        value, variability, stage, constrained = cell_codes(cell)
        names = (VALUES[value], VARIABILITIES[variability], STAGES[stage], bool(constrained))
        return tuple(
            number for number, rule in enumerate(self.rules) if rule.covers(*names) and rule.holds_at(site, item_class)
        )

    def _layered(self, rules: Iterable[int]) -> StockingRow:
        found = self.default.model_dump()
        for number in rules:
            found |= self.rules[number].model_dump(include=set(StockingRow.model_fields), exclude_none=True)
        return StockingRow.model_validate(found)


@dataclass(frozen=True)
class StockingTerms:
    """What the policy asks of each item-site, shape ``(n,)``."""

    service_target: FloatArray
    by_fill_rate: np.ndarray[tuple[int], np.dtype[np.bool_]]
    """The target is a fill rate, else a cycle service level."""
    review_days: FloatArray
    method: IntArray
    """Place in ``METHODS``."""
    tier: IntArray
    """Place in ``TIERS``."""
    maximum_cover_days: FloatArray
    safety_stock: IntArray
    """Place in ``SAFETY_STOCK``."""
    bounds: Bounds


def stocking_terms(
    policy: StockingPolicy,
    cell: IntArray,
    erp_target: FloatArray,
    erp_review_days: FloatArray,
    *,
    sites: Sequence[str] = (),
    item_classes: Sequence[str] = (),
) -> StockingTerms:
    """Terms of item-sites by the cell of their segment and their place.

    Parameters
    ----------
    cell
        Shape ``(n,)``.
    erp_target, erp_review_days
        Shape ``(n,)``; NaN where the ERP has no such setting.
    sites, item_classes
        Of each item-site; rules that name a place hold nowhere without them.
    """
    table = [policy.row(number) for number in range(CELLS)]
    kind = cell
    if policy.tells_places and len(sites):
        asked = list(zip(cell.tolist(), sites, item_classes, strict=True))
        place = {one: number for number, one in enumerate(dict.fromkeys(asked))}
        table = [policy.row(*one) for one in place]
        kind = np.array([place[one] for one in asked], dtype=np.int64)

    def column(values: Iterable[Any]) -> Any:
        return np.array(list(values))[kind]

    erp = column(row.source == "erp" for row in table)
    return StockingTerms(
        service_target=np.where(erp & ~np.isnan(erp_target), erp_target, column(row.service_target for row in table)),
        by_fill_rate=column(row.measure == "fill_rate" for row in table),
        review_days=np.where(
            erp & ~np.isnan(erp_review_days), erp_review_days, column(float(row.review_days) for row in table)
        ),
        method=column(METHODS.index(row.method) for row in table),
        tier=column(TIERS.index(row.tier) for row in table),
        maximum_cover_days=column(float(row.maximum_cover_days) for row in table),
        safety_stock=column(SAFETY_STOCK.index(row.safety_stock) for row in table),
        bounds=Bounds(
            floor_days=column(row.floor_days for row in table),
            floor_units=column(float(row.floor_units) for row in table),
            minimum_days=column(row.minimum_days for row in table),
            minimum_units=column(float(row.minimum_units) for row in table),
            maximum_units=column(np.inf if row.maximum_units is None else row.maximum_units for row in table),
        ),
    )


def codes_of_cells(cell: IntArray) -> SegmentCodes:
    """Codes of item-sites from their cells."""
    rest, constrained = np.divmod(cell, 2)
    rest, stage = np.divmod(rest, len(Stage))
    value, variability = np.divmod(rest, len(XyzClass))
    return SegmentCodes(value, variability, stage, constrained)


def stocking_policy_in_force(connection: Connection, *, at: datetime | None = None) -> StockingPolicy:
    """The newest adopted version in force at a moment, under its number; while there is none the packaged one.

    Without a moment a version that takes effect later counts, too.
    """
    return stocking_policy_of(connection, None, at=at)


def stocking_policy_of(connection: Connection, version: int | None, *, at: datetime | None = None) -> StockingPolicy:
    """One version, the newest when none is named; the packaged one stands in while none has been adopted."""
    try:
        adopted = find_policy(connection, EVERYTHING, "stocking", version, at=at)
    except NotFoundError:
        packaged = parse_stocking_policy(packaged_stocking_policy())
        if version in (None, packaged.version):
            return packaged
        raise
    return parse_stocking_policy(adopted.content).model_copy(update={"version": adopted.version})


def parse_stocking_policy(text: str) -> StockingPolicy:
    """A stocking policy from TOML text.

    Raises
    ------
    ToolInputError
        Naming the key that is unknown, missing or out of range.
    """
    try:
        return StockingPolicy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ToolInputError(f"stocking policy: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if not place:  # said of the document as a whole, whose text would only hide it
            raise ToolInputError(f"stocking policy: {first['msg'].removeprefix('Value error, ')}") from error
        raise ToolInputError(f"stocking policy: {place}: {first['msg']}, got {first['input']!r}") from error


def packaged_stocking_policy() -> str:
    """The stocking policy Evenkeel ships with, as TOML text."""
    return resources.files("tools").joinpath("stocking_policy.toml").read_text("utf-8")
