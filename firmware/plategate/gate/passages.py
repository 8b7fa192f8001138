# SPDX-License-Identifier: Apache-2.0
"""Build the Passage for the journal from the lane's Record and the measured times.

Milliseconds by name: capture (waiting for stills), the pipeline's stages and their sum, decide,
write (the grant), relay (from the lane's command to the switched relay), total (trigger to switched
relay) and ours (total without capture and pipeline).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from plategate.messages import Record
from plategate.values import Passage

PIPELINE_SUM = "total"


def make_passage(
    record: Record,
    *,
    lane: str,
    wall_now: datetime,
    now_s: float,
    measured_ms: Mapping[str, float],
    relay_s: float | None,
) -> Passage:
    """One passage; its wall time is computed back from now, so clock adjustments do not matter."""
    return Passage(
        id=record.passage_id,
        lane=lane,
        triggered_at=wall_now - timedelta(seconds=now_s - record.triggered_s),
        trigger=record.trigger,
        verdict=record.verdict,
        reading=record.sighting.reading if record.sighting else None,
        barrier=_barrier(record),
        milliseconds=_milliseconds(record, measured_ms, relay_s),
    )


def _barrier(record: Record) -> str:
    text = record.barrier
    if record.vehicles > 1:
        text += f", {record.vehicles} vehicles"
    if record.repeat_of is not None:
        text += f", same visit as {record.repeat_of}"
    return text


def _milliseconds(
    record: Record, measured_ms: Mapping[str, float], relay_s: float | None
) -> tuple[tuple[str, float], ...]:
    spent = {"capture": measured_ms.get("capture", 0.0)} if record.sighting else {}
    for stage, milliseconds in record.sighting.milliseconds if record.sighting else ():
        spent["pipeline" if stage == PIPELINE_SUM else stage] = milliseconds
    spent.update((name, ms) for name, ms in measured_ms.items() if name != "capture")
    if relay_s is not None:
        opened_s = dict(record.milestones).get("opened", relay_s)
        spent["relay"] = (relay_s - opened_s) * 1000.0
        spent["total"] = (relay_s - record.triggered_s) * 1000.0
        spent["ours"] = spent["total"] - spent.get("capture", 0.0) - spent.get("pipeline", 0.0)
    return tuple((name, round(ms, 3)) for name, ms in spent.items())
