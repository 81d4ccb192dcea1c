"""What the approval gate looks at: numbers it is given, none of which it fetches or computes itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from inventory.record import Record
from inventory.records import ActionKind

RolloutMode = Literal["shadow", "recommend", "guided", "auto"]
"""How far the scope has come: compare only, advise, act once approved, act alone on low risk."""

CustomerTier = Literal["standard", "key", "strategic"]
"""Most important customer whose stock or order the action touches."""


class GateFacts(Record):
    """The facts behind one ruling; kept with it, they replay to the same tier."""

    action: ActionKind
    value_minor: int = Field(ge=0)
    """Value of the proposal, minor units; for a hold, the money left at risk."""
    units: int = Field(ge=0)
    donor_cover_ratio_after: float | None = Field(ge=0)
    """Lowest donor cover after the move over that donor's floor; ``None`` when nobody gives."""
    reversible: bool
    """It can be cancelled or turned back for no more than the cost of the movement."""
    item_classes: tuple[str, ...]
    customer_tier: CustomerTier
    confidence: float = Field(ge=0, le=1)
    snapshot_age_hours: float = Field(ge=0)
    """Age of the oldest feed the proposal rests on."""
    site_health: float = Field(ge=0, le=1)
    """Lowest health score over the sites it touches; 1 is sound."""
    data_problem_open: bool
    """A data problem is open at an item and site it touches."""
    new_lane: bool
    """Nothing has moved on this lane before."""
    item_age_days: int | None = Field(ge=0)
    """Days since launch; ``None`` when the launch date is unknown, and then history alone counts."""
    history_weeks: int = Field(ge=0)
    """Weeks of demand history, the shortest over the items."""
    override_rate: float = Field(ge=0, le=1)
    """Share of recent proposals of this kind that people overruled."""
    auto_value_today_minor: int = Field(ge=0)
    """Already done without a person at this site today, before this one."""
    lane_value_24h_minor: int = Field(ge=0)
    """Already proposed on this lane in the last 24 hours, before this one; catches splitting."""
    reverse_of_recent: bool
    """It undoes a move made within the policy's ``reverse_days``."""
    cool_down_active: bool
    """The item moved on this lane within the policy's ``cool_down_days``."""
    rollout_mode: RolloutMode
    kill_switch: bool
    erp_native_key: bool
    """The ERP itself refuses a second document with our key."""
    net_value_minor: int
    """Shortage avoided minus cost, minor units; may be negative."""
    infeasible: bool
    """No option met the constraints."""
    valuation_change_minor: int | None = Field(ge=0)
    """By how much it changes what the stock is worth, minor units either way; ``None`` when it does not."""
    budget_minor: int | None = Field(ge=0)
    """Budget it draws on, of several the one with the least left; ``None`` when it draws on none."""
    budget_committed_minor: int = Field(ge=0)
    """Already ordered, approved or held by drafts in that budget's period, before this one."""
    budget_spend_minor: int = Field(ge=0)
    """What this one spends of it."""
    customer_commitment: bool
    """It changes what a customer was promised."""
    supplier_commitment: bool
    """It changes what was agreed with a supplier."""
    missing: tuple[str, ...]
    """Names of facts that could not be established."""
    net_value_low_minor: int | None = None
    """Net value reached at least at the policy's confidence; ``None`` where the policy asks for none."""
    budget_held_by: tuple[str, ...] = ()
    """Other proposals that hold some of the budget, most first: whoever is over it is told who came before."""


class Place(Record):
    """Where an action takes place, as far as layers of a policy can tell places apart; empty is unknown."""

    region: str = ""
    site: str = ""
    item_class: str = ""
    channel: str = ""


class RuledFacts(Record):
    """What a ruling keeps to be replayed: the facts, and the places whose layers it was ruled by."""

    facts: GateFacts
    places: tuple[Place, ...] = ()
