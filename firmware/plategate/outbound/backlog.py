# SPDX-License-Identifier: Apache-2.0
"""What a target has to get next: pages of messages, and reports of events that are gone.

The journal is the queue. Events leave it by age (see storage.md), and a target that is too far
behind skips the oldest; both are reported to the target and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plategate.journal.reader import JournalReader, StoredEvent
from plategate.outbound.message import Message, MessageMaker
from plategate.outbound.positions import Position
from plategate.replay import DELETED, REPLACED, RESTORED, SKIPPED

PAGE = 20


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in the order of their events, each with the position that its delivery reaches.

    `position` is reached when all are delivered; it also passes events that are not wanted.
    """

    messages: tuple[tuple[Message, Position], ...]
    position: Position
    complete: bool


class Backlog:
    """Reads the journal for one target. For one thread; every method raises StoreError."""

    def __init__(
        self, reader: JournalReader, maker: MessageMaker, backlog_max: int, page: int = PAGE
    ) -> None:
        self._page = page
        self._reader = reader
        self._maker = maker
        self._backlog_max = backlog_max

    def start(self) -> Position:
        """The position of a new target: it gets what happens from now on."""
        return Position(self._reader.identity(), self._reader.newest_sequence())

    def next_page(self, position: Position) -> Page:
        """The messages after a position."""
        journal = self._reader.identity()
        newest = self._reader.newest_sequence()
        messages: list[tuple[Message, Position]] = []
        if journal != position.journal or newest < position.sequence:
            reason = RESTORED if journal == position.journal else REPLACED
            after = newest if reason == RESTORED else 0
            gap = self._maker.gap(journal, after, after, 0, reason)
            position = Position(journal, after, position.lost)
            messages.append((gap, position))
        first = max(position.sequence, newest - self._backlog_max)
        events = self._reader.events_after(first, self._page)
        if self._reader.identity() != journal:
            return Page((), position, complete=False)
        reason = DELETED if first == position.sequence else SKIPPED
        for event in events:
            messages += self._messages(event, position, reason)
            lost = position.lost + event.sequence - position.sequence - 1
            position = Position(journal, event.sequence, lost)
        return Page(tuple(messages), position, complete=len(events) < self._page)

    def message_again(self, journal: int, sequence: int) -> Message | None:
        """The message of one event; None where it was deleted or belongs to another journal."""
        if self._reader.identity() != journal:
            return None
        found = self._reader.events_after(sequence - 1, 1)
        if not found or found[0].sequence != sequence:
            return None
        return self._maker.message(found[0], journal)

    def _messages(
        self, event: StoredEvent, position: Position, reason: str
    ) -> Iterator[tuple[Message, Position]]:
        before, missing = event.sequence - 1, event.sequence - position.sequence - 1
        if missing:
            gap = self._maker.gap(position.journal, position.sequence, before, missing, reason)
            yield gap, Position(position.journal, before, position.lost + missing)
        message = self._maker.message(event, position.journal)
        if message is not None:
            reached = Position(position.journal, event.sequence, position.lost + missing)
            yield message, reached
