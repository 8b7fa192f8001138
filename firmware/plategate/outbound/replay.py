# SPDX-License-Identifier: Apache-2.0
"""Answer a collector that misses events: read them from the journal again, at a limited rate.

New events go first, and a request never holds them up for more than one page. Numbers that are not
in the journal any more are answered with a message of type outbound.gap.
"""

from __future__ import annotations

import logging
import time
from collections import deque

from plategate.errors import CommandError
from plategate.journal.reader import JournalReader
from plategate.outbound.message import Message, MessageMaker
from plategate.replay import DELETED, REPLACED, ReplayRequest, parse_replay_request

log = logging.getLogger(__name__)

PAGE = 20
WAITING_MAX = 20  # requests
IDLE_S = 3600.0


class Replay:
    """The requests of one target; for one thread. `page` raises StoreError."""

    def __init__(self, reader: JournalReader, maker: MessageMaker, per_minute: int) -> None:
        self._reader = reader
        self._maker = maker
        self._per_second = per_minute / 60
        self._allowed = float(PAGE)  # messages that may be sent now
        self._counted_s = time.monotonic()
        # Journal, first and last number; the first range is the one that is being answered.
        self._ranges: deque[tuple[str, int, int]] = deque()
        self._requests: deque[ReplayRequest] = deque()
        self._reached = 0

    def request(self, payload: bytes, retained: bool) -> None:
        """Take a request; one that is malformed, retained, repeated or too many is logged."""
        try:
            if retained:
                raise CommandError("a retained message is no request; publish it without retain")
            request = parse_replay_request(payload)
        except CommandError as error:
            log.warning("request for missing events: %s", error)
            return
        if request in self._requests:
            return
        if len(self._requests) >= WAITING_MAX:
            log.warning("request for missing events: %d are waiting already", WAITING_MAX)
            return
        self._requests.append(request)

    def page(self) -> list[Message]:
        """The next messages that may be sent now; call `done` when they are delivered."""
        self._refill()
        most = min(PAGE, int(self._allowed))
        while most and self._requests:
            if not self._ranges:
                first = self._requests[0]
                self._ranges.extend((first.journal, *each) for each in first.ranges)
            messages, self._reached = self._answer(*self._ranges[0], most)
            if messages:
                return messages
            self._advance()
        return []

    def done(self, messages: list[Message]) -> None:
        """The messages of the last `page` are delivered."""
        self._allowed -= len(messages)
        self._advance()

    def due_s(self) -> float:
        """Seconds until `page` has something to send."""
        if not self._requests:
            return IDLE_S
        self._refill()
        return max(0.0, (1 - self._allowed) / self._per_second)

    def close(self) -> None:
        """Forget what waits, and close the journal."""
        self._requests.clear()
        self._ranges.clear()
        self._reader.close()

    def _advance(self) -> None:
        """Go on after the number that was reached."""
        journal, _, last = self._ranges.popleft()
        if self._reached < last:
            self._ranges.appendleft((journal, self._reached + 1, last))
        elif not self._ranges:
            self._requests.popleft()

    def _answer(self, journal: str, first: int, last: int, most: int) -> tuple[list[Message], int]:
        """Messages about the numbers from `first` on, and the number up to which they answer."""
        own = self._reader.identity()
        if f"{own:08x}" != journal:
            missing = last - first + 1
            gap = self._maker.gap(int(journal, 16), first - 1, last, missing, REPLACED)
            return [gap], last
        newest = self._reader.newest_sequence()
        events = self._reader.events_after(first - 1, most)
        messages: list[Message] = []
        reached = first - 1
        for event in events:
            end = min(event.sequence - 1, last)
            if end > reached:
                messages.append(self._maker.gap(own, reached, end, end - reached, DELETED))
            if event.sequence > last:
                return messages, last
            message = self._maker.message(event, own)
            if message is not None:
                messages.append(message)
            reached = event.sequence
        if len(events) == most:
            return messages, reached
        # What is beyond the newest event comes when it happens.
        end = min(newest, last)
        if end > reached:
            messages.append(self._maker.gap(own, reached, end, end - reached, DELETED))
        return messages, last

    def _refill(self) -> None:
        now_s = time.monotonic()
        self._allowed += (now_s - self._counted_s) * self._per_second
        self._allowed = min(float(PAGE), self._allowed)
        self._counted_s = now_s
