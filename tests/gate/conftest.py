# SPDX-License-Identifier: Apache-2.0
"""A gate on a simulated site with scripted plates: with real threads, or with a manual clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plategate.access.control import AccessControl, open_access
from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_writing
from plategate.access.store.lists import ListName
from plategate.errors import SettingsError, StoreError
from plategate.gate.reload import SettingsFile
from plategate.messages import InputName, Level
from plategate.rehearsal.clock import ManualClock
from plategate.rehearsal.pictures import rehearsal_settings
from plategate.rehearsal.scenario_reader import ScenarioReader, load_scripted, scripted_plate
from plategate.rehearsal.site import Site, build_site
from plategate.settings import Settings
from plategate.settings.journal import JournalSettings
from plategate.values import GateEvent, ListEntry, Passage, PlateSighting

PATIENCE_S = 300.0
KNOWN, WEAK = "AB12CDE", 0.6
SURE = 0.9

Change = Callable[..., Settings]


class FakeJournal:
    """A journal that can fail or hang, and that records the order of calls."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}
        self.order: list[str] = []
        self.passages: list[Passage] = []
        self.events: list[GateEvent] = []
        self.fails = False
        self.pictured: list[bool] = []
        self.hangs_in_record = threading.Event()
        self.hangs_in_record.set()

    def begin_grant(self, passage_id: str, plate: str, at: datetime, lane: str = "") -> None:
        if self.fails:
            raise StoreError("the disk is full")
        self.order.append(f"grant {passage_id}")

    def record(self, passage: Passage, sighting: PlateSighting | None = None) -> None:
        self.hangs_in_record.wait(PATIENCE_S)
        self.order.append(f"record {passage.id}")
        self.pictured.append(sighting is not None)
        self.passages.append(passage)
        if self.fails:
            raise StoreError("the disk is full")

    def add_event(self, event: GateEvent) -> None:
        self.events.append(event)
        if self.fails:
            raise StoreError("the disk is full")

    def tidy(self, now: datetime, clock_trusted: bool) -> int:
        return 0

    def disk_problem(self) -> str | None:
        return None

    def use(self, settings: JournalSettings) -> None:
        self.order.append(f"keeps {settings.evidence}")

    def close(self) -> None:
        self.order.append("journal closed")


def no_pipeline() -> ScenarioReader:
    """A reader for scripted plates, without models."""

    def refuse() -> ScenarioReader:
        raise AssertionError("no picture is read here")

    return ScenarioReader(refuse)


class RunningGate:
    """The site while its gate runs in a thread."""

    def __init__(self, site: Site, journal: FakeJournal, access: AccessControl) -> None:
        self.site = site
        self.access = access
        self.journal = journal
        self.relay: list[str] = journal.order
        site.board.factory.listeners.append(self._edge)
        self._thread = threading.Thread(target=site.gate.run)
        self._thread.start()
        self.until(lambda: site.gate.status().inputs and site.gate.status().signal == "ready")

    def _edge(self, edge: object) -> None:
        relay = self.site.board.relay_of(edge)
        if relay is not None:
            self.relay.append(f"{relay[0]} {'on' if relay[1] else 'off'}")

    def come(self, plate: str, sure: float = 0.99) -> None:
        self.site.camera.show(scripted_plate(plate, sure))
        self.site.board.put(InputName.BEAM, Level.ACTIVE)

    def put(self, name: InputName, level: Level) -> None:
        self.site.board.put(name, level)

    def until(self, happened: Callable[[], object]) -> None:
        """Wait for a condition; fails where it does not occur."""
        deadline = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < deadline, "the condition did not occur"
            time.sleep(0.005)

    def stop(self) -> None:
        self.site.gate.stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self.site.close()


def build_running(settings: Settings, file: SettingsFile | None = None) -> RunningGate:
    """A running gate; `file` is read again at a reload."""
    journal = FakeJournal()
    access = open_access(settings.access)
    site = build_site(
        settings,
        reader=no_pipeline(),
        access=access,
        journal=journal,
        load=load_scripted,
        file=file,
    )
    return RunningGate(site, journal, access)


class ReloadedGate:
    """A gate on a manual clock whose settings can be replaced while it runs."""

    def __init__(self, settings: Settings) -> None:
        self.written: Settings | str = settings
        self.clock = ManualClock()
        self.journal = FakeJournal()
        self.told: list[str] = []
        self.good: list[Settings | str] = []
        self.edges: list[tuple[str, bool]] = []
        self.access = open_access(settings.access)
        self.site = build_site(
            settings,
            manual=self.clock,
            reader=no_pipeline(),
            access=self.access,
            journal=self.journal,
            load=load_scripted,
            file=SettingsFile("settings.toml", self._read, lambda: self.good.append(self.written)),
            notify=self.told.append,
        )
        self.site.board.factory.listeners.append(self._edge)
        self.site.gate.start()
        self.wait(1.0)

    def _read(self) -> Settings:
        if isinstance(self.written, str):
            raise SettingsError(self.written)
        return self.written

    def _edge(self, edge: object) -> None:
        relay = self.site.board.relay_of(edge)
        if relay is not None:
            self.edges.append(relay)

    def reload(self, written: Settings | str) -> None:
        self.written = written
        self.site.gate.reload()
        self.site.gate.pump()

    def wait(self, seconds: float) -> None:
        until_s = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until_s:
            due = (until_s, self.clock.next_s(), self.site.gate.deadline)
            moment_s = min(moment for moment in due if moment is not None)
            self.clock.advance_to(max(moment_s, self.clock.monotonic()))
            self.site.gate.pump()

    def come(self, plate: str, sure: float) -> None:
        self.site.camera.show(scripted_plate(plate, sure))
        self.site.board.put(InputName.BEAM, Level.ACTIVE)
        self.wait(0.2)

    def leave(self) -> None:
        self.site.board.put(InputName.BEAM, Level.INACTIVE)
        self.wait(1.0)

    def drive_through(self) -> None:
        self.site.board.put(InputName.PHOTOCELL, Level.ACTIVE)
        self.leave()
        self.site.board.put(InputName.PHOTOCELL, Level.INACTIVE)
        self.wait(10.0)

    @property
    def verdicts(self) -> list[str]:
        return [passage.verdict.reason.value for passage in self.journal.passages]

    @property
    def failures(self) -> list[str]:
        return [failure.sentence for failure in self.site.health.failures()]

    @property
    def ends(self) -> bool:
        return self.site.gate._stopping


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with short durations and one plate on the allow list."""
    file = tmp_path / "lists.sqlite"
    store = open_for_writing(file)
    entries = [ListEntry(plate="AB12CDE")]
    at = datetime.now(UTC)
    replace_list(store, ListName.ALLOW, entries, who="test", at=at, source="test")
    store.close()
    return rehearsal_settings(Settings(), tmp_path, file)


@pytest.fixture
def running(settings: Settings) -> Iterator[RunningGate]:
    """A running gate."""
    gate = build_running(settings)
    yield gate
    gate.stop()


@pytest.fixture
def gate(settings: Settings) -> Iterator[ReloadedGate]:
    """A gate that can be reloaded."""
    reloaded = ReloadedGate(settings)
    yield reloaded
    reloaded.site.gate.shut_down()
    reloaded.site.close()


@pytest.fixture
def changed(settings: Settings) -> Change:
    """The settings with some keys of one table changed."""

    def change(table: str, **keys: object) -> Settings:
        new = getattr(settings, table).model_copy(update=keys)
        return settings.model_copy(update={table: new})

    return change
