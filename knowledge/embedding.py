"""The port every embedding fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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
