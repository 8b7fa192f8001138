# SPDX-License-Identifier: Apache-2.0
"""A power cut that loses or tears everything not synced loses no grant.

Needs strace, which records what the journal asks of the disk.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from power_cut import CALLS, Call, Disk, parse_trace

from plategate.journal import open_journal
from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME, open_read_only
from plategate.settings.journal import JournalSettings

HERE = Path(__file__).parent
PASSAGES = 8
CUTS = 30
PROGRAM = f"""
import os, sys
sys.path.insert(0, {str(HERE)!r})
from datetime import UTC, datetime
from pathlib import Path
from victim import passage, sighting
from plategate.journal import open_journal
from plategate.settings.journal import JournalSettings
journal = open_journal(JournalSettings(dir=Path(sys.argv[1]), min_free_mb=10))
for number in range({PASSAGES}):
    journal.begin_grant(str(number), "AB12CDE", datetime.now(UTC))
    os.write(1, f"granted {{number}}\\n".encode())
    journal.record(passage(str(number)), sighting())
    os.write(1, f"recorded {{number}}\\n".encode())
    if number == {PASSAGES // 2}:
        journal.tidy(datetime.now(UTC), clock_trusted=True)
journal.close()
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Call]]:
    """The system calls of a journal with some passages, from its creation to its end."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    folder = tmp_path_factory.mktemp("traced")
    log = folder.with_name("trace.log")
    trace = ["strace", "-f", "-xx", "-s", "99999999", "-e", f"trace={CALLS}", "-o", str(log)]
    command = [*trace, sys.executable, "-c", PROGRAM, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ptrace" in done.stderr and done.returncode:
        pytest.skip("processes may not be traced here")
    assert done.returncode == 0, done.stderr
    found = list(parse_trace(log.read_text(encoding="ascii")))
    # Before the journal is opened there is nothing to lose.
    begin = next(
        number
        for number, call in enumerate(found)
        if any(argument.startswith(bytes(folder)) for argument in call.arguments)
    )
    found = found[begin:]
    assert sum(reported(call)[:1] == ["granted"] for call in found) == PASSAGES
    assert sum(call.name in ("fsync", "fdatasync") for call in found) > 3 * PASSAGES
    return folder, found


def reported(call: Call) -> list[str]:
    """The line that the process reported with this call, as words."""
    if call.name == "write" and call.descriptor == 1:
        return call.arguments[1].decode().split()
    return []


@pytest.mark.parametrize("seed", range(CUTS))
def test_ok__nothing_granted_is_lost(
    calls: tuple[Path, list[Call]], tmp_path: Path, seed: int
) -> None:
    folder, all_calls = calls
    chance = random.Random(seed)
    disk = Disk(folder)
    seen: list[list[str]] = []
    for call in all_calls[: chance.randrange(len(all_calls))]:
        disk.take(call)
        seen.append(reported(call))
    disk.after_cut(tmp_path / "state", chance)

    journal = open_journal(JournalSettings(dir=tmp_path / "state"))
    assert journal.notices == ()
    kept = [passage.id for passage in journal.passages(limit=-1)]
    journal.close()

    granted = {words[1] for words in seen if words[:1] == ["granted"]}
    recorded = {words[1] for words in seen if words[:1] == ["recorded"]}
    assert len(set(kept)) == len(kept)
    assert granted <= set(kept)
    database = open_read_only(tmp_path / "state" / FILE_NAME)
    assert verify_chain(database).broken_at == ()
    pictures = database.execute(
        "SELECT p.id, e.file, e.sha256 FROM evidence e JOIN passages p ON p.sequence = e.sequence"
    ).fetchall()
    database.close()
    assert recorded <= {passage_id for passage_id, _, _ in pictures}
    for _, file, sha256 in pictures:
        content = (tmp_path / "state" / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256


def test_fail__missing_fsync_is_detected(calls: tuple[Path, list[Call]], tmp_path: Path) -> None:
    """Without fsync the cuts above lose grants, so they would detect a missing one."""
    folder, all_calls = calls
    lost = 0
    for seed in range(8):
        chance = random.Random(seed)
        disk = Disk(folder)
        granted = 0
        for call in all_calls[: len(all_calls) * 3 // 4]:
            granted += reported(call)[:1] == ["granted"]
            if call.name not in ("fsync", "fdatasync"):
                disk.take(call)
        state = tmp_path / str(seed)
        disk.after_cut(state, chance)
        journal = open_journal(JournalSettings(dir=state))
        lost += len(journal.passages(limit=-1)) < granted
        journal.close()
    assert lost > 0
