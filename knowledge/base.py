"""The written rules of a company, searchable for one situation at a time.

Filter, then rank. Whatever is out of scope is removed first; what remains is ranked by BM25 over words and their kin,
to which the similarity of an embedding is added, taken as an exact dot product. A rule made for the very site or
supplier asked about comes before a general one. A search therefore answers as if the corpus held nothing but what is
in scope, and gives the same list on every rebuild.

Where the best passage says too little of the question, nothing is answered: see :data:`LEAST_EVIDENCE`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedding
from knowledge.errors import DuplicateDocumentError
from knowledge.index import open_index
from knowledge.lexical import LexicalIndex
from knowledge.passages import Passage, SourceDocument, split_into_passages
from knowledge.scope import Revisions, Scope
from knowledge.sentence_model import open_embedding

LEAST_EVIDENCE = 0.2
"""Share of a question that one passage has to meet, rare words weighing more; below it the honest answer is that no
rule speaks about the matter. Chosen on half of the evaluation questions."""
CLEAR_SIMILARITY = 0.5
"""Similarity above what unrelated texts reach, of what is left above it, that answers a question by itself."""
_CACHED_SCOPES = 64
_SCORE_DECIMALS = 10  # equal texts must score equal, whatever order the sums were taken in


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A passage and how it came to its place.

    Parameters
    ----------
    score
        What the list is sorted by, above zero; comparable within one search only.
    lexical
        Lexical score as a share of the best one in scope, in ``[0, 1]``.
    similarity
        Similarity of the embedding above what unrelated texts reach, in ``[0, 1]``.
    """

    passage: Passage
    score: float
    lexical: float
    similarity: float


class KnowledgeBase:
    """Passages of documents, their vectors and their word counts.

    Parameters
    ----------
    documents
        Every version of every document; their order does not matter.
    index_root
        Directory for the vector index, which is reused when it belongs to the same corpus and embedding.
    embedding
        Absent: the sentence model installed in the index root, or the built-in embedding where none is.

    Raises
    ------
    DuplicateDocumentError
        If two documents share id and version.
    DuplicateClauseError
        If a document uses a clause number twice.
    ForeignIndexError
        If the place of the index is taken by something else.
    EmbeddingModelError
        If the sentence model installed cannot be used.
    """

    def __init__(
        self,
        documents: Iterable[SourceDocument],
        index_root: Path,
        embedding: Embedding | None = None,
    ) -> None:
        ordered = sorted(documents, key=lambda document: (document.document_id, document.version))
        _refuse_duplicates(ordered)
        self.corpus_digest = _corpus_digest(ordered)
        self.passages = tuple(
            sorted((p for document in ordered for p in split_into_passages(document)), key=lambda p: p.passage_id)
        )
        self._index_root = index_root
        self._embedding = embedding or open_embedding(index_root)
        self._revisions = Revisions(self.passages)
        self._lexical = LexicalIndex(self.passages)
        self._in_scope = lru_cache(_CACHED_SCOPES)(self._judged)
        self._vectors = self._open(afresh=False)

    def rebuild(self) -> None:
        """Throw the index away and build it again from the documents; no answer changes."""
        self._vectors = self._open(afresh=True)

    def passage(self, passage_id: str) -> Passage | None:
        """The passage of an id, in force or not; ``None`` where no document holds it."""
        return next((passage for passage in self.passages if passage.passage_id == passage_id), None)

    def search(
        self,
        query: str,
        *,
        on: date,
        sites: frozenset[str] | None = None,
        supplier: str | None = None,
        item_classes: frozenset[str] | None = None,
        action: str | None = None,
        readable_sites: frozenset[str] | None = None,
        include_superseded: bool = False,
        limit: int = 5,
    ) -> list[RankedPassage]:
        """Passages in scope that speak about the query, best first.

        Parameters
        ----------
        query
            Free text.
        on
            The day whose rules apply. Nothing that takes effect later is ever found.
        sites, supplier, item_classes, action
            What the situation is about; ``None`` asks no question there. A passage without a restriction always fits.
        readable_sites
            Sites the reader may see; ``None`` means all.
        include_superseded
            Also rank versions no longer in force on ``on``.
        limit
            Longest list to return, 1 or more.

        Returns
        -------
        list[RankedPassage]
            Sorted by falling score, ties by ``passage_id``. Empty where nothing in scope speaks about the query.
            A question that names sites or suppliers by id is about them, unless the situation says otherwise.

        Raises
        ------
        ValueError
            If ``limit`` is below 1.
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}, expected 1 or more")
        suppliers = None if supplier is None else frozenset({supplier})
        asked = Scope(on, sites, suppliers, item_classes, action, readable_sites, include_superseded)
        scope = asked.named_in(query, self._revisions)
        rows, closeness = self._in_scope(scope)
        lexical = self._lexical.scores(query if scope == asked else scope.not_naming(query), rows)
        similarity = self._similarity(query, rows)
        if lexical.evidence < LEAST_EVIDENCE and similarity.max(initial=0.0) < CLEAR_SIMILARITY:
            return []
        share = lexical.scores / (lexical.scores.max(initial=0.0) or 1.0)
        scores = ((share + self._embedding.weight * similarity) * closeness).round(_SCORE_DECIMALS)
        best = [int(place) for place in np.argsort(-scores, kind="stable")[:limit] if scores[place] > 0.0]
        return [
            RankedPassage(
                self.passages[rows[place]],
                float(scores[place]),
                round(float(share[place]), _SCORE_DECIMALS),
                round(float(similarity[place]), _SCORE_DECIMALS),
            )
            for place in best
        ]

    def _similarity(self, query: str, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Similarity of rows to a query above what unrelated texts reach, in ``[0, 1]``."""
        question = self._embedding.embed([query])[0].astype(np.float64)
        filled = np.flatnonzero(question)
        vectors = self._vectors
        if filled.size < question.size:  # picking dimensions copies them: a sentence model fills all
            vectors, question = vectors[filled], question[filled]
        products = np.einsum("dp,d->p", vectors, question)[rows]
        floor = self._embedding.unrelated
        above: NDArray[np.float64] = np.clip((products - floor) / (1.0 - floor), 0.0, 1.0)
        return above

    def _judged(self, scope: Scope) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows in scope and how close to the situation each is."""
        rows = scope.rows(self._revisions)
        return rows, scope.closeness(self._revisions, rows)

    def _open(self, *, afresh: bool) -> NDArray[np.float64]:
        """Vectors, one a column: most questions fill only some of the dimensions."""
        vectors = open_index(self._index_root, self.corpus_digest, self.passages, self._embedding, afresh=afresh)
        return np.ascontiguousarray(vectors.T, dtype=np.float64)


def _corpus_digest(documents: Iterable[SourceDocument]) -> str:
    joined = "\n".join(document.content_digest for document in documents)
    return hashlib.sha256(f"evenkeel:corpus:v1:{joined}".encode()).hexdigest()


def _refuse_duplicates(documents: Iterable[SourceDocument]) -> None:
    seen = Counter((document.document_id, document.version) for document in documents)
    for (document_id, version), count in sorted(seen.items()):
        if count > 1:
            raise DuplicateDocumentError(f"document {document_id} v{version} is given {count} times, expected once")
