"""Which option of each case is chosen: the one of highest net value that can be done, hold unless it pays."""

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import IntArray, finite, flags, index, non_negative, same_length

_NEAR = 1e-9


def chosen_rows(
    net_value: ArrayLike, case: ArrayLike, *, eligible: ArrayLike | None = None, minimum: ArrayLike = 0.0
) -> IntArray:
    """Row chosen per case, shape ``(cases,)``; among equals (to 1e-9, relative and absolute) the lowest row.

    Parameters
    ----------
    net_value
        Shape ``(rows,)``, money.
    case
        Shape ``(rows,)``, case of each row, numbered 0..cases - 1; the first row of a case is hold.
    eligible
        Shape ``(rows,)``, whether a row may be chosen; hold always may. All when omitted.
    minimum
        Least net value worth acting for, money, one number or ``(cases,)``.

    Raises
    ------
    ValueError
        If the lengths differ, a case has no row, or a value is not finite.
    """
    worth = finite("net_value", net_value)
    member = _cases(case, len(worth))
    same_length(net_value=worth, case=member)
    cases = int(member.max(initial=-1)) + 1
    least = np.broadcast_to(non_negative("minimum", minimum), (cases,))
    rows = np.arange(len(worth))
    hold = np.full(cases, len(worth))
    np.minimum.at(hold, member, rows)
    may = worth >= least[member]
    if eligible is not None:
        allowed = flags("eligible", eligible)
        same_length(net_value=worth, eligible=allowed)
        may &= allowed
    is_hold = rows == hold[member]
    score = np.where(may | is_hold, worth, -np.inf)
    top = np.full(cases, -np.inf)
    np.maximum.at(top, member, score)
    near = score >= (top - _NEAR * np.maximum(np.abs(top), 1.0))[member]
    first = np.full(cases, len(worth))
    np.minimum.at(first, member[near], rows[near])
    return first.astype(np.int64)


def _cases(case: ArrayLike, rows: int) -> IntArray:
    finite("case", case)
    count = int(np.max(case, initial=-1)) + 1
    member = index("case", case, max(count, 1))
    if len(member) != rows or np.bincount(member, minlength=count).min(initial=1) == 0:
        raise ValueError(f"case: every row needs a case and every case in 0..{count - 1} a row")
    return member
