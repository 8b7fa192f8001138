# SPDX-License-Identifier: Apache-2.0
"""`plategate run` on a real board: logs to the journal of the system, runs until it is stopped."""

from __future__ import annotations

from pathlib import Path

from plategate.gate.build import run_gate as run_built_gate
from plategate.gate.reload import SettingsFile
from plategate.gate.startable import load_startable
from plategate.logs import log_to_stderr
from plategate.settings import DEFAULT_FILE
from plategate.settings.last_good import LAST_GOOD, keep_as_good, load_or_last_good


def run_gate(config: Path | None) -> None:
    """Run the gate of these settings; the installed one runs on with the last good ones."""
    log_to_stderr()
    if config == DEFAULT_FILE:
        file = SettingsFile(
            str(config), lambda: load_startable(config), lambda: keep_as_good(config, LAST_GOOD)
        )
        run_built_gate(*load_or_last_good(config, LAST_GOOD, load_startable), file)
    else:
        file = SettingsFile(str(config or "settings"), lambda: load_startable(config))
        run_built_gate(load_startable(config), None, file)
