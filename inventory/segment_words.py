"""Segments in words: a cell's four codes and what people call them.

The order is that of the mathematics: value, variability, stage of life, constrained supply.
"""

from __future__ import annotations

VALUES = ("A", "B", "C")
VARIABILITIES = ("X", "Y", "Z")
STAGES = ("launch", "growth", "mature", "decline", "end_of_life")
CELLS = len(VALUES) * len(VARIABILITIES) * len(STAGES) * 2


def cell_codes(cell: int) -> tuple[int, int, int, int]:
    """Value, variability, stage and constrained of a cell."""
    if not 0 <= cell < CELLS:
        raise ValueError(f"cell must be in 0..{CELLS - 1}, got {cell}")
    rest, constrained = divmod(cell, 2)
    rest, stage = divmod(rest, len(STAGES))
    value, variability = divmod(rest, len(VARIABILITIES))
    return value, variability, stage, constrained


def segment_words(cell: int) -> str:
    """``AX mature``, ``CZ decline, scarce``.

    Examples
    --------
    >>> segment_words(0), segment_words(89)
    ('AX launch', 'CZ end of life, scarce')
    """
    value, variability, stage, constrained = cell_codes(cell)
    words = f"{VALUES[value]}{VARIABILITIES[variability]} {STAGES[stage].replace('_', ' ')}"
    return f"{words}, scarce" if constrained else words
