"""What lies ahead of an item-site as an option finds it: stock, demand, and what arrives anyway."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from optimizer.arguments import FloatArray, IntArray, finite, index, non_negative, same_length, shaped, whole_numbers
from optimizer.risk.inbound import InboundSchedule

MOST_DAYS = 3_660


@dataclass(frozen=True)
class Worlds:
    """Courses of events, one per row, shape ``(worlds,)`` unless said otherwise; several options may share one.

    Parameters
    ----------
    on_hand
        Units free to be sold; negative when units are owed, which are then due today.
    mean_per_day, sd_per_day
        Demand, units; also ``(worlds, days)`` for a forecast by day.
    horizon_days
        Days looked at, at least 1; each world its own.
    inbound
        Orders that arrive anyway; their `series` counts the worlds.
    known_demand
        Shape ``(worlds, days)``, units due on each day for certain, on top of the daily law.

    Raises
    ------
    ValueError
        If an entry is not finite, has the wrong sign, or the shapes do not fit.
    """

    on_hand: FloatArray
    mean_per_day: FloatArray
    sd_per_day: FloatArray
    horizon_days: IntArray
    inbound: InboundSchedule | None = None
    known_demand: FloatArray | None = None

    def __post_init__(self) -> None:
        stock = finite("on_hand", self.on_hand)
        shaped("on_hand", stock, None)
        horizon = whole_numbers("horizon_days", self.horizon_days, 1, MOST_DAYS)
        flat: dict[str, FloatArray | IntArray] = {"on_hand": stock, "horizon_days": horizon}
        dated: dict[str, FloatArray] = {}
        for name in ("mean_per_day", "sd_per_day", "known_demand"):
            if getattr(self, name) is not None:
                values = non_negative(name, getattr(self, name))
                (flat if values.ndim == 1 and name != "known_demand" else dated)[name] = values
        same_length(**flat, **dated)
        days = int(horizon.max())
        for name, by_day in dated.items():
            if by_day.ndim != 2 or by_day.shape[1] < days:
                raise ValueError(f"{name} must have at least {days} days, got shape {by_day.shape}")
        if self.inbound is not None:
            index("inbound.series", self.inbound.series, len(stock))
            if self.inbound.arrival_probability.shape[1] < days:
                columns = self.inbound.arrival_probability.shape[1]
                raise ValueError(f"inbound.arrival_probability must have at least {days} days, got {columns}")
        for name, checked in (*flat.items(), *dated.items()):
            object.__setattr__(self, name, checked)

    def __len__(self) -> int:
        return len(self.on_hand)

    @property
    def days(self) -> int:
        """Longest horizon."""
        return int(self.horizon_days.max())

    @property
    def dated(self) -> IntArray:
        """Rows whose demand has a certain part on certain days, units owed today included."""
        owed = self.on_hand < 0.0
        return np.flatnonzero(owed if self.known_demand is None else owed | self.known_demand.any(axis=1))

    def until(self, values: FloatArray, time: FloatArray) -> FloatArray:
        """Sum of a daily figure up to each time ``(worlds, k)`` in days, fractions of a day in proportion."""
        if values.ndim == 1:
            return np.asarray(values[:, None] * time)
        summed = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
        day = np.minimum(np.floor(time + 1e-9).astype(np.int64), values.shape[1] - 1)
        rows = np.arange(len(values))[:, None]
        return np.asarray(summed[rows, day] + (time - day) * values[rows, day])

    def expected_demand(self) -> FloatArray:
        """Demand expected over the horizon, units owed today included."""
        end = self.horizon_days[:, None].astype(np.float64)
        total = self.until(self.mean_per_day, end)[:, 0] + np.maximum(-self.on_hand, 0.0)
        return total if self.known_demand is None else total + self.until(self.known_demand, end)[:, 0]

    def expected_receipts(self) -> FloatArray:
        """Units expected to arrive anyway within the horizon."""
        if self.inbound is None:
            return np.zeros(len(self))
        inside = np.arange(self.inbound.arrival_probability.shape[1]) < self.horizon_days[self.inbound.series, None]
        units = self.inbound.quantity * np.cumsum(self.inbound.arrival_probability * inside, axis=1)[:, -1]
        return np.bincount(self.inbound.series, units, len(self)).astype(np.float64)

    def take(self, rows: IntArray) -> Self:
        """Some worlds, in the order given; a world may be taken several times."""
        inbound = self.inbound
        if inbound is not None:
            order = np.argsort(inbound.series, kind="stable")
            first = np.searchsorted(inbound.series[order], np.arange(len(self) + 1))
            count = (first[1:] - first[:-1])[rows]
            start = np.repeat(first[rows] - (np.cumsum(count) - count), count)
            mine = order[start + np.arange(count.sum())]
            inbound = InboundSchedule(
                np.repeat(np.arange(len(rows)), count), inbound.quantity[mine], inbound.arrival_probability[mine]
            )
        taken = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if field.name != "inbound" and getattr(self, field.name) is not None
        }
        return replace(self, **taken, inbound=inbound)
