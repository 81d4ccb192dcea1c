"""Lanes between sites: when a shipment leaves and when it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from scipy.special import ndtr, ndtri

from inventory.snapshots import Snapshot
from tools.columns import FloatArray

PICKING_DAYS = 1
"""Days between the decision and the first possible departure."""


@dataclass(frozen=True)
class Lane:
    """One way from a giving to a receiving site."""

    origin: str
    destination: str
    mode: str
    transit_days: float
    transit_sd_days: float
    unit_cost: float
    fixed_cost: float
    capacity_per_day: float | None
    lot: int
    calendar: str

    @property
    def name(self) -> str:
        """``origin>destination/mode``."""
        return lane_name(self.origin, self.destination, self.mode)

    def departs(self, today: date) -> date:
        """First departure after picking."""
        day = today + timedelta(days=PICKING_DAYS)
        for _ in range(7):
            if str(day.isoweekday()) in self.calendar:
                return day
            day += timedelta(days=1)
        return day

    def arrives(self, today: date, probability: float) -> date:
        """Day by which it has arrived with that probability."""
        spread = self.transit_sd_days * float(ndtri(probability)) if self.transit_sd_days > 0 else 0.0
        days = max(int(np.ceil(self.transit_days + spread - 1e-9)), 0)
        return self.departs(today) + timedelta(days=days)

    def arrival_law(self, today: date, horizon_days: int) -> FloatArray:
        """Probability of arrival on each day, column 0 today; normal transit, rounded up to days."""
        law = np.zeros(horizon_days)
        start = (self.departs(today) - today).days
        if self.transit_sd_days <= 0:
            day = start + max(int(np.ceil(self.transit_days - 1e-9)), 0)
            if day < horizon_days:
                law[day] = 1.0
            return law
        edges = np.arange(horizon_days + 1) - start
        reached = ndtr((edges - self.transit_days) / self.transit_sd_days)
        reached[edges <= 0] = 0.0
        law[1:] = np.diff(reached[:horizon_days])
        return law


def lane_name(origin: str, destination: str, mode: str) -> str:
    """``origin>destination/mode``."""
    return f"{origin}>{destination}/{mode}"


def read_lanes(snapshot: Snapshot) -> dict[str, tuple[Lane, ...]]:
    """Lanes by destination, each list sorted by origin and mode."""
    found: dict[str, list[Lane]] = {}
    for row in snapshot.table("lanes").sort("destination", "origin", "mode").iter_rows(named=True):
        lane = Lane(
            origin=row["origin"],
            destination=row["destination"],
            mode=row["mode"],
            transit_days=float(row["transit_days"]),
            transit_sd_days=float(row["transit_sd_days"] or 0.0),
            unit_cost=float(row["unit_cost"] or 0.0),
            fixed_cost=float(row["fixed_cost"] or 0.0),
            capacity_per_day=None if row["capacity_per_day"] is None else float(row["capacity_per_day"]),
            lot=max(int(row["lot_multiple"] or 1), 1),
            calendar=row["calendar"] or "12345",
        )
        found.setdefault(lane.destination, []).append(lane)
    return {destination: tuple(lanes) for destination, lanes in found.items()}
