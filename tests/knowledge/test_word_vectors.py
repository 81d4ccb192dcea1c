"""The built-in embedding: the same everywhere, near for texts that mean the same in other words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.word_vectors import WordVectorEmbedding, word_vectors
from knowledge.words import words

THREE_WORDS = WordVectorEmbedding(
    {"donor": 0, "floor": 1, "truck": 2}, np.array([[1.0, 0.0], [0.0, 1.0], [0.6, -0.8]]), "0" * 64
)


def test_a_text_is_the_sum_of_its_words_at_length_one() -> None:
    found = THREE_WORDS.embed(["Donors floor", "a donor, a donor: the trucks!", "unheard-of"])
    twice = 1.0 + np.log(2.0)
    expected = np.array([twice + 0.6, -0.8]) / np.hypot(twice + 0.6, 0.8)
    assert found == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], expected, [0.0, 0.0]]), abs=1e-6)


def test_words_of_one_meaning_are_near_without_sharing_a_letter() -> None:
    question, near, far = word_vectors().embed(["the vendor is slow", "Suppliers that delay", "Invoices are paid"])
    assert question @ near > 0.5 > 0.2 > question @ far


def test_a_vector_does_not_depend_on_the_other_texts() -> None:
    together = word_vectors().embed(["cold chain transit", "promotion freeze", "donor floor"])
    assert np.array_equal(word_vectors().embed(["promotion freeze"])[0], together[1])


def test_every_vector_of_the_table_says_something_and_none_more_than_one_word() -> None:
    shipped = word_vectors()
    lengths = np.linalg.norm(shipped.vectors, axis=1)
    assert list(shipped.rows) == sorted(shipped.rows)
    assert shipped.vectors.shape == (len(shipped.rows), shipped.dimensions)
    assert 0.1 < lengths.min() < lengths.max() < 1.01


def test_the_table_is_part_of_the_index_name() -> None:
    assert word_vectors().digest != THREE_WORDS.digest
    assert word_vectors().config["table"] != THREE_WORDS.config["table"]


def test_plural_case_and_hyphen_do_not_matter() -> None:
    assert words("Cold-Chain TRANSFERS, policies") == words("cold chain transfer policy")


@settings(max_examples=50)
@given(st.text())
def test_any_text_gives_a_finite_vector_of_length_one_or_zero(text: str) -> None:
    length = float(np.linalg.norm(word_vectors().embed([text])[0]))
    assert length == pytest.approx(1.0, abs=1e-5) or length == 0.0
