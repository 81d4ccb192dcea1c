"""The built-in embedding: a text is the sum of its words, and a word is where a sentence model puts it.

``word_vectors.npz`` holds a vector for each stem of some 20,000 English words: what all-MiniLM-L6-v2 makes of the word
by itself, without what all words have in common, in the directions that tell them apart best. No model runs and nothing
is learned from the corpus: a passage's vector depends on its text alone. Names, ids and misspelt words are not in the
table; the ranking by words knows the former.

The table is made again by ``python -m benchmarks.word_vectors``; its hash is part of the index's name.

Source
------
Wang et al. (2020), "MiniLM: deep self-attention distillation", NeurIPS, for the model (Apache License 2.0); Mu &
Viswanath (2018), "All-but-the-top", ICLR, for taking out what words have in common.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import config_digest
from knowledge.words import words

NAME = "evenkeel-word-vectors"
VERSION = 1
TABLE = "word_vectors.npz"


@dataclass(frozen=True, slots=True, eq=False)
class WordVectorEmbedding:
    """Sums of word vectors; :func:`word_vectors` opens the one that is shipped.

    Parameters
    ----------
    rows
        Row of each stem that has a vector.
    vectors
        Shape ``(n_stems, dimensions)``, of length one or, where words of one stem mean different things, less.
    table_digest
        SHA-256 of the table, 64 hexadecimal characters.
    """

    rows: Mapping[str, int]
    vectors: NDArray[np.float64]
    table_digest: str

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    @property
    def config(self) -> dict[str, str | int]:
        """Everything a vector depends on beside the text."""
        return {"name": NAME, "version": VERSION, "table": self.table_digest, "dimensions": self.dimensions}

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration, 64 hexadecimal characters."""
        return config_digest(self.config)

    @property
    def unrelated(self) -> float:
        """What three in four passages of a rule book stay below for a question of their trade."""
        return 0.35

    @property
    def weight(self) -> float:
        """Half of the lexical ranking: a sum of words knows what they mean, and not how they belong together."""
        return 0.5

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts.

        Returns
        -------
        NDArray[np.float32]
            Shape ``(n_texts, dimensions)``, each row of length one; all zeros where no word of a text has a vector.
        """
        sums = np.zeros((len(texts), self.dimensions))
        for row, text in zip(sums, texts, strict=True):
            for stem, count in Counter(words(text)).items():
                place = self.rows.get(stem)
                if place is not None:
                    row += (1.0 + math.log(count)) * self.vectors[place]
        lengths = np.sqrt(np.einsum("td,td->t", sums, sums))[:, np.newaxis]
        return (sums / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float32)


@cache
def word_vectors() -> WordVectorEmbedding:
    """The embedding of the table that is shipped."""
    content = (files("knowledge") / TABLE).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as table:
        stems = table["stems"].tobytes().decode("ascii").split()
        vectors = table["numbers"] * table["steps"].astype(np.float64)[:, np.newaxis]
    return WordVectorEmbedding(
        {stem: row for row, stem in enumerate(stems)}, vectors, hashlib.sha256(content).hexdigest()
    )
