# SPDX-License-Identifier: Apache-2.0
"""A process to be killed: opens a journal repeatedly in children that are killed at random moments.

Prints "granted ID" once a grant is on the disk (the relay would move now) and "recorded ID" once
its passage is; `test_kill` compares that with the journal at the end.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from plategate.journal import open_journal
from plategate.settings.journal import JournalSettings
from plategate.values import (
    CharacterReading,
    Passage,
    PlateImage,
    PlateReading,
    PlateRegion,
    PlateSighting,
    Reason,
    Result,
    Still,
    Verdict,
)

READING = PlateReading(tuple(CharacterReading(c, 0.9) for c in "AB12CDE"), "test")


def sighting() -> PlateSighting:
    """A small sighting with pictures, so that evidence is written too."""
    image = np.full((60, 120, 3), 128, np.uint8)
    region = PlateRegion(((10, 10), (90, 10), (90, 40), (10, 40)), 0.9, "test")
    plate = PlateImage(image[:, :, 0], tuple, image[10:40, 10:90], region)
    return PlateSighting(READING, plate, Still(image, "test"), stills=1)


def passage(passage_id: str) -> Passage:
    """A granted passage."""
    verdict = Verdict(Result.GRANTED, Reason.ALLOWED, plate="AB12CDE")
    return Passage(passage_id, "lane", datetime.now(UTC), "beam", verdict, READING)


def live(settings: JournalSettings, round_number: int, reports: int) -> None:
    """Grant and record until killed; report each step to the descriptor `reports`."""
    journal = open_journal(settings)
    seen = sighting()
    for number in range(100_000):
        passage_id = f"{round_number}-{number}"
        journal.begin_grant(passage_id, "AB12CDE", datetime.now(UTC))
        os.write(reports, f"granted {passage_id}\n".encode())
        journal.record(passage(passage_id), seen)
        os.write(reports, f"recorded {passage_id}\n".encode())


def killed_after(settings: JournalSettings, round_number: int, steps: int, pause_s: float) -> str:
    """What a child reported before it was killed, `pause_s` after its first `steps`."""
    reading, reports = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            live(settings, round_number, reports)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os.close(reports)
    with os.fdopen(reading) as lines:
        heard = [lines.readline() for _ in range(steps)]
        time.sleep(pause_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "".join([*heard, *lines])


def main() -> None:
    """victim.py FOLDER ROUNDS SEED: kill that many children, one after the other."""
    settings = JournalSettings(dir=Path(sys.argv[1]), min_free_mb=10)
    chance = random.Random(int(sys.argv[3]))
    for round_number in range(int(sys.argv[2])):
        # No step: also while the journal is being opened.
        reported = killed_after(
            settings, round_number, chance.randrange(4), chance.uniform(0.0, 0.03)
        )
        sys.stdout.write(reported)


if __name__ == "__main__":
    main()
