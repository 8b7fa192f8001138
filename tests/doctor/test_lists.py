# SPDX-License-Identifier: Apache-2.0
"""Guards what the doctor reports about the lists."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_writing
from plategate.access.store.lists import ListName
from plategate.doctor.results import Light
from plategate.values import ListEntry

from .conftest import Bench


def test_ok__lists_of_an_older_version_are_named(bench: Bench) -> None:
    with closing(open_for_writing(bench.state / "lists.sqlite")) as store:
        at, entries = datetime.now(UTC), [ListEntry("A1")]
        replace_list(store, ListName.ALLOW, entries, who="test", at=at, source="test")
        assert bench.examine()["lists"].light is Light.GREEN
        store.execute("DROP TABLE checked")
    found = bench.examine()["lists"]
    assert found.light is Light.AMBER
    assert "import the list again" in found.remedy
