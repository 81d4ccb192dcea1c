"""Words that stand for one another, and the words a text is made of."""

from __future__ import annotations

import math

import pytest

from knowledge.vocabulary import (
    AUXILIARY_WEIGHT,
    EVERYDAY_WEIGHT,
    WITHIN_PHRASE_WEIGHT,
    field_vocabulary,
    parse_vocabulary,
)
from knowledge.words import words

SMALL = parse_vocabulary("""
# a comment
expiry: shelf life, best before, expired, lapse
approval: sign, lapse, may
""")


def test_words_are_stemmed_and_stop_words_dropped() -> None:
    # Stems as in the vocabulary published with the English Snowball stemmer.
    assert words("The carrier's deliveries were CONSIGNED") == ["carrier", "deliveri", "consign"]
    assert words("cold-chain transfers") == words("Cold_chain TRANSFER")


def test_kin_is_the_cosine_of_the_concepts_two_words_stand_in() -> None:
    kin = dict(SMALL.kin("laps"))
    assert kin["sign"] == pytest.approx(1 / math.sqrt(2 * 1))
    assert kin["shelf life"] == pytest.approx(1 / math.sqrt(2 * 1))
    assert "laps" not in kin
    assert SMALL.kin("unheard") == ()


def test_a_text_counts_its_words_and_the_phrases_it_holds() -> None:
    units = SMALL.units("Shelf life: the shelf life may end")
    assert units == {"shelf": 2, "life": 2, "shelf life": 2, "may": 1, "end": 1}


def test_what_a_question_says_least_weighs_least() -> None:
    asked = SMALL.question("May I see the best before dates?")
    assert asked == {
        "may": AUXILIARY_WEIGHT,
        "see": EVERYDAY_WEIGHT,
        "best befor": 1.0,
        "best": WITHIN_PHRASE_WEIGHT,
        "date": 1.0,
    }


@pytest.mark.parametrize("line", ["no colon here", "empty:", "expiry: a, b\nexpiry: c"])
def test_a_vocabulary_that_is_not_one_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="vocabulary line"):
        parse_vocabulary(line)


@pytest.mark.parametrize(
    ("everyday", "field"),
    [("lorry", "truck"), ("boss", "manager"), ("shop", "store"), ("leftover", "excess"), ("rush", "expedite")],
)
def test_the_shipped_vocabulary_joins_everyday_words_to_those_of_the_field(everyday: str, field: str) -> None:
    vocabulary = field_vocabulary()
    (asked,), (written,) = vocabulary.units(everyday), vocabulary.units(field)
    assert written in dict(vocabulary.kin(asked))
