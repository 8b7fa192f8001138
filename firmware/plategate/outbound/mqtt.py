# SPDX-License-Identifier: Apache-2.0
"""An MQTT broker as a target: connection, messages with QoS 1, availability. Topics: mqtt.md.

A connection that fails is given up, and a new one begins at the first message without an
acknowledgement; paho keeps nothing over the end of a connection.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from plategate.errors import DeliveryError, reason_of
from plategate.mqtt_client import authenticate
from plategate.outbound.message import Message
from plategate.outbound.mqtt_site import MqttSite, Publication
from plategate.outbound.replay import Replay
from plategate.settings.outbound import MqttSettings

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 10.0
ACKNOWLEDGED_WITHIN_S = 20.0
ONLINE, OFFLINE = b"online", b"offline"
RECEIVED_MAX = 16
LONGEST_RECEIVED_BYTES = 4096


class MqttTarget:
    """One broker. `wake` is called when something arrived or the connection ended.

    With `announce` False it only sends messages: no availability, discovery, state or commands, and
    another client id, so that the running process keeps its connection.
    """

    def __init__(
        self,
        settings: MqttSettings,
        site: MqttSite,
        wake: Callable[[], None],
        *,
        announce: bool = True,
        replay: Replay | None = None,
    ) -> None:
        self._settings = settings
        self._site = site
        self._wake = wake
        self._announce = announce
        self._replay = replay
        self._client: paho.Client | None = None
        self._answered = threading.Event()  # the broker has taken or refused the connection
        self._ended: str | None = None  # why the connection ended
        self._received: deque[tuple[str, bytes, bool]] = deque(maxlen=RECEIVED_MAX)
        self._next_state_s = 0.0

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._settings.name

    def open(self) -> None:
        """Connect, subscribe, and publish availability, discovery and state."""
        settings = self._settings
        self._answered.clear()
        self._ended = None
        self._received.clear()
        client = self._client = self._new_client()
        with self._network_errors():
            client.connect(settings.host, settings.port_in_use, settings.keep_alive_s)
        client.loop_start()
        if not self._answered.wait(CONNECT_WITHIN_S):
            raise self._error(f"the broker did not answer within {CONNECT_WITHIN_S:.0f} s")
        self._raise_if_ended()
        if not self._announce:
            return
        for topic in self._site.subscriptions:
            client.subscribe(topic, qos=1)
        self._publish([Publication(self._site.availability, ONLINE, retain=True)])
        self._introduce()

    def send(self, messages: Sequence[Message]) -> None:
        """Publish messages; returns when the broker has acknowledged all of them."""
        if not messages:
            return
        publications: list[Publication] = []
        ends: list[int] = []  # number of publications up to the end of each message
        for message in messages:
            publications += self._site.publications(message)
            ends.append(len(publications))
        try:
            self._publish(publications)
        except DeliveryError as error:
            delivered = sum(end <= error.delivered for end in ends)
            raise DeliveryError(str(error), delivered) from error

    def idle(self, caught_up: bool) -> float:
        """Handle what arrived, repeat events, and publish the state when it is due."""
        del caught_up
        self._raise_if_ended()
        while self._received:
            topic, payload, retained = self._received.popleft()
            if topic == self._site.birth:
                if payload == ONLINE:
                    self._introduce()
            elif topic == self._site.replay:
                if self._replay is not None:
                    self._replay.request(payload, retained)
            else:
                self._publish(self._site.answer(payload, retained))
                self._next_state_s = 0.0
        left_s = self._next_state_s - time.monotonic()
        if left_s <= 0:
            self._publish(self._site.state(only_changed=True))
            left_s = self._settings.state_every_s
            self._next_state_s = time.monotonic() + left_s
        if self._replay is None:
            return left_s
        if messages := self._replay.page():
            self._publish(self._site.repeated(messages))
            self._replay.done(messages)
        return min(left_s, self._replay.due_s())

    def close(self) -> None:
        """Say offline where that is possible, and disconnect."""
        if self._replay is not None:
            self._replay.close()
        client, self._client = self._client, None
        if client is None:
            return
        if self._announce and self._answered.is_set() and self._ended is None:
            last = client.publish(self._site.availability, OFFLINE, qos=1, retain=True)
            try:
                last.wait_for_publish(1.0)
            except (ValueError, RuntimeError) as error:
                log.debug("%s: offline was not published: %s", self.name, error)
        client.disconnect()
        client.loop_stop()

    def _introduce(self) -> None:
        """Publish discovery and state, which a broker or Home Assistant may have lost."""
        self._publish(self._site.discovery())
        self._publish(self._site.state(only_changed=False))
        self._next_state_s = time.monotonic() + self._settings.state_every_s

    def _publish(self, publications: Sequence[Publication]) -> None:
        """Publish all; DeliveryError.delivered counts those acknowledged before a failure."""
        client = self._client
        if client is None:
            raise self._error("not connected")
        waiting = [
            client.publish(each.topic, each.payload, qos=1, retain=each.retain)
            for each in publications
        ]
        deadline_s = time.monotonic() + ACKNOWLEDGED_WITHIN_S
        for delivered, info in enumerate(waiting):
            try:
                while not info.is_published():
                    self._raise_if_ended()
                    if time.monotonic() > deadline_s:
                        raise self._error("the broker does not acknowledge messages")
                    info.wait_for_publish(0.5)
            except DeliveryError as error:
                raise DeliveryError(str(error), delivered) from error
            except (ValueError, RuntimeError) as error:
                raise DeliveryError(str(self._error(str(error))), delivered) from error

    def _new_client(self) -> paho.Client:
        settings = self._settings
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"plategate-{self._site.gate}" + ("" if self._announce else "-test"),
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_WITHIN_S
        if self._announce:
            client.will_set(self._site.availability, OFFLINE, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        authenticate(client, settings)
        return client

    def _on_connect(
        self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del client, data, flags, properties
        if reason.is_failure:
            self._ended = f"the broker refuses the connection: {reason}"
        self._answered.set()

    def _on_disconnect(
        self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del client, data, flags, properties
        self._ended = self._ended or f"the connection ended: {reason}"
        self._answered.set()
        self._wake()

    def _on_message(self, client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        del client, data
        if len(message.payload) > LONGEST_RECEIVED_BYTES:
            log.warning("%s: a message of %d bytes is ignored", self.name, len(message.payload))
            return
        self._received.append((message.topic, bytes(message.payload), message.retain))
        self._wake()

    @contextmanager
    def _network_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise self._error(f"cannot connect: {reason_of(error)}") from error

    def _raise_if_ended(self) -> None:
        if self._ended is not None:
            raise self._error(self._ended)

    def _error(self, sentence: str) -> DeliveryError:
        settings = self._settings
        return DeliveryError(f"{settings.host}:{settings.port_in_use}: {sentence}")
