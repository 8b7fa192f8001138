# SPDX-License-Identifier: Apache-2.0
"""A gate's folders with the one-time code of its console; only root can make them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .code_machine import Machine, made_machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    yield from made_machine()
