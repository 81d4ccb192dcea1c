"""The approval policy as data: its schema, and reading it from TOML.

Reading is strict: an unknown key, a missing key, a wrong type, a limit that falls where it should rise, or an
allow-list row that another table forbids is a ``PolicyError``. A policy that cannot be read rules on nothing.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from agent.errors import PolicyError
from agent.gate_facts import CustomerTier
from inventory.record import Record
from inventory.records import ActionKind, Tier

Whole = Annotated[int, Field(ge=0, strict=True)]
"""A whole, non-negative number; ``true`` and ``5.0`` are not."""

Share = Annotated[float, Field(ge=0, le=1, strict=True)]

MINOR_PER_UNIT = 100
"""Minor units in one unit of the policy's currency."""


class ActionLimits(Record):
    """What one kind of action asks for."""

    floor: Tier
    planner_limit: Whole


class AutoRow(Record):
    """One row of the allow-list."""

    action: ActionKind
    item_class: str
    value_limit: Whole


class ConfidenceMarks(Record):
    """Confidence below which a planner, and below which formal approval, is needed."""

    planner_below: Share
    formal_below: Share


class AgeMarks(Record):
    """Snapshot age in hours above which a planner decides, and above which nobody may act from here."""

    planner_above: Whole
    advice_above: Whole


class HealthMarks(Record):
    """Site health below which a planner decides, and below which nobody may act from here."""

    planner_below: Share
    advice_below: Share


class CoverMarks(Record):
    """Donor cover over its floor below which a planner, and below which formal approval, is needed."""

    planner_below: Annotated[float, Field(ge=0, strict=True)]
    formal_below: Annotated[float, Field(ge=0, strict=True)]


class Novelty(Record):
    """How long an item must be known."""

    item_days: Whole


class OverrideMarks(Record):
    """Share of overruled proposals above which a planner decides."""

    planner_above: Share


class Budget(Record):
    """What the auto tier may move per site and day."""

    auto_per_site_day: Whole


class PurchaseBudget(Record):
    """Share of a budget, in percent, above which a purchase or expedite asks its owner."""

    percent_above: Whole


class Owner(Record):
    """Who answers for what an action changes: the least tier, and roles of which one signer each is needed."""

    tier: Tier
    roles: Annotated[tuple[str, ...], Field(min_length=1)]


class Owners(Record):
    """Changes that ask the one who answers for them, at any value."""

    valuation: Owner
    over_budget: Owner
    customer_commitment: Owner
    supplier_commitment: Owner

    @property
    def by_rule(self) -> dict[str, Owner]:
        """Owners by the rule of the gate that asks them."""
        return {
            "valuation": self.valuation,
            "over_budget": self.over_budget,
            "customer_commitment": self.customer_commitment,
            "supplier_commitment": self.supplier_commitment,
        }


class Revalidation(Record):
    """How far facts may have moved between draft and signature, percent, and the proposal still execute."""

    free_units_percent: Whole
    price_percent: Whole
    equivalent_window_days: Whole = 14
    """An order that arrives this much before or after ours serves the same need."""


class SnoozeLimits(Record):
    """How long a proposal may sleep."""

    longest_wait_days: Annotated[int, Field(ge=1, strict=True)] = 30
    """A snooze without a date ends after this at the latest: a condition may never come true."""


class Thrash(Record):
    """Limits against moving goods to and fro."""

    minimum_net_benefit: Whole
    net_benefit_confidence: Share = 0.8
    """How sure the net benefit must be at least the minimum; below a half the estimate itself is held against it."""
    cool_down_days: Whole
    reverse_days: Whole
    reopen_gain: Whole
    lane_moves_per_day: Whole = 100
    """Moves over a lane by its day of departure, for everybody."""
    lane_value_per_day: Whole = 100_000
    """Their value."""


class ExpiryHours(Record):
    """Hours until a pending proposal expires, per tier."""

    auto: Whole
    planner: Whole
    formal: Whole
    advice: Whole


class RecallMinutes(Record):
    """Minutes between approval and the first chance to act, per tier that can act."""

    auto: Whole
    planner: Whole
    formal: Whole


class Queue(Record):
    """How many cases a planner is shown per day."""

    per_planner: Annotated[int, Field(ge=1, strict=True)]


class Approvers(Record):
    """Roles that may sign per tier, and roles that never may."""

    planner: Annotated[tuple[str, ...], Field(min_length=1)]
    formal: Annotated[tuple[str, ...], Field(min_length=1)]
    excluded: tuple[str, ...]


class ChangeRoles(Record):
    """Roles that may propose, and roles that may confirm, the next version of a policy document."""

    propose: Annotated[tuple[str, ...], Field(min_length=1)]
    confirm: Annotated[tuple[str, ...], Field(min_length=1)]


class Changes(Record):
    """Who may change which policy document; always two different people."""

    approval: ChangeRoles
    stocking: ChangeRoles
    rights: ChangeRoles
    thresholds: ChangeRoles


DEFAULT_OWNERS = Owners(
    valuation=Owner(tier=Tier.FORMAL, roles=("finance",)),
    over_budget=Owner(tier=Tier.FORMAL, roles=("finance",)),
    customer_commitment=Owner(tier=Tier.FORMAL, roles=("central",)),
    supplier_commitment=Owner(tier=Tier.PLANNER, roles=("buyer",)),
)
"""What a document written before there were owners is read with."""

