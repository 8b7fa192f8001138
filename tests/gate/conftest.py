# SPDX-License-Identifier: Apache-2.0
"""A gate on a rehearsed site with its real threads, quick timings and plates that are said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plategate.access.control import AccessControl, open_access
from plategate.access.list_changes import replace_list
from plategate.access.lists import ListName
from plategate.access.store import open_for_writing
from plategate.errors import StoreError
from plategate.gate.rehearsal import rehearsal_settings
from plategate.gate.scenario_eye import ScenarioReader, load_said_or_real, said
from plategate.gate.site import Site, build_site
from plategate.messages import InputName, Level
from plategate.records import ListEntry, Passage, PlateSighting
from plategate.settings import Settings
from plategate.settings.journal import JournalSettings

PATIENCE_S = 20.0


class FakeBook:
    """A journal that can fail or hang, and that writes down the order of what happens."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}
        self.order: list[str] = []
        self.passages: list[Passage] = []
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

    def tidy(self, now: datetime, clock_trusted: bool) -> int:
        return 0

    def use(self, settings: JournalSettings) -> None:
        self.order.append(f"keeps {settings.evidence}")

    def close(self) -> None:
        self.order.append("book closed")


def no_pipeline() -> ScenarioReader:
    """Plates are said; there is no model to load."""

    def refuse() -> ScenarioReader:
        raise AssertionError("no picture is read here")

    return ScenarioReader(refuse)


class RunningGate:
    """The site while its gate runs in a thread."""

    def __init__(self, site: Site, book: FakeBook, judge: AccessControl) -> None:
        self.site = site
        self.judge = judge
        self.book = book
        self.relay: list[str] = book.order
        site.board.factory.listeners.append(self._edge)
        self._thread = threading.Thread(target=site.gate.run)
        self._thread.start()
        self.until(lambda: site.gate.status().inputs and site.gate.status().signal == "ready")

    def _edge(self, edge: object) -> None:
        relay = self.site.board.relay_of(edge)
        if relay is not None:
            self.relay.append(f"{relay[0]} {'on' if relay[1] else 'off'}")

    def come(self, plate: str) -> None:
        self.site.camera.show(said(plate, 0.99))
        self.site.board.put(InputName.BEAM, Level.ACTIVE)

    def put(self, name: InputName, level: Level) -> None:
        self.site.board.put(name, level)

    def until(self, happened: Callable[[], object]) -> None:
        """Wait for something; fails where it does not come."""
        deadline = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.005)

    def stop(self) -> None:
        self.site.gate.stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self.site.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Quick settings with one plate on the allow list."""
    file = tmp_path / "lists.sqlite"
    store = open_for_writing(file)
    entries = [ListEntry(plate="AB12CDE")]
    at = datetime.now(UTC)
    replace_list(store, ListName.ALLOW, entries, who="test", at=at, source="test")
    store.close()
    return rehearsal_settings(Settings(), tmp_path, file)


@pytest.fixture
def running(settings: Settings) -> Iterator[RunningGate]:
    """A gate that runs."""
    book = FakeBook()
    judge = open_access(settings.access)
    site = build_site(
        settings, reader=no_pipeline(), judge=judge, book=book, load=load_said_or_real
    )
    gate = RunningGate(site, book, judge)
    yield gate
    gate.stop()
