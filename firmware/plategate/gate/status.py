# SPDX-License-Identifier: Apache-2.0
"""The status of the gate: a snapshot of the lane, and named failures; no personal data."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from plategate.health.monitor import Health
from plategate.lane import LaneState
from plategate.messages import InputName, Report
from plategate.values import Passage, PlateSighting

logger = logging.getLogger(__name__)

# Reports that begin or end a failure, and the name of that failure.
BEGINS = {"fault": "barrier", "camera_lost": "camera", "sensor_stuck": "sensor"}
ENDS = {"reset": "barrier", "camera_back": "camera", "sensor_back": "sensor"}


@dataclass(frozen=True, slots=True)
class GateStatus:
    """A snapshot of the lane in plain values."""

    lane: str
    mode: str
    commanded_mode: str | None
    hold_commanded: bool
    signal: str
    armed: bool
    reading: str | None
    openings: int
    arm: str
    held: bool
    fault: str | None
    fire: bool
    camera: bool
    list_too_old: bool
    inputs: tuple[tuple[str, str], ...]
    stuck: tuple[str, ...]
    passages: int

    def document(self) -> dict[str, Any]:
        """The same as JSON types."""
        return asdict(self) | {"inputs": dict(self.inputs), "stuck": list(self.stuck)}


def status_of(lane: str, state: LaneState, wired: frozenset[InputName]) -> GateStatus:
    """The snapshot of a state."""
    return GateStatus(
        lane=lane,
        mode=state.mode.value,
        commanded_mode=None if state.commanded_mode is None else state.commanded_mode.value,
        hold_commanded=state.hold_commanded,
        signal=state.shown[0].value,
        armed=state.armed,
        reading=state.visit.stage.value if state.visit else None,
        openings=len(state.openings),
        arm=state.arm.stage.value,
        held=state.arm.held,
        fault=state.fault.code.value if state.fault else None,
        fire=state.fire,
        camera=not state.camera_lost,
        list_too_old=state.list_too_old,
        inputs=tuple((name.value, state.level(name).value) for name in sorted(wired)),
        stuck=tuple(sorted(name.value for name in state.distrusted)),
        passages=state.number,
    )


class HealthObserver:
    """Counts passages and reports, and turns reports into named failures. Logs carry no plates."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def recorded(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """Count a passage by its result."""
        del sighting
        self._health.count(f"passages.{passage.verdict.result.value}")
        logger.info(
            "passage %s: %s (%s), %s",
            passage.id,
            passage.verdict.result.value,
            passage.verdict.reason.value,
            passage.barrier,
        )

    def reported(self, report: Report) -> None:
        """Count a report, and begin or end its failure."""
        self._health.count(f"reports.{report.what}")
        sensor = report.detail.split(" ")[0] if "sensor" in report.what else ""
        if report.what in BEGINS:
            name = _failure_name(BEGINS[report.what], sensor)
            self._health.failing(name, report.detail or report.what)
        elif report.what in ENDS:
            self._health.recovered(_failure_name(ENDS[report.what], sensor))
        else:
            # The journal has the detail, which may be the note of a wanted vehicle.
            logger.warning("%s: passage %s", report.what, report.passage_id)


def _failure_name(name: str, which: str) -> str:
    return f"{name}_{which}" if which else name