_SECOND = ("central", "manager")
DEFAULT_CHANGES = Changes(
    approval=ChangeRoles(propose=("central", "manager", "finance"), confirm=_SECOND),
    stocking=ChangeRoles(propose=("planner", "central", "manager"), confirm=_SECOND),
    rights=ChangeRoles(propose=("central", "manager", "administrator"), confirm=_SECOND),
    thresholds=ChangeRoles(propose=("planner", "central", "manager"), confirm=_SECOND),
)
"""The same for who may change policies."""


class ApprovalPolicy(Record):
    """One version of the approval policy, as it holds at one place."""

    version: Annotated[int, Field(ge=1, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    two_people_above: Whole
    actions: dict[ActionKind, ActionLimits]
    item_classes: dict[str, Tier]
    customer_tiers: dict[CustomerTier, Tier]
    auto: tuple[AutoRow, ...]
    confidence: ConfidenceMarks
    snapshot_age_hours: AgeMarks
    site_health: HealthMarks
    donor_cover_ratio: CoverMarks
    novelty: Novelty
    override_rate: OverrideMarks
    budget: Budget
    purchase_budget: PurchaseBudget = PurchaseBudget(percent_above=100)
    owners: Owners = DEFAULT_OWNERS
    revalidation: Revalidation = Revalidation(free_units_percent=10, price_percent=2)
    snooze: SnoozeLimits = SnoozeLimits()
    thrash: Thrash
    expiry_hours: ExpiryHours
    recall_minutes: RecallMinutes
    queue: Queue
    approvers: Approvers
    changes: Changes = DEFAULT_CHANGES

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*_falling_marks(self), *_falling_limits(self), *_forbidden_rows(self), *_role_problems(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def auto_limit_minor(self, action: ActionKind, item_class: str) -> int | None:
        """Value up to which an action on a class needs no person, minor units; ``None`` when it is not allowed."""
        limits = [row.value_limit for row in self.auto if row.action is action and row.item_class == item_class]
        return limits[0] * MINOR_PER_UNIT if limits else None


def read_policy(data: dict[str, Any], name: str = "the approval policy") -> ApprovalPolicy:
    """The policy that plain data holds; a ``PolicyError`` names every offending key."""
    try:
        return ApprovalPolicy.model_validate(data)
    except ValidationError as error:
        raise PolicyError(f"{name} is refused: {_listed(error)}") from error


def packaged_policy_text() -> str:
    """The policy this version ships with, as TOML."""
    return files("agent").joinpath("approval_policy.toml").read_text(encoding="utf-8")


def _listed(error: ValidationError) -> str:
    found = ((".".join(str(part) for part in problem["loc"]) or "policy", problem["msg"]) for problem in error.errors())
    return "; ".join(f"{key}: {message}" for key, message in found)


def _falling_marks(policy: ApprovalPolicy) -> list[str]:
    """Marks of which the stricter is met before the milder."""
    pairs = (
        ("confidence", policy.confidence.formal_below, policy.confidence.planner_below),
        ("site_health", policy.site_health.advice_below, policy.site_health.planner_below),
        ("donor_cover_ratio", policy.donor_cover_ratio.formal_below, policy.donor_cover_ratio.planner_below),
        ("snapshot_age_hours", policy.snapshot_age_hours.planner_above, policy.snapshot_age_hours.advice_above),
    )
    return [f"{name}: {low:g} must not be above {high:g}" for name, low, high in pairs if low > high]


def _falling_limits(policy: ApprovalPolicy) -> list[str]:
    """Value limits that do not rise from auto over planner to two people, and tiers that do not rise with customers."""
    problems = [
        f"actions.{action.value}.planner_limit: {limits.planner_limit} is above two_people_above "
        f"{policy.two_people_above}"
        for action, limits in policy.actions.items()
        if limits.planner_limit > policy.two_people_above
    ]
    order: tuple[CustomerTier, ...] = ("standard", "key", "strategic")
    absent = [tier for tier in order if tier not in policy.customer_tiers]
    if absent:
        return [*problems, f"customer_tiers: {', '.join(absent)} missing"]
    strictness = [policy.customer_tiers[tier].strictness for tier in order]
    if strictness != sorted(strictness):
        problems.append("customer_tiers: must not fall from standard over key to strategic")
    return problems


def _forbidden_rows(policy: ApprovalPolicy) -> list[str]:
    """Rows of the allow-list that an action, a class, a limit or another row contradicts."""
    problems: list[str] = []
    seen: set[tuple[ActionKind, str]] = set()
    for row in policy.auto:
        name = f"auto: {row.action.value} of {row.item_class}"
        limits = policy.actions.get(row.action)
        if (row.action, row.item_class) in seen:
            problems.append(f"{name} is listed twice")
        seen.add((row.action, row.item_class))
        if limits is None or limits.floor is not Tier.AUTO:
            problems.append(f"{name}: the action is not open to auto")
        elif row.value_limit > limits.planner_limit:
            problems.append(f"{name}: {row.value_limit} is above the planner limit {limits.planner_limit}")
        if policy.item_classes.get(row.item_class) is not Tier.AUTO:
            problems.append(f"{name}: the class is not open to auto")
    return problems


def _role_problems(policy: ApprovalPolicy) -> list[str]:
    excluded = set(policy.approvers.excluded)
    both = sorted(excluded & {*policy.approvers.planner, *policy.approvers.formal})
    problems = [f"approvers: {role} is both allowed and excluded" for role in both]
    for name, owner in policy.owners.by_rule.items():
        problems += [f"owners.{name}: {role} never signs" for role in owner.roles if role in excluded]
        if owner.tier in (Tier.AUTO, Tier.ADVICE):
            problems.append(f"owners.{name}.tier: {owner.tier.value} needs no signature; use planner or formal")
    return problems
