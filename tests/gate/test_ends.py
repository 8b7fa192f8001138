# SPDX-License-Identifier: Apache-2.0
"""The relay is off after every kind of end: signals, an exception in the loop, an orderly stop.

Each case runs in its own process, because signals go to processes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import logging, os, signal, sys
from pathlib import Path
from plategate.gate import loop
from plategate.rehearsal.pictures import rehearsal_settings
from plategate.rehearsal.scenario_reader import ScenarioReader
from plategate.rehearsal.site import build_site
from tests.commanded import commanded
from plategate.settings import Settings

logging.disable()
state = Path(sys.argv[1])
settings = rehearsal_settings(Settings(), state, state / "lists.sqlite")
barrier = settings.barrier.model_copy(update={{"pulse_ms": 3000}})
site = build_site(settings.model_copy(update={{"barrier": barrier}}), reader=ScenarioReader(exit))

def broken(*_):
    raise ZeroDivisionError

def edge(seen):
    relay = site.board.relay_of(seen)
    if relay is not None:
        os.write(1, b"on " if relay[1] else b"off ")
    if relay == ("open_relay", True):
        {ending}

site.board.factory.listeners.append(edge)
site.gate.post(commanded("open", "test"))
try:
    site.gate.run()
except ZeroDivisionError:
    os.write(1, b"broken ")
os.write(1, b"ended")
"""


@pytest.mark.parametrize(
    ("ending", "output"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM)", "on off ended"),
        ("os.kill(os.getpid(), signal.SIGINT)", "on off ended"),
        ("os.kill(os.getpid(), signal.SIGHUP)", "on off ended"),
        ("site.gate.stop()", "on off ended"),
        ("loop.step = broken; site.gate.post(commanded('open', 'again'))", "on off broken ended"),
    ],
)
def test_ok__the_relay_is_off_afterwards(tmp_path: Path, ending: str, output: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(ending=ending), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stdout == output, done.stderr
    assert done.returncode == 0
