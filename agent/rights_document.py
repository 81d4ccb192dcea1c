"""The rights document: who is given which task and who may sign what, as data read from TOML.

Of each kind of row the first that fits decides. Reading is strict: an unknown key, role, case or action, a row that can
never be reached, a larger value that adds a signing role, or an escalation to a role that may not sign is a
``PolicyError``. What no row fits needs formal approval by one named role, so a gap never opens a door.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise, product
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from agent.errors import PolicyError
from agent.policy_document import MINOR_PER_UNIT, Whole
from inventory.people import NEVER_SIGN, ROLES
from inventory.record import Id, Record
from inventory.records import ActionKind, CaseKind, Tier

SigningTier = Literal[Tier.PLANNER, Tier.FORMAL]
Hours = Annotated[int, Field(ge=1, strict=True)]
Named = Annotated[tuple[Id, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Matter:
    """What a right is asked about: one kind of case and action at one site, for one class and value.

    ``None`` and the empty text stand for what is not known; they fit only rows that are not limited by it.
    """

    kind: CaseKind | None
    action: ActionKind | None
    site: str
    item_class: str
    value_minor: int


class Row(Record):
    """What a row is limited to; ``None`` is no limit."""

    cases: Annotated[tuple[CaseKind, ...], Field(min_length=1)] | None = None
    actions: Annotated[tuple[ActionKind, ...], Field(min_length=1)] | None = None
    sites: Named | None = None
    item_classes: Named | None = None
    value_up_to: Whole | None = None
    """Largest value it covers, whole units."""

    def covers(self, matter: Matter) -> bool:
        """Whether the row fits."""
        return (
            (self.cases is None or matter.kind in self.cases)
            and (self.actions is None or matter.action in self.actions)
            and (self.sites is None or matter.site in self.sites)
            and (self.item_classes is None or matter.item_class in self.item_classes)
            and (self.value_up_to is None or matter.value_minor <= self.value_up_to * MINOR_PER_UNIT)
        )


class TaskRow(Row):
    """The role that is given the task."""

    role: str


class ApproveRow(Row):
    """The roles of which one may sign, the one asked first in front."""

    tier: SigningTier
    roles: Named


class EscalateRow(Row):
    """The role an unanswered proposal goes to, and after how long."""

    tier: SigningTier
    after_hours: Hours
    to: str


class Uncovered(Record):
    """Who acts where no row fits."""

    role: str
    after_hours: Hours


class DelegationLimits(Record):
    """How rights may be handed on."""

    longest_days: Annotated[int, Field(ge=1, strict=True)]


class WrittenRules(Record):
    """Roles that bring in written rules, and roles that may confirm or end what others brought in."""

    upload: Named = ("central", "manager", "administrator")
    confirm: Named = ("central", "manager")


class Rights(Record):
    """One version of the rights document."""

    version: Annotated[int, Field(ge=1, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    uncovered: Uncovered
    delegation: DelegationLimits
    deputies: dict[str, Named]
    task: tuple[TaskRow, ...] = ()
    approve: tuple[ApproveRow, ...] = ()
    escalate: tuple[EscalateRow, ...] = ()
    written_rules: WrittenRules = WrittenRules()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*_unknown_roles(self), *_unreachable(self)] or [*_rising_rights(self), *_lost_escalations(self)]
        if problems:
            raise ValueError("; ".join(dict.fromkeys(problems)))
        return self


R = TypeVar("R", bound=Row)


def first_fit(rows: Iterable[R], matter: Matter) -> R | None:
    """The row that decides; ``None`` when none fits."""
    return next((row for row in rows if row.covers(matter)), None)


def signing_rows(rights: Rights, tier: Tier) -> tuple[ApproveRow, ...]:
    """Rows about signing in a tier; whoever signs what could run by itself signs as a planner does."""
    wanted = Tier.FORMAL if tier is Tier.FORMAL else Tier.PLANNER
    return tuple(row for row in rights.approve if row.tier is wanted)


@lru_cache(maxsize=32)
def load_rights(text: str) -> Rights:
    """The rights a TOML text holds.

    Raises
    ------
    PolicyError
        If it is not TOML, does not meet the schema or contradicts itself; every offending key is named.
    """
    try:
        return Rights.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"the rights document is not TOML: {error}") from error
    except ValidationError as error:
        found = ((".".join(str(part) for part in p["loc"]) or "rights", p["msg"]) for p in error.errors())
        raise PolicyError(f"the rights document is refused: {'; '.join(f'{k}: {m}' for k, m in found)}") from error


def packaged_rights_text() -> str:
    """The rights this version ships with, as TOML."""
    return files("agent").joinpath("rights.toml").read_text(encoding="utf-8")


def _unknown_roles(rights: Rights) -> Iterator[str]:
    """Roles nobody can hold, and roles that never sign where a signature is meant."""
    named = [("uncovered.role", rights.uncovered.role, True)]
    named += [("deputies", role, False) for role in rights.deputies]
    named += [(f"deputies.{role}", deputy, False) for role, those in rights.deputies.items() for deputy in those]
    named += [(f"task.{place}.role", row.role, False) for place, row in enumerate(rights.task)]
    named += [(f"approve.{place}.roles", role, True) for place, row in enumerate(rights.approve) for role in row.roles]
    named += [(f"escalate.{place}.to", row.to, True) for place, row in enumerate(rights.escalate)]
    named += [("written_rules.upload", role, False) for role in rights.written_rules.upload]
    named += [("written_rules.confirm", role, True) for role in rights.written_rules.confirm]
    for key, role, signs in named:
        if role not in ROLES:
            yield f"{key}: {role} is no role; known: {', '.join(ROLES)}"
        elif signs and role in NEVER_SIGN:
            yield f"{key}: {role} never signs"
    for role, those in rights.deputies.items():
        if role in those:
            yield f"deputies.{role}: nobody is their own deputy"


def _unreachable(rights: Rights) -> Iterator[str]:
    """Rows that an earlier one covers whole."""
    tables: dict[str, list[tuple[int, Row]]] = {"task": list(enumerate(rights.task))}
    for tier in (Tier.PLANNER, Tier.FORMAL):
        tables[f"approve {tier.value}"] = [(n, row) for n, row in enumerate(rights.approve) if row.tier is tier]
        tables[f"escalate {tier.value}"] = [(n, row) for n, row in enumerate(rights.escalate) if row.tier is tier]
    for name, rows in tables.items():
        for later, (number, row) in enumerate(rows):
            hidden_by = next((n for n, earlier in rows[:later] if _contains(earlier, row)), None)
            if hidden_by is not None:
                yield f"{name.split()[0]}.{number}: can never be reached, row {hidden_by} covers all of it"


def _contains(outer: Row, inner: Row) -> bool:
    def wide(of: Sequence[str] | None, part: Sequence[str] | None) -> bool:
        return of is None or (part is not None and set(part) <= set(of))

    return (
        wide(outer.cases, inner.cases)
        and wide(outer.actions, inner.actions)
        and wide(outer.sites, inner.sites)
        and wide(outer.item_classes, inner.item_classes)
        and (outer.value_up_to is None or (inner.value_up_to is not None and inner.value_up_to <= outer.value_up_to))
    )


def values_that_matter(rows: Iterable[Row]) -> list[int]:
    """A value of every band the rows tell apart, rising, minor units."""
    limits = {row.value_up_to * MINOR_PER_UNIT for row in rows if row.value_up_to is not None}
    return sorted({0} | limits | {limit + 1 for limit in limits})


def _places(rows: Sequence[Row]) -> Iterator[tuple[CaseKind | None, ActionKind | None, str, str]]:
    """One kind, action, site and class of every sort the rows tell apart, and one that none of them names."""
    kinds = dict.fromkeys(kind for row in rows for kind in row.cases or ())
    actions = dict.fromkeys(action for row in rows for action in row.actions or ())
    sites = dict.fromkeys(site for row in rows for site in row.sites or ())
    classes = dict.fromkeys(name for row in rows for name in row.item_classes or ())
    return product((None, *kinds), (None, *actions), ("", *sites), ("", *classes))


def _rising_rights(rights: Rights) -> Iterator[str]:
    """Signing roles that appear as the value grows."""
    for tier in (Tier.PLANNER, Tier.FORMAL):
        approve = signing_rows(rights, tier)
        values = values_that_matter(approve)
        for kind, action, site, item_class in _places(approve):
            found = [first_fit(approve, Matter(kind, action, site, item_class, value)) for value in values]
            for (value, smaller), (_, larger) in pairwise(zip(values, found, strict=True)):
                added = [] if smaller is None or larger is None else sorted(set(larger.roles) - set(smaller.roles))
                if added:
                    where = (
                        ", ".join(str(part) for part in (kind, action, site, item_class) if part) or "everything else"
                    )
                    yield (
                        f"approve: {tier.value} of {where}: above {value // MINOR_PER_UNIT:,} {rights.currency} "
                        f"{', '.join(added)} may sign what they may not sign below"
                    )


def _lost_escalations(rights: Rights) -> Iterator[str]:
    """Escalations to somebody who may not sign, which would only lose time."""
    for number, row in enumerate(rights.escalate):
        approve = signing_rows(rights, row.tier)
        both = (*approve, row)
        for (kind, action, site, item_class), value in product(_places(both), values_that_matter(both)):
            matter = Matter(kind, action, site, item_class, value)
            fits = first_fit([other for other in rights.escalate if other.tier is row.tier], matter) is row
            signs = first_fit(approve, matter)
            allowed = signs.roles if signs else (rights.uncovered.role,)
            if fits and row.to not in allowed:
                yield f"escalate.{number}.to: {row.to} may not sign there; {', '.join(allowed)} may"
