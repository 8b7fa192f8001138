# SPDX-License-Identifier: Apache-2.0
"""A console with the sockets of a gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .bed import ConsoleBed
from .serving import with_gate


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[ConsoleBed]:
    made = ConsoleBed(tmp_path)
    with with_gate(made):
        yield made
