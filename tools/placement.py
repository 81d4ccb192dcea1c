"""Hold it centrally or forward? The safety stock of an item, placed at the site that feeds the others or at those."""

from __future__ import annotations

from collections import Counter

import numpy as np
from sqlalchemy import Connection

from inventory.errors import NotFoundError
from inventory.records import Scope
from optimizer.echelons.central_or_forward import CenterAndSites, PlacementOptions, central_or_forward
from tools.outlook import Outlook
from tools.roles import RoleAnswer, rows_of_item
from tools.toolbox import Toolbox

MOST_SERVICE = 0.999
"""A service target above this is priced as this: the penalty it implies grows without bound."""


def priced_placements(toolbox: Toolbox, connection: Connection, scope: Scope, item: str) -> RoleAnswer:
    """What it costs a day to keep the safety stock at the center, forward, or divided.

    A unit owed for a day costs what the service target says it is worth: holding times target over one less target.

    Raises
    ------
    NotFoundError
        If no site the asker may see feeds another one the asker may see with this item.
    """
    outlook = toolbox.decided_outlook(connection, items=[item])
    seen = rows_of_item(outlook, scope, item)
    center, sites = _center_and_sites(outlook, seen, item)
    found, units = _priced(outlook, center, sites)
    table = tuple(
        (
            f"{found.central_share[option]:.0%}",
            f"{found.center_units[0, option]:,.0f}",
            f"{units - found.center_units[0, option]:,.0f}",
            f"{found.center_holding[0, option]:,.2f}",
            f"{found.site_holding[0, option]:,.2f}",
            f"{found.shortage[0, option]:,.2f}",
            f"{found.cost[0, option]:,.2f}",
            f"{found.ready_rate[0, option]:.1%}",
            "cheapest" if option == found.best[0] else f"+{found.saving[0, option]:,.2f}",
        )
        for option in range(len(found.central_share))
    )
    columns = (
        f"at {outlook.arrays.sites[center]}", "central", "forward", "holding there", "holding at sites", "shortage",
        "cost a day", "on the shelf", "against best",
    )  # fmt: skip
    return RoleAnswer(role="placement", about=item, columns=columns, rows=table)


def _center_and_sites(outlook: Outlook, seen: list[int], item: str) -> tuple[int, list[int]]:
    """The row that feeds most others, and the rows it feeds."""
    arrays = outlook.arrays
    feeds = Counter(arrays.source_site[row] for row in seen if (item, arrays.source_site[row]) in arrays.row_of)
    known = {arrays.row_of[(item, site)]: count for site, count in feeds.items()}
    known = {row: count for row, count in known.items() if row in seen}
    if not known:
        raise NotFoundError(f"item {item!r}: no site feeds another one with it, so there is no center to hold it at")
    center = min(known, key=lambda row: (-known[row], arrays.sites[row]))
    return center, [row for row in seen if arrays.source_site[row] == arrays.sites[center]]


def _priced(outlook: Outlook, center: int, sites: list[int]) -> tuple[PlacementOptions, float]:
    """Every placement of the safety stock that center and sites keep today, and how much that is."""
    arrays, demand = outlook.arrays, outlook.demand
    rows = np.array(sites)
    mean, sd = demand.mean_per_day[rows], demand.sd_per_day[rows]
    lead = outlook.lead_time_mean[rows] + arrays.review_days[rows]
    center_lead = float(outlook.lead_time_mean[center] + arrays.review_days[center])
    units = float(np.maximum(outlook.levels.safety_stock[[center, *sites]], 0.0).sum())
    holding = np.maximum(arrays.holding_per_day, 1e-9)
    target = np.minimum(arrays.service_target[rows], MOST_SERVICE)
    network = CenterAndSites(
        demand_mean=mean[None, :],
        demand_sd=np.where(mean > 0.0, sd, 0.0)[None, :],
        center_lead_time_days=np.array([center_lead]),
        site_lead_time_days=lead[None, :],
        center_level=np.array([float(mean.sum()) * center_lead]),
        site_level=(mean * lead)[None, :],
    )
    penalty = (holding[rows] * target / (1.0 - target))[None, :]
    options = central_or_forward(network, np.array([units]), holding[center], holding[rows][None, :], penalty)
    return options, units
