"""Each of the agent's roles on its own: what it knows about one item, site, supplier or case, as a small table.

The same tools play these roles inside the graphs; ``docs/agents.md`` says where.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from sqlalchemy import Connection

from inventory.audit import entries
from inventory.cases import find_case
from inventory.errors import NotFoundError
from inventory.ledger import ledger_rows
from inventory.proposals import list_proposals
from inventory.record import Record
from inventory.records import Scope
from tools.assemble import outlook_class
from tools.detect import cover_days
from tools.lanes import read_lanes
from tools.needs import donor_floor, spare_units, wanted_units
from tools.options import best, offers, price
from tools.outlook import Outlook
from tools.toolbox import Toolbox


class RoleAnswer(Record):
    """What a role has to say: a table of words."""

    role: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Answer = Callable[[Toolbox, Connection, Scope, str], RoleAnswer]


def rows_of_item(outlook: Outlook, scope: Scope, item: str) -> list[int]:
    """Rows of an item the asker may see.

    Raises
    ------
    NotFoundError
        If there are none.
    """
    arrays = outlook.arrays
    rows = [
        row
        for row, (known, site) in enumerate(zip(arrays.items, arrays.sites, strict=True))
        if known == item and scope.allows(site, arrays.item_class[row])
    ]
    if not rows:
        raise NotFoundError(f"item {item!r}: not planned at any site {scope.user} may see")
    return rows


def inventory_role(toolbox: Toolbox, connection: Connection, scope: Scope, item: str) -> RoleAnswer:
    """Where the units of an item are: on hand, promised, under way, on order."""
    outlook = toolbox.decided_outlook(connection, items=[item])
    arrays = outlook.arrays
    ledger = ledger_rows(connection, scope, items=[item])
    table = []
    for row in rows_of_item(outlook, scope, item):
        here = [line for line in ledger if line.site == arrays.sites[row]]
        figures = [
            sum(getattr(line, name) for line in here) for name in ("on_hand", "allocated", "reserved", "in_flight")
        ]
        table.append(
            (arrays.sites[row], *(f"{figure:,}" for figure in figures), f"{float(outlook.on_order[row]):,.0f}",
             f"{float(arrays.free[row]):,.0f}", f"{cover_days(outlook, row):,.0f}")
        )  # fmt: skip
    columns = ("site", "on hand", "allocated", "reserved", "in flight", "on order", "free", "days of cover")
    return RoleAnswer(role="inventory", about=item, columns=columns, rows=tuple(table))


def demand_role(toolbox: Toolbox, connection: Connection, scope: Scope, item: str) -> RoleAnswer:
    """How an item sells: level, spread, class, and whether it has shifted."""
    outlook = toolbox.decided_outlook(connection, items=[item])
    arrays, shift = outlook.arrays, outlook.shift
    table = [
        (
            arrays.sites[row],
            f"{float(outlook.demand.mean_per_day[row]) * 7:.2f}",
            f"{float(outlook.demand.sd_per_day[row]) * 7**0.5:.2f}",
            outlook_class(outlook, row),
            str(int(outlook.history_weeks[row])),
            f"{float(shift.recent_mean_per_period[row]):.2f}",
            f"{float(shift.baseline_mean_per_period[row]):.2f}",
            f"{float(shift.z_score[row]):+.1f}",
        )
        for row in rows_of_item(outlook, scope, item)
    ]
    columns = ("site", "mean/week", "sd/week", "class", "weeks known", "recent", "before", "z of the change")
    return RoleAnswer(role="demand", about=item, columns=columns, rows=tuple(table))


def replenishment_role(toolbox: Toolbox, connection: Connection, scope: Scope, item: str) -> RoleAnswer:
    """When and how much to reorder, and the risk of running out before it comes."""
    outlook = toolbox.decided_outlook(connection, items=[item])
    arrays = outlook.arrays
    table = []
    for row in rows_of_item(outlook, scope, item):
        window = int(outlook.window_days[row])
        table.append(
            (
                arrays.sites[row],
                f"{float(outlook.lead_time_mean[row]):.1f} ± {float(outlook.lead_time_sd[row]):.1f}",
                f"{float(outlook.levels.safety_stock[row]):.0f}",
                f"{float(outlook.levels.reorder_point[row]):.0f}",
                f"{float(outlook.levels.order_up_to_level[row]):.0f}",
                f"{float(arrays.free[row] + outlook.on_order[row]):.0f}",
                f"{float(outlook.projection.stockout_probability[row, :window].max()):.0%} in {window} d",
                f"{outlook.short_units(row):.1f}",
                _best_words(toolbox, outlook, row),
            )
        )
    columns = ("site", "lead time d", "safety", "reorder at", "order up to", "position", "P(out)", "short", "alone")
    return RoleAnswer(role="replenishment", about=item, columns=columns, rows=tuple(table))


def _best_words(toolbox: Toolbox, outlook: Outlook, row: int) -> str:
    """What the row would do without any other site: buy, pull an order in, or hold."""
    table = offers(outlook, row, (), ())
    chosen = table[best(price(outlook, row, table), table, 0.0)]
    return f"{chosen.action.value} {chosen.quantity}" if chosen.quantity else chosen.action.value


def allocation_role(toolbox: Toolbox, connection: Connection, scope: Scope, item: str) -> RoleAnswer:
    """Who could give units of an item, who wants some, and over which lanes."""
    outlook = toolbox.decided_outlook(connection, items=[item])
    arrays = outlook.arrays
    lanes = read_lanes(toolbox.snapshot())
    seen = rows_of_item(outlook, scope, item)
    sites = {arrays.sites[row] for row in seen}
    table = []
    for row in seen:
        site = arrays.sites[row]
        floor = donor_floor(outlook, row)
        spare = spare_units(outlook, row)
        position = float(arrays.free[row] + outlook.on_order[row])
        wants = wanted_units(outlook, row) if position < float(outlook.levels.reorder_point[row]) else 0
        ways = [lane.name for lane in lanes.get(site, ()) if lane.origin in sites]
        table.append((site, str(floor), str(spare), str(wants), " ".join(ways) or "–"))
    columns = ("site", "floor", "can give", "wants", "lanes into it")
    return RoleAnswer(role="allocation", about=item, columns=columns, rows=tuple(table))


def supply_role(toolbox: Toolbox, connection: Connection, scope: Scope, supplier: str) -> RoleAnswer:
    """How a supplier delivers: lead times as they were, against the contract, and what is late now."""
    lead_times = toolbox.lead_times(toolbox.snapshot())
    if supplier not in lead_times.suppliers:
        raise NotFoundError(f"supplier {supplier!r}: known are {', '.join(lead_times.suppliers)}")
    of_supplier = lead_times.frame.filter(pl.col("supplier") == supplier)
    groups = of_supplier["group"].cast(pl.Int64).to_numpy()
    arrays = toolbox.decided_outlook(connection, items=of_supplier["item"].to_list()).arrays
    receipts = lead_times.receipts
    done = receipts.observed & np.isin(receipts.group, groups)
    days = receipts.days[done]
    mine = [
        order
        for order, (name, row) in enumerate(zip(arrays.inbound.supplier, arrays.inbound.series, strict=True))
        if name == supplier and scope.allows(arrays.sites[int(row)], arrays.item_class[int(row)])
    ]
    late = [order for order in mine if arrays.inbound.promised_day[order] < 0]
    figures = (
        ("receipts", f"{days.size}"),
        ("lead time, mean days", f"{days.mean():.1f}" if days.size else "unknown"),
        ("lead time, 95 % within days", f"{np.quantile(days, 0.95):.0f}" if days.size else "unknown"),
        ("contract, mean days", f"{float(lead_times.contract_days[groups].mean()):.1f}"),
        ("open lines", str(len(mine))),
        ("open lines past their promise", str(len(late))),
        ("units past their promise", f"{float(arrays.inbound.quantity[late].sum()):,.0f}"),
        ("longest delay so far, days", str(-int(arrays.inbound.promised_day[late].min())) if late else "0"),
    )
    return RoleAnswer(role="supply", about=supplier, columns=("figure", "value"), rows=figures)


def audit_role(toolbox: Toolbox, connection: Connection, scope: Scope, case_id: str) -> RoleAnswer:
    """What is on record about a case: every event of it and of its proposals."""
    case = find_case(connection, scope, case_id).case
    subjects = [case.case_id] + [p.proposal_id for p in list_proposals(connection, scope, case_id=case.case_id)]
    known = sorted(
        (entry for subject in subjects for entry in entries(connection, subject_id=subject)), key=lambda e: e.sequence
    )
    table = tuple((str(entry.sequence), entry.at[:16], entry.actor, entry.event, entry.subject_id) for entry in known)
    return RoleAnswer(role="audit", about=case.case_id, columns=("entry", "at", "who", "what", "about"), rows=table)


ROLES: dict[str, Answer] = {
    "inventory": inventory_role,
    "demand": demand_role,
    "replenishment": replenishment_role,
    "allocation": allocation_role,
    "supply": supply_role,
    "audit": audit_role,
}
"""The roles by name; each takes an item, but ``supply`` a supplier and ``audit`` a case."""
