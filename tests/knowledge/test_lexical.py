"""The lexical ranking against its formula worked by hand, and what scope, kin and feedback do to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from knowledge import Passage, split_into_passages
from knowledge.lexical import DOCUMENT_WEIGHT, KIN_WEIGHT, SECTION_WEIGHT, STRANGER_KIN_WEIGHT, LexicalIndex
from knowledge.vocabulary import Vocabulary, parse_vocabulary
from tests.knowledge.rules import a_rule

NO_KIN = Vocabulary({})
KIN = parse_vocabulary("giving: donor, giver\nground: floor, bottom")
ALONE = 1 + SECTION_WEIGHT
"""A passage that is the best of its section speaks for itself, too."""


def passages(*texts: str) -> list[Passage]:
    """One document a text, all titled "Transfers"."""
    return [p for n, text in enumerate(texts) for p in split_into_passages(a_rule(f"R-{n}", f"1.1 {text}"))]


def scores(index: LexicalIndex, question: str, rows: Sequence[int]) -> list[float]:
    return [float(score) for score in index.scores(question, np.array(rows, dtype=np.intp)).scores]


def saturated(frequency: float, length: float, mean: float, k1: float, b: float) -> float:
    return frequency * (k1 + 1) / (frequency + k1 * (1 - b + b * length / mean))


def test_scores_are_those_of_the_formula() -> None:
    # With their title the texts have 4, 2 and 4 words, mean 10/3; without it, as documents, 3, 1 and 3, mean 7/3.
    index = LexicalIndex(passages("donor floor donor", "floor", "truck leaves early"), NO_KIN)
    inverse = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    own = inverse * saturated(2, 4, 10 / 3, 1.2, 0.6)
    document = inverse * saturated(2, 3, 7 / 3, 2.0, 0.75)
    found = index.scores("donor unheard", np.arange(3))
    assert found.scores == pytest.approx([ALONE * (own + DOCUMENT_WEIGHT * document), 0.0, 0.0])
    # Of the two words one is met; the one nobody knows is the rarer.
    known, unknown = math.log(1 + (3 + 0.5) / (1 + 0.5)), math.log(1 + (3 + 0.5) / 0.5)
    assert found.evidence == pytest.approx(known / (known + unknown))


def test_kin_meets_a_question_less_well_than_the_word_itself() -> None:
    index = LexicalIndex(passages("giver", "donor", "truck"), KIN)
    kin, itself, neither = scores(index, "donor", [0, 1, 2])
    assert itself > kin > 0.0 == neither
    # A word the passages never use must stand for another, so kin counts for more there.
    met = STRANGER_KIN_WEIGHT
    inverse = math.log(1 + (2 - met + 0.5) / (met + 0.5))
    alone = inverse * saturated(met, 2, 2, 1.2, 0.6) + DOCUMENT_WEIGHT * inverse * saturated(met, 1, 1, 2.0, 0.75)
    assert scores(index, "donor", [0, 2]) == pytest.approx([ALONE * alone, 0.0])
    assert STRANGER_KIN_WEIGHT > KIN_WEIGHT


def test_the_best_clause_of_a_section_speaks_for_the_others_that_say_something() -> None:
    sections = "# Giving\n\n{}\n\n1.2 donor truck\n\n1.3 bottom\n\n# Driving\n\n2.1 donor truck"
    beside_a_better_one, beside_another = (
        LexicalIndex(split_into_passages(a_rule(text=sections.format(first))), NO_KIN)
        for first in ("1.1 donor floor", "1.1 rain rain")
    )
    best, second, silent, elsewhere = scores(beside_a_better_one, "donor floor", [0, 1, 2, 3])
    assert best > second > elsewhere > silent == 0.0
    _, second, _, elsewhere = scores(beside_another, "donor floor", [0, 1, 2, 3])
    assert second == pytest.approx(elsewhere)


def test_what_is_out_of_scope_has_no_influence() -> None:
    texts = ["donor floor donor", "floor giver", "truck donor leaves", "bottom"]
    every = LexicalIndex(passages(*texts), KIN)
    some = LexicalIndex([passages(*texts)[row] for row in (0, 3)], KIN)
    assert scores(every, "donor floor", [0, 3]) == scores(some, "donor floor", [0, 1])


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    index = LexicalIndex(passages("donor alpha", "donor beta", "donor gamma"), NO_KIN)
    found = scores(index, "donor beta", [0, 1, 2])
    assert max(found) == found[1]
    assert min(found) > 0.0


def test_feedback_lifts_what_speaks_like_the_best_passages() -> None:
    # Both last texts hold one word of the question; only the first of them shares the rest with the best passage.
    texts = ["donor floor permafrost", "floor permafrost", "floor carousel", "truck", "label", "pallet"]
    index = LexicalIndex(passages(*texts), NO_KIN)
    best, alike, other, *rest = scores(index, "donor floor", range(6))
    assert best > alike > other > 0.0
    assert rest == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("question", ["", "unheard", "the of and"])
def test_a_question_without_a_known_word_scores_nothing(question: str) -> None:
    found = LexicalIndex(passages("donor", "floor"), NO_KIN).scores(question, np.arange(2))
    assert found.scores.tolist() == [0.0, 0.0]
    assert found.evidence == 0.0


def test_no_rows_and_no_passages_are_answered() -> None:
    assert scores(LexicalIndex(passages("donor"), NO_KIN), "donor", []) == []
    assert scores(LexicalIndex([], NO_KIN), "donor", []) == []
