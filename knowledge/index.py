"""Vectors kept in an embedded Chroma directory that can be thrown away at any moment.

Rules
-----
1. A directory is named by the digests of corpus and embedding and is never changed after it has been given that name.
2. It is built aside, under a name of its own, read back and compared, and then renamed. When two processes build at
   once, the first rename wins and the other removes what it built; both answer from what they read back.
3. A directory without a manifest was not written here: :class:`ForeignIndexError`, and it is left alone. One whose
   content differs from its manifest or from the passages at hand is moved aside, removed and built again.
4. What a crash leaves behind (``.building-…``, ``.retired-…``) is never read; delete it when nothing is running.
5. Chroma's own embedding and its approximate search are never used: the one needs a network, the other is not
   reproducible.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedding
from knowledge.errors import CorruptIndexError, ForeignIndexError, PassageIndexError
from knowledge.passages import Passage

if TYPE_CHECKING:
    from chromadb.api.client import Client

MANIFEST = "evenkeel-index.json"
COLLECTION = "passages"
FORMAT = 1
_ONE_CLIENT = Lock()
"""Chroma keeps one system per path in a process: a thread that closes it breaks one that is opening it."""


def open_index(
    root: Path,
    corpus_digest: str,
    passages: Sequence[Passage],
    embedding: Embedding,
    *,
    afresh: bool = False,
) -> NDArray[np.float32]:
    """Vectors of passages, read from the index, which is built first where it is absent.

    Parameters
    ----------
    root
        Directory that holds the indexes; created where missing.
    passages
        Sorted by ``passage_id``.
    afresh
        Build again even where a sound index is present.

    Returns
    -------
    NDArray[np.float32]
        Shape ``(n_passages, dimensions)``, rows as in ``passages``.

    Raises
    ------
    ForeignIndexError
        If the place of the index holds something this package did not write.
    PassageIndexError
        If the root cannot be used.
    """
    place = index_directory(root, corpus_digest, embedding)
    _make_root(root)
    if place.exists():
        if not (place / MANIFEST).is_file():
            raise ForeignIndexError(f"{place}: no {MANIFEST} in it, so it is not an index of ours; move it away")
        if not afresh:
            try:
                return _read(place, passages, embedding)
            except CorruptIndexError:
                pass  # rule 3: disposable, built again below
        _retire(place)
    return _build(place, passages, embedding)


def index_directory(root: Path, corpus_digest: str, embedding: Embedding) -> Path:
    """Where the index of a corpus under an embedding stands."""
    return root / f"passages-{corpus_digest[:16]}-{embedding.digest[:16]}"


def _make_root(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PassageIndexError(f"index root {root}: expected a directory that can be written ({error})") from error


def _build(place: Path, passages: Sequence[Passage], embedding: Embedding) -> NDArray[np.float32]:
    aside = place.parent / f".building-{uuid.uuid4().hex}"
    try:
        _write(aside, passages, embedding)
        vectors = _read(aside, passages, embedding)
        _install(aside, place)
        return vectors
    finally:
        shutil.rmtree(aside, ignore_errors=True)  # gone already when the rename won


def _install(aside: Path, place: Path) -> None:
    try:
        aside.rename(place)
    except OSError as error:
        if not (place / MANIFEST).is_file():
            raise PassageIndexError(f"index {place}: could not be put in place ({error})") from error
        # Another process was first with the same content, named by the same digests.


def _retire(place: Path) -> None:
    retired = place.parent / f".retired-{uuid.uuid4().hex}"
    try:
        place.rename(retired)
    except FileNotFoundError:
        return  # another process retired it first
    shutil.rmtree(retired, ignore_errors=True)


def _write(directory: Path, passages: Sequence[Passage], embedding: Embedding) -> None:
    vectors = embedding.embed([passage.indexed_text for passage in passages])
    with _client(directory) as client:
        collection = client.create_collection(
            COLLECTION,
            configuration={"hnsw": {"space": "ip"}},  # vectors have length one, and come back bit for bit
            embedding_function=None,
            metadata=dict(embedding.config),
        )
        step = client.get_max_batch_size()
        for start in range(0, len(passages), step):
            batch = passages[start : start + step]
            collection.add(
                ids=[passage.passage_id for passage in batch],
                embeddings=vectors[start : start + step],
                documents=[passage.indexed_text for passage in batch],
                metadatas=[{"document_id": p.document_id, "version": p.version, "clause": p.clause} for p in batch],
            )
    manifest = _manifest([p.passage_id for p in passages], [p.indexed_text for p in passages], vectors, embedding)
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _read(directory: Path, passages: Sequence[Passage], embedding: Embedding) -> NDArray[np.float32]:
    """Vectors as stored, after comparing ids, texts and vectors with the manifest and with the passages."""
    ids, texts, vectors = _stored(directory, embedding.dimensions)
    if vectors.shape != (len(passages), embedding.dimensions):
        raise CorruptIndexError(
            f"{directory.name}: vectors of shape {vectors.shape}, expected {(len(passages), embedding.dimensions)}"
        )
    if (ids, texts) != ([p.passage_id for p in passages], [p.indexed_text for p in passages]):
        raise CorruptIndexError(f"{directory.name}: its passages are not those of the corpus")
    try:
        recorded = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptIndexError(f"{directory.name}: {MANIFEST} cannot be read ({error})") from error
    if recorded != _manifest(ids, texts, vectors, embedding):
        raise CorruptIndexError(f"{directory.name}: content differs from {MANIFEST}")
    return vectors


def _stored(directory: Path, dimensions: int) -> tuple[list[str], list[str], NDArray[np.float32]]:
    """Ids, texts and vectors in an index, sorted by id."""
    from chromadb.errors import ChromaError

    try:
        with _client(directory) as client:
            found = client.get_collection(COLLECTION, embedding_function=None).get(include=["documents", "embeddings"])
    except (ChromaError, ValueError) as error:
        raise CorruptIndexError(f"{directory.name}: Chroma cannot read it ({error})") from error
    documents, embeddings = found["documents"], found["embeddings"]
    if documents is None or embeddings is None:
        raise CorruptIndexError(f"{directory.name}: texts or vectors are missing")
    order = sorted(range(len(found["ids"])), key=found["ids"].__getitem__)
    vectors = np.asarray(embeddings, dtype=np.float32) if order else np.zeros((0, dimensions), dtype=np.float32)
    return [found["ids"][row] for row in order], [documents[row] for row in order], vectors[order]


def _manifest(
    ids: Sequence[str], texts: Sequence[str], vectors: NDArray[np.float32], embedding: Embedding
) -> dict[str, object]:
    content = hashlib.sha256(json.dumps([list(ids), list(texts)], separators=(",", ":")).encode())
    content.update(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
    return {
        "format": FORMAT,
        "embedding": embedding.config,
        "passages": len(ids),
        "content_digest": content.hexdigest(),
    }


@contextmanager
def _client(directory: Path) -> Iterator[Client]:
    """One client on one directory, closed again: an open one holds the files a rename would move."""
    import chromadb
    from chromadb.api.client import Client
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

    with _ONE_CLIENT:
        try:
            client = chromadb.PersistentClient(directory, settings=Settings(anonymized_telemetry=False))
        except BaseException:
            # Chroma remembers a system per path even when starting it failed, hands it out again and cannot stop it.
            SharedSystemClient._identifier_to_system.pop(str(directory), None)
            raise
        assert isinstance(client, Client)  # what PersistentClient builds; its annotation cannot be closed
        with client:
            yield client
