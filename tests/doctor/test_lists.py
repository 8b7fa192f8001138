# SPDX-License-Identifier: Apache-2.0
"""Guards what the doctor reports about the lists."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

from typer.testing import CliRunner

from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_writing
from plategate.access.store.lists import ListName
from plategate.cli import app
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


def test_ok__a_group_that_no_entry_has_is_named(bench: Bench) -> None:
    bench.more = """
        [[access.groups]]
        name = "müller  gmbh"
        places = 12
        [[access.groups]]
        name = "Meier"
        places = 3
        """
    with closing(open_for_writing(bench.state / "lists.sqlite")) as store:
        at, entries = datetime.now(UTC), [ListEntry("A1", group="Müller GmbH")]
        replace_list(store, ListName.ALLOW, entries, who="test", at=at, source="test")
    found = bench.examine()["lists"]
    assert found.light is Light.AMBER
    assert found.sentence.endswith("no entry is of the group: Meier")
    checked = CliRunner().invoke(app, ["list", "check", "--config", str(bench.config)])
    assert checked.exit_code == 1
    assert "allow: no entry is of the group 'Meier'" in checked.stdout
    assert "müller" not in checked.stdout
    checked = CliRunner().invoke(app, ["check-config", str(bench.config)])
    assert checked.exit_code == 0
    assert "access.groups: 'Meier': no entry of the allow list is of this group" in checked.stdout
