# SPDX-License-Identifier: Apache-2.0
"""What is published to a broker about the gate, and on which topics; see mqtt.md."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plategate.outbound.home_assistant import device_document, entity_event
from plategate.outbound.message import Message, plate_picture
from plategate.outbound.remote_commands import CommandRelay
from plategate.replay import TOPIC as REPLAY
from plategate.settings.outbound import MqttSettings

# For a collector a gate that publishes nothing for half an hour is silent.
FLEET_STATE_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class Publication:
    """One MQTT message."""

    topic: str
    payload: bytes
    retain: bool = False


class MqttSite:
    """The topics of one gate at one broker.

    `read_state` returns the state of the gate as JSON types. `pictures` is the folder of the
    journal.
    """

    def __init__(
        self,
        settings: MqttSettings,
        gate: str,
        version: str,
        read_state: Callable[[], dict[str, Any]],
        relay: CommandRelay,
        pictures: Path,
    ) -> None:
        self.gate = gate
        self._settings = settings
        self._version = version
        self._read_state = read_state
        self._relay = relay
        self._pictures = pictures
        self._relay_ms: float | None = None
        self._published_state: bytes | None = None
        self._published_s = 0.0

    @property
    def availability(self) -> str:
        """Retained: online, or offline as the last will."""
        return self._topic("availability")

    @property
    def birth(self) -> str:
        """Home Assistant publishes `online` here when it has started."""
        return f"{self._settings.discovery_prefix}/status"

    @property
    def replay(self) -> str:
        """A collector asks here for events that it misses."""
        return self._topic(REPLAY)

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """What is subscribed; commands only where the settings allow some."""
        settings = self._settings
        wanted = (
            (self.birth, settings.home_assistant),
            (self._topic("command"), settings.commands),
            (self.replay, settings.fleet),
        )
        return tuple(topic for topic, is_wanted in wanted if is_wanted)

    def publications(self, message: Message) -> list[Publication]:
        """The message on `events`, and what Home Assistant shows of it."""
        found = [Publication(self._topic("events"), message.encoded())]
        self._relay_ms = message.data.get("milliseconds", {}).get("total", self._relay_ms)
        if self._settings.home_assistant and (shown := entity_event(message)) is not None:
            entity, event = shown
            found.append(Publication(self._topic(entity), _json(event)))
        picture = plate_picture(message, self._pictures)
        if picture is not None:
            found.append(Publication(self._topic("picture"), picture, retain=True))
        return found

    def repeated(self, messages: Sequence[Message]) -> list[Publication]:
        """Messages for a collector; Home Assistant has got them already."""
        return [Publication(self._topic("events"), message.encoded()) for message in messages]

    def discovery(self) -> list[Publication]:
        """The announcement to Home Assistant, where it is wanted."""
        settings = self._settings
        if not settings.home_assistant:
            return []
        topic = f"{settings.discovery_prefix}/device/plategate_{self.gate}/config"
        document = device_document(
            self.gate,
            self._version,
            self._topic,
            f"{settings.topic}/latest_version",
            buttons=settings.commands,
            pictures=settings.pictures,
        )
        return [Publication(topic, _json(document), retain=True)]

    def state(self, *, only_changed: bool) -> list[Publication]:
        """The state of the gate; nothing where it is the same as last time."""
        state = _json(self._read_state() | {"relay_ms": self._relay_ms, "version": self._version})
        now_s = time.monotonic()
        is_due = self._settings.fleet and now_s - self._published_s > FLEET_STATE_EVERY_S
        if only_changed and state == self._published_state and not is_due:
            return []
        self._published_state, self._published_s = state, now_s
        return [Publication(self._topic("state"), state, retain=True)]

    def answer(self, payload: bytes, retained: bool) -> list[Publication]:
        """Give a command to the gate; the answer for the topic `answer`."""
        return [Publication(self._topic("answer"), _json(self._relay.give(payload, retained)))]

    def _topic(self, last: str) -> str:
        return f"{self._settings.topic}/{self.gate}/{last}"


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
