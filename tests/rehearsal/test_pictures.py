# SPDX-License-Identifier: Apache-2.0
"""Guards: a rehearsal on a slow board reads its pictures instead of timing out. Mock pins."""

from __future__ import annotations

import time
from pathlib import Path

from plategate.rehearsal import pictures as rehearsal
from plategate.rehearsal.pictures import PictureRehearsal, rehearsal_settings
from plategate.settings import Settings
from plategate.values import Reason

STREET = Path(__file__).parents[1] / "data" / "demo" / "14-street-without-a-car.jpg"
LIMIT_S = 1.0  # the least that settings.toml may ask for


def test_ok__a_slow_reading_is_waited_for(tmp_path, monkeypatch):
    lane = Settings().lane.model_copy(update={"read_within_s": LIMIT_S})
    slow = Settings().model_copy(update={"lane": lane})
    seen = []
    play = PictureRehearsal(rehearsal_settings(slow, tmp_path, None), [STREET], seen.append)
    reads = play.site.reader.read_burst

    def slowly(stills):
        time.sleep(1.2 * LIMIT_S)
        return reads(stills)

    monkeypatch.setattr(play.site.reader, "read_burst", slowly)
    assert play.run()
    assert [one.passage.verdict.reason for one in seen] == [Reason.NOTHING_SEEN]


def test_ok__the_vehicle_limit_exceeds_the_reading_limit():
    assert rehearsal.VEHICLE_WITHIN_S > rehearsal.READ_WITHIN_S
