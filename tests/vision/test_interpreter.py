# SPDX-License-Identifier: Apache-2.0
"""Loading and running models: hash, missing and damaged files, runtimes, quantization."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plategate.errors import ModelError
from plategate.vision import interpreter
from plategate.vision.interpreter import Model, open_model
from plategate.vision.models import find_model, models_folder


class FakeInterpreter:
    """Returns its input; quantized with a scale of 0.25 unless `scale` is another."""

    def __init__(
        self,
        quantized: bool = False,
        failing: bool = False,
        scale: float = 0.25,
        shape: tuple[int, ...] = (1, 4),
    ) -> None:
        self.failing = failing
        self.fed = np.zeros(0)
        dtype = np.int8 if quantized else np.float32
        self.details = {
            "index": 0,
            "shape": np.array(shape),
            "dtype": dtype,
            "quantization": (scale, -128) if quantized else (0.0, 0),
        }

    def allocate_tensors(self) -> None:
        pass

    def get_input_details(self) -> list[dict[str, Any]]:
        return [self.details]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [self.details]

    def set_tensor(self, _index: int, array: Any) -> None:
        assert array.dtype == self.details["dtype"]
        self.fed = array

    def invoke(self) -> None:
        if self.failing:
            raise RuntimeError("out of memory")

    def get_tensor(self, _index: int) -> Any:
        return self.fed


def test_ok__the_shipped_detector_has_the_shape_and_hash_of_its_manifest() -> None:
    found = find_model("plate_detector")
    model = open_model(found.path, found.sha256)
    assert model.input_shape == (1, 288, 384, 3)
    assert model.run(np.zeros(model.input_shape, np.uint8))[0].shape == (1, 36, 48, 9)
    assert found.notes["bytes"] == found.path.stat().st_size <= 1_500_000
    assert model.name == found.path.name


def test_ok__the_xnnpack_delegate_can_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_model("plate_detector")
    picture = np.full((1, 288, 384, 3), 90, np.uint8)
    with_delegate = open_model(found.path, found.sha256, xnnpack=True).run(picture)[0]
    monkeypatch.setenv(interpreter.XNNPACK_VARIABLE, "0")
    without = open_model(found.path, found.sha256).run(picture)[0]
    np.testing.assert_allclose(with_delegate, without, atol=0.05)


def test_fail__wrong_hash(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(b"anything")
    with pytest.raises(ModelError, match="damaged"):
        open_model(file, "0" * 64)


def test_fail__file_is_not_a_model(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(b"anything")
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(file, hashlib.sha256(b"anything").hexdigest())


def test_fail__missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read: No such file"):
        open_model(tmp_path / "gone.tflite", None)


def test_fail__no_runtime_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "RUNTIMES", ("no_such_runtime", "nor_this_one"))
    found = find_model("plate_detector")
    with pytest.raises(ModelError, match=r"no_such_runtime.*nor_this_one"):
        open_model(found.path, found.sha256)


def test_ok__the_second_runtime_is_used_if_the_first_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = SimpleNamespace(Interpreter=lambda **_: FakeInterpreter())
    monkeypatch.setattr(interpreter, "RUNTIMES", ("no_such_runtime", "second"))
    monkeypatch.setitem(__import__("sys").modules, "second", runtime)
    found = find_model("plate_detector")
    assert open_model(found.path, found.sha256).input_shape == (1, 4)


@pytest.mark.parametrize("scale", [0.25, 1.0, 2.0])
def test_ok__a_picture_is_quantized_like_the_same_numbers_as_floats(scale: float) -> None:
    model = Model("whole", FakeInterpreter(quantized=True, scale=scale, shape=(1, 16, 16)))
    picture = np.arange(256).astype(np.uint8).reshape(model.input_shape)
    (as_picture,), (as_floats,) = model.run(picture), model.run(picture.astype(np.float32))
    np.testing.assert_array_equal(as_picture, as_floats)


def test_ok__quantized_models_take_and_return_floats() -> None:
    model = Model("whole", FakeInterpreter(quantized=True))
    values = np.array([[0.0, 0.25, 10.1, 63.75]], np.float32)
    np.testing.assert_allclose(model.run(values)[0], [[0.0, 0.25, 10.0, 63.75]])


def test_fail__input_of_another_shape() -> None:
    with pytest.raises(ModelError, match=r"takes \(1, 4\), not \(2, 4\)"):
        Model("small", FakeInterpreter()).run(np.zeros((2, 4), np.float32))


def test_fail__model_fails_while_running() -> None:
    with pytest.raises(ModelError, match="out of memory"):
        Model("broken", FakeInterpreter(failing=True)).run(np.zeros((1, 4), np.float32))


def test_ok__the_models_folder_may_be_given_or_named_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "MANIFEST.toml").write_text('[tesseract]\nfile = "a"\nsha256 = "b"\n')
    assert models_folder(tmp_path) == tmp_path
    monkeypatch.setenv("PLATEGATE_MODELS", str(tmp_path))
    assert models_folder() == tmp_path
    assert find_model("tesseract").path == tmp_path / "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no \[plate_detector\]"),
        ("plate_detector = 1", r"has no \[plate_detector\]"),
        ('[plate_detector]\nfile = "x"', r"has no \[plate_detector\]"),
        ("[[[", "is damaged"),
    ],
)
def test_fail__manifest_without_the_model(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "MANIFEST.toml").write_text(text)
    with pytest.raises(ModelError, match=message):
        find_model("plate_detector", tmp_path)


def test_fail__folder_without_manifest(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no MANIFEST\.toml"):
        models_folder(tmp_path)
