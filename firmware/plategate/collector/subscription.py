# SPDX-License-Identifier: Apache-2.0
"""The side of a collector that faces the broker: a shared subscription of MQTT 5.

The broker gives each event to one collector of the group, and keeps it until the collector has
acknowledged it. Messages wait here for a batch; what was not acknowledged comes again.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from plategate.collector.received import LONGEST_PAYLOAD
from plategate.collector.settings import CollectorBroker, CollectorSettings
from plategate.errors import DeliveryError, GateError, reason_of
from plategate.mqtt_client import authenticate

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
QOS = 1
LONGEST_HEADER = 1024  # topic and properties of a message, in bytes


@dataclass(frozen=True, slots=True)
class Received:
    """One message; `connection` counts connections, since ids of messages belong to one."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    connection: int


class Subscription:
    """Receives what the gates publish. `failing` gets a sentence, or None when it works again."""

    def __init__(self, settings: CollectorSettings, failing: Callable[[str | None], None]) -> None:
        self._broker = settings.broker
        self._failing = failing
        self.is_subscribed = threading.Event()
        self._waiting: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._connection = 0
        self._connected = False
        self._pause_s = FIRST_PAUSE_S
        self._name = settings.name
        self._closed = threading.Event()
        self._client = self._new_client()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self) -> None:
        """Connect from a thread of its own, and again whenever the connection ends."""
        self._thread.start()

    def batch(self, most: int, wait_s: float, at_most_s: float) -> list[Received]:
        """Wait `at_most_s` for a message, then `wait_s` for more; empty if none came."""
        try:
            found = [self._waiting.get(timeout=at_most_s)]
        except queue.Empty:
            return []
        deadline_s = time.monotonic() + wait_s
        while len(found) < most:
            try:
                left_s = deadline_s - time.monotonic()
                found.append(
                    self._waiting.get(timeout=left_s) if left_s > 0 else self._waiting.get_nowait()
                )
            except queue.Empty:
                break
        return found

    def acknowledge(self, batch: Sequence[Received]) -> None:
        """The broker may forget these; those of an earlier connection come again."""
        for message in batch:
            if message.qos and message.connection == self._connection:
                self._client.ack(message.mid, message.qos)

    @property
    def is_connected(self) -> bool:
        """Whether something can be published now."""
        return self._connected

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send one message; False where there is no connection."""
        if not self._connected:
            return False
        return self._client.publish(topic, payload, qos=QOS).rc == paho.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Disconnect; the broker keeps what comes."""
        self._closed.set()
        self._client.disconnect()
        self._thread.join(CONNECT_WITHIN_S)

    def _run(self) -> None:
        """Connect and receive; every connection has a client of its own."""
        while not self._closed.is_set():
            try:
                self._client = self._new_client()
                self._connect(self._client)
                self._client.loop_forever()
            except GateError as error:
                self._failing(str(error))
            # What a broker sends may break the client.
            except Exception as error:
                log.exception("messages of the broker cannot be read")
                self._failing(f"{self._address}: {type(error).__name__}: {error}")
            self._connected = False
            self._connection += 1
            # Many collectors must not return to a restarted broker in the same second.
            self._closed.wait(self._pause_s * random.uniform(0.5, 1.0))
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _connect(self, client: paho.Client) -> None:
        broker = self._broker
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = broker.session_expiry_s
        properties.ReceiveMaximum = broker.unacknowledged_max
        properties.MaximumPacketSize = LONGEST_PAYLOAD + LONGEST_HEADER
        try:
            client.connect(
                broker.host,
                broker.port_in_use,
                broker.keep_alive_s,
                clean_start=False,
                properties=properties,
            )
        except (OSError, ValueError) as error:
            sentence = f"{self._address}: cannot connect: {reason_of(error)}"
            raise DeliveryError(sentence) from error

    def _new_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._name,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_WITHIN_S
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        authenticate(client, self._broker)
        return client

    def _on_connect(
        self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del data, properties
        if reason.is_failure:
            self._failing(f"{self._address}: the broker refuses the connection: {reason}")
            return
        if self._closed.is_set():
            client.disconnect()
            return
        if flags.session_present:
            self._forget_waiting()
        self._connection += 1
        self._connected = True
        self._pause_s = FIRST_PAUSE_S
        client.subscribe([(topic, QOS) for topic in topics(self._broker)])

    def _forget_waiting(self) -> None:
        """The broker sends again what was not acknowledged: it must not pile up here."""
        while not self._waiting.empty():
            with suppress(queue.Empty):
                self._waiting.get_nowait()

    def _on_subscribe(
        self, client: paho.Client, data: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        del client, data, mid, properties
        refused = [
            f"{topic}: {reason}"
            for topic, reason in zip(topics(self._broker), reasons, strict=False)
            if reason.is_failure
        ]
        sentence = f"{self._address}: the broker refuses {', '.join(refused)}"
        self._failing(sentence if refused else None)
        if not refused:
            log.info("%s: subscribed", self._address)
            self.is_subscribed.set()

    def _on_disconnect(
        self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        del client, data, flags, properties
        self._connected = False
        if reason.is_failure:
            self._failing(f"{self._address}: the connection ended: {reason}")

    def _on_message(self, client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        del client, data
        # What a gate sends with QoS 1 is bounded by the acknowledgements; QoS 0 promises nothing.
        if message.qos == 0 and self._waiting.qsize() > self._broker.unacknowledged_max:
            return
        payload = bytes(message.payload)
        self._waiting.put(
            Received(message.topic, payload, message.mid, message.qos, self._connection)
        )

    @property
    def _address(self) -> str:
        return f"{self._broker.host}:{self._broker.port_in_use}"


def topics(broker: CollectorBroker) -> list[str]:
    """What is subscribed. States are not shared: the broker then sends the retained ones."""
    found = [f"$share/{broker.group}/{broker.topic}/+/events"]
    if broker.states:
        found += [f"{broker.topic}/+/availability", f"{broker.topic}/+/state"]
    return found
