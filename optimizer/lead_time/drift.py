r"""Whether lead times have changed lately, told from noise at a stated false-alarm rate, open orders censored.

Rules
-----
1. Orders are recent or earlier by the day they were *placed*: by the day of receipt, quick orders would look recent.
2. The two windows are compared by the log-rank test: on each day, receipts of recent orders against those expected if
   both windows had one hazard. An alarm is a standardised difference beyond the two-sided normal point of the rate.
3. The rate holds per group and look. Below 5 receipts expected in either window no alarm is given.

Source
------
Mantel (1966), Cancer Chemother. Rep. 50; with d_j receipts among n_j at risk, r_j of them recent, the expectation is
:math:`d_j r_j / n_j` and the variance
:math:`d_j (r_j / n_j)(1 - r_j / n_j)(n_j - d_j) / (n_j - 1)`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from optimizer.arguments import BoolArray, FloatArray, IntArray, flags, non_negative, position, same_length

_ENOUGH = 5.0


@dataclass(frozen=True)
class LeadTimeDrift:
    """Change of each group's lead time, shape ``(groups,)`` throughout.

    Parameters
    ----------
    slower
        Standardised difference, positive when recent orders take longer; 0 where nothing can be compared.
    alarm
        1 slower, -1 faster, 0 no alarm at the stated rate.
    recent_days, earlier_days
        Mean days of each window, up to the last day on which both have orders at risk; NaN without orders.
    """

    slower: FloatArray
    alarm: IntArray
    recent_days: FloatArray
    earlier_days: FloatArray


def lead_time_drift(
    days: ArrayLike,
    observed: ArrayLike,
    recent: ArrayLike,
    group: ArrayLike,
    groups: int,
    *,
    false_alarm_rate: float = 0.01,
    horizon_days: int = 180,
) -> LeadTimeDrift:
    """Recent against earlier orders of each group.

    Parameters
    ----------
    days, observed, group
        Shape ``(m,)``, as in `kaplan_meier_lead_time`.
    recent
        Shape ``(m,)``, true for orders placed in the recent window.
    false_alarm_rate
        Probability of an alarm, per group and look, when nothing has changed; in (0, 1).
    horizon_days
        Longer waits count as the last day.

    Raises
    ------
    ValueError
        If a shape, sign or index is wrong.
    """
    waited = np.floor(non_negative("days", days)).astype(np.int64)
    there, new, of = flags("observed", observed), flags("recent", recent), position("group", group, groups)
    same_length(days=waited, observed=there, recent=new, group=of)
    if not 0.0 < false_alarm_rate < 1.0 or horizon_days < 1:
        raise ValueError(
            f"false_alarm_rate must be in (0, 1) and horizon_days at least 1, got {false_alarm_rate}, {horizon_days}"
        )
    last = np.minimum(np.where(there, waited, waited - 1), horizon_days - 1)
    windows = [_counts(last, there, of, new == is_new, groups, horizon_days) for is_new in (False, True)]
    (old_received, old_risk), (new_received, new_risk) = windows
    received, at_risk = old_received + new_received, old_risk + new_risk
    share = np.divide(new_risk, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0.0)
    thinned = np.divide(at_risk - received, at_risk - 1.0, out=np.zeros_like(at_risk), where=at_risk > 1.0)
    expected = (received * share).sum(axis=1)
    variance = (received * share * (1.0 - share) * thinned).sum(axis=1)
    difference = expected - new_received.sum(axis=1)
    slower = np.divide(difference, np.sqrt(variance), out=np.zeros(groups), where=variance > 0.0)
    enough = (expected >= _ENOUGH) & (received.sum(axis=1) - expected >= _ENOUGH)
    beyond = enough & (np.abs(slower) > -ndtri(0.5 * false_alarm_rate))
    both = (old_risk > 0.0) & (new_risk > 0.0)
    return LeadTimeDrift(
        slower=slower,
        alarm=np.where(beyond, np.sign(slower), 0.0).astype(np.int64),
        recent_days=_mean_days(new_received, new_risk, both),
        earlier_days=_mean_days(old_received, old_risk, both),
    )


def _counts(
    last: IntArray, there: BoolArray, of: IntArray, chosen: BoolArray, groups: int, days: int
) -> tuple[FloatArray, FloatArray]:
    """Receipts and orders at risk by day of one window, each ``(groups, days)``."""
    used = chosen & (last >= 0)
    cell, size = of[used] * days + last[used], groups * days
    received = np.bincount(cell, there[used], size).reshape(groups, days).astype(np.float64)
    leaving = np.bincount(cell, minlength=size).reshape(groups, days).astype(np.float64)
    return received, np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]


def _mean_days(received: FloatArray, at_risk: FloatArray, both: BoolArray) -> FloatArray:
    """Area under the curve of open orders over the days on which both windows have orders at risk."""
    hazard = np.divide(received, at_risk, out=np.zeros_like(received), where=at_risk > 0.0)
    open_after = np.cumprod(1.0 - hazard, axis=1)
    area = (open_after * both).sum(axis=1)
    return np.where(both.any(axis=1), area, np.nan)
