# SPDX-License-Identifier: Apache-2.0
"""The whole device of the tests of privacy, with a plate in every store."""

from __future__ import annotations

from tests.privacy.conftest import device, fill  # noqa: F401 -- fixtures
