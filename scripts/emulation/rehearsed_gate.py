# SPDX-License-Identifier: Apache-2.0
"""The device's gate with mock pins and simulated vehicles in an endless loop; run by systemd.

Everything except the wiring is real: settings, lists, pictures, pipeline, journal, watchdog.
Every edge of the OPEN relay and of the beam goes to edges.log at once, those of a lamp to lamp.log.
A thread hangs for good as soon as its name (main, camera, vision) is written into
/run/plategate/hang. No vehicle comes while there is a file /run/plategate/pause.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plategate.clock import SystemClock
from plategate.commands import run as run_command
from plategate.gate import build
from plategate.hardware import board as real_board
from plategate.messages import InputName, Level
from plategate.rehearsal.board import Edge, RehearsalBoard
from plategate.settings import DEFAULT_FILE, Settings

HANG = Path("/run/plategate/hang")
PAUSE = Path("/run/plategate/pause")
EDGES, LAMP = "edges.log", "lamp.log"
# Longer than barrier.travel_s in rehearsal.toml, after which the arm counts as up.
ARM_TRAVEL_S = 0.6
UNDER_THE_ARM_S = 0.1
SEEN_WITHIN_S, JUDGED_WITHIN_S, RELAY_WITHIN_S = 5.0, 5.0, 0.5


def hang_if_told(thread: str) -> None:
    """Hang for ever, once, if the drill names this thread."""
    if HANG.exists() and HANG.read_text(encoding="utf-8").strip() == thread:
        HANG.unlink()
        while True:
            time.sleep(3600)


class EdgeLog:
    """A log of relay edges, one line each, synced before the next step."""

    def __init__(self, file: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_DSYNC
        self._file = os.open(file, flags, 0o640)
        self.write("start")

    def write(self, what: str) -> None:
        """Append an edge with the wall time."""
        os.write(self._file, f"{datetime.now(UTC).isoformat()} {what}\n".encode())


def hangable(target: Any, thread: str, *names: str) -> Any:
    """Make the named methods of an object check for the drill before they run."""

    class Hangable:
        def __getattr__(self, name: str) -> Any:
            value = getattr(target, name)
            if name not in names:
                return value

            def checked(*args: Any, **more: Any) -> Any:
                hang_if_told(thread)
                return value(*args, **more)

            return checked

    return Hangable()


def with_drills(settings: Settings, board: RehearsalBoard) -> None:
    """A board with mock pins whose parts can be made to hang."""
    open_board, build_pipeline = build.open_board, build.build_pipeline
    choose = build.mode_chooser
    real_board.open_factory = lambda _: board.factory

    def boarded(**more: Any) -> Any:
        opened = open_board(**more)
        return replace(opened, camera=hangable(opened.camera, "camera", "fault"))

    class Reader:
        def __init__(self) -> None:
            self._pipeline = build_pipeline(settings.vision, countries=settings.format_countries)
            self.degraded = self._pipeline.degraded

        def read_burst(self, stills: Iterable[Any]) -> Any:
            hang_if_told("vision")
            return self._pipeline.read_burst(stills)

    def chooser(*args: Any) -> Callable[[], Any]:
        mode = choose(*args)

        def checked() -> Any:
            hang_if_told("main")
            return mode()

        return checked

    build.open_board = boarded
    build.build_pipeline = lambda *_, **__: Reader()  # type: ignore[assignment,return-value]
    build.mode_chooser = chooser


class Vehicles(threading.Thread):
    """Vehicles one after the other; each drives through if the arm goes up."""

    def __init__(
        self, gate: Any, board: RehearsalBoard, log: EdgeLog, read_within_s: float
    ) -> None:
        super().__init__(name="vehicles", daemon=True)
        self._gate, self._board, self._log = gate, board, log
        self._timeout_s = read_within_s + JUDGED_WITHIN_S
        self._opened = threading.Event()
        board.factory.listeners.append(self._edge)

    def run(self) -> None:
        """Simulate vehicles until the process ends."""
        while True:
            self._wait(lambda: self._status().armed and self._status().arm == "resting")
            while PAUSE.exists():
                time.sleep(0.2)
            self._one()

    def _one(self) -> None:
        before = self._status().passages
        self._opened.clear()
        self._log.write("beam")
        self._board.put(InputName.BEAM, Level.ACTIVE)
        self._wait(lambda: self._status().passages > before, SEEN_WITHIN_S)
        self._wait(lambda: self._opened.is_set() or not self._status().reading, self._timeout_s)
        if self._opened.wait(RELAY_WITHIN_S):
            time.sleep(ARM_TRAVEL_S)
            self._board.put(InputName.PHOTOCELL, Level.ACTIVE)
            time.sleep(UNDER_THE_ARM_S)
        self._board.put(InputName.BEAM, Level.INACTIVE)
        self._board.put(InputName.PHOTOCELL, Level.INACTIVE)
        self._wait(lambda: not self._status().reading, self._timeout_s)

    def _edge(self, edge: Edge) -> None:
        relay = self._board.relay_of(edge)
        if relay is not None:
            self._log.write(f"{relay[0]} {'on' if relay[1] else 'off'}")
            if relay == ("open_relay", True):
                self._opened.set()

    def _status(self) -> Any:
        return self._gate.status()

    @staticmethod
    def _wait(happened: Callable[[], bool], within_s: float = 60.0) -> None:
        until = time.monotonic() + within_s
        while not happened() and time.monotonic() < until:
            time.sleep(0.02)


@contextlib.contextmanager
def rehearsed(settings: Settings, wrong_settings: str | None, file: Any) -> Iterator[Any]:
    """The gate, ready to run, with its vehicles."""
    board = RehearsalBoard(settings.pins, SystemClock())
    with_drills(settings, board)
    log = EdgeLog(settings.journal.dir / EDGES)
    with contextlib.ExitStack() as stack:
        gate = build.build_gate(settings, stack, wrong_settings, file)
        board.rest()
        if (lamp := settings.pins.lamp) is not None:
            blinks = EdgeLog(settings.journal.dir / LAMP)

            def lit(edge: Edge) -> None:
                if edge.pin == lamp.pin:
                    blinks.write("on" if edge.high == lamp.active_high else "off")

            board.factory.listeners.append(lit)
        Vehicles(gate, board, log, settings.lane.read_within_s).start()
        yield gate
    log.write("end")


def run(settings: Settings, wrong_settings: str | None = None, file: Any = None) -> None:
    """Entry point in place of `plategate run`."""
    with rehearsed(settings, wrong_settings, file) as gate:
        gate.run()


if __name__ == "__main__":
    build.run_gate = run  # what `plategate run` imports when it starts
    run_command.run_gate_of(DEFAULT_FILE)
