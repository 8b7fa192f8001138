# SPDX-License-Identifier: Apache-2.0
"""What a person was notified of and what is new: which notification is due, and when.

Pure: the caller supplies the time. A cause is reported when it begins and when it is over, not each
time that it comes and goes: beginnings are at least `spacing` apart, and what came and went in
between is one summary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from plategate.outbound.notifications.causes import Change
from plategate.settings.outbound import CauseName

# A wanted vehicle is reported with its passage, or without it if that takes longer.
WAIT_FOR_PASSAGE = timedelta(seconds=10)
# Several wanted vehicles within this time are one message.
WANTED_SPACING = timedelta(seconds=60)
VEHICLES_MAX = 20


class Kind(StrEnum):
    """What a notification says about its cause."""

    BEGINS = "begins"
    LASTS = "lasts"
    OVER = "over"
    WAS = "was"  # came and went before anything was sent
    VEHICLES = "vehicles"


@dataclass(frozen=True, slots=True)
class Rules:
    """When notifications are due; `is_quiet` says whether a moment is in the quiet hours."""

    spacing: timedelta
    repeat: timedelta | None
    always: frozenset[str]
    is_quiet: Callable[[datetime], bool]


@dataclass(frozen=True, slots=True)
class CauseState:
    """One cause: whether it lasts, what happened since the last notification, and what is known.

    `known` is True if the last notification said that it lasts. `began_with` is the number of the
    event that began it; `seen`: a person has acknowledged that event.
    """

    cause: CauseName
    active: bool = False
    since: datetime | None = None
    ended: datetime | None = None
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    detail: str = ""
    known: bool = False
    sent: datetime | None = None
    begin_sent: datetime | None = None
    began_with: int = 0
    seen: bool = False

    @property
    def is_news(self) -> bool:
        """Whether something happened that was not reported yet."""
        return self.active != self.known or (self.count > 0 and not self.active)

    def changed(self, change: Change, at: datetime, detail: str, number: int = 0) -> CauseState:
        """The state after an event."""
        if change is Change.ENDS:
            return replace(self, active=False, ended=at) if self.active else self
        begins = change is Change.BEGINS
        again = begins and self.active  # the gate was restarted meanwhile
        return replace(
            self,
            active=self.active or begins,
            since=at if begins and not again else self.since,
            count=self.count if again else self.count + 1,
            first=self.first or at,
            last=at,
            detail=detail,
            began_with=number if begins else self.began_with,
            seen=self.seen and again,
        )

    def acknowledged(self, number: int) -> CauseState:
        """The state after a person acknowledged an event: no message repeats it."""
        if not self.active or number != self.began_with:
            return self
        return replace(self, seen=True, known=True, count=0, first=None)

    def due(self, rules: Rules, now: datetime) -> tuple[Kind, datetime] | None:
        """The notification that is due next, and from when on; None where there is none."""
        found = self._due(rules, now)
        if found is None:
            return None
        kind, at = found
        return kind, at if self.cause in rules.always else after_quiet(rules, max(at, now))

    def _due(self, rules: Rules, now: datetime) -> tuple[Kind, datetime] | None:
        spaced = _spaced(self.begin_sent, rules.spacing, now)
        if self.known and not self.active:
            return Kind.OVER, now
        if self.known:
            if rules.repeat is None or self.sent is None or self.seen:
                return None
            return Kind.LASTS, _spaced(self.sent, rules.repeat, now)
        if self.active:
            return Kind.BEGINS, spaced
        return (Kind.WAS, spaced) if self.count else None

    def notified(self, kind: Kind, now: datetime) -> CauseState:
        """The state after a notification was sent."""
        begins = kind in (Kind.BEGINS, Kind.WAS)
        return replace(
            self,
            known=kind in (Kind.BEGINS, Kind.LASTS),
            count=0,
            first=None,
            sent=now,
            begin_sent=now if begins else self.begin_sent,
        )


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A wanted vehicle: its alarm, and the number of its passage in the journal once it is stored.

    Plate and picture stay in the journal, where they are deleted in time.
    """

    passage_id: str
    alarm: str
    at: datetime
    journal: int = 0
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The wanted vehicles that are not reported yet, and how many more there were than are kept."""

    vehicles: tuple[Vehicle, ...] = ()
    more: int = 0
    sent: datetime | None = None

    def with_alarm(self, vehicle: Vehicle) -> Wanted:
        """The state after an alarm."""
        if len(self.vehicles) >= VEHICLES_MAX:
            return replace(self, more=self.more + 1)
        return replace(self, vehicles=(*self.vehicles, vehicle))

    def with_passage(self, passage_id: str, journal: int, sequence: int) -> Wanted:
        """The state after a passage; one whose vehicle raised no alarm changes nothing."""
        vehicles = tuple(
            replace(each, journal=journal, sequence=sequence)
            if each.passage_id == passage_id
            else each
            for each in self.vehicles
        )
        return replace(self, vehicles=vehicles)

    def due(self, rules: Rules, now: datetime) -> datetime | None:
        """When these vehicles are to be reported; None where there are none."""
        if not self.vehicles:
            return None
        at = now
        first_at = self.vehicles[0].at
        if first_at <= now and any(each.sequence is None for each in self.vehicles):
            at = first_at + WAIT_FOR_PASSAGE
        at = max(at, _spaced(self.sent, WANTED_SPACING, now))
        return at if "wanted" in rules.always else after_quiet(rules, max(at, now))

    def notified(self, count: int, now: datetime) -> Wanted:
        """The state after the first `count` vehicles were reported, and with the last `more`."""
        left = self.vehicles[count:]
        return replace(self, vehicles=left, more=self.more if left else 0, sent=now)


@dataclass(slots=True)
class Ledger:
    """The states of all causes of one person.

    `sequence` is the last event that is counted, of the journal `journal`: one that is delivered
    again is not counted twice. `finding` is the newest finding in the hash chain that is counted;
    None until the chain was first checked.
    """

    causes: dict[str, CauseState] = field(default_factory=dict)
    wanted: Wanted = field(default_factory=Wanted)
    journal: int = 0
    sequence: int = 0
    finding: int | None = None


def _spaced(sent: datetime | None, spacing: timedelta, now: datetime) -> datetime:
    """The earliest time after `sent`; now where nothing was sent or the clock was set back."""
    return now if sent is None or sent > now else sent + spacing


def after_quiet(rules: Rules, at: datetime) -> datetime:
    """The first moment from `at` on that is not in the quiet hours, to the minute."""
    week = 7 * 24 * 60
    minutes = 0
    moment = at
    while minutes < week and rules.is_quiet(moment):
        minutes += 1
        moment = at.replace(second=0, microsecond=0) + timedelta(minutes=minutes)
    return moment
