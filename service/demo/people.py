"""The demo's users: who may do what, where, for which classes and up to which value; all invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One user of the demo."""

    user: str
    name: str
    roles: tuple[str, ...]
    sites: tuple[str, ...] | None = None
    """Sites the user sees; ``None``: every site."""
    classes: tuple[str, ...] | None = None
    """Item classes the user sees; ``None``: every class."""
    value_limit_minor: int = 0
    """Largest value the user may decide alone, in cents."""


def _planner(user: str, name: str, *sites: str) -> Person:
    return Person(user, name, ("planner",), sites, None, 500_000)


PEOPLE: tuple[Person, ...] = (
    _planner("anna.planner", "Anna Lindholm", "DC-EAST", "DC-WEST"),
    _planner("ben.planner", "Ben Okafor", "WH-SOUTH", "PL-NORTH"),
    _planner("cara.planner", "Cara Novak", "FC-WEB", "ST-HARBOUR", "ST-PINE"),
    Person("dev.buyer", "Dev Raman", ("buyer",), None, None, 1_000_000),
    Person("erin.approver", "Erin Walsh", ("approver",), None, None, 5_000_000),
    Person("frank.finance", "Frank Meyer", ("finance", "approver"), None, None, 10_000_000),
    Person("gita.central", "Gita Sharma", ("central", "approver"), None, None, 25_000_000),
    Person("hugo.manager", "Hugo Almeida", ("manager",)),
    Person("iris.auditor", "Iris Janssen", ("auditor",)),
    Person("admin", "Administrator", ("administrator",)),
    Person("evenkeel", "Evenkeel", ("service",)),
)
"""Everyone the demo knows, in the order they are introduced."""
