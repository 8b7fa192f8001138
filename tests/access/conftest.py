# SPDX-License-Identifier: Apache-2.0
"""Fixtures: databases with lists and records, and readings as the pipeline makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_writing
from plategate.access.store.history import ListChange
from plategate.access.store.lists import ListName
from plategate.access.store.vehicles import replace_records
from plategate.settings.access import AccessSettings
from plategate.values import CharacterReading, ListEntry, PlateReading, VehicleRecord

IMPORTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> AccessSettings:
    return AccessSettings(file=tmp_path / "lists.sqlite", zone="Europe/Berlin")


@pytest.fixture
def fill() -> Callable[..., ListChange]:
    """Put entries in force: fill(file, list name, entry, ...)."""

    def put(
        file: Path, name: ListName, *entries: ListEntry, records: Iterable[VehicleRecord] = ()
    ) -> ListChange:
        store = open_for_writing(file)
        try:
            if known := tuple(records):
                replace_records(store, known)
            return replace_list(store, name, entries, who="test", at=IMPORTED_AT, source="test.csv")
        finally:
            store.close()

    return put


@pytest.fixture
def reading() -> Callable[..., PlateReading]:
    """A reading in which all characters have the same confidence: reading("AB12CDE", 0.9)."""

    def make(text: str, confidence: float = 0.95) -> PlateReading:
        return PlateReading(tuple(CharacterReading(c, confidence) for c in text), "test")

    return make
