# SPDX-License-Identifier: Apache-2.0
"""Fork gates to be killed: each line on stdin is a number of vehicles, each answer a process id.

A gate is forked before it has threads, so that a start is fast; every relay edge is written to
edges.log at once, and before it why, where the arm goes up again for what is under it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from plategate.gate.executor import CommandExecutor, Movement
from plategate.messages import InputName, Level, RaiseAgain
from plategate.rehearsal.board import Edge
from plategate.rehearsal.pictures import rehearsal_settings
from plategate.rehearsal.scenario_reader import ScenarioReader, load_scripted, scripted_plate
from plategate.rehearsal.site import build_site
from plategate.settings import Settings


def serve(state: Path, vehicles: int) -> None:
    """Run until killed, with this number of vehicles one after the other."""
    settings = rehearsal_settings(Settings(), state, state / "lists.sqlite")
    reader = ScenarioReader(lambda: sys.exit("no picture is read here"))
    edges = os.open(state / "edges.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    site = build_site(settings, reader=reader, load=load_scripted)

    def edge(seen: Edge) -> None:
        relay = site.board.relay_of(seen)
        if relay is not None:
            os.write(edges, b"on\n" if relay[1] else b"off\n")

    drive = CommandExecutor._drive

    def note(executor: CommandExecutor, movement: Movement) -> None:
        if isinstance(movement, RaiseAgain):
            os.write(edges, b"again\n")
        drive(executor, movement)

    CommandExecutor._drive = note
    site.board.factory.listeners.append(edge)
    site.gate.start()
    os.write(edges, b"started\n")
    for _ in range(vehicles):
        site.camera.show(scripted_plate("AB12CDE", 0.99))
        site.board.put(InputName.BEAM, Level.ACTIVE)
        _turn(site, 0.15)
        site.board.put(InputName.BEAM, Level.INACTIVE)
        site.board.put(InputName.PHOTOCELL, Level.ACTIVE)
        _turn(site, 0.05)
        site.board.put(InputName.PHOTOCELL, Level.INACTIVE)
        _turn(site, 0.15)
    _turn(site, 60.0)


def _turn(site: object, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        site.gate.pump()
        time.sleep(0.001)


def main() -> None:
    """Fork a gate for every line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                serve(Path(sys.argv[1]), int(line))
            finally:
                os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
