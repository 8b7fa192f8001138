# SPDX-License-Identifier: Apache-2.0
"""Cars pass the whole gate while another program reads the journal or holds its write lock."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from plategate.access.control import open_access
from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME
from plategate.journal.reader import JournalReader
from plategate.messages import InputName, Level
from plategate.rehearsal.scenario_reader import load_scripted
from plategate.rehearsal.site import build_site
from tests.gate.conftest import FakeJournal, RunningGate, no_pipeline

CARS = 3


def pass_through(gate: RunningGate, passages: int) -> None:
    gate.come("AB12CDE")
    gate.until(lambda: gate.site.arm.position == "up")
    gate.put(InputName.PHOTOCELL, Level.ACTIVE)
    gate.until(lambda: gate.site.gate.status().passages == passages)
    gate.put(InputName.BEAM, Level.INACTIVE)
    gate.put(InputName.PHOTOCELL, Level.INACTIVE)
    gate.until(lambda: gate.site.arm.position == "down" and gate.site.gate.status().armed)


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "SELECT * FROM sqlite_schema"])
def test_ok__the_gate_opens_and_loses_no_passage(settings, statement):
    access = open_access(settings.access)
    site = build_site(settings, reader=no_pipeline(), access=access, load=load_scripted)
    gate = RunningGate(site, FakeJournal(), access)
    folder = settings.journal.dir
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as other:
        other.execute(statement).fetchone()
        for number in range(CARS):
            pass_through(gate, number + 1)
    gate.stop()
    with closing(JournalReader(folder)) as reader:
        passages = [each.passage for each in reader.events_after(0) if each.kind == "passage"]
        assert reader.read(verify_chain).broken_at == ()
        assert reader.unfinished_grants() == []
    granted = [passage for passage in passages if passage.verdict.plate == "AB12CDE"]
    assert len(granted) == CARS
    assert all(passage.verdict.reason == "allowed" for passage in granted)
    assert not any("interrupted" in passage.barrier for passage in granted)
