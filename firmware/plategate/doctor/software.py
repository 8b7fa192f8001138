# SPDX-License-Identifier: Apache-2.0
"""Checks of the installation: Python, model runtime, Tesseract, models, pin library."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import platform
import struct
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from plategate.doctor.results import CheckResult, Machine, amber, green, red, run_checks
from plategate.settings import Settings

PYTHONS = ((3, 11), (3, 13))
# The empty lgpio package that PyPI has for newer Pythons is smaller than this.
REAL_LGPIO_BYTES = 10_000
MODELS = ("plate_detector", "plate_refiner", "plate_reader_small", "plate_reader", "tesseract")
REINSTALL = "sudo ./setup.sh install"


def software(settings: Settings, machine: Machine) -> Iterator[CheckResult]:
    """Run all checks of this file."""
    folder = settings.vision.models_dir
    checks: dict[str, Callable[[], CheckResult]] = {
        "python": _python,
        "runtime": lambda: _runtime(settings.vision.choice_file),
        "tesseract": lambda: _tesseract(machine),
    }
    for name in MODELS:
        title = f"model {name.removeprefix('plate_')}"
        checks[title] = functools.partial(_model, title, name, folder)
    checks["reading"] = lambda: _pipeline(settings)
    if settings.pins.backend == "lgpio":
        checks["pin library"] = _lgpio
    return run_checks(checks)


def _python() -> CheckResult:
    bits = struct.calcsize("P") * 8
    name = f"Python {platform.python_version()}, {bits} bit, {platform.machine()}"
    low, high = PYTHONS
    if bits != 64:
        return red(
            "python", name, "install the 64-bit system: there are no model runtimes for 32 bit"
        )
    if not low <= sys.version_info[:2] <= high:
        return amber("python", name, "tested with 3.11 and 3.13: use Debian 12 or 13")
    return green("python", name)


def _runtime(choice_file: Path) -> CheckResult:
    from plategate.errors import ModelError
    from plategate.vision.choice import load_choices

    try:
        choices = load_choices(choice_file)
    except ModelError as error:
        return amber("runtime", str(error), "the shipped files are used meanwhile")
    used = [f"{chosen.table} in {chosen.runtime.split('.')[0]}" for chosen in choices.values()]
    measured = f"; measured for this machine: {', '.join(used)}" if used else "; not measured yet"
    packages = {"tflite_runtime": "tflite-runtime", "ai_edge_litert": "ai-edge-litert"}
    found = [
        f"{package} {_version(package)}"
        for module, package in packages.items()
        if importlib.util.find_spec(module) is not None
    ]
    if found:
        return green("runtime", f"{', '.join(found)}{measured}")
    return red("runtime", "no model runtime: plates are found by contours only", REINSTALL)


def _tesseract(machine: Machine) -> CheckResult:
    in_process = importlib.util.find_spec("tesserocr") is not None
    program = machine.command(["tesseract", "--version"])
    if in_process:
        return green("tesseract", f"in process (tesserocr {_version('tesserocr')})")
    if program:
        first = program.splitlines()[0]
        return amber(
            "tesseract", f"{first} as a program: slow, it is started for each plate", REINSTALL
        )
    return red("tesseract", "neither tesserocr nor the program tesseract is installed", REINSTALL)


def _model(title: str, name: str, folder: Path | None) -> CheckResult:
    from plategate.errors import ModelError
    from plategate.vision.models import find_model

    try:
        model = find_model(name, folder)
    except ModelError as error:
        return amber(
            title, f"{error}", f"the gate runs without it and reads fewer plates: {REINSTALL}"
        )
    if not model.path.is_file():
        return red(title, f"{model.path} is missing", REINSTALL)
    if hashlib.sha256(model.path.read_bytes()).hexdigest() != model.sha256:
        return red(title, f"{model.path.name} differs from the manifest (SHA-256)", REINSTALL)
    return green(
        title, f"{model.path.name}, {model.path.stat().st_size // 1000} kB, SHA-256 correct"
    )


def _pipeline(settings: Settings) -> CheckResult:
    """Build the pipeline as the gate does, because installed parts may still not work together."""
    from plategate.vision.pipeline import build_pipeline

    pipeline = build_pipeline(settings.vision, countries=settings.format_countries)
    if pipeline.degraded:
        remedy = f"fewer plates are read: {REINSTALL}"
        return amber("reading", "; ".join(pipeline.degraded), remedy)
    localizers, readers = ", ".join(pipeline.localizer_names), ", ".join(pipeline.reader_names)
    return green("reading", f"localizers loaded: {localizers}; readers loaded: {readers}")


def _lgpio() -> CheckResult:
    remedy = "sudo apt-get install python3-lgpio, then sudo ./setup.sh install"
    spec = importlib.util.find_spec("lgpio")
    if spec is None or spec.origin is None:
        return red("pin library", "lgpio is missing: no pin can be driven or read", remedy)
    size = Path(spec.origin).stat().st_size
    if size < REAL_LGPIO_BYTES:
        return red("pin library", f"{spec.origin} is an empty package ({size} bytes)", remedy)
    return green(
        "pin library", f"lgpio in {Path(spec.origin).parent}, gpiozero {_version('gpiozero')}"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(system package)"
