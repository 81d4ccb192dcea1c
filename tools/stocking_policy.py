"""The stocking policy as versioned data: what each segment of item-sites asks for.

Reading is strict, as for the thresholds: an unknown key, a wrong type or a value out of range is an error that names
it. Of the ERP's own settings, those a segment's policy calls ``source = "erp"`` stay as they are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator
from sqlalchemy import Connection

from inventory.errors import NotFoundError
from inventory.record import Record
from inventory.records import EVERYTHING, Tier
from inventory.rulebook import find_policy
from inventory.segment_words import CELLS, STAGES, VALUES, VARIABILITIES, cell_codes
from optimizer.stocking.segments import SegmentCodes, Stage, XyzClass
from tools.columns import FloatArray, IntArray
from tools.errors import ToolInputError

Method = Literal["order_up_to", "reorder_point", "none"]
METHODS: tuple[Method, ...] = ("order_up_to", "reorder_point", "none")
MEASURES = ("cycle", "fill_rate")
TIERS = tuple(Tier)
Share = Annotated[float, Field(gt=0, lt=1)]
Band = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3650, strict=True)]


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

    def row(self, cell: int, site: str = "", item_class: str = "") -> StockingRow:
        """What holds for the segment of a cell at a place: the default, changed by every rule that covers it, in order.

        Without a place, what holds wherever no rule names one.
        """
        value, variability, stage, constrained = cell_codes(cell)
        names = (VALUES[value], VARIABILITIES[variability], STAGES[stage], bool(constrained))
        found = self.default.model_dump()
        for rule in self.rules:
            if rule.covers(*names) and rule.holds_at(site, item_class):
                given = rule.model_dump(include=set(StockingRow.model_fields), exclude_none=True)
                found |= given
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
        raise ToolInputError(f"stocking policy: {place}: {first['msg']}, got {first['input']!r}") from error


def packaged_stocking_policy() -> str:
    """The stocking policy Evenkeel ships with, as TOML text."""
    return resources.files("tools").joinpath("stocking_policy.toml").read_text("utf-8")
