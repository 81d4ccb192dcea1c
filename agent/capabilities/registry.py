"""All capabilities, in the order of the catalogue: the one list chat, command line and other programs work from."""

from __future__ import annotations

from functools import cache

from agent.capabilities import approvals, cases, decided, policies, summaries, waiting, why_not
from tools.capabilities import (
    acting,
    ahead,
    comparing,
    forms,
    reference,
    stock,
    supply,
    surplus,
    trust,
    whatifs,
)
from tools.capabilities.catalogue import SPECIFICATIONS
from tools.capabilities.registry import Capability

FAMILIES = (
    stock, ahead, acting, whatifs, surplus, reference, supply, trust, comparing, forms, cases, decided, waiting,
    approvals, policies, summaries, why_not,
)  # fmt: skip
"""Modules with capabilities, each about one kind of question."""


@cache
def all_capabilities() -> dict[str, Capability]:
    """Every question that may be asked, by name."""
    found = {known.name: known for family in FAMILIES for known in family.CAPABILITIES}
    return {named.name: found[named.name] for named in SPECIFICATIONS}
