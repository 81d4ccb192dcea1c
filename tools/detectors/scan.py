"""What every detector looks at: the outlook, the signals, the thresholds in force at each row, and what is open.

A finding that was open stays until it falls below a lower band (``hysteresis.close_share`` of its threshold): a value
between the two neither opens nor closes a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from inventory.records import CaseKind, Finding
from tools.columns import BoolArray, FloatArray, IntArray
from tools.outlook import Outlook
from tools.signals import Signals
from tools.thresholds import StrArray, Thresholds

Place = tuple[str, str, str]
"""Kind, item and site of an open finding."""
A_UNIT = 1e-3
"""Part of a unit that is rounding, not a unit."""


@dataclass(frozen=True)
class Scan:
    """One look over the rows of an outlook."""

    outlook: Outlook
    signals: Signals
    thresholds: Thresholds
    open_places: frozenset[Place]
    sites: StrArray
    item_classes: StrArray
    item: IntArray
    """Number of each row's item."""
    _open: dict[CaseKind, BoolArray] = field(default_factory=dict)

    @classmethod
    def of(cls, outlook: Outlook, signals: Signals, thresholds: Thresholds, open_places: frozenset[Place]) -> Scan:
        """The scan of an outlook."""
        arrays = outlook.arrays
        item = np.unique(np.array(arrays.items, dtype=np.str_), return_inverse=True)[1]
        return cls(
            outlook, signals, thresholds, open_places, np.array(arrays.sites, dtype=np.str_),
            np.array(arrays.item_class, dtype=np.str_), item.astype(np.int64),
        )  # fmt: skip

    def is_open(self, kind: CaseKind) -> BoolArray:
        """Rows with an open finding of the kind."""
        if kind not in self._open:
            rows = [self.outlook.arrays.row_of.get(place[1:], -1) for place in self.open_places if place[0] == kind]
            flags = np.zeros(self.outlook.arrays.rows, dtype=np.bool_)
            flags[[row for row in rows if row >= 0]] = True
            self._open[kind] = flags
        return self._open[kind]

    def limit(self, kind: CaseKind, name: str) -> FloatArray:
        """Threshold in force at each row, the lower band where a finding of the kind is open; shape ``(n,)``."""
        values = self.thresholds.values_at(kind.value, name, self.sites, self.item_classes)
        return np.where(self.is_open(kind), values * self.thresholds.value("hysteresis", "close_share"), values)

    def value(self, kind: CaseKind, name: str) -> float:
        """A threshold that is one number for all."""
        return self.thresholds.value(kind.value, name)

    def cover_days(self, row: int) -> float:
        """Days of supply of a row."""
        return cover_days(self.outlook, row)

    def finding(
        self,
        row: int,
        *,
        kind: CaseKind,
        cause: str,
        day: int,
        quantity: float,
        threshold: str,
        threshold_value: float,
        measures: Mapping[str, float],
        supplier: str = "",
        note: str = "",
    ) -> Finding:
        """A finding about a row; units are rounded up."""
        arrays = self.outlook.arrays
        return Finding(
            kind=kind,
            item=arrays.items[row],
            site=arrays.sites[row],
            supplier=supplier,
            cause=cause,
            bites_on=arrays.today + timedelta(days=day),
            quantity=max(int(np.ceil(quantity - A_UNIT)), 0),
            threshold=f"{kind.value}.{threshold}",
            threshold_value=float(threshold_value),
            threshold_version=self.thresholds.version,
            measures={name: round(float(value), 6) for name, value in measures.items()},
            note=note,
        )


def cover_days(outlook: Outlook, row: int) -> float:
    """Days of supply on the shelf at mean demand, at most 999."""
    mean = float(outlook.demand.mean_per_day[row])
    return min(max(float(outlook.arrays.free[row]), 0.0) / mean, 999.0) if mean > 0 else 999.0


def sales_price(outlook: Outlook) -> FloatArray:
    """Price of each row's item, one and a half times its cost where none is known."""
    arrays = outlook.arrays
    return np.where(np.isnan(arrays.price), 1.5 * arrays.cost, arrays.price)
