# SPDX-License-Identifier: Apache-2.0
"""The console of the neighbouring tests."""

from __future__ import annotations

from tests.console.conftest import bed

__all__ = ["bed"]
