"""Receipts under way, by the day they arrive: a ring of days, as long as the longest wait."""

import numpy as np

from optimizer.arguments import FloatArray, IntArray


class ReceiptRing:
    """Units that arrive on later days, for every cell of a state array.

    Parameters
    ----------
    longest_days
        Longest wait that will be asked for.
    shape
        Of the state: ``(sites, items)``, or with shelf life ``(layers, sites, items)``.
    """

    def __init__(self, longest_days: int, shape: tuple[int, ...]) -> None:
        self._days = longest_days + 1
        self._slots = np.zeros((self._days, int(np.prod(shape))))
        self._shape = shape

    def add(self, day: int, cell: IntArray, wait_days: IntArray, quantity: FloatArray) -> None:
        """Let `quantity` arrive at flat cells `wait_days` after `day`; any integer type, a cell may occur twice."""
        # numpy keeps uint8 + int in uint8, so a ring index must be widened before it is added to.
        slot = (np.asarray(wait_days).astype(np.int64) + day) % self._days
        np.add.at(self._slots.reshape(-1), slot * self._slots.shape[1] + cell, quantity)

    def take(self, day: int) -> FloatArray:
        """What arrives on a day, taken out of the ring."""
        slot = day % self._days
        arrived: FloatArray = self._slots[slot].reshape(self._shape).copy()
        self._slots[slot] = 0.0
        return arrived

    def drop_layer(self, layer: int) -> FloatArray:
        """What is under way in a layer that has expired, taken out of the ring, shape ``(sites, items)``."""
        slots = self._slots.reshape(self._days, *self._shape)[:, layer]
        gone = slots.sum(axis=0)
        slots[...] = 0.0
        return np.asarray(gone)

    def total(self) -> FloatArray:
        """All that is under way, in the shape of the state."""
        return np.asarray(self._slots.sum(axis=0).reshape(self._shape))

    def waiting(self, day: int) -> tuple[IntArray, IntArray, FloatArray]:
        """Days to go from `day`, flat cell and units of all that is under way, soonest first."""
        ahead = np.roll(self._slots, -(day % self._days), axis=0)
        wait, cell = np.nonzero(ahead)
        return wait, cell, ahead[wait, cell]
