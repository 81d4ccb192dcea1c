"""An embedding by a sentence model the user supplies: ONNX, on the CPU, from local files only.

A model is installed once: its files are copied beside the indexes, tried, and recorded with their hashes. The hashes
are part of the index's name, so vectors of two models are never compared; a file that changes afterwards is refused.
``onnxruntime`` and ``tokenizers`` come with Chroma and are imported only when a model is used.

Rules
-----
1. A model folder holds ``model.onnx`` (or ``onnx/model.onnx``) in one file and ``tokenizer.json``.
2. The model takes token ids and gives a vector a token, whose mean over the text is taken, or one a text.
3. Texts go through one by one on one thread: a vector does not depend on its neighbours.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedding, config_digest
from knowledge.errors import EmbeddingModelError
from knowledge.word_vectors import word_vectors

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]  # no types shipped
    from tokenizers import Tokenizer

FOLDER = "embedding"
MODEL, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "embedding.json"
LONGEST = 512
"""Tokens of a text that are read where the tokenizer sets no limit."""

_UNRELATED = (
    "The truck leaves at four in the afternoon.",
    "Invoices are paid within thirty days.",
    "Her grandmother baked bread on Sundays.",
    "The cold room is checked every morning.",
    "Two teams drew in the last minute of the match.",
    "A new supplier is visited by quality first.",
    "Rain is expected on the northern coast.",
    "The museum shows drawings of birds.",
    "A recount is made by a second person.",
    "He plays the second violin in an orchestra.",
)
"""Sentences that have nothing to do with one another; how near a model puts them anyway is its floor."""


@dataclass(frozen=True)
class SentenceModel:
    """An installed sentence model; build it with :func:`open_model`."""

    name: str
    model_digest: str
    tokenizer_digest: str
    dimensions: int
    unrelated: float
    session: onnxruntime.InferenceSession
    tokenizer: Tokenizer

    @property
    def config(self) -> dict[str, str | int]:
        """Name and hashes."""
        return {
            "name": self.name,
            "model": self.model_digest,
            "tokenizer": self.tokenizer_digest,
            "dimensions": self.dimensions,
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration, 64 hexadecimal characters."""
        return config_digest(self.config)

    @property
    def weight(self) -> float:
        """As much as the lexical ranking: a model knows meaning, and not the ids and figures of a rule book."""
        return 1.0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts, shape ``(n_texts, dimensions)``, each of length one; zeros where a text has no token."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[:] = _vector(self.session, self.tokenizer, text, self.dimensions)
        return vectors


def open_embedding(root: Path) -> Embedding:
    """The embedding installed beside the indexes of a root, the built-in one where none is.

    Raises
    ------
    EmbeddingModelError
        If the installed model is incomplete or was changed since.
    """
    return open_model(root / FOLDER) if (root / FOLDER).is_dir() else word_vectors()


def install_model(source: Path, root: Path) -> SentenceModel:
    """Copy a model beside the indexes of a root, after trying it, in place of the one installed before.

    Raises
    ------
    EmbeddingModelError
        If the folder lacks a file, the model cannot be run, or its vectors cannot be used.
    """
    files = {MODEL: _first_file(source, MODEL, f"onnx/{MODEL}"), TOKENIZER: _first_file(source, TOKENIZER)}
    root.mkdir(parents=True, exist_ok=True)
    aside = root / f".building-{uuid.uuid4().hex}"
    try:
        aside.mkdir()
        for name, path in files.items():
            shutil.copyfile(path, aside / name)
        session, tokenizer = _load(aside)
        vectors = _trial(session, tokenizer, source)
        unrelated = max(float(first @ second) for first, second in combinations(vectors, 2))
        manifest = {
            "name": source.resolve().name,
            "model": _file_digest(aside / MODEL),
            "tokenizer": _file_digest(aside / TOKENIZER),
            "dimensions": int(vectors.shape[1]),
            "unrelated": round(min(max(unrelated, 0.0), 0.95), 4),
        }
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", "utf-8")
        remove_model(root)
        aside.rename(root / FOLDER)
    finally:
        shutil.rmtree(aside, ignore_errors=True)  # gone already when all went well
    return open_model(root / FOLDER)


