# SPDX-License-Identifier: Apache-2.0
"""The state of the gate in the few values that other systems show; no personal data.

It comes from the status socket of the running gate. Values that change all the time are rounded, so
that the state is published only when it says something new.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from plategate.errors import GateError
from plategate.health.socket import ask_status

TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
ROUND_AGE_S = 600

_ARM = {"resting": "closed", "raising": "opening", "up": "open", "lowering": "closing"}


def gate_state(socket: Path, backlog: Callable[[], int]) -> dict[str, Any]:
    """The state; `running` is false and values of the gate are null where no gate answers."""
    status = gate_status(socket)
    lane = status.get("lane") or {}
    failures = [failure["name"] for failure in status.get("failures", [])]
    listed = status.get("allow_list") or {}
    age_s = listed.get("age_s")
    occupancy = status.get("occupancy") or [{}]
    site = occupancy[0]  # the groups follow
    return {
        "running": bool(lane),
        "arm": arm_position(lane),
        "mode": lane.get("mode"),
        "fault": lane.get("fault") or "none",
        "fire": bool(lane.get("fire")),
        "camera": bool(lane.get("camera")),
        "problem": bool(failures) or not lane,
        "problems": ", ".join(failures),
        "list_entries": listed.get("entries"),
        "list_age_s": None if age_s is None else round(age_s / ROUND_AGE_S) * ROUND_AGE_S,
        "inside": site.get("inside"),
        "places": site.get("places"),
        "full": bool(site.get("full")),
        "passages": lane.get("passages"),
        "temperature_c": temperature_c(),
        "backlog": backlog(),
    }


def gate_status(socket: Path) -> dict[str, Any]:
    """The status of the running gate; {} where none answers."""
    try:
        return ask_status(socket)
    except GateError:
        return {}


def arm_position(lane: dict[str, Any]) -> str | None:
    """open, closed, opening or closing: by the limit switches, else by the last command."""
    inputs = lane.get("inputs", {})
    if inputs.get("arm_up") == "active" or (lane.get("held") and "arm_up" not in inputs):
        return "open"
    if inputs.get("arm_down") == "active":
        return "closed"
    return _ARM.get(str(lane.get("arm")))


def temperature_c() -> int | None:
    """The temperature of the processor; None where the board does not measure it."""
    try:
        return round(int(TEMPERATURE.read_text(encoding="ascii")) / 1000)
    except (OSError, ValueError):
        return None
