# SPDX-License-Identifier: Apache-2.0
"""Compare what the relay did with what the journal holds, after a rehearsed gate was cut off.

Usage: rehearsal_check.py STATE_DIR ENTRIES - what rehearsed_gate.py left of /var/lib/plategate,
and the number of entries of the allow list. Prints one line of counts, then a line for each promise
that was broken.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME
from plategate.journal.grants import grants_in
from plategate.journal.reader import unfinished

# From the trigger to the relay, on an emulated board: read_within_s and some more.
RELAY_WITHIN = timedelta(seconds=70)
INTERRUPTED = "interrupted"


class Books:
    """The journal and the edges of the relay, side by side."""

    def __init__(self, state: Path) -> None:
        self.wrong: list[str] = []
        self._folder = state / "gate" / "gate"
        self._lists = state / "lists" / "lists.sqlite"
        lines = (self._folder / "edges.log").read_text(encoding="utf-8").splitlines()
        self.edges = [
            (datetime.fromisoformat(when), what)
            for when, _, what in (line.partition(" ") for line in lines)
            if what
        ]

    def check(self, entries: int) -> str:
        """All checks; a sentence with the counts."""
        with closing(sqlite3.connect(self._folder / FILE_NAME)) as journal:
            self._check_file(journal, "journal")
            report = verify_chain(journal)
            self.wrong += [f"the chain breaks at {number}" for number in report.broken_at]
            pictures = self._check_pictures(journal)
            granted = journal.execute(
                "SELECT id, triggered_at, json_extract(document, '$.barrier') FROM passages"
                " WHERE json_extract(document, '$.verdict.result') = 'granted'"
                " ORDER BY triggered_at"
            ).fetchall()
            open_grants = [
                (grant.passage_id, grant.granted_at.isoformat(), "under way")
                for grant in unfinished(journal, grants_in(self._folder))
            ]
        self._check_lists(entries)
        self._check_relay(granted + open_grants)
        starts = sum(what == "start" for _, what in self.edges)
        opened = sum(what == "open_relay on" for _, what in self.edges)
        interrupted = sum(barrier == INTERRUPTED for _, _, barrier in granted)
        return (
            f"{starts} starts, {report.passages} passages, {len(granted)} granted, "
            f"{interrupted} interrupted, {len(open_grants)} under way, {opened} openings, "
            f"{pictures} pictures, {len(self.wrong)} promises broken"
        )

    def _check_file(self, database: sqlite3.Connection, name: str) -> None:
        (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            self.wrong.append(f"{name}: {found}")

    def _check_pictures(self, journal: sqlite3.Connection) -> int:
        rows = journal.execute("SELECT file, sha256 FROM evidence").fetchall()
        for name, sha256 in rows:
            file = self._folder / name
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
                self.wrong.append(f"{name} is missing or torn")
        return len(rows)

    def _check_lists(self, entries: int) -> None:
        with closing(sqlite3.connect(self._lists)) as lists:
            self._check_file(lists, "lists")
            (found,) = lists.execute("SELECT entries FROM lists WHERE name = 'allow'").fetchone()
        if found != entries:
            self.wrong.append(f"the allow list has {found} entries")

    def _check_relay(self, granted: list[tuple[str, str, str]]) -> None:
        """Each opening has one grant of its own before it, and none comes before a vehicle."""
        vehicle = False
        unused = sorted((datetime.fromisoformat(at), passage_id) for passage_id, at, _ in granted)
        for at, what in self.edges:
            if what == "start":
                vehicle = False
                # What was granted before the cut must not open any more.
                unused = [grant for grant in unused if grant[0] >= at]
            elif what == "beam":
                vehicle = True
            elif what == "open_relay on":
                if not vehicle:
                    self.wrong.append(f"the relay moved at {at} before any vehicle")
                behind = [grant for grant in unused if grant[0] <= at <= grant[0] + RELAY_WITHIN]
                if not behind:
                    self.wrong.append(f"no grant belongs to the opening at {at}")
                else:
                    unused.remove(behind[0])
        ids = [passage_id for passage_id, _, _ in granted]
        if len(set(ids)) != len(ids):
            self.wrong.append("a passage is there twice")


def main() -> int:
    """Check one folder."""
    books = Books(Path(sys.argv[1]))
    print(books.check(int(sys.argv[2])))
    for line in books.wrong:
        print(line)
    return 1 if books.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
