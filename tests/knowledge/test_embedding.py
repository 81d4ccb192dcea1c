"""The offline embedding: the same everywhere, near for texts that share words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.embedding import HashedNgramEmbedding
from knowledge.words import words


def test_vectors_have_length_one_and_a_text_without_words_is_zero() -> None:
    vectors = HashedNgramEmbedding(64).embed(["A donor keeps its reorder point.", "…", ""])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 0.0, 0.0], abs=1e-6)


def test_a_known_word_falls_where_blake2b_puts_it() -> None:
    # `printf 'word:ab' | b2sum -l 64`, and the same for its two letter triples "<ab" and "ab>".
    hashes = ((0xCD4A17216E61F116, 1.0), (0x5D1A7FCD7B548A67, 0.25), (0x15190AE271B2F02A, 0.25))
    expected = np.zeros(16)
    for place, weight in hashes:
        expected[(place // 2) % 16] += weight if place % 2 else -weight
    found = HashedNgramEmbedding(16).embed(["ab"])[0]
    assert found == pytest.approx(expected / np.sqrt((expected**2).sum()))


def test_a_vector_does_not_depend_on_the_other_texts() -> None:
    embedding = HashedNgramEmbedding()
    together = embedding.embed(["cold chain transit", "promotion freeze", "donor floor"])
    assert np.array_equal(embedding.embed(["promotion freeze"])[0], together[1])


def test_texts_that_share_words_are_nearer_than_texts_that_do_not() -> None:
    question, near, far = HashedNgramEmbedding().embed(
        ["protected units of a customer", "Units protected for customers stay.", "The truck leaves at four."]
    )
    assert question @ near > 0.4 > 0.2 > question @ far


def test_plural_case_and_hyphen_do_not_matter() -> None:
    assert words("Cold-Chain TRANSFERS, policies") == words("cold chain transfer policy")


@settings(max_examples=50)
@given(st.text())
def test_any_text_gives_a_finite_vector_of_length_one_or_zero(text: str) -> None:
    length = float(np.linalg.norm(HashedNgramEmbedding(32).embed([text])[0]))
    assert length == pytest.approx(1.0, abs=1e-5) or length == 0.0


def test_too_few_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="4 dimensions, expected 8 or more"):
        HashedNgramEmbedding(4)
