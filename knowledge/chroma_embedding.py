"""The offline embedding under the name by which Chroma stores and finds it.

Imported only when an index is opened: importing Chroma takes half a second.
"""

from __future__ import annotations

from typing import Any, cast

from chromadb.api.types import Documents, Embeddable, EmbeddingFunction, Embeddings, Space
from chromadb.utils.embedding_functions import register_embedding_function

from knowledge.embedding import NAME, VERSION, HashedNgramEmbedding


class HashedNgramFunction(EmbeddingFunction[Embeddable]):
    """Chroma's view of :class:`~knowledge.embedding.HashedNgramEmbedding`."""

    def __init__(self, dimensions: int) -> None:
        self._embedding = HashedNgramEmbedding(dimensions)

    def __call__(self, input: Embeddable) -> Embeddings:
        return list(self._embedding.embed(cast(Documents, input)))

    @staticmethod
    def name() -> str:
        """The registered name."""
        return NAME

    def get_config(self) -> dict[str, Any]:
        """Version and size, as stored beside a collection."""
        return {"version": VERSION, "dimensions": self._embedding.dimensions}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> EmbeddingFunction[Embeddable]:
        """The function a collection was written with.

        Raises
        ------
        ValueError
            If the collection was written by another version, whose vectors cannot be compared with ours.
        """
        if config["version"] != VERSION:
            raise ValueError(f"{NAME}: collection written by version {config['version']}, expected {VERSION}")
        return HashedNgramFunction(config["dimensions"])

    def default_space(self) -> Space:
        """Inner product: the vectors have length one, and Chroma then returns them bit for bit."""
        return "ip"

    def supported_spaces(self) -> list[Space]:
        """Spaces in which vectors of length one rank alike."""
        return ["ip", "cosine", "l2"]


register_embedding_function(HashedNgramFunction)  # type: ignore[no-untyped-call]  # Chroma leaves it untyped
