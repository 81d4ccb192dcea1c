"""Detection thresholds as versioned policy data, with overrides by site, item class and kind."""

from __future__ import annotations

import tomllib
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from inventory.record import Record
from tools.columns import FloatArray
from tools.errors import ToolInputError

StrArray = NDArray[np.str_]

KINDS = (
    "projected_stockout", "excess", "obsolescence", "supplier_delay", "lead_time_drift", "demand_shift",
    "forecast_bias", "imbalance", "data_problem", "policy_inconsistency", "recurring",
)  # fmt: skip
SECTIONS = (*KINDS, "hysteresis", "horizon", "planning")
SHARES = ("close_share", "false_alarm_rate", "significance", "phantom_probability", "probability")
"""Values that only make sense above 0 and at most 1."""


class Override(Record):
    """Other values for one kind at a site, for an item class, or for both."""

    name: str
    kind: str
    site: str = ""
    item_class: str = ""
    values: dict[str, float]

    def covers(self, kind: str, site: str, item_class: str) -> bool:
        """Whether it applies there."""
        return self.kind == kind and self.site in ("", site) and self.item_class in ("", item_class)


class Thresholds(Record):
    """One version of every threshold."""

    version: int = Field(ge=1)
    values: dict[str, dict[str, float]]
    overrides: tuple[Override, ...] = ()

    def value(self, kind: str, name: str, *, site: str = "", item_class: str = "") -> float:
        """The value in force: the last override that covers the place, else the general one."""
        found = self.values[kind][name]
        for override in self.overrides:
            if name in override.values and override.covers(kind, site, item_class):
                found = override.values[name]
        return found

    def values_at(self, kind: str, name: str, sites: StrArray, item_classes: StrArray) -> FloatArray:
        """`value` at many places, shape ``(n,)``."""
        found = np.full(sites.shape, self.values[kind][name])
        for override in self.overrides:
            if override.kind != kind or name not in override.values:
                continue
            here = np.ones(sites.shape, dtype=np.bool_)
            if override.site:
                here &= sites == override.site
            if override.item_class:
                here &= item_classes == override.item_class
            found[here] = override.values[name]
        return found


def parse_thresholds(text: str) -> Thresholds:
    """Thresholds from TOML text.

    Raises
    ------
    ToolInputError
        Naming the section or value that is unknown, missing or not a number.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ToolInputError(f"thresholds: not TOML: {error}") from error
    reference = tomllib.loads(packaged_thresholds())
    unknown = sorted(set(data) - set(SECTIONS) - {"version", "overrides"})
    if unknown:
        raise ToolInputError(f"thresholds: unknown section {unknown[0]!r}; known: {', '.join(SECTIONS)}")
    for section in SECTIONS:
        _check_section(section, data.get(section), reference[section])
    overrides = tuple(_override(name, body, reference) for name, body in data.get("overrides", {}).items())
    try:
        return Thresholds(
            version=data.get("version", 0),
            values={section: {k: float(v) for k, v in data[section].items()} for section in SECTIONS},
            overrides=overrides,
        )
    except ValidationError as error:
        raise ToolInputError(f"thresholds: {error}") from error


def _check_section(section: str, body: object, reference: dict[str, object]) -> None:
    if not isinstance(body, dict):
        raise ToolInputError(f"thresholds: section [{section}] is missing")
    for name in reference:
        if name not in body:
            raise ToolInputError(f"thresholds: [{section}] lacks {name!r}")
    _check_values(section, body, reference)


def _check_values(section: str, body: dict[str, object], reference: dict[str, object]) -> None:
    for name, value in body.items():
        if name not in reference:
            raise ToolInputError(f"thresholds: [{section}] has unknown {name!r}; known: {', '.join(reference)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ToolInputError(f"thresholds: [{section}] {name} = {value!r}, expected a number of at least 0")
        if name in SHARES and not 0.0 < value <= 1.0:
            raise ToolInputError(f"thresholds: [{section}] {name} = {value!r}, expected above 0 and at most 1")


def _override(name: str, body: dict[str, object], reference: dict[str, dict[str, object]]) -> Override:
    values = dict(body)
    kind, site, item_class = (str(values.pop(key, "")) for key in ("kind", "site", "item_class"))
    if kind not in KINDS:
        raise ToolInputError(f"thresholds: override {name!r} names kind {kind!r}; known: {', '.join(KINDS)}")
    _check_values(kind, values, reference[kind])
    return Override(
        name=name,
        kind=kind,
        site=site,
        item_class=item_class,
        values={key: float(value) for key, value in values.items() if isinstance(value, int | float)},
    )


def packaged_thresholds() -> str:
    """The thresholds Evenkeel ships with, as TOML text."""
    return resources.files("tools").joinpath("thresholds.toml").read_text("utf-8")
