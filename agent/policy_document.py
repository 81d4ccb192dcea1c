"""The approval policy as data: its schema, and reading it from TOML.

Reading is strict: an unknown key, a missing key, a wrong type, a limit that falls where it should rise, or an
allow-list row that another table forbids is a ``PolicyError``. A policy that cannot be read rules on nothing.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Annotated, Self

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


class Thrash(Record):
    """Limits against moving goods to and fro."""

    minimum_net_benefit: Whole
    cool_down_days: Whole
    reverse_days: Whole
    reopen_gain: Whole


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


class ApprovalPolicy(Record):
    """One version of the approval policy."""

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
    thrash: Thrash
    expiry_hours: ExpiryHours
    recall_minutes: RecallMinutes
    queue: Queue
    approvers: Approvers

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


def load_policy(text: str) -> ApprovalPolicy:
    """The policy a TOML text holds.

    Raises
    ------
    PolicyError
        If it is not TOML, or does not meet the schema; every offending key is named.
    """
    try:
        return ApprovalPolicy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"the approval policy is not TOML: {error}") from error
    except ValidationError as error:
        raise PolicyError(f"the approval policy is refused: {_listed(error)}") from error


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
    both = sorted(set(policy.approvers.excluded) & {*policy.approvers.planner, *policy.approvers.formal})
    return [f"approvers: {role} is both allowed and excluded" for role in both]
