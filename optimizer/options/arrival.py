"""Arrival laws moved in time."""

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, finite, mass_function, same_length


def shifted_arrival(arrival_probability: ArrayLike, delay_days: ArrayLike) -> FloatArray:
    """Laws ``(rows, days)`` moved by days ``(rows,)``, later where positive; fractions are shared between two days.

    What would come before today comes today, what leaves the horizon is late.
    """
    arrival, delay = mass_function("arrival_probability", arrival_probability), finite("delay_days", delay_days)
    same_length(arrival_probability=arrival, delay_days=delay)
    days = arrival.shape[1]
    delay = np.clip(delay, -days, days)
    early = np.floor(delay + 1e-9)
    late = np.maximum(delay - early, 0.0)[:, None]
    moved = np.zeros((len(arrival), days + 1))
    row = np.broadcast_to(np.arange(len(arrival))[:, None], arrival.shape)
    for extra, share in ((0, 1.0 - late), (1, late)):
        target = np.clip(np.arange(days) + (early.astype(np.int64)[:, None] + extra), 0, days)
        np.add.at(moved, (row, target), arrival * share)
    return moved[:, :days]
