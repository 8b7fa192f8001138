# SPDX-License-Identifier: Apache-2.0
"""Usage: gpio_echo.py TRIGGER_VALUE ECHO_PULL NEAR_M FAR_M LOG; simulates an HC-SR04.

Answers pings for three seconds as if something were NEAR_M away, three seconds FAR_M, then never.
Spins while it waits for a ping: it has one processor to itself.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

METRES_PER_S = 343.2
PHASE_S = 3.0


def main() -> None:
    """Act as the sensor."""
    value = os.open(sys.argv[1], os.O_RDONLY)
    pull = os.open(sys.argv[2], os.O_WRONLY)
    near_m, far_m = float(sys.argv[3]), float(sys.argv[4])
    began_s = None
    with Path(sys.argv[5]).open("w") as log:
        while True:
            while os.pread(value, 1, 0) != b"1":
                pass
            while os.pread(value, 1, 0) == b"1":
                pass
            began_s = began_s or time.monotonic()
            phase = (time.monotonic() - began_s) // PHASE_S
            if phase >= 2:
                continue
            metres = near_m if phase == 0 else far_m
            time.sleep(0.0004)
            end_s = time.perf_counter() + 2 * metres / METRES_PER_S
            os.pwrite(pull, b"pull-up", 0)
            while time.perf_counter() < end_s:
                pass
            os.pwrite(pull, b"pull-down", 0)
            log.write(f"{metres}\n")
            log.flush()


main()
