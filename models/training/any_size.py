# SPDX-License-Identifier: Apache-2.0
"""Makes an exported network resizable: the same outputs for inputs of several sizes.

An exported file fixes the size to which each map is upsampled. Here upsampling by two is made of
four copies of the map (concatenation, then depth to space), which works for every size. The fast
delegate of every TensorFlow Lite runtime supports these operations, unlike the resizing that they
replace.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from operators import Exported, operator

COPIES = 4


def for_any_size(content: bytes) -> bytes:
    """The .tflite file with nearest-neighbour upsampling made of copies; SystemExit if none."""
    exported = Exported(content)
    join = exported.code(schema.BuiltinOperator.CONCATENATION)
    deal = exported.code(schema.BuiltinOperator.DEPTH_TO_SPACE)

    def doubling(resize: Any) -> list[Any]:
        return _doubling(exported, resize, join, deal)

    if not exported.replace(schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR, doubling):
        raise SystemExit("this network has no nearest-neighbour upsampling")
    return exported.written()


def _doubling(exported: Exported, resize: Any, join: int, deal: int) -> list[Any]:
    source, target = exported.tensor(resize.inputs[0]), exported.tensor(resize.outputs[0])
    if list(target.shape[1:3]) != [2 * side for side in source.shape[1:3]]:
        raise SystemExit(f"{source.shape} is not doubled but made {target.shape}")
    shape = [*source.shape[:3], COPIES * source.shape[3]]
    between = exported.add_tensor(source, target.name + b"_copies", shape)
    joining, dealing = schema.ConcatenationOptionsT(), schema.DepthToSpaceOptionsT()
    joining.axis, dealing.blockSize = 3, 2
    options = schema.BuiltinOptions
    copies = [resize.inputs[0]] * COPIES
    return [
        operator(join, copies, between, joining, options.ConcatenationOptions),
        operator(deal, [between], resize.outputs[0], dealing, options.DepthToSpaceOptions),
    ]
