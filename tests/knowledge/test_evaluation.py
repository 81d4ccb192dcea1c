"""The yardstick of retrieval against figures worked by hand."""

from __future__ import annotations

import math
from datetime import date

import pytest

from knowledge.evaluation import Question, figures, figures_by_kind, judge, ndcg, read_questions, recall, worst

A1, A2, B1, C1 = "A@v1#1.1", "A@v2#1.1", "B@v1#2.1", "C@v1#3.1"
LINE = (
    '{"id": "Q1", "kind": "direct", "question": "How much?", "on": "2024-04-08", "sites": ["EAST"], '
    '"relevant": {"A@v2#1.1": 3, "B@v1#2.1": 1}, "forbidden": ["A@v1#1.1", "C@v1#3.1"]}'
)


def test_ndcg_is_that_of_the_formula() -> None:
    # Gains 2^grade - 1 at places 1, 2, 3 are divided by log2 of 2, 3, 4. Found: grades 0, 3, 2; best: 3, 2, 1.
    gained = 7 / math.log2(3) + 3 / 2
    best = 7 + 3 / math.log2(3) + 1 / 2
    assert ndcg(["x", "a", "b"], {"a": 3, "b": 2, "c": 1}, 10) == pytest.approx(gained / best)
    assert ndcg(["x", "a", "b"], {"a": 3, "b": 2, "c": 1}, 2) == pytest.approx(
        (7 / math.log2(3)) / (7 + 3 / math.log2(3))
    )
    assert ndcg(["a", "b", "c"], {"a": 3, "b": 2, "c": 1}, 10) == 1.0
    with pytest.raises(ValueError, match="nothing is relevant"):
        ndcg(["a"], {}, 10)


def test_recall_is_the_share_of_what_is_needed_among_the_first() -> None:
    assert recall(["a", "x", "b"], {"a", "b", "c"}, 2) == pytest.approx(1 / 3)
    assert recall(["a", "x", "b"], {"a", "b", "c"}, 3) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="nothing is needed"):
        recall(["a"], (), 5)


def test_a_forbidden_passage_is_a_wrong_version_or_a_wrong_place() -> None:
    (question,) = read_questions(LINE)
    assert question == Question(
        "Q1", "direct", "How much?", date(2024, 4, 8), sites=frozenset({"EAST"}),
        relevant={A2: 3, B1: 1}, forbidden=frozenset({A1, C1}),
    )  # fmt: skip
    assert question.needed == {A2}
    judged = judge(question, lambda _: [A1, A2, B1, C1])
    assert (judged.recall, judged.wrong_version, judged.wrong_place) == (1.0, (A1,), (C1,))
    assert judged.ndcg == pytest.approx((7 / math.log2(3) + 1 / 2) / (7 + 1 / math.log2(3)))


def test_means_leave_out_what_cannot_be_answered_and_count_empty_lists() -> None:
    (known,) = read_questions(LINE)
    unknown = Question("Q2", "unanswerable", "Why?", known.on)
    judged = [judge(known, lambda _: [A2, B1]), judge(known, lambda _: []), judge(unknown, lambda _: [C1])]
    every = figures(judged)
    assert (every.questions, every.recall, every.ndcg) == (3, 0.5, 0.5)
    assert (every.wrong_version_rate, every.wrong_place_rate) == (0.0, 0.0)
    assert every.unanswered == pytest.approx(1 / 3)
    kinds = figures_by_kind(judged)
    assert list(kinds) == ["direct", "unanswerable"]
    assert kinds["unanswerable"].recall is None
    with pytest.raises(ValueError, match="no question"):
        figures([])


def test_the_worst_come_first_and_the_perfect_never() -> None:
    (known,) = read_questions(LINE)
    unknown = Question("Q2", "unanswerable", "Why?", known.on)
    perfect, late = judge(known, lambda _: [A2, B1]), judge(known, lambda _: [B1, A2])
    lost, old = judge(known, lambda _: [B1]), judge(known, lambda _: [A2, B1, A1])
    wrong, right = judge(unknown, lambda _: [B1]), judge(unknown, lambda _: [])
    assert worst([perfect, late, right, wrong, lost, old], 9) == [old, wrong, lost, late]
    assert worst([perfect, late, wrong], 1) == [wrong]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"id": "Q1", ', ""),
        ('"2024-04-08"', '"8 April"'),
        (": 3,", ": 4,"),
        (": 3,", ": 1,"),
        ('["EAST"]', '"EAST"'),
        ('"sites"', '"places"'),
        ("{", "["),
    ],
)
def test_a_line_that_is_no_question_is_refused_by_its_number(before: str, after: str) -> None:
    with pytest.raises(ValueError, match="question line 2"):
        read_questions(LINE + "\n" + LINE.replace(before, after, 1))
