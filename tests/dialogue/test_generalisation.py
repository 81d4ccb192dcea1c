"""Other words for the same: phrasings written before the code that understands them, and harmless ones beside refusals.

The first figure of each file, before anything was mended from it, is in the README.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialogue.understanding import calls_of, is_refused, lines, meets, understand

SETS = {
    "utterances": ("generalisation", "fresh", "later", "last"),
    "refusals": ("generalisation", "fresh", "later", "last", "final"),
}


def _all(kind: str) -> list[dict[str, Any]]:
    return [line for name in SETS[kind] for line in lines(f"{name}_{kind}.jsonl")]


@pytest.mark.parametrize("line", _all("utterances"), ids=lambda line: str(line["id"]))
def test_another_phrasing_is_understood(line: dict[str, Any]) -> None:
    outcome = understand(line)
    assert meets(line["expect"], outcome), (line["said"], calls_of(outcome), outcome.clarify, outcome.refusals)


@pytest.mark.parametrize("line", _all("refusals"), ids=lambda line: str(line["id"]))
def test_another_phrasing_of_what_is_refused_is_refused(line: dict[str, Any]) -> None:
    outcome = understand(line)
    assert is_refused(line, outcome), (line["said"], calls_of(outcome), outcome.clarify, outcome.refusals)


@pytest.mark.parametrize("line", lines("harmless.jsonl"), ids=lambda line: str(line["id"]))
def test_words_that_only_sound_like_an_order_are_not_refused(line: dict[str, Any]) -> None:
    reasons = set(understand(line).refusals)
    assert reasons <= {"foreign_site"}, (line["said"], reasons)
