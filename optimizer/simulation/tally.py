"""What a simulation counts, by reporting period, site and item."""

from dataclasses import dataclass, fields

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, IntArray
from optimizer.simulation.planner import Receipts


@dataclass(frozen=True)
class Tally:
    """Sums over the days of a period, shape ``(periods, sites, items)`` throughout.

    Parameters
    ----------
    days
        Days of the period.
    demand, served, lost
        Units; served means on its day.
    lines, complete_lines
        Order lines (a day on which an item is wanted at a site), and those served in full on their day.
    on_hand_days
        Units on hand, summed over evenings.
    in_stock_days
        Evenings with stock.
    backordered_days
        Units backordered, summed over evenings.
    orders, ordered
        Replenishments placed and their units, expedites apart.
    expedites, expedited
        The same, expedited.
    transfers, transferred
        Transfers received by the site (by the day they leave), and their units.
    expired
        Units thrown away, at the site or on the way to it.
    """

    days: FloatArray
    demand: FloatArray
    served: FloatArray
    lost: FloatArray
    lines: FloatArray
    complete_lines: FloatArray
    on_hand_days: FloatArray
    in_stock_days: FloatArray
    backordered_days: FloatArray
    orders: FloatArray
    ordered: FloatArray
    expedites: FloatArray
    expedited: FloatArray
    transfers: FloatArray
    transferred: FloatArray
    expired: FloatArray

    @classmethod
    def empty(cls, periods: int, sites: int, items: int) -> "Tally":
        """Nothing counted yet."""
        return cls(**{field.name: np.zeros((periods, sites, items)) for field in fields(cls)})

    def count(self, period: int, **amounts: FloatArray | BoolArray) -> None:
        """Add amounts of shape ``(sites, items)`` to a period."""
        for name, amount in amounts.items():
            table: FloatArray = getattr(self, name)
            table[period] += amount


@dataclass(frozen=True)
class Outcome:
    """What a simulation comes to.

    Parameters
    ----------
    tally
        Sums by period, site and item.
    on_hand, backordered, on_order
        Closing state, shape ``(sites, items)``, units.
    complete
        Shape ``(days, sites, items)``, whether the day's demand was served in full; empty unless it was recorded.
    due_site, due_item, due_quantity, due_day
        Purchases still under way, shape ``(k,)``; days count from the end of the run.
    supply
        Purchase orders of the run, as known at its end.
    """

    tally: Tally
    on_hand: FloatArray
    backordered: FloatArray
    on_order: FloatArray
    complete: BoolArray
    due_site: IntArray
    due_item: IntArray
    due_quantity: FloatArray
    due_day: IntArray
    supply: Receipts
