# SPDX-License-Identifier: Apache-2.0
"""Usage: gpio_user.py SETTINGS rest|listen|pulse|hold|fail [SECONDS]; started by gpio_guest.

Opens the board of Plategate as the gate does, prints "claimed", waits for a line, prints "ready",
does one thing, and ends in order at SIGTERM. Prints every change of an input as a line of JSON.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path

from plategate.clock import SystemClock
from plategate.hardware.board import open_board
from plategate.messages import InputName, Level
from plategate.settings import load_settings


def tell(name: InputName, level: Level, at_s: float) -> None:
    told = {"name": name, "level": level, "at_s": at_s, "told_s": time.monotonic()}
    print(json.dumps(told), flush=True)


def main() -> None:
    """Open the board, perform the action, close the board."""
    settings = load_settings(Path(sys.argv[1]))
    what, seconds = sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    board = open_board(
        pins=settings.pins,
        triggers=settings.triggers,
        lamps=settings.lamps,
        camera=settings.camera,
        clock=SystemClock(),
        longest_pulse_s=60,
        lamp_file=settings.console.lamp_file,
    )
    try:
        print("claimed", flush=True)
        sys.stdin.readline()
        if what == "listen":
            for each in board.inputs:
                each.start(tell)
        print("ready", flush=True)
        if what in ("pulse", "fail"):
            board.drive.open(seconds)
        if what == "hold":
            board.drive.hold()
        if what == "fail":
            time.sleep(0.3)
            raise RuntimeError("a failure that was asked for")
        stop.wait(seconds + 0.3)
    finally:
        board.close()
    print("closed", flush=True)


main()
