# SPDX-License-Identifier: Apache-2.0
"""Metrics of the gate in the text format of Prometheus, made at each scrape.

Counters and histograms grow by the events that the journal got since the scrape before, from the
start of the console on. Gauges come from the status of the gate and from the lists. Nothing is
written.
"""

from __future__ import annotations

import logging
import threading

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from plategate.console.lanes import Lane, Lanes
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

Position = tuple[int, int]  # identity of a journal, sequence number


class GateMetrics:
    """The metrics of all lanes of a console; for any thread."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, lanes: Lanes, start: dict[str, Position | None]) -> None:
        """Count the events of each lane after its `start`; None: all."""
        self._lanes = lanes
        self._lock = threading.Lock()
        self._positions = dict(start)
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        counter, gauge, histogram = self._counter, self._gauge, self._histogram
        self._passages = counter("passages", "Passages.", "lane", "result", "reason")
        self._events = counter("events", "Other events of the journal.", "lane", "what")
        self._stages = histogram("stage_seconds", "Time of each stage.", "lane", "stage")
        self._to_relay = histogram(
            "trigger_to_relay_seconds",
            "From the trigger to the relay, of plates that opened.",
            "lane",
        )
        self._up = gauge("up", "1: the gate answers.", "lane")
        self._ready = gauge("ready", "1: the gate has started completely.", "lane")
        self._running = gauge("running_seconds", "Time since the start of the gate.", "lane")
        self._failures = gauge("failure", "1 for each present failure.", "lane", "name")
        self._degraded = gauge("degraded_parts", "Parts of the reading that are missing.", "lane")
        self._clock = gauge("clock_trusted", "1: the clock is right, so schedules count.", "lane")
        self._camera = gauge("camera_up", "1: the camera delivers frames.", "lane")
        self._frame_age = gauge("camera_frame_age_seconds", "Age of the newest frame.", "lane")
        self._fault = gauge("barrier_fault", "1: a fault is latched.", "lane")
        self._fire = gauge("fire", "1: the fire input has opened the gate.", "lane")
        self._journal_up = gauge("journal_up", "1: the journal can be read.", "lane")
        self._behind = gauge("journal_events_behind", "Events that are not counted yet.", "lane")
        self._temperature = gauge("temperature_celsius", "Temperature of the processor.")
        self._list_age = gauge("list_age_seconds", "Since the source confirmed a list.", "list")
        self._list_entries = gauge("list_entries", "Entries of a list.", "list")

    def text(self, now_s: float) -> bytes:
        """All metrics; `now_s` is the Unix time."""
        with self._lock:
            self._failures.clear()
            for lane in self._lanes.all:
                self._count_new_events(lane)
                self._set_gauges(lane)
            self._temperature.set(_or_nan(temperature_c()))
            self._set_lists(self._lanes.first, now_s)
            return generate_latest(self.registry)

    def _count_new_events(self, lane: Lane) -> None:
        newest = lane.position()
        self._journal_up.labels(lane.name).set(newest is not None)
        if newest is None:
            return
        position = self._positions.get(lane.name)
        if position is None or position[0] != newest[0]:
            position = (newest[0], 0)  # a journal that was made since the last scrape
        after = min(position[1], newest[1])
        for _ in range(MOST_EVENTS // EVENTS_AT_ONCE):
            found = lane.gate.events_after(after, EVENTS_AT_ONCE)
            for item in found:
                self._count(lane.name, item)
            if found:
                after = found[-1].sequence
            if len(found) < EVENTS_AT_ONCE:
                after = max(after, newest[1])  # the newest may have been erased since
                break
        self._positions[lane.name] = (newest[0], after)
        self._behind.labels(lane.name).set(max(0, newest[1] - after))

    def _count(self, lane: str, item: StoredEvent) -> None:
        document = item.document
        if item.kind != PASSAGE:
            self._events.labels(lane, document["what"]).inc()
            return
        verdict = document["verdict"]
        self._passages.labels(lane, verdict["result"], verdict["reason"]).inc()
        for stage, milliseconds in document["milliseconds"].items():
            if stage != TOTAL:
                self._stages.labels(lane, stage).observe(milliseconds / 1000)
            elif verdict["reason"] in OPENED_BY_PLATE:
                self._to_relay.labels(lane).observe(milliseconds / 1000)

    def _set_gauges(self, lane: Lane) -> None:
        try:
            status = lane.gate.status()
        except GateError as error:
            logger.debug("metrics: %s", error)
            status = {}
        state = status.get("lane") or {}
        camera = status.get("camera") or {}
        for failure in status.get("failures", ()):
            self._failures.labels(lane.name, failure["name"]).set(1)
        for gauge, value in (
            (self._up, bool(status)),
            (self._ready, bool(status.get("ready"))),
            (self._running, status.get("running_s") or 0),
            (self._degraded, len(status.get("degraded") or ())),
            (self._clock, bool((status.get("clock") or {}).get("trusted"))),
            (self._camera, bool(state.get("camera"))),
            (self._frame_age, _or_nan(camera.get("frame_age_s"))),
            (self._fault, state.get("fault") is not None),
            (self._fire, bool(state.get("fire"))),
        ):
            gauge.labels(lane.name).set(value)

    def _set_lists(self, lane: Lane, now_s: float) -> None:
        for gauge in (self._list_age, self._list_entries):
            gauge.clear()
        try:
            states = lane.gate.list_states()
        except GateError as error:
            logger.debug("metrics: %s", error)
            return
        for name, state in states.items():
            if state is not None:
                self._list_age.labels(name.value).set(now_s - state.confirmed_at.timestamp())
                self._list_entries.labels(name.value).set(state.entries)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"plategate_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"plategate_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(
            f"plategate_{name}", text, labels, registry=self.registry, buckets=BUCKETS_S
        )


def _or_nan(value: float | None) -> float:
    """A value; an unknown one is NaN, which no alert matches."""
    return float("nan") if value is None else value
