"""BM25 over the passages in scope, in which a word is also met by its kin.

Every word of a question is a synonym set: a passage meets it by the word itself, or less well by a word that shares
concepts with it (:mod:`knowledge.vocabulary`). Document frequency is that of the whole set, so a word that half of the
rule book can stand for says little. Text, headings, title and the phrases people ask with are fields of one passage;
the other clauses of its document speak for it a little too, and the best clause of its section a little more: an answer
often needs the clause beside.

Where the rule book speaks about a question in the question's own words, the best passages lend it the words that are
typical of them (pseudo-relevance feedback). Where it does not, feedback would only repeat the first mistake.

Document frequency and mean lengths are taken over the passages being ranked, not over the whole corpus: what is out of
scope has no influence on what is in it.

Source
------
Robertson & Zaragoza (2009), "The probabilistic relevance framework: BM25 and beyond", *Foundations and Trends in
Information Retrieval* 3(4), for BM25 and its fields (BM25F); its inverse document frequency carries a one inside the
logarithm here and so is never negative. Pirkola (1998), "The effects of query structure and dictionary setups", SIGIR,
for synonym sets. Abdul-Jaleel et al. (2004), "UMass at TREC 2004", for RM3, of which the feedback is a form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from knowledge.counts import CountTable, Floats, Postings, Rows, ScopedCounts
from knowledge.passages import Passage
from knowledge.vocabulary import Vocabulary, field_vocabulary

TERM_SATURATION = 1.2  # k1
LENGTH_NORMALISATION = 0.6  # b
KIN_WEIGHT = 0.5  # of the closest kin of a word that the passages in scope use themselves
STRANGER_KIN_WEIGHT = 0.9  # of the closest kin of a word they do not use: it must stand for another
HEADING_WEIGHT = 1.0
TITLE_WEIGHT = 1.0
ASKED_WEIGHT = 0.75  # of how people ask for a clause, beside its own words
DOCUMENT_WEIGHT = 0.3  # of the whole document beside the passage
SECTION_WEIGHT = 0.2  # of the best passage of the section beside the passage
DOCUMENT_SATURATION = 2.0
DOCUMENT_NORMALISATION = 0.75
LITERAL_FROM, LITERAL_UP_TO = 0.4, 0.6  # share of a question met in its own words: not trusted, trusted
FEEDBACK_WEIGHT = 0.3  # of the words of the best passages of a trusted question
FEEDBACK_PASSAGES = 6
FEEDBACK_WORDS = 20
_CACHED_UNITS = 256

_NUMBERED = re.compile(r"\d[\d.]*\s+")
_SCORE_DECIMALS = 10  # equal texts rank by place, whatever order sums were taken in


@dataclass(frozen=True, slots=True)
class LexicalScores:
    """Relevance of the rows in scope, and how much of the question the best of them speaks about.

    Parameters
    ----------
    scores
        Shape ``(n_rows,)``, zero or more; zero where the passage has neither a word of the question nor a kin of one.
    evidence
        Largest share of the question one passage meets, in ``[0, 1]``: words weigh by how rare they are, one that no
        passage in scope knows the most, and kin count by their closeness. Zero for a question without words.
    """

    scores: Floats
    evidence: float


class LexicalIndex:
    """Counts of the units of passages and of their documents, ready to be scored against a question.

    Parameters
    ----------
    passages
        One a row; scores refer to rows.
    """

    def __init__(self, passages: Sequence[Passage], vocabulary: Vocabulary | None = None) -> None:
        self._vocabulary = vocabulary or field_vocabulary()
        texts = [self._vocabulary.units(passage.text) for passage in passages]
        framed = [_framed(self._vocabulary, p, text) for p, text in zip(passages, texts, strict=True)]
        revisions = {key: n for n, key in enumerate(dict.fromkeys((p.document_id, p.version) for p in passages))}
        self._revision = np.array([revisions[p.document_id, p.version] for p in passages], dtype=np.intp)
        wholes: list[Counter[str]] = [Counter() for _ in revisions]
        for revision, text in zip(self._revision, texts, strict=True):
            wholes[revision].update(text)
        sections = {key: n for n, key in enumerate(dict.fromkeys(map(_section, passages)))}
        self._section = np.array([sections[_section(p)] for p in passages], dtype=np.intp)
        self._columns = {unit: column for column, unit in enumerate(sorted(set().union(*framed)))}
        self._passages = CountTable(framed, self._columns, TERM_SATURATION, LENGTH_NORMALISATION)
        self._documents = CountTable(wholes, self._columns, DOCUMENT_SATURATION, DOCUMENT_NORMALISATION)
        self._postings = lru_cache(_CACHED_UNITS)(self._gathered)

    def scores(self, question: str, rows: Rows) -> LexicalScores:
        """Relevance of some rows to a question, counted among themselves.

        Parameters
        ----------
        question
            Free text; a word counts once.
        rows
            Shape ``(n_rows,)``, the rows in scope, ascending.
        """
        passages = self._passages.scoped(rows)
        revisions, of_row = np.unique(self._revision[rows], return_inverse=True)
        documents = self._documents.scoped(revisions)
        own, all_ways = _Tally(passages, documents), _Tally(passages, documents)
        for unit, weight in sorted(self._vocabulary.question(question).items()):
            here, around = self._postings(unit)
            met, met_around = passages.within(here), documents.within(around)
            if " " in unit and not met.rows.size:
                continue  # a phrase nobody uses is judged by its words
            known = bool(met.own.any())
            own.add(weight, 0.0, met, met_around)
            all_ways.add(weight, KIN_WEIGHT if known else STRANGER_KIN_WEIGHT, met, met_around)
        scores = all_ways.scores(of_row)
        trust = min(max((own.largest_share() - LITERAL_FROM) / (LITERAL_UP_TO - LITERAL_FROM), 0.0), 1.0)
        if trust > 0.0:
            fed = self._feedback(passages, scores)
            scores = np.where(scores > 0.0, scores + FEEDBACK_WEIGHT * trust * (fed - scores), 0.0)
        return LexicalScores(self._beside(rows, scores), all_ways.largest_share())

    def _beside(self, rows: Rows, scores: Floats) -> Floats:
        """Scores to which the best one of a section is added where a passage itself meets something."""
        _, of_row = np.unique(self._section[rows], return_inverse=True)
        best = np.zeros(rows.size)
        np.maximum.at(best, of_row, scores)
        return np.where(scores > 0.0, scores + SECTION_WEIGHT * best[of_row], 0.0)

    def _gathered(self, unit: str) -> tuple[Postings, Postings]:
        """Where a unit is met, in passages and in documents."""
        own = self._columns.get(unit)
        kin = [(self._columns[other], near) for other, near in self._vocabulary.kin(unit) if other in self._columns]
        return self._passages.postings(own, kin), self._documents.postings(own, kin)

    def _feedback(self, passages: ScopedCounts, scores: Floats) -> Floats:
        """Scores by the words typical of the best passages, on the scale of the scores given."""
        best = np.argsort(-scores.round(_SCORE_DECIMALS), kind="stable")[:FEEDBACK_PASSAGES]
        best = best[scores[best] > 0.0]
        columns, shares = self._passages.typical(passages.rows[best], scores[best] / scores[best].sum())
        met = [passages.within(self._passages.postings(int(column), ())) for column in columns]
        informative = np.array([passages.informative(each.rows.size) for each in met])
        weights = (shares * informative).round(_SCORE_DECIMALS)
        fed = np.zeros(passages.rows.size)
        for place in np.argsort(-weights, kind="stable")[:FEEDBACK_WORDS]:
            rows = met[place].rows
            fed[rows] += weights[place] * informative[place] * passages.saturated(rows, met[place].own)
        found: Floats = fed * (scores.max() / fed.max())
        return found


class _Tally:
    """Scores of passages and of their documents, added up unit by unit."""

    def __init__(self, passages: ScopedCounts, documents: ScopedCounts) -> None:
        self._passages, self._documents = passages, documents
        self._here, self._around = np.zeros(passages.rows.size), np.zeros(documents.rows.size)
        self._share, self._whole = np.zeros(passages.rows.size), 0.0

    def add(self, weight: float, kin_weight: float, here: Postings, around: Postings) -> None:
        frequency, best = _met(here, kin_weight)
        rarity = weight * self._passages.rarity(float(best.sum()))
        self._share[here.rows] += rarity * best
        self._whole += rarity
        informative = weight * self._passages.informative(float(best.sum()))
        self._here[here.rows] += informative * self._passages.saturated(here.rows, frequency, best)
        frequency, best = _met(around, kin_weight)
        self._around[around.rows] += informative * self._documents.saturated(around.rows, frequency, best)

    def largest_share(self) -> float:
        """Largest share of the units added that one passage meets, each by how rare it is."""
        return float(self._share.max(initial=0.0)) / self._whole if self._whole else 0.0

    def scores(self, document_of_row: Rows) -> Floats:
        """Scores of the passages; the documents count where a passage itself meets something."""
        whole = self._here + DOCUMENT_WEIGHT * self._around[document_of_row]
        return np.where(self._here > 0.0, whole, 0.0)


def _met(postings: Postings, kin_weight: float) -> tuple[Floats, Floats]:
    """How often rows meet a unit, kin included, and how closely."""
    frequency = postings.own + kin_weight * postings.kin
    return frequency, np.where(postings.own > 0.0, 1.0, kin_weight * postings.closest)


def _section(passage: Passage) -> tuple[str, int, tuple[str, ...]]:
    return passage.document_id, passage.version, passage.heading_path


def _framed(vocabulary: Vocabulary, passage: Passage, text: Counter[str]) -> dict[str, float]:
    """Counts of a passage's text with those of its headings, title and phrases beside them."""
    counts: dict[str, float] = dict(text)
    headings = dict.fromkeys(_NUMBERED.sub("", heading, count=1) for heading in passage.heading_path)
    headings.pop(passage.title, None)
    fields = (
        (" \n ".join(headings), HEADING_WEIGHT),
        (passage.title, TITLE_WEIGHT),
        (" \n ".join(passage.asked_as), ASKED_WEIGHT),
    )
    for words, weight in fields:
        for unit, count in vocabulary.units(words).items():
            counts[unit] = counts.get(unit, 0.0) + weight * count
    return counts
