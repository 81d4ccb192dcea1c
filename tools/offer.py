"""An option before it is priced: what can be done about one item at one site, and what that does."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.machine_rules import RuleRecord
from inventory.records import ActionKind
from tools.columns import FloatArray


@dataclass(frozen=True)
class Offer:
    """One option before pricing: what, how much, when, and at which extra cost."""

    action: ActionKind
    quantity: int
    arrival: FloatArray
    """Shape ``(horizon,)``, probability of arrival by day; its length is the horizon of the need."""
    unit_cost: float
    """Currency per unit beyond what would be paid anyway."""
    fixed_cost: float
    source: str = ""
    mode: str = ""
    replaces: int = -1
    """Open order that arrives otherwise instead, as its place in the inbound list; -1 when units are added."""
    p50_day: int | None = None
    p90_day: int | None = None
    relief: float = 0.0
    """Currency saved elsewhere: surplus the giving sites are rid of, a refund."""
    limit: str = ""
    """What stops it from being larger."""
    rules: tuple[RuleRecord, ...] = ()
    """Machine rules that bind it."""
    feasible: bool = True
    executable: bool = True
    """Whether it can be posted from here; otherwise a person carries it out, and it is never chosen by itself."""
    paid_by: str = ""
    companion: str = ""
    """The other item, order or mode, in words."""
    freight_per_unit: float = 0.0
    freight: float = 0.0
    """Once, currency."""
    handling_per_unit: float = 0.0
    elsewhere: float = 0.0
    """What other sites and channels are expected to lose, currency."""
    elsewhere_units: float = 0.0
    extra: tuple[tuple[float, FloatArray], ...] = ()
    """Further receipts the offer causes: units and their arrival law."""
    takes: int = 0
    """Units that leave the shelf today."""
    lift: float = 1.0
    """Factor on demand."""
    price_share: float = 1.0
    """Of today's price, at which units are sold."""
    stand_in: int = -1
    """Row of the item that stands in, -1 without one."""
    acceptance: float = 0.0
    side_effects: tuple[str, ...] = ()

    @property
    def changes_world(self) -> bool:
        """Whether it does more than bring units."""
        return self.replaces >= 0 or bool(self.extra) or self.takes > 0 or self.lift != 1.0
