# SPDX-License-Identifier: Apache-2.0
"""Carry out what the lane asks for: relays and lamps at once, everything slow by a worker.

Called by the main loop alone. Every answer comes back as an event; nothing is decided here.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Protocol, assert_never

from plategate.errors import CameraError, HardwareError, StoreError
from plategate.gate.camera_feed import StillFeed, StillsOfBurst
from plategate.gate.interfaces import GateComponents
from plategate.gate.passages import make_passage
from plategate.gate.workers import Worker
from plategate.messages import (
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
from plategate.values import Passage, PlateSighting, Reason

logger = logging.getLogger(__name__)

MOST_PICTURES_WAITING = 6

Post = Callable[[Event], None]
Movement = OpenBarrier | HoldBarrier | RaiseAgain | ReleaseBarrier | CloseBarrier | RestBarrier


class Watcher(Protocol):
    """Is told what becomes of passages; the status and a rehearsal's table are made of it."""

    def recorded(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """A passage is finished; called by the worker that kept it."""
        ...

    def reported(self, report: Report) -> None:
        """The lane told the owner of something; called by the main loop."""
        ...


class CommandExecutor:
    """The edge between the lane's commands and the parts."""

    def __init__(
        self,
        *,
        parts: GateComponents,
        lane: str,
        feed: StillFeed,
        vision: Worker,
        grants: Worker,
        records: Worker,
        post: Post,
        watchers: tuple[Watcher, ...],
    ) -> None:
        self._parts = parts
        self._lane = lane
        self._feed = feed
        self._vision = vision
        self._grants = grants
        self._records = records
        self._post = post
        self._watchers = watchers
        self._measured_ms: dict[str, dict[str, float]] = {}
        self._relay_s: dict[str, float] = {}

    def carry_out(self, command: Command) -> None:
        """Do it, or have it done."""
        match command:
            case TakeStills(passage_id):
                if not self._vision.submit(lambda: self._read(command)):
                    self._post(ReadingFailed(passage_id, Reason.PIPELINE_FAILED))
            case Judge(passage_id):
                if not self._vision.submit(lambda: self._judge(command)):
                    self._post(ReadingFailed(passage_id, Reason.STORE_FAILED))
            case WriteGrant(passage_id):
                if not self._grants.submit(lambda: self._write(command)):
                    self._post(GrantNotWritten(passage_id))
            case Record():
                self._record(command)
            case Show():
                self._show(command)
            case Report():
                for watcher in self._watchers:
                    watcher.reported(command)
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

    def _move(self, movement: Movement) -> None:
        try:
            self._drive(movement)
        except HardwareError as error:
            self._post(DriveFailed(str(error)))
        passage_id = getattr(movement, "passage_id", None)
        if passage_id is not None:
            self._relay_s[passage_id] = self._parts.clock.monotonic()

    def _drive(self, movement: Movement) -> None:
        drive = self._parts.drive
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
            self._parts.lamps.show(show.signal, show.blinks)
        except HardwareError as error:
            logger.warning("lamps: %s", error)

    def _read(self, asked: TakeStills) -> None:
        """In the vision worker: stills, pipeline, one event."""
        spent = self._measured_ms.setdefault(asked.passage_id, {})
        spent["capture"] = 0.0
        event: Event = ReadingFailed(asked.passage_id, Reason.PIPELINE_FAILED)
        try:
            with contextlib.closing(self._feed.burst(asked.count, asked.since_s)) as stills:
                sighting = self._parts.reader.read_burst(self._timed(stills, spent))
            event = PlateRead(asked.passage_id, sighting)
        except CameraError as error:
            logger.error("passage %s: %s", asked.passage_id, error)
            event = ReadingFailed(asked.passage_id, Reason.CAMERA_FAILED)
        finally:
            self._post(event)

    def _timed(self, stills: StillsOfBurst, spent: dict[str, float]) -> StillsOfBurst:
        """The same stills; the time spent waiting for them is added up."""
        clock = self._parts.clock
        while True:
            started_s = clock.monotonic()
            still = next(stills, None)
            spent["capture"] += (clock.monotonic() - started_s) * 1000.0
            if still is None:
                return
            yield still

    def _judge(self, asked: Judge) -> None:
        """In the vision worker: the lists' verdict, one event."""
        clock = self._parts.clock
        started_s = clock.monotonic()
        event: Event = ReadingFailed(asked.passage_id, Reason.STORE_FAILED)
        try:
            trusted = self._parts.clock_trusted()
            verdict = self._parts.judge.judge(asked.reading, clock.wall(), trusted)
            event = VerdictReached(asked.passage_id, verdict)
        finally:
            self._measure(asked.passage_id, "decide", started_s)
            self._post(event)

    def _write(self, asked: WriteGrant) -> None:
        """In the grants' worker: durable before anything moves, one event."""
        clock, parts = self._parts.clock, self._parts
        started_s = clock.monotonic()
        event: Event = GrantNotWritten(asked.passage_id)
        try:
            at, plate = clock.wall(), asked.verdict.plate or ""
            parts.book.begin_grant(asked.passage_id, plate, at, self._lane)
            counts = plate and asked.repeat_of is None
            if not counts or parts.judge.note_grant(asked.passage_id, asked.verdict, at):
                event = GrantWritten(asked.passage_id)
        except StoreError as error:
            logger.error("passage %s: %s", asked.passage_id, error)
        finally:
            self._measure(asked.passage_id, "write", started_s)
            self._post(event)

    def _measure(self, passage_id: str, name: str, started_s: float) -> None:
        spent = self._measured_ms.setdefault(passage_id, {})
        spent[name] = (self._parts.clock.monotonic() - started_s) * 1000.0

    def _record(self, record: Record) -> None:
        clock = self._parts.clock
        passage = make_passage(
            record,
            lane=self._lane,
            wall_now=clock.wall(),
            now_s=clock.monotonic(),
            measured_ms=self._measured_ms.pop(record.passage_id, {}),
            relay_s=self._relay_s.pop(record.passage_id, None),
        )
        sighting = record.sighting
        if self._records.waiting() >= MOST_PICTURES_WAITING:
            # A disk that is too slow costs pictures, neither memory nor passages.
            logger.warning("passage %s: kept without pictures, too many wait", passage.id)
            sighting = None
        if not self._records.submit(lambda: self._keep(passage, sighting)):
            logger.critical("passage %s is lost: the journal does not answer", passage.id)

    def _keep(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """In the records' worker: the journal, then whoever watches."""
        try:
            self._parts.book.record(passage, sighting)
        except StoreError as error:
            logger.error("%s", error)
        for watcher in self._watchers:
            watcher.recorded(passage, sighting)
