"""What is hidden in the demo's data: which item-site was brought into which situation, by name.

Everything here is invented. Demand spikes and drops are not listed: they are real and left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shortage:
    """An item-site about to run out while another site has plenty."""

    item: str
    receiver: str
    donor: str
    cover_days: int
    """Days the receiver's stock lasts at the pace of the last four weeks."""
    ordered: bool
    """A purchase order was sent last Monday and comes too late; otherwise the ERP's reorder point is too low."""


def _shortages(receiver: str, donor: str, items: str, first_cover: int, ordered: str = "") -> tuple[Shortage, ...]:
    """Shortages of one lane, those named in ``ordered`` with an order on its way; cover runs over six values."""
    return tuple(
        Shortage(item, receiver, donor, first_cover + index % 6, item in ordered.split())
        for index, item in enumerate(items.split())
    )


CONSUMABLE_SHORTAGES = (
    *_shortages(
        "DC-WEST",
        "DC-EAST",
        "P-10364 P-10447 P-11244 P-11717 P-1210 P-1856 P-363 P-9487 P-7881",
        4,
        "P-10447 P-363 P-7881",
    ),
    *_shortages("DC-EAST", "DC-WEST", "P-3700", 5, "P-3700"),
    *_shortages("WH-SOUTH", "DC-EAST", "P-10346 P-13701 P-12099 P-6741", 4),
)
"""Low-value consumables: a transfer of a few units below 500 EUR settles each."""

PLANNER_SHORTAGES = (
    *_shortages(
        "WH-SOUTH",
        "DC-EAST",
        "P-10203 P-10269 P-10450 P-14235 P-1902 P-1448 P-5345 P-7534 P-832 P-8407",
        4,
        "P-10450 P-1902 P-1448 P-832",
    ),
    *_shortages("DC-EAST", "WH-SOUTH", "P-4165 P-72 P-13079", 5, "P-13079"),
)
"""Goods of 500 to 5,000 EUR to move."""

FORMAL_SHORTAGES = (
    *_shortages("ST-PINE", "ST-HARBOUR", "P-3679", 5),
    *_shortages("ST-HARBOUR", "ST-PINE", "P-9230", 6),
    *_shortages("WH-SOUTH", "DC-EAST", "P-4495 P-7992 P-9770 P-6607", 5, "P-9770"),
)
"""Above 5,000 EUR (the stores), regulated (P-4495, P-7992), cold chain (P-9770) or constrained (P-6607)."""

SHORTAGES = CONSUMABLE_SHORTAGES + PLANNER_SHORTAGES + FORMAL_SHORTAGES

EXCESS: tuple[tuple[str, str], ...] = tuple(
    (item, site)
    for site, items in (
        ("DC-EAST", "P-11461 P-10582 P-11026 P-11927 P-13170 P-14061 P-2466 P-4196 P-7134 P-9414 P-12267"),
        ("DC-WEST", "P-10516 P-10775 P-12521 P-1708 P-2747 P-6988 P-7146"),
    )
    for item in items.split()
)
"""More than a year of demand on the shelf; P-12267 and P-7146 no longer sell at all there."""

IMBALANCES: tuple[tuple[str, str, str], ...] = (
    ("P-9228", "DC-EAST", "DC-WEST"),
    ("P-11108", "DC-EAST", "DC-WEST"),
    ("P-3457", "DC-EAST", "DC-WEST"),
    ("P-4992", "DC-EAST", "DC-WEST"),
    ("P-5265", "WH-SOUTH", "DC-EAST"),
    ("P-7525", "DC-EAST", "WH-SOUTH"),
)
"""``(item, short site, long site)``: hardly the lead time and review covered here, 40 weeks there."""

LATE_SUPPLIER = "SUP-LARCH"
LATE: tuple[tuple[str, str], ...] = tuple(
    (item, site)
    for site, items in (
        (
            "WH-SOUTH",
            "P-11210 P-11908 P-13278 P-14161 P-4091 P-4488 P-4783 P-5131 P-5216 P-5236 P-6476 P-8502 P-11147 P-12649 "
            "P-14029",
        ),
        ("DC-EAST", "P-3166 P-4349 P-6514"),
    )
    for item in items.split()
)
"""Item-sites waiting for an order of the late supplier, 12 to 25 days past its promise."""

