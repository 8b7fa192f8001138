# SPDX-License-Identifier: Apache-2.0
"""Grants are on the disk before anything moves, overwrite no other grant, and each is settled."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plategate.journal import INTERRUPTED, open_journal
from plategate.journal.grants import (
    FILE_BYTES,
    FILE_NAME,
    SLOT_BYTES,
    SLOTS,
    Grant,
    GrantFile,
    grants_in,
)
from plategate.settings.journal import JournalSettings
from plategate.values import Passage, Reason, Result, Verdict

AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_grant(number: int) -> Grant:
    return Grant(f"g{number}", "entrance", "A1", AT + timedelta(seconds=number))


def ids(grants: tuple[Grant, ...]) -> list[str]:
    return [grant.passage_id for grant in grants]


@pytest.fixture
def settings(tmp_path: Path) -> JournalSettings:
    return JournalSettings(dir=tmp_path, min_free_mb=10)


def refused(passage_id: str) -> Passage:
    verdict = Verdict(Result.UNSURE, Reason.STORE_FAILED, plate="A1")
    return Passage(passage_id, "entrance", AT, "beam", verdict)


def test_ok__grant_is_flushed_before_it_counts_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = GrantFile(tmp_path)
    flushed: list[tuple[Grant, ...]] = []
    monkeypatch.setattr(os, "fdatasync", lambda _: flushed.append(grants_in(tmp_path)))
    grants.write(a_grant(1))
    assert flushed == [(a_grant(1),)]


@pytest.mark.parametrize("kept", [1, 3, SLOTS - 1])
def test_ok__new_grant_after_a_restart_overwrites_none(tmp_path: Path, kept: int) -> None:
    grants = GrantFile(tmp_path)
    for number in range(kept):
        grants.write(a_grant(number))
    grants.close()
    grants = GrantFile(tmp_path)
    grants.write(a_grant(kept))
    assert ids(grants_in(tmp_path)) == [f"g{number}" for number in range(kept + 1)]


def test_ok__removed_grants_make_room_and_only_the_oldest_is_overwritten(tmp_path: Path) -> None:
    grants = GrantFile(tmp_path)
    chance = random.Random(1)
    expected = []
    for number in range(10 * SLOTS):
        grants.write(a_grant(number))
        expected = [*expected[-(SLOTS - 1) :], f"g{number}"]
        if chance.random() < 0.9:
            gone = chance.choice(expected)
            grants.remove(gone)
            expected.remove(gone)
    assert ids(grants.grants()) == expected
    assert ids(grants_in(tmp_path)) == expected
    assert (tmp_path / FILE_NAME).stat().st_size == FILE_BYTES


def test_ok__grants_of_the_first_version_are_read_and_removed(tmp_path: Path) -> None:
    """It wrote two slots of 256 bytes to a sector."""
    content = bytearray(FILE_BYTES)
    for number in range(3):
        grant = a_grant(number)
        fields = [grant.passage_id, grant.lane, grant.plate, grant.granted_at.isoformat()]
        text = json.dumps(fields).encode()
        slot = zlib.crc32(text).to_bytes(4, "big") + text
        content[number * 256 : number * 256 + len(slot)] = slot
    (tmp_path / FILE_NAME).write_bytes(content)
    grants = GrantFile(tmp_path)
    assert ids(grants.grants()) == ["g0", "g1", "g2"]
    grants.remove("g0")
    grants.write(a_grant(3))
    assert ids(grants_in(tmp_path)) == ["g1", "g2", "g3"]
    grants.remove("g1")
    grants.remove("g2")
    assert ids(grants_in(tmp_path)) == ["g3"]


@pytest.mark.parametrize("torn", range(0, SLOT_BYTES, 64))
def test_ok__torn_slot_costs_its_own_grant_only(tmp_path: Path, torn: int) -> None:
    grants = GrantFile(tmp_path)
    for number in range(3):
        grants.write(a_grant(number))
    content = bytearray((tmp_path / FILE_NAME).read_bytes())
    content[SLOT_BYTES + torn : 2 * SLOT_BYTES] = random.Random(torn).randbytes(SLOT_BYTES - torn)
    (tmp_path / FILE_NAME).write_bytes(content)
    # The grant itself is in the first half.
    left = ["g0", "g2"] if torn < SLOT_BYTES // 2 else ["g0", "g1", "g2"]
    assert ids(grants_in(tmp_path)) == left
    GrantFile(tmp_path).write(a_grant(3))
    assert ids(grants_in(tmp_path)) == [*left, "g3"]


def test_ok__long_and_foreign_names_fit_a_slot(tmp_path: Path) -> None:
    grant = Grant("p" * 64, "Einfahrt Süd, Tor Ж", "ÄÖÜ123", AT)
    GrantFile(tmp_path).write(grant)
    assert grants_in(tmp_path) == (grant,)


def test_ok__grant_that_is_written_after_its_passage_leaves_nothing_open(
    settings: JournalSettings,
) -> None:
    """The grants worker exceeded the time limit of the lane; a later grant was interrupted."""
    journal = open_journal(settings)
    journal.record(refused("one"))
    journal.begin_grant("one", "A1", AT)
    assert grants_in(settings.dir) == ()
    journal.begin_grant("two", "B2", AT)
    journal.close()
    journal = open_journal(settings)
    assert ids(journal.unfinished_grants()) == ["two"]
    assert journal.problems == {}
    assert [(p.id, p.barrier) for p in journal.passages()] == [
        ("two", INTERRUPTED),
        ("one", "not moved"),
    ]
    journal.close()


def test_ok__one_grant_that_cannot_be_settled_does_not_stop_the_others(
    settings: JournalSettings,
) -> None:
    """Grants that already have a passage, in the file and in the table."""
    journal = open_journal(settings)
    journal.record(refused("one"))
    journal._recorded.clear()
    journal.begin_grant("one", "A1", AT)
    journal._store.insert_grant(Grant("one", "l", "A1", AT))
    journal._store.insert_grant(Grant("in-table", "l", "C3", AT))
    journal.begin_grant("two", "B2", AT)
    journal.close()
    for start in range(2):
        journal = open_journal(settings)
        assert set(ids(journal.unfinished_grants())) == (
            {"two", "in-table"} if not start else set()
        )
        assert journal.problems == {}
        assert len(journal.passages()) == 3
        assert grants_in(settings.dir) == ()
        journal.close()


WRITTEN = """
import os, statistics, sys
from datetime import UTC, datetime
from pathlib import Path
from plategate.journal.grants import Grant, GrantFile
def written():
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
grants = GrantFile(Path(sys.argv[1]))
if sys.argv[2] == "restarted":
    os.posix_fadvise(grants._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    grants.close()
    grants = GrantFile(Path(sys.argv[1]))
costs = []
for number in range(20):
    before = written()
    grants.write(Grant(str(number), "l", "A1", datetime.now(UTC)))
    costs.append(written() - before)
# The system's own page, such as that of a date of a file, may come on top of one of them.
print(statistics.median(costs))
"""


@pytest.mark.parametrize("gate", ["new", "restarted"])
def test_ok__grant_costs_one_page_of_the_disk(tmp_path: Path, gate: str) -> None:
    """The kernel writes what it caches as one piece; the whole file would be 64 kB a grant."""
    command = [sys.executable, "-c", WRITTEN, str(tmp_path), gate]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) <= 4096