def remove_model(root: Path) -> bool:
    """Go back to the built-in embedding; whether a model was installed."""
    installed = (root / FOLDER).is_dir()
    shutil.rmtree(root / FOLDER, ignore_errors=True)
    return installed


def open_model(folder: Path) -> SentenceModel:
    """An installed model, its files compared with what was recorded.

    Raises
    ------
    EmbeddingModelError
        If a file is missing, unreadable or not the one that was installed.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        found = {"model": _file_digest(folder / MODEL), "tokenizer": _file_digest(folder / TOKENIZER)}
    except (OSError, ValueError) as error:
        raise EmbeddingModelError(f"{folder}: not an installed sentence model ({error}); install it again") from error
    for part, digest in found.items():
        if manifest.get(part) != digest:
            raise EmbeddingModelError(f"{folder}: the {part} is not the one that was installed; install it again")
    session, tokenizer = _load(folder)
    return SentenceModel(
        name=str(manifest["name"]),
        model_digest=found["model"],
        tokenizer_digest=found["tokenizer"],
        dimensions=int(manifest["dimensions"]),
        unrelated=float(manifest["unrelated"]),
        session=session,
        tokenizer=tokenizer,
    )


def _first_file(source: Path, *names: str) -> Path:
    for name in names:
        if (source / name).is_file():
            return source / name
    raise EmbeddingModelError(f"{source}: no {' or '.join(names)} in it")


def _load(folder: Path) -> tuple[onnxruntime.InferenceSession, Tokenizer]:
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # both raise what their native code raises, down to bare Exception
        raise EmbeddingModelError(f"{folder}: the model or its tokenizer cannot be loaded ({error})") from error
    tokenizer.no_padding()
    if tokenizer.truncation is None:
        tokenizer.enable_truncation(LONGEST)
    return session, tokenizer


def _trial(session: onnxruntime.InferenceSession, tokenizer: Tokenizer, source: Path) -> NDArray[np.float32]:
    """Vectors of sentences that have nothing to do with one another."""
    try:
        vectors = np.stack([_vector(session, tokenizer, text, None) for text in _UNRELATED])
    except EmbeddingModelError:
        raise
    except Exception as error:
        raise EmbeddingModelError(f"{source}: the model cannot be run on a sentence ({error})") from error
    if not np.isfinite(vectors).all() or len(np.unique(vectors, axis=0)) < 2:
        raise EmbeddingModelError(f"{source}: the model gives vectors that are not finite or all the same")
    return vectors


def _vector(
    session: onnxruntime.InferenceSession, tokenizer: Tokenizer, text: str, dimensions: int | None
) -> NDArray[np.float32]:
    """Mean of the token vectors of a text, scaled to length one."""
    encoded = tokenizer.encode(text)
    known = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}
    if not encoded.ids and dimensions is not None:
        return np.zeros(dimensions, dtype=np.float32)
    wanted = [entry.name for entry in session.get_inputs()]
    if "input_ids" not in wanted or not set(wanted) <= set(known):
        raise EmbeddingModelError(f"the model asks for {', '.join(wanted)}; known are {', '.join(known)}")
    output = np.asarray(session.run(None, {name: np.array([known[name]], dtype=np.int64) for name in wanted})[0])
    if output.ndim not in (2, 3) or output.shape[0] != 1:
        raise EmbeddingModelError(f"the model's first output has shape {output.shape}, expected a vector a token")
    vector = output[0].astype(np.float64)
    if output.ndim == 3:
        vector = vector.mean(axis=0)
    length = float(np.sqrt(np.dot(vector, vector)))
    scaled: NDArray[np.float32] = (vector / (length or 1.0)).astype(np.float32)
    return scaled


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
