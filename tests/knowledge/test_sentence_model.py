"""A sentence model of the user's own: installed once, tried, pinned by its hash, and used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knowledge import KnowledgeBase
from knowledge.errors import EmbeddingModelError
from knowledge.index import index_directory
from knowledge.sentence_model import FOLDER, install_model, open_embedding, open_model, remove_model
from knowledge.word_vectors import word_vectors
from tests.knowledge.rules import TODAY, a_rule
from tests.knowledge.tiny_model import write_model

SUBJECTS = "truck invoices grandmother room teams supplier rain museum recount violin"
WORDS = ["zyx", "qwv", *SUBJECTS.split()]
"""A direction each; the sentences a model is tried on hold one of the later ones each."""
AXES = dict(zip(WORDS, np.eye(len(WORDS)).tolist(), strict=True))
VECTORS = {**AXES, "donor": AXES["zyx"], "refrigerated": AXES["qwv"]}
SILENT = [0.0] * len(WORDS)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny", VECTORS, SILENT)


def test_a_vector_is_the_mean_of_its_token_vectors_at_length_one(tiny: Path, tmp_path: Path) -> None:
    model = install_model(tiny, tmp_path / "root")
    found = model.embed(["Donor donor refrigerated whatever", ""])
    expected = (2 * np.array(AXES["zyx"]) + np.array(AXES["qwv"])) / np.sqrt(5)
    assert found[0] == pytest.approx(expected, abs=1e-6)
    assert found[1].tolist() == SILENT
    assert np.array_equal(model.embed(["donor"])[0], model.embed(["truck leaves", "donor"])[1])


def test_an_installed_model_finds_what_shares_no_word(tiny: Path, tmp_path: Path) -> None:
    rules = [a_rule("A", "1.1 Donor."), a_rule("B", "1.1 Refrigerated."), a_rule("C", "1.1 Violin.")]
    assert KnowledgeBase(rules, tmp_path / "plain").search("qwv", on=TODAY) == []
    install_model(tiny, tmp_path / "root")
    base = KnowledgeBase(rules, tmp_path / "root")
    assert base.search("qwv", on=TODAY)[0].passage.document_id == "B"
    assert base.search("zyx", on=TODAY)[0].passage.document_id == "A"
    before = base.search("zyx", on=TODAY)
    base.rebuild()
    assert base.search("zyx", on=TODAY) == before


def test_the_hash_of_the_model_is_part_of_the_index_name(tiny: Path, tmp_path: Path) -> None:
    first = install_model(tiny, tmp_path / "one")
    other = write_model(tmp_path / "other" / "tiny", {**VECTORS, "truck": AXES["zyx"]}, SILENT)
    second = install_model(other, tmp_path / "two")
    assert first.config["name"] == second.config["name"] == "tiny"
    assert first.digest != second.digest != word_vectors().digest
    assert index_directory(tmp_path, "c" * 64, first) != index_directory(tmp_path, "c" * 64, second)


def test_a_model_that_changed_or_is_incomplete_is_refused(tiny: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    install_model(tiny, root)
    (root / FOLDER / "model.onnx").write_bytes((root / FOLDER / "model.onnx").read_bytes() + b"\0")
    with pytest.raises(EmbeddingModelError, match="the model is not the one that was installed"):
        open_embedding(root)
    (root / FOLDER / "tokenizer.json").unlink()
    with pytest.raises(EmbeddingModelError, match="install it again"):
        open_model(root / FOLDER)
    assert remove_model(root)
    assert not remove_model(root)
    assert open_embedding(root) is word_vectors()


@pytest.mark.parametrize("broken", ["model.onnx", "tokenizer.json"])
def test_what_is_no_model_is_refused_and_the_one_before_stays(tiny: Path, tmp_path: Path, broken: str) -> None:
    root = tmp_path / "root"
    good = install_model(tiny, root)
    (tiny / broken).write_bytes(b"nonsense")
    with pytest.raises(EmbeddingModelError, match="cannot be loaded"):
        install_model(tiny, root)
    (tiny / broken).unlink()
    with pytest.raises(EmbeddingModelError, match=f"no {broken}"):
        install_model(tiny, root)
    assert open_embedding(root).digest == good.digest
    assert [path.name for path in root.iterdir()] == [FOLDER]


def test_a_model_that_says_the_same_of_everything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingModelError, match="all the same"):
        install_model(write_model(tmp_path / "dull", {}, [1.0, 0.0]), tmp_path / "root")
