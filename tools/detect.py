"""Finds what is wrong, over all item-sites at once; a finding has a number, a date and a cause."""

from __future__ import annotations

from inventory.records import Finding
from tools.detectors.ageing import dying, ends_of_life, expiries
from tools.detectors.demand import demand_shifts, forecast_biases
from tools.detectors.records import phantom_stock
from tools.detectors.scan import Place, Scan, cover_days
from tools.detectors.shortage import late_transfers, stockouts, supplier_delays
from tools.detectors.surplus import excesses, imbalances
from tools.outlook import Outlook
from tools.signals import Signals
from tools.thresholds import Thresholds

__all__ = ["cover_days", "detect"]

IN_TURN = (
    supplier_delays, late_transfers, phantom_stock, stockouts, expiries, ends_of_life, imbalances, excesses, dying,
    demand_shifts, forecast_biases,
)  # fmt: skip
"""Who is asked first explains the trouble: a late order before the shortage it makes, a shift before the bias."""


def detect(
    outlook: Outlook,
    thresholds: Thresholds,
    open_places: frozenset[Place] = frozenset(),
    *,
    signals: Signals | None = None,
) -> list[Finding]:
    """Every finding about an item-site, by kind, item and site.

    An item-site gets one finding: a shortage that overdue supply explains belongs to who is late, one that is not
    explained is a projected stockout; the other kinds are looked for where there is neither.

    Parameters
    ----------
    open_places
        ``(kind, item, site)`` of the findings of open cases: they stay until they fall below the lower band.
    signals
        What histories and shelves say; from the arrays of the outlook, without lots and ends, when omitted.
    """
    if not outlook.arrays.rows:
        return []
    signals = Signals.of(outlook.arrays, thresholds) if signals is None else signals
    scan = Scan.of(outlook, signals, thresholds, open_places)
    taken: set[tuple[str, str]] = set()
    found: list[Finding] = []
    for look in IN_TURN:
        fresh = [finding for finding in look(scan) if (finding.item, finding.site) not in taken]
        taken |= {(finding.item, finding.site) for finding in fresh}
        found += fresh
    return sorted(found, key=lambda finding: (finding.kind, finding.item, finding.site))
