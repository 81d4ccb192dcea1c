"""Some rows of a record of arrays, and several such records as one: for records with one entry per item-site."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from tools.columns import IntArray

Rows = TypeVar("Rows", bound=Any)


def take_rows(record: Rows, rows: IntArray, *, besides: Collection[str] = ()) -> Rows:
    """The record with only some rows of its arrays and tuples; fields named in ``besides`` stay whole."""
    taken: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name not in besides and isinstance(value, np.ndarray):
            taken[field.name] = value[rows]
        elif field.name not in besides and isinstance(value, tuple):
            taken[field.name] = tuple(value[row] for row in rows.tolist())
    return replace(record, **taken)


def join_rows(records: Sequence[Rows], *, besides: Collection[str] = ()) -> Rows:
    """The records' arrays and tuples end to end; fields named in ``besides`` are the first one's."""
    joined: dict[str, Any] = {}
    for field in fields(records[0]):
        values = [getattr(record, field.name) for record in records]
        if field.name in besides:
            continue
        if isinstance(values[0], np.ndarray):
            joined[field.name] = np.concatenate(values)
        elif isinstance(values[0], tuple):
            joined[field.name] = tuple(entry for value in values for entry in value)
    return replace(records[0], **joined)


def take_lines(record: Rows, place: IntArray) -> Rows:
    """The lines of a record with a field ``series`` that belong to rows kept, renumbered.

    Parameters
    ----------
    place
        New number of each row, -1 for rows that are left out.
    """
    kept = take_rows(record, np.flatnonzero(place[record.series] >= 0))
    return replace(kept, series=place[kept.series])


def join_lines(records: Sequence[Rows], rows: Sequence[int]) -> Rows:
    """Lines of several records end to end, where the records' rows follow each other, so many each."""
    starts = np.cumsum([0, *rows[:-1]]).tolist()
    moved = [replace(record, series=record.series + start) for record, start in zip(records, starts, strict=True)]
    return join_rows(moved)
