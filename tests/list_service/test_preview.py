# SPDX-License-Identifier: Apache-2.0
"""A preview shows what the next sync would change, changes nothing, and does not stay."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from plategate.access.plate_stores import SourceStore
from plategate.access.store.lists import ListName
from plategate.access.sync.checks import SyncOptions
from plategate.access.sync.source_state import PREVIEW_FILE
from plategate.list_service.client import ListClient, Requester
from plategate.list_service.preview import (
    VALID_FOR,
    WANTED_FILE,
    forget_old_preview,
    make_preview,
    read_preview,
)
from plategate.plate_data.interfaces import EraseRequest
from plategate.settings import Settings

ANNA = Requester("anna")


@pytest.fixture
def sourced(site: Settings, tmp_path: Path) -> Settings:
    """Settings with one list source, a file."""
    (tmp_path / "allow.csv").write_text("plate,holder\nBAB1234,Bea\nBCD3456,Cem\n")
    sync = site.sync.model_validate(
        {
            "state_dir": tmp_path / "sources",
            "sources": [{"name": "estate", "kind": "allow", "url": str(tmp_path / "allow.csv")}],
        }
    )
    return site.model_copy(update={"sync": sync})


@pytest.fixture
def site(site: Settings, tmp_path: Path) -> Settings:
    """The settings of the service, with its folder of sources."""
    sync = site.sync.model_copy(update={"state_dir": tmp_path / "sources"})
    return site.model_copy(update={"sync": sync})


def preview(settings: Settings) -> bool:
    """What plategate-sync-preview.service runs."""
    options = SyncOptions(datetime.now(UTC), ZoneInfo("Europe/Berlin"), "sync")
    return make_preview(settings, options).all_well


def test_ok__a_preview_is_asked_for_made_and_shown(sourced: Settings, lists: ListClient) -> None:
    lists.add(ANNA, ListName.ALLOW, {"plate": "BAB1234", "holder": "by hand"})
    folder = sourced.sync.state_dir
    assert lists.sync_preview() == {"sources": [], "wanted": False, "preview": None}
    assert lists.sync_preview(start=True)["wanted"]
    assert (folder / WANTED_FILE).exists()
    assert preview(sourced)
    found = lists.sync_preview()
    assert not found["wanted"]
    (change,) = found["preview"]["changes"]
    assert (change["change"]["added"], change["change"]["kept"]) == (1, 1)
    assert [each["plate"] for each in change["differences"]] == ["BCD3456"]
    assert found["preview"]["sources"][0]["good"] is True
    assert [each["kind"] for each in lists.history()] == ["added"]  # nothing else was changed


def test_ok__a_source_that_fails_is_named(sourced: Settings, lists: ListClient) -> None:
    Path(sourced.sync.sources[0].url).write_text("plate\nAB*\n")
    assert not preview(sourced)
    found = lists.sync_preview()["preview"]
    assert (found["sources"][0]["good"], found["changes"]) == (False, [])
    assert "wildcards" in found["sources"][0]["message"]


def test_ok__a_preview_is_deleted_when_it_is_old_asked_for_again_or_erased(
    sourced: Settings, lists: ListClient
) -> None:
    file, now = sourced.sync.state_dir / PREVIEW_FILE, datetime.now(UTC)
    for forget in (
        lambda: forget_old_preview(file.parent, now),
        lambda: read_preview(file.parent, now),
        lists.sync_preview,
    ):
        preview(sourced)
        old = (now - VALID_FOR * 2).timestamp()
        os.utime(file, (old, old))
        forget()
        assert not file.exists()
    preview(sourced)
    lists.sync_preview(start=True)
    assert not file.exists()
    preview(sourced)
    store = SourceStore(sourced.sync)
    assert len(store.find("BCD3456")) == 1
    store.erase(EraseRequest("BCD3456", "anna", "asked to", file.parent))
    assert not file.exists()
