"""Counts of units (stems and phrases) in texts, and BM25's saturation of them among the texts in scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Postings:
    """Where a unit is met: by itself, and by its kin.

    Parameters
    ----------
    rows
        Shape ``(n_met,)``, ascending; the others have the same shape.
    own
        How often the unit itself occurs.
    kin, closest
        Kin counted by closeness, and the closeness of the closest of them.
    """

    rows: Rows
    own: Floats
    kin: Floats
    closest: Floats


class CountTable:
    """Counts by text and unit.

    Parameters
    ----------
    bags
        Counts of the units of each text.
    columns
        Number of each unit; every unit of every bag has one.
    saturation, normalisation
        BM25's k1 and b.
    """

    def __init__(
        self, bags: Sequence[Mapping[str, float]], columns: Mapping[str, int], saturation: float, normalisation: float
    ) -> None:
        starts = np.cumsum([0, *(len(bag) for bag in bags)])
        places = [columns[unit] for bag in bags for unit in bag]
        counts = np.array([count for bag in bags for count in bag.values()], dtype=np.float64)
        self._by_text = sparse.csr_array((counts, places, starts), shape=(len(bags), len(columns)))
        self._by_unit = sparse.csc_array(self._by_text)
        # A phrase is made of words that are counted already.
        self._lengths = np.array([sum(n for unit, n in bag.items() if " " not in unit) for bag in bags], dtype=float)
        self._saturation, self._normalisation = saturation, normalisation

    def postings(self, own: int | None, kin: Iterable[tuple[int, float]]) -> Postings:
        """Where a unit's column and those of its kin, with their closeness in ``(0, 1]``, are above zero."""
        size = self._lengths.size
        itself, by_kin, closest = np.zeros(size), np.zeros(size), np.zeros(size)
        if own is not None:
            rows, counts = self._column(own)
            itself[rows] = counts
        for column, closeness in sorted(kin, key=lambda pair: (pair[1], pair[0])):
            rows, counts = self._column(column)
            by_kin[rows] += closeness * counts
            closest[rows] = closeness  # ascending: the closest is written last
        met = np.flatnonzero((itself > 0.0) | (by_kin > 0.0))
        return Postings(met, itself[met], by_kin[met], closest[met])

    def scoped(self, rows: Rows) -> ScopedCounts:
        """This table as if it had no other rows than some, which are numbered anew in their order."""
        place = np.full(self._lengths.size, -1, dtype=np.intp)
        place[rows] = np.arange(rows.size)
        lengths = self._lengths[rows]
        mean = max(float(lengths.sum()) / max(rows.size, 1), 1.0)
        norm = self._saturation * (1.0 - self._normalisation + self._normalisation * lengths / mean)
        return ScopedCounts(self, rows, place, norm)

    def typical(self, rows: Rows, weights: Floats) -> tuple[Rows, Floats]:
        """Columns that occur in some rows, and the share of the text they make up there, rows weighed."""
        shares = np.zeros(self._by_text.shape[1])
        for row, weight in zip(rows, weights, strict=True):
            entries = slice(self._by_text.indptr[row], self._by_text.indptr[row + 1])
            scale = weight / max(self._lengths[row], 1.0)
            shares[self._by_text.indices[entries]] += scale * self._by_text.data[entries]
        found = np.flatnonzero(shares)
        return found, shares[found]

    def _column(self, column: int) -> tuple[Rows, Floats]:
        entries = slice(self._by_unit.indptr[column], self._by_unit.indptr[column + 1])
        rows: Rows = self._by_unit.indices[entries].astype(np.intp)
        counts: Floats = self._by_unit.data[entries]
        return rows, counts


@dataclass(frozen=True, slots=True)
class ScopedCounts:
    """The rows of a table that are in scope."""

    table: CountTable
    rows: Rows
    place: Rows
    norm: Floats

    def within(self, postings: Postings) -> Postings:
        """What of some postings is in scope, rows numbered anew."""
        places = self.place[postings.rows]
        inside = places >= 0
        return Postings(places[inside], postings.own[inside], postings.kin[inside], postings.closest[inside])

    def informative(self, met: float) -> float:
        """Inverse document frequency of what so many of the rows in scope meet; never negative."""
        return float(np.log1p((self.rows.size - met + 0.5) / (met + 0.5)))

    def rarity(self, met: float) -> float:
        """The same, never below log 2: a word in every one of few rows still says something there."""
        return float(np.log1p((self.rows.size + 0.5) / (met + 0.5)))

    def saturated(self, rows: Rows, frequency: Floats, ceiling: Floats | float = 1.0) -> Floats:
        """BM25's saturation of how often some rows meet a unit, never above a share of what is possible."""
        gain = self.table._saturation + 1.0
        found: Floats = np.minimum(frequency * gain / (frequency + self.norm[rows]), ceiling * gain)
        return found
