"""Embeddings: the port every one of them fits, and a deterministic one that needs no model, fitting or network.

The built-in one knows word pieces, not meaning: it finds what is inflected, joined or mistyped. Every text becomes a
bag of words, word pairs and letter triples. Each feature is hashed to one dimension and one sign and weighted by its
kind and damped frequency; the vector is scaled to length one. Nothing is learned from the corpus: a passage's vector
depends on its text alone. Hashes come from BLAKE2b, since Python's own ``hash`` differs between processes.

``VERSION`` is raised with every change that alters a vector; it is part of the index's name.

Source
------
Weinberger et al. (2009), "Feature hashing for large scale multitask learning", ICML.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.words import words

NAME = "evenkeel-hashed-ngrams"
VERSION = 2

_WORD_WEIGHT = 1.0
_PAIR_WEIGHT = 0.7
_TRIPLE_WEIGHT = 0.25  # a word has several triples; together they should not outweigh it


class Embedding(Protocol):
    """Texts to vectors of length one, the same for a text whatever stands beside it."""

    @property
    def config(self) -> dict[str, str | int]:
        """Everything a vector depends on beside the text."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration, 64 hexadecimal characters; part of the index's name."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    @property
    def unrelated(self) -> float:
        """Similarity that texts reach which have nothing to do with one another, in ``[0, 1)``."""
        ...

    @property
    def weight(self) -> float:
        """What a perfect similarity adds to the best lexical score, which is one."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, shape ``(n_texts, dimensions)``; all zeros where a text holds no word."""
        ...


def config_digest(config: dict[str, str | int]) -> str:
    """SHA-256 of a configuration in canonical form."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class HashedNgramEmbedding:
    """Signed feature hashing into ``dimensions`` (at least 8)."""

    dimensions: int = 384

    def __post_init__(self) -> None:
        if self.dimensions < 8:
            raise ValueError(f"embedding has {self.dimensions} dimensions, expected 8 or more")

    @property
    def config(self) -> dict[str, str | int]:
        """Everything a vector depends on beside the text."""
        return {"name": NAME, "version": VERSION, "dimensions": self.dimensions}

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration, 64 hexadecimal characters."""
        return config_digest(self.config)

    @property
    def unrelated(self) -> float:
        """Four standard deviations of the dot product of unrelated texts in 384 dimensions."""
        return 0.2

    @property
    def weight(self) -> float:
        """Little: it sees the same words as the lexical ranking, with their pieces."""
        return 0.1

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts.

        Returns
        -------
        NDArray[np.float32]
            Shape ``(n_texts, dimensions)``, each row of length one; all zeros where a text holds no word.
        """
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float64)
        for row, text in zip(vectors, texts, strict=True):
            for (kind, feature), count in Counter(_features(text)).items():
                place = _hash(kind, feature)
                weight = _WEIGHTS[kind] * (1.0 + math.log(count))
                row[(place >> 1) % self.dimensions] += weight if place & 1 else -weight
        lengths = np.sqrt(np.einsum("td,td->t", vectors, vectors))[:, np.newaxis]
        return (vectors / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float32)


_WEIGHTS = {"word": _WORD_WEIGHT, "pair": _PAIR_WEIGHT, "triple": _TRIPLE_WEIGHT}


def _features(text: str) -> Iterator[tuple[str, str]]:
    found = words(text)
    for word in found:
        yield "word", word
        marked = f"<{word}>"
        for start in range(len(marked) - 2):
            yield "triple", marked[start : start + 3]
    for first, second in pairwise(found):
        yield "pair", f"{first} {second}"


@lru_cache(maxsize=65_536)
def _hash(kind: str, feature: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{kind}:{feature}".encode(), digest_size=8).digest(), "big")
