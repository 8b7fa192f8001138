# SPDX-License-Identifier: Apache-2.0
"""Checks of what is installed: Python, model runtime, Tesseract, models, pin library."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import struct
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from plategate.doctor.findings import Finding, Machine, amber, green, red
from plategate.settings import Settings

PYTHONS = ((3, 11), (3, 13))
# The empty package that the index has for newer Pythons is smaller than this.
REAL_LGPIO_BYTES = 10_000
MODELS = ("plate_detector", "plate_refiner", "plate_reader", "tesseract")
REINSTALL = "sudo ./setup.sh install"


def software(settings: Settings, machine: Machine) -> Iterator[Finding]:
    """All checks of this file."""
    yield _python()
    yield _runtime()
    yield _tesseract(machine)
    for name in MODELS:
        yield _model(name, settings.vision.models_dir)
    yield _pipeline(settings)
    if settings.pins.backend == "lgpio":
        yield _lgpio()


def _python() -> Finding:
    bits = struct.calcsize("P") * 8
    name = f"Python {platform.python_version()}, {bits} bit, {platform.machine()}"
    low, high = PYTHONS
    if bits != 64:
        return red("python", name, "use the 64-bit system: the model runtimes exist for no other")
    if not low <= sys.version_info[:2] <= high:
        return amber("python", name, "tried with 3.11 and 3.13: use Debian 12 or 13")
    return green("python", name)


def _runtime() -> Finding:
    for module, package in (
        ("tflite_runtime", "tflite-runtime"),
        ("ai_edge_litert", "ai-edge-litert"),
    ):
        if importlib.util.find_spec(module) is not None:
            return green("runtime", f"{package} {_version(package)}")
    return red("runtime", "no model runtime: plates are found by contours alone", REINSTALL)


def _tesseract(machine: Machine) -> Finding:
    in_process = importlib.util.find_spec("tesserocr") is not None
    program = machine.command(["tesseract", "--version"])
    if in_process:
        return green("tesseract", f"in process, by tesserocr {_version('tesserocr')}")
    if program:
        first = program.splitlines()[0]
        return amber(
            "tesseract", f"{first} as a program: slow, it starts anew for each plate", REINSTALL
        )
    return red("tesseract", "neither tesserocr nor the program tesseract is there", REINSTALL)


def _model(name: str, folder: Path | None) -> Finding:
    from plategate.errors import ModelError
    from plategate.vision.models import find_model

    title = f"model {name.removeprefix('plate_')}"
    try:
        model = find_model(name, folder)
    except ModelError as error:
        return amber(title, f"{error}", f"the gate works without, and reads less: {REINSTALL}")
    if not model.path.is_file():
        return red(title, f"{model.path} is missing", REINSTALL)
    if hashlib.sha256(model.path.read_bytes()).hexdigest() != model.sha256:
        return red(title, f"{model.path.name} is not the file of the manifest", REINSTALL)
    return green(title, f"{model.path.name}, {model.path.stat().st_size // 1000} kB, hash as noted")


def _pipeline(settings: Settings) -> Finding:
    """Load everything as the gate does: what is installed may still not fit together."""
    from plategate.vision.pipeline import build_pipeline

    degraded = build_pipeline(settings.vision).degraded
    if degraded:
        return amber("reading", "; ".join(degraded), f"plates are read less surely: {REINSTALL}")
    return green("reading", "detector and readers are loaded")


def _lgpio() -> Finding:
    remedy = "sudo apt-get install python3-lgpio, then sudo ./setup.sh install"
    spec = importlib.util.find_spec("lgpio")
    if spec is None or spec.origin is None:
        return red("pin library", "lgpio is missing: no pin can be moved or read", remedy)
    size = Path(spec.origin).stat().st_size
    if size < REAL_LGPIO_BYTES:
        return red("pin library", f"{spec.origin} is an empty shell of {size} bytes", remedy)
    return green(
        "pin library", f"lgpio in {Path(spec.origin).parent}, gpiozero {_version('gpiozero')}"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of the system"
