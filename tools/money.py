"""Money at risk: what a shortage or an excess may cost, each share on its own."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from inventory.records import MoneyAtRisk
from tools.columns import FloatArray, IntArray
from tools.outlook import Outlook
from tools.thresholds import Thresholds


def to_minor(amount: float) -> int:
    """Major currency units to integer minor units, half away from zero."""
    return int(abs(amount) * 100.0 + 0.5 + 1e-9) * (1 if amount >= 0 else -1)


def minor_parts(total: int, parts: dict[str, float]) -> dict[str, int]:
    """Parts of an amount in minor units that sum exactly to its total: the largest fractions are rounded up.

    Parts that come to nothing are left out.
    """
    some = {name: amount * 100.0 for name, amount in parts.items() if abs(amount) > 1e-9}
    whole = {name: int(amount // 1.0) for name, amount in some.items()}
    left = total - sum(whole.values())
    ranked = sorted(some, key=lambda name: (whole[name] - some[name], name))
    for place in range(abs(left) if ranked else 0):
        whole[ranked[place % len(ranked)]] += 1 if left > 0 else -1
    return {name: amount for name, amount in whole.items() if amount}


def penalty_per_unit(outlook: Outlook, row: int) -> float:
    """What one unit short costs on average, currency: margin lost plus the customer penalty on committed units."""
    return float(penalties(outlook, np.array([row]))[0])


def penalties(outlook: Outlook, rows: IntArray) -> FloatArray:
    """`penalty_per_unit` of many rows."""
    arrays = outlook.arrays
    share = np.minimum(arrays.committed_units[rows] / np.maximum(outlook.short[rows], 1e-9), 1.0)
    return np.asarray(arrays.margin[rows] + share * arrays.commitment_penalty[rows])


def shortage_risk(outlook: Outlook, row: int, short_units: float) -> MoneyAtRisk:
    """Money at risk when so many units will be short at one item-site."""
    arrays = outlook.arrays
    committed = min(short_units, float(arrays.committed_units[row]))
    day = int(arrays.standstill_day[row])
    standstill = 0.0
    if day >= 0:
        probability = float(outlook.projection.stockout_probability[row, day])
        days_out = min(max(float(outlook.window_days[row]) - day, 1.0), 5.0)
        standstill = probability * days_out * float(arrays.standstill_per_day[row])
    premium = 0.0
    if arrays.item_class[row] == "constrained":
        premium = short_units * float(arrays.cost[row]) * max(float(arrays.expedite_factor[row]) - 1.0, 0.25)
    return MoneyAtRisk(
        margin=to_minor(short_units * float(arrays.margin[row])),
        commitment_penalty=to_minor(committed * float(arrays.commitment_penalty[row])),
        standstill=to_minor(standstill),
        constrained_supply=to_minor(premium),
    )


def excess_risk(outlook: Outlook, row: int, horizon_days: float, write_off_share: float) -> MoneyAtRisk:
    """Carrying cost and expected write-off of what will be left over."""
    arrays = outlook.arrays
    leftover = float(outlook.excess.expected_leftover[row])
    carrying = leftover * float(arrays.holding_per_day[row]) * horizon_days
    return MoneyAtRisk(excess_carrying=to_minor(carrying + leftover * float(arrays.cost[row]) * write_off_share))


def imbalance_risk(outlook: Outlook, row: int, units: float, thresholds: Thresholds) -> MoneyAtRisk:
    """Money at risk while so many units lie at another site in surplus and are missing here."""
    short = shortage_risk(outlook, row, outlook.short_units(row))
    return short.model_copy(update={"excess_carrying": to_minor(units * relief_per_unit(outlook, row, thresholds))})


def relief_per_unit(outlook: Outlook, row: int, thresholds: Thresholds) -> float:
    """Carrying cost and expected write-off one surplus unit of the row's item causes over the excess horizon."""
    days = thresholds.value("excess", "horizon_days")
    write_off = thresholds.value("planning", "excess_write_off_share") * float(outlook.arrays.cost[row])
    return write_off + float(outlook.arrays.holding_per_day[row]) * days


def add_up(parts: Iterable[MoneyAtRisk]) -> MoneyAtRisk:
    """Sum of money at risk, share by share."""
    margin = penalty = standstill = constrained = excess = 0
    for part in parts:
        margin += part.margin
        penalty += part.commitment_penalty
        standstill += part.standstill
        constrained += part.constrained_supply
        excess += part.excess_carrying
    return MoneyAtRisk(
        margin=margin,
        commitment_penalty=penalty,
        standstill=standstill,
        constrained_supply=constrained,
        excess_carrying=excess,
    )
