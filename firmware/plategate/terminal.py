# SPDX-License-Identifier: Apache-2.0
"""What the commands share at the terminal: the --config option."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", help="settings.toml; default: the installed one")
]
