# SPDX-License-Identifier: Apache-2.0
"""Guards the upgrade from a version that checked plates less strictly; nobody is locked out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plategate.access.store.database import open_for_reading, open_for_writing
from plategate.access.store.history import was_checked
from plategate.access.store.lists import ListName, list_state
from plategate.access.sync.source import SourceOutcome
from plategate.plates.text import canonical
from scripts.testbed.web_server import serving

from .list_gate import TEN, Gate, allow, outcomes

DOUBTFUL = TEN.replace(b"AB112CDE", "AB1Ж12CDE".encode())


@pytest.fixture
def upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], Gate]]:
    """A gate whose list was put in force by a version that dropped unknown characters."""
    with serving() as server:

        def upgrade(content: bytes) -> Gate:
            server.serve("/allow.csv", content)
            gate = Gate(tmp_path / "gate", allow(server))
            with monkeypatch.context() as older:
                older.setattr("plategate.access.files.fields.parse_plate", canonical)
                assert gate.sync().all_well
            with closing(open_for_writing(gate.store)) as store:
                store.execute("DROP TABLE checked")
            return gate

        yield upgrade


def checked(gate: Gate) -> bool:
    with closing(open_for_reading(gate.store)) as store:
        state = list_state(store, ListName.ALLOW)
        return state is not None and was_checked(store, state)


def test_ok__a_valid_list_is_checked_at_the_next_sync(upgraded) -> None:
    gate = upgraded(TEN)
    assert not checked(gate)
    report = gate.sync()
    assert report.all_well
    assert outcomes(report) == [SourceOutcome.UNCHANGED]
    assert checked(gate)
    assert len(gate.plates()) == 10
    assert gate.sync().changes == ()


def test_fail__a_doubtful_list_is_reported_and_stays_in_force(upgraded) -> None:
    gate = upgraded(DOUBTFUL)
    report = gate.sync()
    assert any("character 4 is 'Ж'" in failure for failure in report.failures)
    assert len(gate.plates()) == 10
    assert gate.confirmed_at() == gate.at
    assert not checked(gate)
