# SPDX-License-Identifier: Apache-2.0
"""What the gate's process does not load: libraries of other processes cost memory and time."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from plategate.cli import SERVICES, app

# HTTP clients and servers, terminal output, documents, databases, message brokers, picture files.
OF_OTHERS = (
    *("httpx", "ssl", "http.client", "urllib.request", "anyio", "starlette", "uvicorn", "jinja2"),
    *("apprise", "paho", "psycopg", "PIL", "imutils"),
    *("rich", "pygments", "fpdf", "xlsxwriter", "python_calamine", "cryptography", "argon2"),
)


# The gate's command line, its modules, and every localizer and reader.
GATE = """
import sys
sys.argv = ["plategate", "run"]
import plategate.cli, plategate.gate.build
from plategate.settings.vision import VisionSettings
from plategate.vision.pipeline import build_pipeline
build_pipeline(VisionSettings())
"""


def loaded_by(script: str) -> list[str]:
    """The modules that a process has loaded at the end of the script."""
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nprint(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


def test_ok__the_gate_loads_no_library_of_another_process() -> None:
    loaded = loaded_by(GATE)
    assert "plategate.vision.localize.contour" in loaded
    assert sorted(set(OF_OTHERS) & set(loaded)) == []


@pytest.mark.parametrize("command", SERVICES)
def test_ok__a_service_loads_no_other_command(command: str) -> None:
    script = f"import sys; sys.argv = ['plategate', '{command}', '--help']; import plategate.cli"
    commands = [name for name in loaded_by(script) if name.startswith("plategate.commands.")]
    files = [name for name in commands if not name.startswith("plategate.commands.shared")]
    assert files == [f"plategate.commands.{command}"]


@pytest.mark.parametrize("command", SERVICES)
def test_ok__a_service_has_the_options_that_the_whole_command_line_shows(command: str) -> None:
    alone = subprocess.run(
        [sys.executable, "-m", "plategate", command, "--help"],
        capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "80"},
    )  # fmt: skip
    among_all = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80"})
    assert among_all.exit_code == 0
    assert _words(alone.stdout) == _words(among_all.stdout)


def _words(text: str) -> list[str]:
    """The words of a help text, without frames and the name of the program."""
    found = re.findall(r"[\w-]+", text)
    return [word for word in found if word not in ("python", "-m", "plategate", "root")]
