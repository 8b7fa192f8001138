# SPDX-License-Identifier: Apache-2.0
"""Fixture class: the list store of one gate and its sources, for sync tests."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from plategate.access.store.database import open_for_reading
from plategate.access.store.lists import ListName, all_entries, list_state
from plategate.access.sync.checks import SyncOptions
from plategate.access.sync.source import SourceOutcome
from plategate.access.sync.sync import SyncReport, sync_lists
from plategate.settings.sync import SyncSettings, SyncSource
from scripts.testbed.web_server import Server

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEN = b"plate\n" + b"".join(b"AB1%dCDE\n" % number for number in range(10, 20))
ONE_MORE = TEN + b"XY99ZZZ\n"


class Gate:
    """The list store of one gate and its sources."""

    def __init__(self, folder: Path, *sources: dict[str, object]) -> None:
        self.folder = folder
        self.store = folder / "lists.sqlite"
        self.at = NOON
        self.limits: dict[str, object] = {}
        self.configure(*sources)

    def configure(self, *sources: dict[str, object]) -> None:
        self.settings = SyncSettings(
            sources=tuple(SyncSource.model_validate(source) for source in sources),
            state_dir=self.folder / "sources",
            retries=0,
            **self.limits,
            read_timeout_s=60,  # no server here is silent, but a busy machine is slow
        )

    def sync(self, **options: bool) -> SyncReport:
        self.at += timedelta(minutes=10)
        return sync_lists(
            self.settings, self.store, SyncOptions(self.at, ZoneInfo("UTC"), "test", **options)
        )

    def plates(self, name: ListName = ListName.ALLOW) -> set[str]:
        with closing(open_for_reading(self.store)) as store:
            return {entry.plate for entry in all_entries(store, name)}

    def confirmed_at(self) -> datetime:
        with closing(open_for_reading(self.store)) as store:
            state = list_state(store, ListName.ALLOW)
        assert state is not None
        return state.confirmed_at


def allow(server: Server, **more: object) -> dict[str, object]:
    return {"name": "estate", "kind": "allow", "url": server.url("/allow.csv"), **more}


def outcomes(report: SyncReport) -> list[SourceOutcome]:
    return [result.outcome for result in report.results]
