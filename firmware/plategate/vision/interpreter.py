# SPDX-License-Identifier: Apache-2.0
"""Load a .tflite model and run it on arrays with whichever TensorFlow Lite runtime is installed.

Independent of what a model computes: pre- and postprocessing belong to localizer and reader.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.errors import ModelError

RUNTIMES = ("tflite_runtime.interpreter", "ai_edge_litert.interpreter")
# ai-edge-litert's default XNNPACK delegate crashes under qemu-user; "0" switches it off.
XNNPACK_VARIABLE = "PLATEGATE_XNNPACK"
STDERR = 2


class Model:
    """One loaded model with one input; outputs are returned as dequantized float32."""

    def __init__(self, name: str, interpreter: Any) -> None:
        self.name = name
        self._interpreter = interpreter
        self._allocate()

    def _allocate(self) -> None:
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self.input_shape = tuple(int(side) for side in self._input["shape"])

    def resize(self, shape: tuple[int, ...]) -> None:
        """Change the input shape; ModelError if the model has a fixed one."""
        if shape == self.input_shape:
            return
        try:
            self._interpreter.resize_tensor_input(self._input["index"], shape, strict=False)
            self._allocate()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"model {self.name} cannot take shape {shape}: {error}") from error

    def run(self, array: NDArray[Any]) -> list[NDArray[Any]]:
        """Run the model on one array of `input_shape`; all outputs in the model's order."""
        if array.shape != self.input_shape:
            raise ModelError(f"model {self.name} takes {self.input_shape}, not {array.shape}")
        try:
            self._interpreter.set_tensor(self._input["index"], _to_type(array, self._input))
            self._interpreter.invoke()
            return [self._read(details) for details in self._outputs]
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"model {self.name} failed: {error}") from error

    def _read(self, details: dict[str, Any]) -> NDArray[Any]:
        values: NDArray[Any] = self._interpreter.get_tensor(details["index"])
        scale, zero = details["quantization"]
        if values.dtype == np.float32 or scale == 0:
            return values
        floats: NDArray[Any] = (values.astype(np.float32) - zero) * np.float32(scale)
        return floats


@contextmanager
def stderr_muted() -> Iterator[None]:
    """Discard what native code writes to file descriptor 2 inside the block.

    TensorFlow Lite prints a line for every interpreter and has no setting against it. Errors are
    raised, not printed, so none are lost.
    """
    if sys.stderr is None:  # started with it closed; descriptor 2 may be any other file now
        yield
        return
    sys.stderr.flush()
    kept = os.dup(STDERR)
    discarded = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(discarded, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(discarded)


def open_model(
    path: Path,
    sha256: str | None,
    threads: int = 1,
    xnnpack: bool | None = None,
    runtime: str | None = None,
) -> Model:
    """Load the model at `path`; ModelError if it is unreadable or `sha256` does not match.

    `runtime` is one of RUNTIMES; by default the first that is installed. `xnnpack=False` or
    PLATEGATE_XNNPACK=0 in the environment disables the XNNPACK delegate.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {path} cannot be read: {error.strerror}") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256.lower():
        raise ModelError(f"model {path} is damaged: its sha256 is not the one in MANIFEST.toml")
    if xnnpack is None:
        xnnpack = os.environ.get(XNNPACK_VARIABLE, "1") != "0"
    library = _runtime(RUNTIMES if runtime is None else (runtime,))
    options: dict[str, Any] = {"model_content": content, "num_threads": threads}
    if not xnnpack:
        resolvers = library.OpResolverType
        options["experimental_op_resolver_type"] = resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        with stderr_muted():
            return Model(path.name, library.Interpreter(**options))
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"model {path} cannot be loaded: {error}") from error


def installed_runtimes() -> tuple[str, ...]:
    """Those of RUNTIMES that can be imported."""
    found = []
    for name in RUNTIMES:
        with suppress(ImportError):
            import_module(name)
            found.append(name)
    return tuple(found)


def _runtime(names: Sequence[str]) -> ModuleType:
    """The first of these that can be imported."""
    reasons = []
    for name in names:
        try:
            return import_module(name)
        except ImportError as error:
            reasons.append(f"{name}: {error}")
    raise ModelError("no TensorFlow Lite runtime is installed (" + "; ".join(reasons) + ")")


def _to_type(array: NDArray[Any], details: dict[str, Any]) -> NDArray[Any]:
    """The array in the input's type, quantized if the model takes integers."""
    wanted = np.dtype(details["dtype"])
    if array.dtype == wanted:
        return array
    scale, zero = details["quantization"]
    if scale == 0:
        return array.astype(wanted)
    if array.dtype == np.uint8:
        if wanted == np.int8 and (scale, zero) == (1.0, -128):
            # Only the top bit changes, and flipping it is twenty times as fast as a table.
            return np.bitwise_xor(array, 0x80).view(np.int8)
        table = _quantized_levels(wanted, scale, zero)
        return np.asarray(cv2.LUT(array.reshape(1, -1), table), wanted).reshape(array.shape)
    return _quantized(array, wanted, scale, zero)


@lru_cache(maxsize=8)
def _quantized_levels(wanted: np.dtype[Any], scale: float, zero: int) -> NDArray[Any]:
    """The integer of each of the 256 values that a pixel can have."""
    return _quantized(np.arange(256), wanted, scale, zero)


def _quantized(array: NDArray[Any], wanted: np.dtype[Any], scale: float, zero: int) -> NDArray[Any]:
    limits = np.iinfo(wanted)
    integers: NDArray[Any] = np.clip(np.rint(array / scale) + zero, limits.min, limits.max)
    return integers.astype(wanted)
