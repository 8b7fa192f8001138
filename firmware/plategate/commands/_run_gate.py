# SPDX-License-Identifier: Apache-2.0
"""`plategate run` on a real board: logs to the journal of the system, runs until it is stopped."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from plategate.gate.build import run_gate as run_built_gate
from plategate.settings import load_settings


def run_gate(config: Path | None) -> None:
    """Run the gate of these settings."""
    # systemd adds time and unit.
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
        force=True,
    )
    run_built_gate(load_settings(config))
