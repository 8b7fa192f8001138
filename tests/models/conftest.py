# SPDX-License-Identifier: Apache-2.0
"""Fixtures that import the training code, which is not part of the package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TRAINING = Path(__file__).resolve().parents[2] / "models/training"


Part = Callable[[str], ModuleType]


@pytest.fixture
def training_part(monkeypatch: pytest.MonkeyPatch) -> Part:
    """Import a module of models/training by its dotted name, and no other of that name."""
    monkeypatch.syspath_prepend(str(TRAINING))

    def part(name: str) -> ModuleType:
        package = name.partition(".")[0]
        for known in [one for one in sys.modules if one.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, known)
        return importlib.import_module(name)

    return part


@pytest.fixture
def reader_part(training_part: Part) -> Part:
    """Import a module of models/training/reader by its name."""
    return lambda name: training_part(f"reader.{name}")
