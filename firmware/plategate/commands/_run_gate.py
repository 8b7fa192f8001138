# SPDX-License-Identifier: Apache-2.0
"""`plategate run` on a real board: logs to the journal of the system, runs until it is stopped."""

from __future__ import annotations

from pathlib import Path

from plategate.gate.build import run_gate as run_built_gate
from plategate.logs import log_to_stderr
from plategate.settings import load_settings


def run_gate(config: Path | None) -> None:
    """Run the gate of these settings."""
    log_to_stderr()
    run_built_gate(load_settings(config))
