# SPDX-License-Identifier: Apache-2.0
"""Opens an exported network as a list of operators, to replace some, and writes it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

IDENTIFIER = b"TFL3"


class Exported:
    """The first graph of a .tflite file."""

    def __init__(self, content: bytes) -> None:
        self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        for buffer in self.model.buffers:  # weights stored after the tables are moved into them
            if buffer.offset > 1:
                inside = content[buffer.offset : buffer.offset + buffer.size]
                buffer.data, buffer.offset, buffer.size = np.frombuffer(inside, np.uint8), 0, 0
        self.graph = self.model.subgraphs[0]

    def replace(self, kind: int, by: Callable[[Any], list[Any]]) -> int:
        """Put other operators in place of each one of this kind; how many there were."""
        operators: list[Any] = []
        replaced = 0
        for operator in self.graph.operators:
            if self.model.operatorCodes[operator.opcodeIndex].builtinCode == kind:
                operators += by(operator)
                replaced += 1
            else:
                operators.append(operator)
        self.graph.operators = operators
        return replaced

    def tensor(self, number: int) -> Any:
        """The tensor of this number."""
        return self.graph.tensors[number]

    def add_tensor(self, like: Any, name: bytes, shape: list[int] | None = None) -> int:
        """The number of a new tensor of the same type, and of the same shape if none is given."""
        made = schema.TensorT()
        made.name, made.type, made.buffer = name, like.type, 0
        made.shape = np.array(like.shape if shape is None else shape, np.int32)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def add_constant(self, value: float, name: bytes) -> int:
        """The number of a new tensor that holds one float."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.float32(value).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        made = schema.TensorT()
        made.name, made.type, made.shape = name, schema.TensorType.FLOAT32, np.array([1], np.int32)
        made.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def code(self, kind: int) -> int:
        """Index of an operator in the file's list, added to it."""
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = kind, kind, 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def written(self) -> bytes:
        """The file."""
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())


def operator(code: int, inputs: list[int], output: int, options: Any, kind: int) -> Any:
    """An operator with one output; `kind` is the type of its options."""
    made = schema.OperatorT()
    made.opcodeIndex, made.builtinOptionsType, made.builtinOptions = code, kind, options
    made.inputs, made.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
    return made
