# SPDX-License-Identifier: Apache-2.0
"""Muting native code: stderr has only the program's own output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
import os, sys
from plategate.vision.interpreter import stderr_muted
with stderr_muted():
    os.write(2, b"library chatter")
sys.stderr.write("ours")
"""


def test_ok__only_the_programs_own_output_is_left() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True)
    assert done.stderr == b"ours"


def test_ok__another_file_on_descriptor_2_is_not_muted(tmp_path: Path) -> None:
    code = (
        "import os; from plategate.vision.interpreter import stderr_muted;"
        f"assert os.open({str(tmp_path / 'book')!r}, os.O_WRONLY | os.O_CREAT) == 2\n"
        "with stderr_muted(): os.write(2, b'kept')"
    )
    subprocess.run(["/bin/sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, code], check=True)
    assert (tmp_path / "book").read_bytes() == b"kept"


def test_ok__models_load_without_output() -> None:
    code = (
        "from plategate.vision.pipeline import build_pipeline;"
        "from plategate.settings.vision import VisionSettings;"
        "build_pipeline(VisionSettings())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
