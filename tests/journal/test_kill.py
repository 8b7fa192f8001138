# SPDX-License-Identifier: Apache-2.0
"""A process that is killed at any moment loses no grant and repeats none."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

from plategate.journal import INTERRUPTED, open_journal
from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME, open_read_only
from plategate.settings.journal import JournalSettings

VICTIM = Path(__file__).with_name("victim.py")
ROUNDS = 40


def test_ok__kill_loses_no_grant_and_repeats_none(tmp_path: Path) -> None:
    victim = subprocess.run(
        [sys.executable, str(VICTIM), str(tmp_path), str(ROUNDS), "7"],
        capture_output=True,
        text=True,
        check=True,
    )
    reported = [line.split() for line in victim.stdout.splitlines()]
    granted = {passage_id for word, passage_id in reported if word == "granted"}
    recorded = {passage_id for word, passage_id in reported if word == "recorded"}
    assert len(granted) > ROUNDS / 2

    journal = open_journal(JournalSettings(dir=tmp_path))
    assert journal.notices == ()
    kept = Counter(passage.id for passage in journal.passages(limit=-1))
    interrupted = {p.id for p in journal.passages(limit=-1) if p.barrier == INTERRUPTED}
    journal.close()

    assert granted <= set(kept), "a grant was lost"
    assert max(kept.values()) == 1, "a passage was repeated"
    assert not interrupted & recorded, "a recorded passage counts as interrupted"
    # A child may die between the commit and its line about it, once for each kill.
    assert len(interrupted) <= ROUNDS

    database = open_read_only(tmp_path / FILE_NAME)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert verify_chain(database).broken_at == ()
    for file, sha256 in database.execute("SELECT file, sha256 FROM evidence"):
        assert hashlib.sha256((tmp_path / file).read_bytes()).hexdigest() == sha256
    database.close()
