# SPDX-License-Identifier: Apache-2.0
"""What the gate tells about its lane at one moment, without plates or other personal data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from plategate.lane import LaneState
from plategate.messages import InputName


@dataclass(frozen=True, slots=True)
class GateStatus:
    """A snapshot of the lane in plain values."""

    lane: str
    mode: str
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
