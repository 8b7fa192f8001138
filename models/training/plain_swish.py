# SPDX-License-Identifier: Apache-2.0
"""Takes hard swishes apart in an exported network, before it is quantized.

The fast delegate of LiteRT computes a hard swish in floating point only; in integers each one falls
back to a slow kernel and splits the network into parts. It is x * relu6(x + 3) / 6, and addition
with a limit and multiplication have fast integer kernels.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from operators import Exported, operator

THREE, SIXTH = 3.0, 1.0 / 6.0


def with_plain_swish(content: bytes) -> bytes:
    """The .tflite file without hard swishes; the same file, written again, if it has none."""
    exported = Exported(content)
    add = exported.code(schema.BuiltinOperator.ADD)
    multiply = exported.code(schema.BuiltinOperator.MUL)
    three = exported.add_constant(THREE, b"three")
    sixth = exported.add_constant(SIXTH, b"sixth")
    kinds = schema.BuiltinOptions

    def parts(swish: Any) -> list[Any]:
        source, target = swish.inputs[0], swish.outputs[0]
        like = exported.tensor(target)
        gate = exported.add_tensor(like, like.name + b"_gate")
        product = exported.add_tensor(like, like.name + b"_product")
        adding = schema.AddOptionsT()
        adding.fusedActivationFunction = schema.ActivationFunctionType.RELU6
        return [
            operator(add, [source, three], gate, adding, kinds.AddOptions),
            operator(multiply, [source, gate], product, schema.MulOptionsT(), kinds.MulOptions),
            operator(multiply, [product, sixth], target, schema.MulOptionsT(), kinds.MulOptions),
        ]

    exported.replace(schema.BuiltinOperator.HARD_SWISH, parts)
    return exported.written()
