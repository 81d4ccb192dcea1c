"""The smallest sentence model there is, written byte by byte: a table of token vectors and one look-up in it.

The format is that of onnx.proto, version 8 of its intermediate representation, operator set 17; field numbers stand
beside the fields. Nothing but the runtime that reads it knows whether it is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

FLOAT, INT64 = 1, 7  # TensorProto.DataType


def write_model(folder: Path, vectors: Mapping[str, Sequence[float]], unknown: Sequence[float]) -> Path:
    """A model folder whose tokens are words with given vectors; every other word has the unknown one."""
    words = ["[UNK]", *vectors]
    table = np.array([unknown, *vectors.values()], dtype="<f4")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(_model(table))
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _model(table: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> bytes:
    rows, columns = table.shape
    initializer = (  # TensorProto: dims 1, data_type 2, name 8, raw_data 9
        _number(1, rows) + _number(1, columns) + _number(2, FLOAT) + _text(8, "table") + _bytes(9, table.tobytes())
    )
    node = _text(1, "table") + _text(1, "input_ids") + _text(2, "last_hidden_state") + _text(4, "Gather")  # NodeProto
    graph = (  # GraphProto: node 1, name 2, initializer 5, input 11, output 12
        _bytes(1, node)
        + _text(2, "tiny")
        + _bytes(5, initializer)
        + _bytes(11, _value("input_ids", INT64, 1, "sequence"))
        + _bytes(11, _value("attention_mask", INT64, 1, "sequence"))
        + _bytes(12, _value("last_hidden_state", FLOAT, 1, "sequence", columns))
    )
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 17))  # ModelProto: opset_import 8


def _value(name: str, kind: int, *shape: int | str) -> bytes:
    """ValueInfoProto: name 1, type 2; in it tensor_type 1: elem_type 1, shape 2 with dims 1, each a value or a name."""
    dims = b"".join(_bytes(1, _number(1, each) if isinstance(each, int) else _text(2, each)) for each in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
