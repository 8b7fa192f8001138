# SPDX-License-Identifier: Apache-2.0
"""The training code of the reader, which is no part of the import package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TRAINING = Path(__file__).resolve().parents[2] / "models/training"


@pytest.fixture
def reader_part(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A module of models/training/reader by its name, not one of the same name from elsewhere."""
    monkeypatch.syspath_prepend(str(TRAINING))
    for name in [name for name in sys.modules if name == "reader" or name.startswith("reader.")]:
        monkeypatch.delitem(sys.modules, name)
    return lambda name: importlib.import_module(f"reader.{name}")
