# SPDX-License-Identifier: Apache-2.0
"""Describe the gate to Home Assistant: one device discovery message, and events of its entities.

Keys and values are those of Home Assistant's MQTT integration since 2024.11; tests check them with
its own schemas. The source of each entity is a topic of docs/integrator/mqtt.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from plategate.outbound.message import Message

PASSAGE_EVENTS = ("granted", "refused", "unsure")
ALARM_EVENTS = (
    "alarm",
    "arm_blocked",
    "camera_lost",
    "disk_low",
    "fault",
    "fire",
    "forced_open",
    "list_too_old",
    "refused_passed",
    "sensor_stuck",
    "tailgated",
)
# What a button publishes: an id of its own, and a short life.
_COMMAND = (
    '{{"id":"ha-{{{{ (utcnow().timestamp() * 1000) | int }}}}","command":"{command}",'
    '"who":"Home Assistant","why":"button",'
    '"expires_at":"{{{{ (utcnow() + timedelta(seconds=10)).isoformat() }}}}"}}'
)
_ICONS = {"open": "mdi:boom-gate-up", "close": "mdi:boom-gate", "mode": "mdi:tune"}

Document = dict[str, Any]


def device_document(
    gate: str,
    version: str,
    topic: Callable[[str], str],
    latest_version: str,
    *,
    buttons: Sequence[str],
    pictures: bool,
) -> Document:
    """The discovery message; `topic` makes a topic of its last level.

    `latest_version` is the topic on which somebody publishes the newest version there is.
    """
    components = _sensors(topic("state")) | {
        "passage": {
            "platform": "event",
            "name": "Passage",
            "icon": "mdi:car",
            "event_types": list(PASSAGE_EVENTS),
            "state_topic": topic("passage"),
        },
        "alarm": {
            "platform": "event",
            "name": "Alarm",
            "icon": "mdi:alarm-light",
            "event_types": list(ALARM_EVENTS),
            "state_topic": topic("alarm"),
        },
    }
    components["update"] = {
        "platform": "update",
        "name": "Program",
        "entity_category": "diagnostic",
        "state_topic": topic("state"),
        "value_template": "{{ value_json.version }}",
        "latest_version_topic": latest_version,
    }
    if pictures:
        components["picture"] = {
            "platform": "image",
            "name": "Last plate",
            "image_topic": topic("picture"),
            "content_type": "image/jpeg",
        }
    for command in buttons:
        if command != "mode":  # needs a value
            components[command] = {
                "platform": "button",
                "name": command.capitalize(),
                "icon": _ICONS.get(command, "mdi:gesture-tap-button"),
                "command_topic": topic("command"),
                "command_template": _COMMAND.format(command=command),
            }
    for key, component in components.items():
        component["unique_id"] = f"plategate_{gate}_{key}"
    return {
        "device": {
            "identifiers": [f"plategate_{gate}"],
            "name": f"Plategate {gate}",
            "manufacturer": "Plategate",
            "model": "Parking gate",
            "sw_version": version,
        },
        "origin": {"name": "plategate", "sw_version": version},
        "availability_topic": topic("availability"),
        "qos": 1,
        "components": components,
    }


def entity_event(message: Message) -> tuple[str, Document] | None:
    """The last level of the topic and the event of an entity; None for what no entity shows."""
    subject, _, what = message.type.partition(".")
    common: Document = {"event_type": what, "id": message.id, "at": message.at}
    if subject == "passage" and what in PASSAGE_EVENTS:
        verdict = message.data["verdict"]
        return "passage", common | {
            "plate": verdict["plate"],
            "reason": verdict["reason"],
            "passage_id": message.data["id"],
            "barrier": message.data["barrier"],
        }
    if subject == "gate" and what in ALARM_EVENTS:
        return "alarm", common | {
            "passage_id": message.data["passage_id"],
            "detail": message.data["detail"],
        }
    return None


def _sensors(state: str) -> dict[str, Document]:
    """Everything that is shown of the retained state."""

    def binary(name: str, template: str, **options: str) -> Document:
        return {
            "platform": "binary_sensor",
            "name": name,
            "state_topic": state,
            "value_template": f"{{{{ 'ON' if {template} else 'OFF' }}}}",
        } | options

    def sensor(name: str, key: str, **options: Any) -> Document:
        return {
            "platform": "sensor",
            "name": name,
            "state_topic": state,
            "value_template": f"{{{{ value_json.{key} }}}}",
        } | options

    diagnostic = {"entity_category": "diagnostic"}
    return {
        "gate": {
            "platform": "cover",
            "name": "Barrier",
            "device_class": "gate",
            "state_topic": state,
            "value_template": "{{ value_json.arm }}",
        },
        "running": binary(
            "Gate program", "value_json.running", device_class="running", **diagnostic
        ),
        "problem": binary("Problem", "value_json.problem", device_class="problem"),
        "fire": binary("Fire", "value_json.fire", device_class="safety"),
        "camera": binary("Camera", "value_json.camera", device_class="connectivity", **diagnostic),
        "full": binary("Full", "value_json.full", icon="mdi:parking"),
        "mode": sensor("Mode", "mode", icon="mdi:tune"),
        "fault": sensor("Fault", "fault", icon="mdi:alert"),
        "problems": sensor("Problems", "problems", icon="mdi:alert-circle", **diagnostic),
        "inside": sensor(
            "Vehicles inside", "inside", icon="mdi:car-multiple", state_class="measurement"
        ),
        "list_age": sensor(
            "List age",
            "list_age_s",
            device_class="duration",
            unit_of_measurement="s",
            state_class="measurement",
            **diagnostic,
        ),
        "temperature": sensor(
            "Processor temperature",
            "temperature_c",
            device_class="temperature",
            unit_of_measurement="°C",
            state_class="measurement",
            **diagnostic,
        ),
        "relay_time": sensor(
            "Trigger to relay",
            "relay_ms",
            device_class="duration",
            unit_of_measurement="ms",
            state_class="measurement",
            **diagnostic,
        ),
        "backlog": sensor(
            "Events not sent yet", "backlog", state_class="measurement", **diagnostic
        ),
    }
