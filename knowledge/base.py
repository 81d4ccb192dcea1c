"""The written rules of a company, searchable for one situation at a time.

Filter, then rank. Whatever is out of scope is removed first; what remains is ranked twice, by an exact dot product and
by BM25 counted over the same passages, and the two rankings are fused. A search therefore answers as if the corpus held
nothing but what is in scope, and gives the same list on every rebuild.

Source
------
Cormack, Clarke & Büttcher (2009), "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
SIGIR.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.bm25 import BM25
from knowledge.embedding import HashedNgramEmbedding
from knowledge.errors import DuplicateDocumentError
from knowledge.index import open_index
from knowledge.passages import Passage, SourceDocument, split_into_passages
from knowledge.scope import Scope

FUSION_CONSTANT = 60  # k of reciprocal rank fusion
MINIMUM_SIMILARITY = 0.2  # four standard deviations of the dot product of unrelated texts in 384 dimensions
_SCORE_DECIMALS = 10  # equal texts must score equal, whatever order the sums were taken in


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A passage and how it came to its place; a rank is ``None`` where that ranking did not find it."""

    passage: Passage
    score: float
    dense_rank: int | None
    bm25_rank: int | None


class KnowledgeBase:
    """Passages of documents, their vectors and their word counts.

    Parameters
    ----------
    documents
        Every version of every document; their order does not matter.
    index_root
        Directory for the vector index, which is reused when it belongs to the same corpus and embedding.

    Raises
    ------
    DuplicateDocumentError
        If two documents share id and version.
    DuplicateClauseError
        If a document uses a clause number twice.
    ForeignIndexError
        If the place of the index is taken by something else.
    """

    def __init__(
        self,
        documents: Iterable[SourceDocument],
        index_root: Path,
        embedding: HashedNgramEmbedding | None = None,
    ) -> None:
        ordered = sorted(documents, key=lambda document: (document.document_id, document.version))
        _refuse_duplicates(ordered)
        self.corpus_digest = _corpus_digest(ordered)
        self.passages = tuple(
            sorted((p for document in ordered for p in split_into_passages(document)), key=lambda p: p.passage_id)
        )
        self._index_root = index_root
        self._embedding = embedding or HashedNgramEmbedding()
        self._bm25 = BM25([passage.indexed_text for passage in self.passages])
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

        Raises
        ------
        ValueError
            If ``limit`` is below 1.
        """
        if limit < 1:
            raise ValueError(f"limit is {limit}, expected 1 or more")
        scope = Scope(on, sites, supplier, item_classes, action, readable_sites, include_superseded)
        rows = np.array(scope.rows(self.passages), dtype=np.intp)
        similarity = self._similarity(query, rows)
        dense = _ranks(np.where(similarity >= MINIMUM_SIMILARITY, similarity, 0.0))
        lexical = _ranks(self._bm25.scores(query, rows))
        found = [
            RankedPassage(
                self.passages[row], _fused(dense.get(place), lexical.get(place)), dense.get(place), lexical.get(place)
            )
            for place, row in enumerate(rows)
            if place in dense or place in lexical
        ]
        return sorted(found, key=lambda ranked: (-ranked.score, ranked.passage.passage_id))[:limit]

    def _similarity(self, query: str, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        question = self._embedding.embed([query])[0].astype(np.float64)
        products: NDArray[np.float64] = np.einsum("pd,d->p", self._vectors[rows].astype(np.float64), question)
        return products

    def _open(self, *, afresh: bool) -> NDArray[np.float32]:
        return open_index(self._index_root, self.corpus_digest, self.passages, self._embedding, afresh=afresh)


def _ranks(scores: NDArray[np.float64]) -> dict[int, int]:
    """Rank from 1 of every place with a positive score; equal scores stand in order of place, that is of passage id."""
    rounded = scores.round(_SCORE_DECIMALS)
    order = np.argsort(-rounded, kind="stable")
    return {int(place): rank for rank, place in enumerate(order, start=1) if rounded[place] > 0.0}


def _fused(*ranks: int | None) -> float:
    return sum(1.0 / (FUSION_CONSTANT + rank) for rank in ranks if rank is not None)


def _corpus_digest(documents: Iterable[SourceDocument]) -> str:
    joined = "\n".join(document.content_digest for document in documents)
    return hashlib.sha256(f"evenkeel:corpus:v1:{joined}".encode()).hexdigest()


def _refuse_duplicates(documents: Iterable[SourceDocument]) -> None:
    seen = Counter((document.document_id, document.version) for document in documents)
    for (document_id, version), count in sorted(seen.items()):
        if count > 1:
            raise DuplicateDocumentError(f"document {document_id} v{version} is given {count} times, expected once")
