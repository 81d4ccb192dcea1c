"""BM25 over the passages in scope.

Document frequency and mean length are taken over the passages being ranked, not over the whole corpus: what is out of
scope has no influence on what is in it.

Source
------
Robertson & Zaragoza (2009), "The probabilistic relevance framework: BM25 and beyond", *Foundations and Trends in
Information Retrieval* 3(4). The inverse document frequency carries a one inside its logarithm and so is never negative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from knowledge.words import words

TERM_SATURATION = 1.2  # k1
LENGTH_NORMALISATION = 0.75  # b


class BM25:
    """Term counts of texts, ready to be scored against a query.

    Parameters
    ----------
    texts
        One a row; scores refer to rows.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        bags = [Counter(words(text)) for text in texts]
        self._columns = {term: column for column, term in enumerate(sorted(set().union(*bags)))}
        starts = np.cumsum([0, *(len(bag) for bag in bags)])
        terms = [self._columns[term] for bag in bags for term in bag]
        counts = np.array([count for bag in bags for count in bag.values()], dtype=np.float64)
        self._counts = sparse.csr_array((counts, terms, starts), shape=(len(bags), len(self._columns)))
        self._lengths = np.array([sum(bag.values()) for bag in bags], dtype=np.float64)

    def scores(self, query: str, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Relevance of some rows to a query, counted among themselves.

        Parameters
        ----------
        query
            Free text; a word counts once.
        rows
            Shape ``(n_rows,)``, the rows in scope.

        Returns
        -------
        NDArray[np.float64]
            Shape ``(n_rows,)``, zero or more; zero where no word of the query occurs.
        """
        columns = [self._columns[word] for word in sorted(set(words(query))) if word in self._columns]
        if not columns or not rows.size:
            return np.zeros(rows.size)
        counts = self._counts[rows][:, columns].toarray()
        lengths = self._lengths[rows]
        document_frequency = np.count_nonzero(counts, axis=0)
        inverse = np.log1p((rows.size - document_frequency + 0.5) / (document_frequency + 0.5))
        norm = 1.0 - LENGTH_NORMALISATION + LENGTH_NORMALISATION * lengths / max(lengths.mean(), 1.0)
        saturated = counts * (TERM_SATURATION + 1.0) / (counts + TERM_SATURATION * norm[:, np.newaxis])
        scores: NDArray[np.float64] = np.einsum("rt,t->r", saturated, inverse)
        return scores
