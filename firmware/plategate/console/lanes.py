# SPDX-License-Identifier: Apache-2.0
"""The lanes that a console shows: its own, and those of `[console] lanes`, in one order of time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from plategate.console.aiming import AimView
from plategate.console.gate_access import GateAccess
from plategate.errors import ConsoleError, GateError
from plategate.journal.alarms import Alarm
from plategate.journal.reader import StoredEvent
from plategate.settings import Settings, load_file, load_settings
from plategate.settings.overlay import LayeredSettings, layered

Item = TypeVar("Item")

PLACES = re.compile(r"\d{0,15}(\.\d{0,15})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class SettingsSource:
    """The installer's settings, read again for each page, and their file; None: there is none."""

    load: Callable[[], Settings]
    file: Path | None = None

    def read(self) -> LayeredSettings[Settings]:
        """The settings in force and where they come from. Raises SettingsError."""
        base = self.load()
        file, allowed = base.commands.owner_settings_file, base.commands.owner_settings
        return layered(base, file, allowed=allowed)

    def text(self) -> str:
        """The text of the file; "" without one."""
        try:
            return "" if self.file is None else self.file.read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            return ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane: its gate, its settings, and the view of its camera."""

    name: str
    gate: GateAccess
    source: SettingsSource
    aim: AimView

    def trusts_clock(self) -> bool | None:
        """Whether the running gate knows the time; None: it does not answer."""
        try:
            return bool(self.gate.status().get("clock", {}).get("trusted", True))
        except GateError:
            return None

    def position(self) -> tuple[int, int] | None:
        """Identity of the journal and its newest sequence number; None: it cannot be read."""
        try:
            return self.gate.position()
        except GateError:
            return None


@dataclass(frozen=True, slots=True)
class Found(Generic[Item]):
    """The newest of all lanes, newest first, each with its lane.

    `more` is where the next page begins, None at the end; `fails` says what cannot be read.
    """

    items: list[tuple[Lane, Item]]
    more: str | None
    fails: str


class Lanes:
    """All lanes of a site; for any thread."""

    def __init__(self, settings: Settings, source: SettingsSource) -> None:
        """Raises SettingsError for the file of a further lane, ConsoleError for equal names."""
        further = (_lane(load_settings(file), _source_of(file)) for file in settings.console.lanes)
        self.all = (_lane(settings, source), *further)
        self.names = tuple(lane.name for lane in self.all)
        if len(set(self.names)) < len(self.all):
            raise ConsoleError(f"console.lanes: two lanes have one lane.name: {self.names}")

    @property
    def first(self) -> Lane:
        """The lane of the console's own settings."""
        return self.all[0]

    def named(self, name: str) -> Lane | None:
        """The lane of that name; "" is the only one."""
        if not name:
            return self.first if len(self.all) == 1 else None
        return next((lane for lane in self.all if lane.name == name), None)

    def passages(
        self, limit: int, searched: str = "", result: str | None = None, before: str = ""
    ) -> Found[StoredEvent]:
        """The newest passages; `before` is the `more` of the page before. Raises ConsoleError."""
        return self._newest(
            limit,
            before,
            lambda lane, number: lane.gate.passages(limit + 1, searched, result, number),
            lambda item: (datetime.fromisoformat(item.document["triggered_at"]), item.sequence),
        )

    def alarms(self, limit: int, before: str = "") -> Found[Alarm]:
        """The newest alarms; `before` is the `more` of the page before. Raises ConsoleError."""
        return self._newest(
            limit,
            before,
            lambda lane, number: lane.gate.alarms(limit + 1, number),
            lambda item: (item.stored.event.at, item.stored.sequence),
        )

    def passages_since(self, since: datetime, limit: int) -> list[StoredEvent]:
        """The newest passages of all lanes since a time, at most `limit` of each."""
        return [item for lane in self.all for item in lane.gate.passages_since(since, limit)]

    def passage(self, passage_id: str) -> tuple[Lane, list[StoredEvent]] | None:
        """One passage with its events, and its lane. Raises GateError where a lane fails."""
        failed: GateError | None = None
        for lane in self.all:
            try:
                if found := lane.gate.passage(passage_id):
                    return lane, found
            except GateError as error:
                failed = error
        if failed is not None:
            raise failed
        return None

    def _newest(
        self,
        limit: int,
        before: str,
        read: Callable[[Lane, int | None], list[Item]],
        place: Callable[[Item], tuple[datetime, int]],
    ) -> Found[Item]:
        numbers = self._numbers(before)
        found: list[tuple[datetime, int, Lane, Item]] = []
        fails: list[str] = []
        for lane, number in zip(self.all, numbers, strict=True):
            try:
                found += [(*place(item), lane, item) for item in read(lane, number)]
            except GateError as error:
                fails.append(str(error))
        found.sort(key=lambda item: item[:2], reverse=True)
        shown = found[:limit]
        more = None
        if len(found) > limit:
            for index, lane in enumerate(self.all):
                own = [number for _, number, of, _ in shown if of is lane]
                numbers[index] = min(own) if own else numbers[index]
            more = ".".join("" if number is None else str(number) for number in numbers)
        return Found([(lane, item) for _, _, lane, item in shown], more, "; ".join(fails))

    def _numbers(self, before: str) -> list[int | None]:
        """The sequence number of each lane where its next page begins; None: at the newest."""
        if not before:
            return [None] * len(self.all)
        parts = before.split(".")
        if not PLACES.fullmatch(before) or len(parts) != len(self.all):
            raise ConsoleError(f"{before[:40]!r} is no place in the journals")
        return [int(part) if part else None for part in parts]


def _lane(settings: Settings, source: SettingsSource) -> Lane:
    aim = AimView(settings.commands.preview_socket, source.file)
    return Lane(settings.lane.name, GateAccess(settings), source, aim)


def _source_of(file: Path) -> SettingsSource:
    return SettingsSource(lambda: load_file(file), file)
