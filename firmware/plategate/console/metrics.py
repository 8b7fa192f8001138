# SPDX-License-Identifier: Apache-2.0
"""Metrics of the gate in the text format of Prometheus, made at each scrape.

Counters and histograms grow by the events that the journal got since the scrape before, from the
start of the console on. Gauges come from the status of the gate and from the lists. Nothing is
written.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from plategate.console.gate_access import GateAccess
from plategate.documents import PASSAGE
from plategate.errors import GateError
from plategate.health.gate_state import temperature_c
from plategate.journal.reader import StoredEvent

logger = logging.getLogger(__name__)

EVENTS_AT_ONCE = 500
# More than this between two scrapes is counted at the next ones: a scrape stays short.
MOST_EVENTS = 5000
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TOTAL = "total"  # stage from trigger to relay
OPENED_BY_PLATE = ("allowed", "allowed_lookalike")


class GateMetrics:
    """The metrics of one gate; for any thread."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, gate: GateAccess, start: tuple[int, int] | None) -> None:
        """Count events after `start` (identity of the journal, sequence); None: all."""
        self._gate = gate
        self._lock = threading.Lock()
        self._position = start
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        counter, gauge = self._counter, self._gauge
        self._passages = counter("passages", "Passages by result and reason.", "result", "reason")
        self._events = counter("events", "Other events of the journal.", "what")
        self._stages = self._histogram("stage_seconds", "Time of each stage of a passage.", "stage")
        self._to_relay = self._histogram(
            "trigger_to_relay_seconds", "From the trigger to the relay, of plates that opened."
        )
        self._up = gauge("up", "1: the gate answers.")
        self._ready = gauge("ready", "1: the gate has started completely.")
        self._running = gauge("running_seconds", "Time since the start of the gate.")
        self._failures = gauge("failure", "1 for each present failure.", "name")
        self._degraded = gauge("degraded_parts", "Parts of the reading that are missing.")
        self._clock = gauge("clock_trusted", "1: the clock is right, so schedules count.")
        self._camera = gauge("camera_up", "1: the camera delivers frames.")
        self._frame_age = gauge("camera_frame_age_seconds", "Age of the newest frame.")
        self._fault = gauge("barrier_fault", "1: a fault is latched.")
        self._fire = gauge("fire", "1: the fire input has opened the gate.")
        self._temperature = gauge("temperature_celsius", "Temperature of the processor.")
        self._list_age = gauge("list_age_seconds", "Since the source confirmed a list.", "list")
        self._list_entries = gauge("list_entries", "Entries of a list.", "list")
        self._journal_up = gauge("journal_up", "1: the journal can be read.")
        self._behind = gauge("journal_events_behind", "Events that are not counted yet.")

    def text(self, now_s: float) -> bytes:
        """All metrics; `now_s` is the Unix time."""
        with self._lock:
            self._count_new_events()
            self._set_gauges()
            self._set_lists(now_s)
            return generate_latest(self.registry)

    def _count_new_events(self) -> None:
        newest = self._newest()
        self._journal_up.set(newest is not None)
        if newest is None:
            return
        if self._position is None or self._position[0] != newest[0]:
            self._position = (newest[0], 0)  # a journal that was made since the last scrape
        after = min(self._position[1], newest[1])
        for _ in range(MOST_EVENTS // EVENTS_AT_ONCE):
            found = self._gate.events_after(after, EVENTS_AT_ONCE)
            for item in found:
                self._count(item)
            if found:
                after = found[-1].sequence
            if len(found) < EVENTS_AT_ONCE:
                after = newest[1]  # the newest may have been erased since
                break
        self._position = (newest[0], after)
        self._behind.set(max(0, newest[1] - after))

    def _count(self, item: StoredEvent) -> None:
        document = item.document
        if item.kind != PASSAGE:
            self._events.labels(document["what"]).inc()
            return
        verdict = document["verdict"]
        self._passages.labels(verdict["result"], verdict["reason"]).inc()
        for stage, milliseconds in document["milliseconds"].items():
            if stage != TOTAL:
                self._stages.labels(stage).observe(milliseconds / 1000)
            elif verdict["reason"] in OPENED_BY_PLATE:
                self._to_relay.observe(milliseconds / 1000)

    def _set_gauges(self) -> None:
        try:
            status = self._gate.status()
        except GateError as error:
            logger.debug("metrics: %s", error)
            status = {}
        lane = status.get("lane") or {}
        self._up.set(bool(status))
        self._ready.set(bool(status.get("ready")))
        self._running.set(status.get("running_s") or 0)
        self._failures.clear()
        for failure in status.get("failures", ()):
            self._failures.labels(failure["name"]).set(1)
        self._degraded.set(len(status.get("degraded") or ()))
        self._clock.set(bool((status.get("clock") or {}).get("trusted")))
        self._camera.set(bool(lane.get("camera")))
        _set_or_nan(self._frame_age, (status.get("camera") or {}).get("frame_age_s"))
        self._fault.set(lane.get("fault") is not None)
        self._fire.set(bool(lane.get("fire")))
        _set_or_nan(self._temperature, temperature_c())

    def _set_lists(self, now_s: float) -> None:
        for gauge in (self._list_age, self._list_entries):
            gauge.clear()
        try:
            states = self._gate.list_states()
        except GateError as error:
            logger.debug("metrics: %s", error)
            return
        for name, state in states.items():
            if state is not None:
                self._list_age.labels(name.value).set(now_s - state.confirmed_at.timestamp())
                self._list_entries.labels(name.value).set(state.entries)

    def _newest(self) -> tuple[int, int] | None:
        try:
            return self._gate.position()
        except GateError as error:
            logger.debug("metrics: %s", error)
            return None

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"plategate_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"plategate_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            f"plategate_{name}", text, labels, registry=self.registry, buckets=BUCKETS_S
        )


def _set_or_nan(gauge: Gauge, value: Any) -> None:
    """Set a gauge; what is not known is NaN, with which no alert compares."""
    gauge.set(float("nan") if value is None else value)
