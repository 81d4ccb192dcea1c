"""What each tool takes, and what it cannot do without."""

from __future__ import annotations

from tools.capabilities.catalogue import SPECIFICATION_OF

NEEDED_FOR_CHANGE: dict[str, tuple[str, ...]] = {
    "supplier_slips": ("supplier", "days"),
    "demand_surge": ("percent",),
    "part_deliveries": ("supplier", "percent"),
    "site_shutdown": ("site", "days"),
    "lane_closed": ("origin", "destination"),
    "service_target_changed": ("percent",),
}
"""What each change of the world cannot do without, in the order it is asked for."""


def fields_of(tool: str) -> tuple[str, ...]:
    """Arguments a tool takes, in the order of its record."""
    return tuple(SPECIFICATION_OF[tool].arguments.model_fields)


def required_of(tool: str) -> tuple[str, ...]:
    """Arguments it cannot do without."""
    fields = SPECIFICATION_OF[tool].arguments.model_fields
    return tuple(name for name, field in fields.items() if field.is_required())
