"""The index on disk: disposable, verified, and safe when two processes build it at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import chromadb
import numpy as np
import pytest
from chromadb.api.client import Client
from chromadb.config import Settings

from knowledge import KnowledgeBase, split_into_passages
from knowledge.errors import ForeignIndexError, PassageIndexError
from knowledge.index import COLLECTION, MANIFEST, index_directory, open_index
from knowledge.word_vectors import word_vectors
from tests.knowledge.rules import TODAY, a_rule

EMBEDDING = word_vectors()
PASSAGES = split_into_passages(a_rule(text="1.1 A donor keeps its reorder point.\n1.2 Lots are whole."))
DIGEST = "c" * 64
VECTORS = EMBEDDING.embed([passage.indexed_text for passage in PASSAGES])

BUILD = """
import sys
from pathlib import Path
from tests.knowledge.test_index import DIGEST, EMBEDDING, PASSAGES, open_index
print(open_index(Path(sys.argv[1]), DIGEST, PASSAGES, EMBEDDING).tobytes().hex())
"""


def place(root: Path) -> Path:
    return index_directory(root, DIGEST, EMBEDDING)


def opened(root: Path, *, afresh: bool = False) -> bool:
    """Open the index and say whether its vectors are the right ones."""
    return np.array_equal(open_index(root, DIGEST, PASSAGES, EMBEDDING, afresh=afresh), VECTORS)


@contextmanager
def collection_in(directory: Path) -> Iterator[chromadb.Collection]:
    """The collection of an index, as any other program with Chroma would open it."""
    client = chromadb.PersistentClient(directory, settings=Settings(anonymized_telemetry=False))
    assert isinstance(client, Client)
    with client:
        yield client.get_collection(COLLECTION, embedding_function=None)


def test_an_index_is_built_once_and_reused_bit_for_bit(tmp_path: Path) -> None:
    assert opened(tmp_path / "root")
    built = (place(tmp_path / "root") / MANIFEST).stat()
    assert opened(tmp_path / "root")
    assert (place(tmp_path / "root") / MANIFEST).stat().st_mtime_ns == built.st_mtime_ns
    assert opened(tmp_path / "root", afresh=True)
    assert (place(tmp_path / "root") / MANIFEST).stat().st_mtime_ns > built.st_mtime_ns


def test_what_a_crash_left_behind_is_ignored(tmp_path: Path) -> None:
    leftover = tmp_path / ".building-0123"
    leftover.mkdir()
    (leftover / "chroma.sqlite3").write_bytes(b"half")
    assert opened(tmp_path)
    assert opened(tmp_path)
    assert (leftover / "chroma.sqlite3").read_bytes() == b"half"


@pytest.mark.parametrize(
    ("file", "content"),
    [("chroma.sqlite3", b"nonsense" * 100), ("chroma.sqlite3", b""), (MANIFEST, b"{"), (MANIFEST, b"{}")],
)
def test_a_damaged_index_is_built_again(tmp_path: Path, file: str, content: bytes) -> None:
    assert opened(tmp_path)
    (place(tmp_path) / file).write_bytes(content)
    assert opened(tmp_path)
    assert (place(tmp_path) / file).read_bytes() != content
    assert opened(tmp_path)


def test_vectors_changed_behind_our_back_are_noticed(tmp_path: Path) -> None:
    assert opened(tmp_path)
    with collection_in(place(tmp_path)) as collection:
        collection.update(ids=[PASSAGES[0].passage_id], embeddings=VECTORS[1:])
        changed = collection.get(ids=[PASSAGES[0].passage_id], include=["embeddings"])["embeddings"]
    assert np.array_equal(np.asarray(changed, dtype=np.float32), VECTORS[1:])
    assert opened(tmp_path)


def test_an_index_of_other_passages_under_the_same_name_is_built_again(tmp_path: Path) -> None:
    others = split_into_passages(a_rule(text="1.1 Something else.\n1.2 And more."))
    open_index(tmp_path, DIGEST, others, EMBEDDING)
    assert opened(tmp_path)


def test_a_directory_we_did_not_write_is_never_touched(tmp_path: Path) -> None:
    place(tmp_path).mkdir()
    (place(tmp_path) / "diary.txt").write_text("mine")
    with pytest.raises(ForeignIndexError, match="not an index of ours"):
        opened(tmp_path)
    assert (place(tmp_path) / "diary.txt").read_text() == "mine"


def test_a_root_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("")
    with pytest.raises(PassageIndexError, match="expected a directory that can be written"):
        opened(tmp_path / "root")


def test_two_processes_with_other_hash_seeds_build_one_index(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUILD, str(tmp_path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "2")
    ]
    answers = [process.communicate(timeout=60)[0].decode().strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert answers == [VECTORS.tobytes().hex()] * 2
    assert [path.name for path in tmp_path.iterdir()] == [place(tmp_path).name]


def test_many_threads_read_one_index_at_once(tmp_path: Path) -> None:
    built = open_index(tmp_path, DIGEST, PASSAGES, EMBEDDING)
    (place,) = tmp_path.iterdir()
    made = (place / MANIFEST).stat().st_mtime_ns
    with ThreadPoolExecutor(8) as threads:
        read = list(threads.map(lambda _: open_index(tmp_path, DIGEST, PASSAGES, EMBEDDING), range(48)))

    assert all(np.array_equal(vectors, built) for vectors in read)
    assert (place / MANIFEST).stat().st_mtime_ns == made, "a sound index was taken for a damaged one"


def test_a_corpus_without_documents_is_a_corpus(tmp_path: Path) -> None:
    for _ in range(2):
        assert KnowledgeBase([], tmp_path).search("donor", on=TODAY) == []


def test_any_program_with_chroma_finds_texts_vectors_and_what_made_them(tmp_path: Path) -> None:
    assert opened(tmp_path)
    with collection_in(place(tmp_path)) as collection:
        assert collection.metadata == EMBEDDING.config
        question = EMBEDDING.embed([PASSAGES[1].indexed_text])
        nearest = collection.query(query_embeddings=question, n_results=1)
    assert nearest["ids"] == [[PASSAGES[1].passage_id]]
    assert nearest["documents"] == [[PASSAGES[1].indexed_text]]
    assert nearest["distances"] is not None
    assert nearest["distances"][0] == pytest.approx([0.0], abs=1e-6)
