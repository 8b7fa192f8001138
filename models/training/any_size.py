# SPDX-License-Identifier: Apache-2.0
"""Makes an exported network resizable: the same outputs for inputs of several sizes.

An exported file fixes the size to which each map is upsampled. Here upsampling by two is made of
four copies of the map (concatenation, then depth to space), which works for every size. The fast
delegate of every TensorFlow Lite runtime supports these operations, unlike the resizing that they
replace.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

IDENTIFIER = b"TFL3"
COPIES = 4


def for_any_size(content: bytes) -> bytes:
    """The .tflite file with nearest-neighbour upsampling made of copies; SystemExit if none."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for buffer in model.buffers:  # weights stored after the tables are moved into them
        if buffer.offset > 1:
            inside = content[buffer.offset : buffer.offset + buffer.size]
            buffer.data, buffer.offset, buffer.size = np.frombuffer(inside, np.uint8), 0, 0
    graph = model.subgraphs[0]
    join = _code(model, schema.BuiltinOperator.CONCATENATION)
    deal = _code(model, schema.BuiltinOperator.DEPTH_TO_SPACE)
    operators: list[Any] = []
    for operator in graph.operators:
        kind = model.operatorCodes[operator.opcodeIndex].builtinCode
        if kind == schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR:
            operators += _doubling(graph, operator, join, deal)
        else:
            operators.append(operator)
    if len(operators) == len(graph.operators):
        raise SystemExit("this network has no nearest-neighbour upsampling")
    graph.operators = operators
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _code(model: Any, kind: int) -> int:
    """Index of an operator in the file's list, added if it is not there."""
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = kind, kind, 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _doubling(graph: Any, resize: Any, join: int, deal: int) -> list[Any]:
    source, target = graph.tensors[resize.inputs[0]], graph.tensors[resize.outputs[0]]
    if list(target.shape[1:3]) != [2 * side for side in source.shape[1:3]]:
        raise SystemExit(f"{source.shape} is not doubled but made {target.shape}")
    copies = schema.TensorT()
    copies.name, copies.type, copies.buffer = target.name + b"_copies", source.type, 0
    copies.shape = np.array([*source.shape[:3], COPIES * source.shape[3]], np.int32)
    graph.tensors.append(copies)
    joining = schema.ConcatenationOptionsT()
    joining.axis = 3
    dealing = schema.DepthToSpaceOptionsT()
    dealing.blockSize = 2
    between, options = len(graph.tensors) - 1, schema.BuiltinOptions
    return [
        _operator(
            join, [resize.inputs[0]] * COPIES, between, joining, options.ConcatenationOptions
        ),
        _operator(deal, [between], resize.outputs[0], dealing, options.DepthToSpaceOptions),
    ]


def _operator(code: int, inputs: list[int], output: int, options: Any, kind: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.builtinOptionsType, operator.builtinOptions = code, kind, options
    operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
    return operator
