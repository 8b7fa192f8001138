# SPDX-License-Identifier: Apache-2.0
"""Fixtures that several areas of the tests use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that every user may read; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="plategate-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
