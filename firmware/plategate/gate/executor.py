# SPDX-License-Identifier: Apache-2.0
"""Execute lane commands: drive relays and lamps directly, queue slow work on the workers.

Called by the main loop only. Every answer comes back as an event; nothing is decided here.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from plategate.errors import CameraError, HardwareError, StoreError
from plategate.gate.camera_feed import StillFeed, StillsOfBurst
from plategate.gate.interfaces import GateComponents
from plategate.gate.passages import make_passage
from plategate.gate.workers import Worker
from plategate.messages import (
    AnswerCommand,
    CloseBarrier,
    Command,
    DriveFailed,
    Event,
    GrantNotWritten,
    GrantWritten,
    HoldBarrier,
    Judge,
    OpenBarrier,
    PlateRead,
    RaiseAgain,
    ReadingFailed,
    Record,
    ReleaseBarrier,
    Report,
    RestBarrier,
    Show,
    TakeStills,
    VerdictReached,
    WriteGrant,
)
from plategate.values import GateEvent, Passage, PlateSighting, Reason

logger = logging.getLogger(__name__)

MAX_PICTURES_QUEUED = 6

Post = Callable[[Event], None]
Movement = OpenBarrier | HoldBarrier | RaiseAgain | ReleaseBarrier | CloseBarrier | RestBarrier


class Observer(Protocol):
    """Receives finished passages and reports, for health counters and rehearsal tables."""

    def recorded(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """A passage is finished; called by the records worker."""
        ...

    def reported(self, report: Report) -> None:
        """The lane reported something; called by the main loop."""
        ...


@dataclass(slots=True)
class _Timings:
    """Measured times of one passage, from its first command until it is recorded."""

    spent_ms: dict[str, float] = field(default_factory=dict)
    relay_s: float | None = None


def _reading_failed(command: TakeStills | Judge, reason: Reason) -> ReadingFailed:
    return ReadingFailed(command.passage_id, command.attempt, reason)


class CommandExecutor:
    """Executes the lane's commands on the gate's components."""

    def __init__(
        self,
        *,
        components: GateComponents,
        lane: str,
        prefix: str,
        feed: StillFeed,
        vision: Worker,
        grants: Worker,
        records: Worker,
        post: Post,
        answers: queue.SimpleQueue[AnswerCommand],
        observers: tuple[Observer, ...],
    ) -> None:
        self._components = components
        self._lane = lane
        self._prefix = prefix
        self._reports = 0
        self._feed = feed
        self._vision = vision
        self._grants = grants
        self._records = records
        self._post = post
        self._answers = answers
        self._observers = observers
        self._timings: dict[str, _Timings] = {}

    def execute(self, command: Command) -> None:
        """Execute a command, or queue it on its worker."""
        match command:
            case TakeStills() | Judge() | WriteGrant():
                self._timings.setdefault(command.passage_id, _Timings())
                self._queue(command)
            case Record():
                self._record(command)
            case Show():
                self._show(command)
            case Report():
                self._report(command)
            case AnswerCommand():
                self._answers.put(command)
            case (
                OpenBarrier()
                | HoldBarrier()
                | RaiseAgain()
                | ReleaseBarrier()
                | CloseBarrier()
                | RestBarrier()
            ):
                self._move(command)
            case _:
                assert_never(command)

    def _queue(self, command: TakeStills | Judge | WriteGrant) -> None:
        """Queue slow work on its worker; a full queue is answered at once."""
        match command:
            case TakeStills():
                if not self._vision.submit(lambda: self._read(command)):
                    self._post(_reading_failed(command, Reason.PIPELINE_FAILED))
            case Judge():
                if not self._vision.submit(lambda: self._judge(command)):
                    self._post(_reading_failed(command, Reason.STORE_FAILED))
            case WriteGrant():
                if not self._grants.submit(lambda: self._write(command)):
                    self._post(GrantNotWritten(command.passage_id, command.attempt))
            case _:
                assert_never(command)

    def _move(self, movement: Movement) -> None:
        try:
            self._drive(movement)
        except HardwareError as error:
            self._post(DriveFailed(str(error)))
        timings = self._timings.get(getattr(movement, "passage_id", None) or "")
        if timings is not None:
            timings.relay_s = self._components.clock.monotonic()

    def _drive(self, movement: Movement) -> None:
        drive = self._components.drive
        match movement:
            case OpenBarrier(_, pulse_s):
                drive.open(pulse_s)
            case HoldBarrier():
                drive.hold()
            case RaiseAgain(hold, pulse_s):
                drive.hold() if hold else drive.open(pulse_s)
            case ReleaseBarrier():
                drive.release()
            case CloseBarrier(pulse_s):
                drive.close(pulse_s)
            case RestBarrier():
                drive.off()
            case _:
                assert_never(movement)

    def _show(self, show: Show) -> None:
        try:
            self._components.lamps.show(show.signal, show.blinks)
        except HardwareError as error:
            logger.warning("lamps: %s", error)

    def _read(self, asked: TakeStills) -> None:
        """Vision worker: take stills, run the pipeline, post one event."""
        # The times of a passage that is already recorded are measured, but not kept.
        spent = self._timings.get(asked.passage_id, _Timings()).spent_ms
        spent["capture"] = 0.0
        event: Event = _reading_failed(asked, Reason.PIPELINE_FAILED)
        try:
            with contextlib.closing(self._feed.burst(asked.count, asked.since_s)) as stills:
                sighting = self._components.reader.read_burst(self._timed(stills, spent))
            event = PlateRead(asked.passage_id, asked.attempt, sighting)
        except CameraError as error:
            logger.error("passage %s: %s", asked.passage_id, error)
            event = _reading_failed(asked, Reason.CAMERA_FAILED)
        finally:
            self._post(event)

    def _timed(self, stills: StillsOfBurst, spent: dict[str, float]) -> StillsOfBurst:
        """The same stills, adding up the time spent waiting for them."""
        clock = self._components.clock
        while True:
            started_s = clock.monotonic()
            still = next(stills, None)
            spent["capture"] += (clock.monotonic() - started_s) * 1000.0
            if still is None:
                return
            yield still

    def _judge(self, asked: Judge) -> None:
        """Vision worker: get the verdict, post one event."""
        clock = self._components.clock
        started_s = clock.monotonic()
        event: Event = _reading_failed(asked, Reason.STORE_FAILED)
        try:
            trusted = self._components.clock_trusted()
            verdict = self._components.access.judge(asked.reading, clock.wall(), trusted)
            event = VerdictReached(asked.passage_id, asked.attempt, verdict)
        finally:
            self._measure(asked.passage_id, "decide", started_s)
            self._post(event)

    def _write(self, asked: WriteGrant) -> None:
        """Grants worker: store the grant, count the entry, post one event."""
        clock, components = self._components.clock, self._components
        started_s = clock.monotonic()
        event: Event = GrantNotWritten(asked.passage_id, asked.attempt)
        try:
            at, plate = clock.wall(), asked.verdict.plate or ""
            components.journal.begin_grant(asked.passage_id, plate, at, self._lane)
            counts = plate and asked.repeat_of is None
            if not counts or components.access.note_grant(asked.passage_id, asked.verdict, at):
                event = GrantWritten(asked.passage_id, asked.attempt)
        except StoreError as error:
            logger.error("passage %s: %s", asked.passage_id, error)
        finally:
            self._measure(asked.passage_id, "write", started_s)
            self._post(event)

    def _measure(self, passage_id: str, name: str, started_s: float) -> None:
        timings = self._timings.get(passage_id)
        if timings is not None:
            timings.spent_ms[name] = (self._components.clock.monotonic() - started_s) * 1000.0

    def _report(self, report: Report) -> None:
        """Store a report as an event of the journal, and notify the observers."""
        self._reports += 1
        event = GateEvent(
            id=f"{self._prefix}-E{self._reports:05d}",
            lane=self._lane,
            at=self._components.clock.wall(),
            what=report.what,
            passage_id=report.passage_id,
            detail=report.detail,
        )
        if not self._records.submit(lambda: self._store_event(event)):
            logger.critical("event %s is lost: the journal does not answer", event.what)
        for observer in self._observers:
            observer.reported(report)

    def _store_event(self, event: GateEvent) -> None:
        """Records worker: store the event."""
        try:
            self._components.journal.add_event(event)
        except StoreError as error:
            logger.error("event %s: %s", event.what, error)

    def _record(self, record: Record) -> None:
        clock = self._components.clock
        timings = self._timings.pop(record.passage_id, _Timings())
        passage = make_passage(
            record,
            lane=self._lane,
            wall_now=clock.wall(),
            now_s=clock.monotonic(),
            measured_ms=timings.spent_ms,
            relay_s=timings.relay_s,
        )
        sighting = record.sighting
        if self._records.waiting() >= MAX_PICTURES_QUEUED:
            # With a slow disk, pictures are dropped before memory fills or passages are lost.
            logger.warning("passage %s: stored without pictures, the queue is full", passage.id)
            sighting = None
        if not self._records.submit(lambda: self._keep(passage, sighting)):
            logger.critical("passage %s is lost: the journal does not answer", passage.id)

    def _keep(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """Records worker: store the passage, then notify the observers."""
        try:
            self._components.journal.record(passage, sighting)
        except StoreError as error:
            logger.error("%s", error)
        for observer in self._observers:
            observer.recorded(passage, sighting)
