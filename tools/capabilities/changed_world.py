"""One item in a world that differs by one change: the forward look and the lanes as they would be.

The network's own figures under a change are simulated by :mod:`tools.whatif`; here the options of one item are worked
out again on changed facts. What a closed site or lane does is that nothing is sent over it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inventory.records import ScenarioChange, ScenarioKind
from optimizer.lead_time.kaplan_meier import LeadTimeLaw
from tools.arrays import Inbound, NetworkArrays
from tools.capabilities.solving import Lanes
from tools.columns import BoolArray
from tools.lead_times import LeadTimes
from tools.outlook import Outlook, look_ahead
from tools.thresholds import Thresholds


def changed_look(outlook: Outlook, change: ScenarioChange, thresholds: Thresholds) -> Outlook:
    """The forward look on changed facts."""
    arrays, lead_times = outlook.arrays, outlook.lead_times
    here = np.array([change.site in ("", site) for site in arrays.sites], dtype=np.bool_)
    match change.kind:
        case ScenarioKind.DEMAND_SURGE:
            arrays = replace(arrays, history=np.where(here[:, None], arrays.history * change.factor, arrays.history))
        case ScenarioKind.SUPPLIER_SLIPS:
            lead_times = _slipped(lead_times, change)
        case ScenarioKind.PART_DELIVERIES:
            arrays = replace(arrays, inbound=_in_parts(arrays, change, here))
        case ScenarioKind.SERVICE_TARGET_CHANGED:
            target = float(change.service_target or 0.95)
            arrays = replace(
                arrays,
                service_target=np.where(here, target, arrays.service_target),
                fill_rate_target=np.where(here, np.nan, arrays.fill_rate_target),
            )
        case _:
            return outlook
    return look_ahead(arrays, lead_times, thresholds)


def changed_lanes(lanes: Lanes, change: ScenarioChange) -> Lanes:
    """The lanes there would be."""
    if change.kind is ScenarioKind.LANE_CLOSED:
        ends = (change.origin, change.destination)
        return {to: tuple(lane for lane in ways if (lane.origin, to) != ends) for to, ways in lanes.items()}
    if change.kind is ScenarioKind.SITE_SHUTDOWN:
        return {
            to: () if to == change.site else tuple(lane for lane in ways if lane.origin != change.site)
            for to, ways in lanes.items()
        }
    return lanes


def _slipped(lead_times: LeadTimes, change: ScenarioChange) -> LeadTimes:
    """Every order of the suppliers meant comes so many days later, those under way included."""
    supplier = lead_times.frame["supplier"]
    meant = np.ones(len(supplier), dtype=np.bool_) if not change.supplier else (supplier == change.supplier).to_numpy()
    law = lead_times.law.probability
    later = np.zeros((law.shape[0], law.shape[1] + change.days))
    later[~meant, : law.shape[1]] = law[~meant]
    later[meant, change.days :] = law[meant]
    return replace(lead_times, law=LeadTimeLaw(later), mean_days=lead_times.mean_days + np.where(meant, change.days, 0))


def _in_parts(arrays: NetworkArrays, change: ScenarioChange, here: BoolArray) -> Inbound:
    """Open supplier orders bring their share in time; the rest comes so many days after the promise, or not at all."""
    inbound = arrays.inbound
    meant = (inbound.group >= 0) & here[inbound.series]
    if change.supplier:
        meant &= np.array([name == change.supplier for name in inbound.supplier], dtype=np.bool_)
    first = replace(inbound, quantity=np.where(meant, inbound.quantity * change.share, inbound.quantity))
    if not change.days:
        return first
    lines = np.flatnonzero(meant)
    rest = inbound.take(lines)
    later = {
        "quantity": rest.quantity * (1.0 - change.share),
        "promised_day": np.maximum(rest.promised_day, 0) + change.days,
        "group": np.full(lines.size, -1),
    }
    joined = {
        name: np.concatenate([getattr(first, name), later.get(name, getattr(rest, name))])
        for name in ("series", "quantity", "promised_day", "age_days", "group")
    }
    return Inbound(**joined, supplier=first.supplier + rest.supplier, reference=first.reference + rest.reference)