PLANT = "PL-NORTH"
BOMS: tuple[tuple[str, str, float], ...] = (
    ("P-5067", "P-3352", 1.0),
    ("P-5067", "P-2799", 1.0),
    ("P-5686", "P-7727", 1.0),
    ("P-5686", "P-9900", 1.0),
    ("P-7664", "P-3435", 2.0),
    ("P-7664", "P-12291", 1.0),
    ("P-7664", "P-3352", 1.0),
)
"""``(kit, component, units per kit)``; kits are put together at the plant."""

PRODUCTION: tuple[tuple[str, int, int, str], ...] = (
    ("P-7664", 7, 60, "released"),
    ("P-5686", 10, 45, "released"),
    ("P-5067", 9, 40, "released"),
    ("P-5067", 23, 40, "planned"),
    ("P-7664", 28, 50, "planned"),
)
"""``(kit, days from today to its start, quantity, status)``."""

PLANT_STOCK = {"P-3435": 25, "P-7727": 15, "P-3352": 220, "P-2799": 110, "P-9900": 70, "P-12291": 140}
"""Components at the plant; P-3435 and P-7727 do not reach for their next order."""
COMPONENT_DONORS: tuple[tuple[str, str, int], ...] = (("P-3435", "DC-EAST", 160), ("P-7727", "WH-SOUTH", 60))
"""``(item, site, surplus)``: where the missing components lie."""

FLAGS: dict[str, tuple[str, ...]] = {
    "regulated": ("P-4495", "P-7992", "P-11370", "P-5815", "P-4837"),
    "cold_chain": ("P-9770", "P-11742", "P-1594", "P-2627"),
    "customer_specific": ("P-4132", "P-3426", "P-8551", "P-7259", "P-6242", "P-5309", "P-13400"),
    "constrained": ("P-6607", "P-12555", "P-1878", "P-9964", "P-786"),
}
"""Items by class; consumables are added by rule in the catalogue."""

COMMITMENTS: tuple[tuple[str, str, str, int], ...] = (
    ("HALDEN", "P-4132", "DC-EAST", 12),
    ("HALDEN", "P-3426", "WH-SOUTH", 8),
    ("HALDEN", "P-8551", "DC-EAST", 10),
    ("HALDEN", "P-10450", "DC-EAST", 20),
    ("HALDEN", "P-4495", "DC-EAST", 15),
    ("HALDEN", "P-7259", "DC-EAST", 8),
    ("BRIGHTMART", "P-6242", "DC-WEST", 6),
    ("BRIGHTMART", "P-5309", "DC-WEST", 6),
    ("HALDEN", "P-1902", "DC-EAST", 25),
    ("NORDVIK", "P-13400", "DC-EAST", 4),
)
"""``(customer, item, site, units protected)``."""

OPEN_TRANSFERS: tuple[tuple[str, str, str, int], ...] = (
    ("P-8286", "DC-EAST", "DC-WEST", 8),
    ("P-5639", "DC-EAST", "DC-WEST", 6),
    ("P-6031", "DC-EAST", "DC-WEST", 4),
)
"""``(item, origin, destination, units)`` on the road today."""

MISMATCHES: tuple[tuple[str, str, float], ...] = (
    ("P-1511", "WH-SOUTH", 0.86),
    ("P-5752", "WH-SOUTH", 0.78),
    ("P-11091", "DC-EAST", 1.17),
)
"""``(item, site, warehouse count over ERP book)``."""

NOT_USABLE: tuple[tuple[str, str, str, int], ...] = (
    ("P-1511", "DC-EAST", "quality", 4),
    ("P-4911", "WH-SOUTH", "quality", 6),
    ("P-6554", "DC-EAST", "blocked", 3),
)
"""``(item, site, status, units)`` taken out of the unrestricted stock."""

EXPIRING: dict[tuple[str, str], int] = {("P-1594", "DC-EAST"): 21, ("P-11742", "DC-WEST"): 30}
"""Days left of the lots of two cold-chain item-sites."""

STALE_FEED = ("stock", "ST-PINE", 3)
"""``(feed, site, days behind)``."""

SPIKES: tuple[tuple[str, str], ...] = (
    ("P-320", "DC-WEST"),
    ("P-320", "DC-EAST"),
    ("P-2121", "DC-EAST"),
    ("P-6780", "DC-EAST"),
    ("P-13900", "DC-EAST"),
    ("P-6455", "WH-SOUTH"),
    ("P-8487", "WH-SOUTH"),
)
"""Real: sales of the last four weeks at least twice those of the twelve before."""
DROPS: tuple[tuple[str, str], ...] = (("P-14215", "WH-SOUTH"), ("P-2168", "WH-SOUTH"), ("P-9689", "DC-WEST"))
"""Real: sales of the last four weeks at most a third of those of the twelve before."""
