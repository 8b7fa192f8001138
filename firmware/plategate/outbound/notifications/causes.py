# SPDX-License-Identifier: Apache-2.0
"""Which events of the journal begin and end each cause of a notification.

A cause that lasts (a fault) begins and ends. A wanted vehicle, and an arm that was found up, only
happen. A wanted vehicle has two events: the alarm, and later its passage with plate and picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from plategate.journal.alarms import ACKNOWLEDGED
from plategate.outbound.message import Message
from plategate.replay import GAP, REPLACED, RESTORED
from plategate.settings.outbound import CauseName

WANTED: CauseName = "wanted"
TAMPER: CauseName = "tamper"
LEFT_OPEN: CauseName = "left_open"
SEEN = f"gate.{ACKNOWLEDGED}"
# Verdicts of these alarms are about the wanted list; see access/control.py.
WANTED_ALARMS = frozenset({"certain", "possible"})


class Change(StrEnum):
    """What an event means for a cause."""

    BEGINS = "begins"
    HAPPENS = "happens"
    ENDS = "ends"


_CHANGES: dict[CauseName, dict[str, Change]] = {
    "fault": {"gate.fault": Change.BEGINS, "gate.reset": Change.ENDS},
    "left_open": {
        "gate.fault": Change.BEGINS,
        "gate.arm_blocked": Change.HAPPENS,
        "gate.found_open": Change.HAPPENS,
        "gate.reset": Change.ENDS,
    },
    "camera": {"gate.camera_lost": Change.BEGINS, "gate.camera_back": Change.ENDS},
    "list_too_old": {
        "gate.list_too_old": Change.BEGINS,
        "gate.list_failed": Change.BEGINS,
        "gate.list_back": Change.ENDS,
    },
    "disk": {"gate.disk_low": Change.BEGINS, "gate.disk_back": Change.ENDS},
}


def wanted_types(causes: Sequence[CauseName]) -> tuple[str, ...]:
    """The types of the messages that are needed for these causes."""
    types = {kind for cause in causes for kind in _CHANGES.get(cause, ())}
    if types:
        types.add(SEEN)
    if WANTED in causes:
        types |= {"gate.alarm", "passage.*"}
    return tuple(sorted(types)) or (GAP,)


def changes_of(message: Message) -> list[tuple[CauseName, Change]]:
    """The causes that begin, happen or end with a message; not those of wanted vehicles."""
    detail = str(message.data.get("detail", ""))
    if message.type == GAP:
        replaced = message.data["reason"] in (REPLACED, RESTORED)
        return [(TAMPER, Change.HAPPENS)] if replaced else []
    found = []
    for cause, changes in _CHANGES.items():
        change = changes.get(message.type)
        if change is None:
            continue
        if message.type == "gate.fault" and (detail == LEFT_OPEN) is not (cause == LEFT_OPEN):
            continue
        found.append((cause, change))
    return found


def alarm_of(message: Message) -> str | None:
    """`certain` or `possible` where a message is about a wanted vehicle; None where it is not."""
    alarm: Any = None
    if message.type == "gate.alarm":
        alarm = str(message.data["detail"]).rpartition(": ")[2]
    elif message.type.startswith("passage."):
        alarm = message.data["verdict"]["alarm"]
    return alarm if alarm in WANTED_ALARMS else None


def is_over(cause: CauseName, status: dict[str, Any]) -> bool:
    """Whether a running gate, by its status, no longer has a cause.

    An event of the end is missing where the gate was restarted meanwhile.
    """
    lane = status.get("lane")
    if not lane:
        return False
    failing = {failure["name"] for failure in status.get("failures", [])}
    match cause:
        case "fault" | "left_open":
            return lane["fault"] is None
        case "camera":
            return bool(lane["camera"])
        case "list_too_old":
            return "list" not in failing
        case "disk":
            return "disk" not in failing
    return False
