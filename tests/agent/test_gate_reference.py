"""The gate against a second one, written from the words of the policy document (`reference_gate`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from agent.approval_policy import packaged_policy_text, rule_on
from agent.gate_facts import GateFacts
from tests.agent.gate_worlds import POLICY, random_facts
from tests.agent.reference_facts import EdgeFacts
from tests.agent.reference_gate import read_policy, reference_ruling

DOCUMENT = read_policy(packaged_policy_text())


def _anywhere(seed: int) -> Callable[[], GateFacts]:
    """Facts drawn over their whole range."""
    draw = np.random.default_rng(seed)
    return lambda: random_facts(draw)


def _at_the_edges(seed: int) -> Callable[[], GateFacts]:
    """Facts on and beside every limit."""
    return EdgeFacts(DOCUMENT, np.random.default_rng(seed)).one


def _compare(sheets: int, facts_of: Callable[[], GateFacts]) -> Counter[str]:
    """Tiers seen; the first sheet on which the two gates differ fails the test."""
    seen: Counter[str] = Counter(dict.fromkeys(("auto", "planner", "formal", "advice"), 0))
    for _ in range(sheets):
        facts = facts_of()
        decision, expected = rule_on(facts, POLICY), reference_ruling(facts, DOCUMENT)
        said = (decision.tier.value, decision.two_people, frozenset(decision.needs_roles))
        assert said == (expected.tier, expected.two_people, expected.needs_roles), facts
        seen[expected.tier] += 1
    return seen


def test_two_independent_gates_agree_and_every_tier_comes_up() -> None:
    seen = _compare(5_000, _anywhere(seed=7)) + _compare(5_000, _at_the_edges(seed=8))
    assert min(seen.values()) > 200, seen


@pytest.mark.acceptance
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("source", [_anywhere, _at_the_edges])
def test_two_independent_gates_agree_on_a_million_fact_sheets(source: Callable[[int], Callable[[], GateFacts]]) -> None:
    """Half a million from each source, a test for each so that two processes share them."""
    seen = _compare(500_000, source(11))
    assert min(seen.values()) > 10_000, seen
