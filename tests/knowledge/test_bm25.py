"""BM25 against the formula worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from knowledge.bm25 import BM25

TEXTS = ["donor floor donor", "floor", "truck leaves today"]


def test_scores_are_those_of_the_formula() -> None:
    # Three texts of 3, 1 and 3 words (mean 7/3); "donor" stands in one of them, twice; k1 = 1.2, b = 0.75.
    inverse = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    norm = 1 - 0.75 + 0.75 * 3 / (7 / 3)
    expected = inverse * 2 * (1.2 + 1) / (2 + 1.2 * norm)
    assert BM25(TEXTS).scores("donor", np.arange(3)) == pytest.approx([expected, 0.0, 0.0])


def test_what_is_out_of_scope_has_no_influence() -> None:
    scoped = BM25(TEXTS).scores("donor floor", np.array([0, 1]))
    alone = BM25(TEXTS[:2]).scores("donor floor", np.arange(2))
    assert np.array_equal(scoped, alone)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    scores = BM25(["donor alpha", "donor beta", "donor gamma"]).scores("donor beta", np.arange(3))
    assert scores.argmax() == 1
    assert scores.min() > 0.0


@pytest.mark.parametrize("query", ["", "unheard", "the of and"])
def test_a_query_without_a_known_word_scores_nothing(query: str) -> None:
    assert BM25(TEXTS).scores(query, np.arange(3)).tolist() == [0.0, 0.0, 0.0]


def test_no_rows_and_no_texts_are_answered() -> None:
    nothing = np.array([], dtype=np.intp)
    assert BM25(TEXTS).scores("donor", nothing).size == 0
    assert BM25([]).scores("donor", nothing).size == 0
