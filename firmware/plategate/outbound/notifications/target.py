# SPDX-License-Identifier: Apache-2.0
"""A person as a target: count messages by cause, and send a notification when one is due."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from plategate.errors import DeliveryError
from plategate.outbound.chain_watch import Finding
from plategate.outbound.message import Message
from plategate.outbound.notifications.causes import Change, is_over
from plategate.outbound.notifications.ledger import Rules, Vehicle
from plategate.outbound.notifications.memory import Memory
from plategate.outbound.notifications.sender import notify
from plategate.outbound.notifications.texts import Texts
from plategate.schedule.windows import Holidays, parse_hours
from plategate.settings.outbound import NotificationSettings

PAUSES_S = (10.0, 60.0, 300.0, 900.0, 1800.0)
IDLE_S = 60.0
# One message about wanted vehicles has at most so many; a picture is sent with a single one.
VEHICLES_TOGETHER = 5


class NotificationTarget:
    """One person. `again` reads the passage with this journal and number, None where it is deleted.

    `status` is the status of the running gate, {} where none answers. `findings` are those in
    the hash chain of the journal.
    """

    def __init__(
        self,
        settings: NotificationSettings,
        texts: Texts,
        memory: Memory,
        again: Callable[[int, int], Message | None],
        picture: Callable[[Message], Path | None],
        status: Callable[[], dict[str, Any]],
        findings: Callable[[], Sequence[Finding]],
    ) -> None:
        self._settings = settings
        self._texts = texts
        self._memory = memory
        self._again = again
        self._picture = picture
        self._status = status
        self._findings = findings
        self._rules = rules_of(settings, texts.zone)
        self._failures = 0
        self._next_status_s = 0.0

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._settings.name

    def open(self) -> None:
        """Nothing is connected between two notifications."""

    def send(self, messages: Sequence[Message]) -> None:
        """Count messages; what is due is sent by `idle`, when all that waited are counted."""
        for message in messages:
            self._memory.take(message)
        self._memory.save()

    def idle(self, caught_up: bool) -> float:
        """Send what is due, once all messages are counted; seconds until the next notification."""
        if not caught_up:
            return 0.0
        self._memory.take_findings(self._findings())
        self._compare_with_gate()
        now = datetime.now(UTC)
        due = [self._notify_vehicles(now)]
        due += [self._notify_cause(cause, now) for cause in list(self._memory.ledger.causes)]
        moments = [at for at in due if at is not None]
        left_s = [(at - now).total_seconds() for at in moments]
        return min([IDLE_S, *(max(0.0, each) for each in left_s)])

    def close(self) -> None:
        """Nothing is open between two notifications."""

    def test(self) -> None:
        """Send a test notification; raises DeliveryError."""
        self._notify(*self._texts.of_test())

    def _notify_cause(self, cause: str, now: datetime) -> datetime | None:
        """Notify of a cause if that is due; when the next notification is."""
        state = self._memory.ledger.causes[cause]
        due = state.due(self._rules, now)
        if due is None or due[1] > now:
            return due and due[1]
        kind, _ = due
        self._notify(*self._texts.of_cause(state, kind))
        self._memory.ledger.causes[cause] = after = state.notified(kind, now)
        self._memory.save()
        following = after.due(self._rules, now)
        return following and following[1]

    def _notify_vehicles(self, now: datetime) -> datetime | None:
        """Notify of wanted vehicles if that is due; when the next notification is."""
        wanted = self._memory.ledger.wanted
        due = wanted.due(self._rules, now)
        if due is None or due > now:
            return due
        shown = [(each, self._passage(each)) for each in wanted.vehicles[:VEHICLES_TOGETHER]]
        picture = None
        # Some services take no pictures, or none of this size: the message alone is tried next.
        if len(shown) == 1 and (passage := shown[0][1]) is not None and not self._failures:
            picture = self._picture(passage)
        left = len(wanted.vehicles) - len(shown)
        more = 0 if left else wanted.more
        self._notify(*self._texts.of_vehicles(shown, more), picture)
        self._memory.ledger.wanted = after = wanted.notified(len(shown), now)
        self._memory.save()
        return after.due(self._rules, now)

    def _passage(self, vehicle: Vehicle) -> Message | None:
        if vehicle.sequence is None:
            return None
        return self._again(vehicle.journal, vehicle.sequence)

    def _notify(self, title: str, body: str, picture: Path | None = None) -> None:
        settings = self._settings
        try:
            notify(settings.url_file, settings.timeout_s, title, body, picture)
        except DeliveryError as error:
            pause_s = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
            self._failures += 1
            raise DeliveryError(str(error), pause_s=pause_s) from error
        self._failures = 0

    def _compare_with_gate(self) -> None:
        """End causes that the gate no longer has."""
        memory, now = self._memory, datetime.now(UTC)
        active = [each.cause for each in memory.ledger.causes.values() if each.active]
        if active and time.monotonic() > self._next_status_s:
            self._next_status_s = time.monotonic() + IDLE_S
            status = self._status()
            for cause in active:
                if is_over(cause, status):
                    memory.change(cause, Change.ENDS, now)
        memory.save()


def rules_of(settings: NotificationSettings, zone: tzinfo) -> Rules:
    """When the settings allow notifications."""
    hours = parse_hours(settings.quiet) if settings.quiet else None
    holidays = Holidays()
    return Rules(
        spacing=timedelta(minutes=settings.spacing_minutes),
        repeat=timedelta(hours=settings.repeat_hours) if settings.repeat_hours else None,
        always=frozenset(settings.always),
        is_quiet=lambda at: hours is not None and hours.allow(at.astimezone(zone), holidays),
    )
