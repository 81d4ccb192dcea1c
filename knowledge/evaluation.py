"""How well questions find the clauses that answer them: recall, ranking, and what must never be found.

Source
------
Järvelin & Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques", *ACM Transactions on Information
Systems* 20(4), with the gain ``2**grade - 1`` of Burges et al. (2005), "Learning to rank using gradient descent", ICML.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import fmean

from knowledge.base import KnowledgeBase
from knowledge.passages import split_passage_id

NEEDED = 2
"""Grade from which a passage has to be found."""
RECALL_DEPTH = 5
LIST_DEPTH = 10
"""Longest list looked at: for nDCG, and for what must not be in it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its situation, and the passages that answer it.

    Parameters
    ----------
    relevant
        Grade from 1 to 3 by passage id; empty where no rule answers.
    forbidden
        Passages that must not be found: another version, or another site's or supplier's.
    """

    question_id: str
    kind: str
    text: str
    on: date
    sites: frozenset[str] | None = None
    supplier: str | None = None
    item_classes: frozenset[str] | None = None
    action: str | None = None
    readable_sites: frozenset[str] | None = None
    relevant: Mapping[str, int] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()

    @property
    def needed(self) -> frozenset[str]:
        """Passages that have to be found."""
        return frozenset(passage for passage, grade in self.relevant.items() if grade >= NEEDED)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a search gave for one question.

    Parameters
    ----------
    recall, ndcg
        In ``[0, 1]``; ``None`` where no rule answers the question.
    wrong_version, wrong_place
        Forbidden passages found: of a document that answers in another version, and of another site or supplier.
    """

    question: Question
    found: tuple[str, ...]
    recall: float | None
    ndcg: float | None
    wrong_version: tuple[str, ...]
    wrong_place: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over questions; ``None`` where there is no question they could be taken over.

    Parameters
    ----------
    recall
        Mean share of the needed passages among the first five.
    ndcg
        Mean nDCG of the first ten.
    wrong_version_rate, wrong_place_rate
        Shares of the questions in whose first ten a forbidden passage stands.
    unanswered
        Share of the questions that got an empty list: wrong where a rule answers, right where none does.
    """

    questions: int
    recall: float | None
    ndcg: float | None
    wrong_version_rate: float
    wrong_place_rate: float
    unanswered: float


def read_questions(text: str) -> tuple[Question, ...]:
    """Questions from JSON lines.

    Raises
    ------
    ValueError
        Naming the line that is not a question.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(_question(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"question line {number}: {error!r}, expected a JSON object of a question") from error
    return tuple(found)


def judge_base(base: KnowledgeBase, questions: Iterable[Question]) -> tuple[Judged, ...]:
    """Every question put to a knowledge base."""

    def search(question: Question) -> list[str]:
        ranked = base.search(
            question.text,
            on=question.on,
            sites=question.sites,
            supplier=question.supplier,
            item_classes=question.item_classes,
            action=question.action,
            readable_sites=question.readable_sites,
            limit=LIST_DEPTH,
        )
        return [each.passage.passage_id for each in ranked]

    return tuple(judge(question, search) for question in questions)


def judge(question: Question, search: Callable[[Question], Sequence[str]]) -> Judged:
    """One question put to a search."""
    found = tuple(search(question))[:LIST_DEPTH]
    answering = {split_passage_id(passage)[0] for passage in question.relevant}
    forbidden = [passage for passage in found if passage in question.forbidden]
    return Judged(
        question,
        found,
        recall(found, question.needed, RECALL_DEPTH) if question.relevant else None,
        ndcg(found, question.relevant, LIST_DEPTH) if question.relevant else None,
        tuple(passage for passage in forbidden if split_passage_id(passage)[0] in answering),
        tuple(passage for passage in forbidden if split_passage_id(passage)[0] not in answering),
    )


def recall(found: Sequence[str], needed: Iterable[str], depth: int) -> float:
    """Share of the needed passages among the first ``depth`` found."""
    wanted = set(needed)
    if not wanted:
        raise ValueError("recall has no meaning where nothing is needed")
    return len(wanted & set(found[:depth])) / len(wanted)


def ndcg(found: Sequence[str], grades: Mapping[str, int], depth: int) -> float:
    """Discounted cumulated gain of the first ``depth`` found as a share of the best list's.

    Raises
    ------
    ValueError
        If no passage has a grade above zero.
    """
    best = _gain(sorted(grades.values(), reverse=True)[:depth])
    if best <= 0.0:
        raise ValueError("nDCG has no meaning where nothing is relevant")
    return _gain([grades.get(passage, 0) for passage in found[:depth]]) / best


def figures(judged: Sequence[Judged]) -> Figures:
    """Means over some questions, one at least."""
    if not judged:
        raise ValueError("no question to take a mean over")
    recalls = [each.recall for each in judged if each.recall is not None]
    gains = [each.ndcg for each in judged if each.ndcg is not None]
    return Figures(
        len(judged),
        fmean(recalls) if recalls else None,
        fmean(gains) if gains else None,
        fmean(bool(each.wrong_version) for each in judged),
        fmean(bool(each.wrong_place) for each in judged),
        fmean(not each.found for each in judged),
    )


def figures_by_kind(judged: Iterable[Judged]) -> dict[str, Figures]:
    """Means by kind of question, kinds in alphabetical order."""
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        groups[each.question.kind].append(each)
    return {kind: figures(groups[kind]) for kind in sorted(groups)}


def worst(judged: Iterable[Judged], count: int) -> list[Judged]:
    """Questions whose search went worst: forbidden passages first, then low recall, low nDCG, and by id."""

    def badness(each: Judged) -> tuple[bool, float, float, str]:
        fine = not (each.wrong_version or each.wrong_place)
        answered = each.recall if each.recall is not None else float(not each.found)
        return fine, answered, each.ndcg if each.ndcg is not None else answered, each.question.question_id

    return [each for each in sorted(judged, key=badness) if badness(each)[:3] != (True, 1.0, 1.0)][:count]


def _gain(grades: Iterable[int]) -> float:
    return sum((2.0**grade - 1.0) / math.log2(place + 1) for place, grade in enumerate(grades, start=1))


def _question(raw: Mapping[str, object]) -> Question:
    unknown = set(raw) - _KEYS
    if unknown:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    relevant = raw["relevant"]
    if not isinstance(relevant, dict) or not all(grade in (1, 2, 3) for grade in relevant.values()):
        raise ValueError("'relevant' has to give a grade from 1 to 3 by passage id")
    if relevant and max(relevant.values()) < NEEDED:
        raise ValueError("no passage is graded 2 or 3")
    return Question(
        question_id=_text(raw["id"]),
        kind=_text(raw["kind"]),
        text=_text(raw["question"]),
        on=date.fromisoformat(_text(raw["on"])),
        sites=_names(raw.get("sites")),
        supplier=_text(raw["supplier"]) if "supplier" in raw else None,
        item_classes=_names(raw.get("item_classes")),
        action=_text(raw["action"]) if "action" in raw else None,
        readable_sites=_names(raw.get("readable_sites")),
        relevant=relevant,
        forbidden=_names(raw.get("forbidden")) or frozenset(),
    )


_KEYS = frozenset(
    {"id", "kind", "question", "on", "sites", "supplier", "item_classes", "action", "readable_sites", "relevant"}
    | {"forbidden"}
)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r}, expected text")
    return value


def _names(value: object) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError(f"{value!r}, expected a list of names")
    return frozenset(_text(name) for name in value)
