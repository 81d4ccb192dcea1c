"""The static min/max policy the demo company runs in its ERP, set once and never revised.

A reorder point covers mean demand over lead time plus review, and a cushion of standard deviations; the order-up-to
level lies five weeks of demand (or one minimum order) above it. The means are those of all 26 weeks: since demand
rises in March, the policy is behind the times, which is what a reader should find.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.demo.catalogue import Catalogue
from service.demo.history import SalesHistory

REVIEW_DAYS = 7
INTERNAL_LEAD_DAYS = 2
CUSHION_SDS = 1.6
WEEKS_ABOVE = 5
SUPPLIED = ("DC-EAST", "DC-WEST", "WH-SOUTH", "ST-HARBOUR", "ST-PINE")
"""Sites that buy; the plant and the web channel are replenished from a distribution centre."""


@dataclass(frozen=True)
class StaticPolicy:
    """Arrays over item-sites: when and how much each replenishes, and from where."""

    reorder_point: NDArray[np.int64]
    order_up_to_level: NDArray[np.int64]
    donor_row: NDArray[np.int64]
    """Row of the item-site that replenishes it, or -1 where a supplier does."""
    lead_time_days: NDArray[np.int64]


def static_policy(history: SalesHistory, catalogue: Catalogue) -> StaticPolicy:
    """Minimum and maximum of every item-site from the whole history."""
    donor = donor_rows(history)
    row = history.item_row
    lead = np.where(donor >= 0, INTERNAL_LEAD_DAYS, catalogue.lead_time_days[row])
    weeks = (lead + REVIEW_DAYS) / 7
    mean, sd = history.weekly.mean(axis=1), history.weekly.std(axis=1)
    reorder = np.ceil(mean * weeks + CUSHION_SDS * sd * np.sqrt(weeks)).astype(np.int64)
    lot = np.where(donor >= 0, 1, np.minimum(catalogue.minimum_order[row], np.ceil(8 * mean)))
    up_to = reorder + np.maximum(np.ceil(WEEKS_ABOVE * mean), lot).astype(np.int64)
    sells = mean > 0
    return StaticPolicy(np.where(sells, reorder, 0), np.where(sells, up_to, 0), donor, lead)


def donor_rows(history: SalesHistory) -> NDArray[np.int64]:
    """Shape ``(n_pairs,)``: the distribution centre behind the plant and the channel, East before West."""
    rows = history.row
    donors = [
        -1 if site in SUPPLIED else next(rows[item, dc] for dc in ("DC-EAST", "DC-WEST") if (item, dc) in rows)
        for item, site in history.pairs
    ]
    return np.array(donors, dtype=np.int64)
