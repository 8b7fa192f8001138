# SPDX-License-Identifier: Apache-2.0
"""Watch the hash chain of the journal from outside the gate, and remember what does not fit.

New events are checked as they come, and the whole journal once a day, in small steps. The newest
checked hash is kept in the state folder of this process: an end that was rewritten together with
its hashes is found too.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from plategate.durable_files import replace_file
from plategate.errors import StoreError, reason_of
from plategate.journal.chain import ChainEnd, verify_after
from plategate.journal.reader import JournalReader

log = logging.getLogger(__name__)

FILE_NAME = "chain.json"
STEP = 200
# Between two steps, so that checking a long journal leaves the processor to others.
PAUSE_S = 0.5
WHOLE_EVERY_S = 86_400.0
# The newest checked hash is written this often, to spare the card; a finding is written at once.
SAVE_EVERY_S = 60.0
FINDINGS_KEPT = 20
BROKEN_KEPT = 10_000
NUMBERS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Events that were found not to fit at one time; `number` counts the findings."""

    number: int
    at: datetime
    events: tuple[int, ...]

    @property
    def text(self) -> str:
        """The numbers of the events, the first few."""
        shown = ", ".join(str(each) for each in self.events[:NUMBERS_SHOWN])
        more = len(self.events) - NUMBERS_SHOWN
        return shown if more <= 0 else f"{shown} (+{more})"


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is kept in the file."""

    journal: int = 0
    sequence: int = 0
    hash: str = ""
    broken: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


_FORMAT = TypeAdapter(_Checked)


class ChainWatch:
    """Checks one journal; for one thread, but `findings` may be read by any."""

    def __init__(self, reader: JournalReader, folder: Path) -> None:
        """Read what was checked before; a damaged file is reported, and everything begins again."""
        self._reader = reader
        self._file = folder / FILE_NAME
        self._checked = _Checked()
        self._saved = b""
        self._save_due_s = time.monotonic()
        self._compared = False  # the newest checked event with that of the journal, since the start
        self._whole: ChainEnd | None = None
        self._whole_due_s = time.monotonic()
        try:
            self._saved = self._file.read_bytes()
            self._checked = _FORMAT.validate_json(self._saved)
        except FileNotFoundError:
            log.debug("%s: no journal was checked yet", self._file)
        except (OSError, ValueError) as error:
            log.error("%s: not usable, checking begins again: %s", self._file, reason_of(error))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The newest findings, oldest first."""
        return self._checked.findings

    def check(self) -> bool:
        """Check the next events; whether there is more to check soon. Raises StoreError."""
        journal = self._reader.identity()
        if journal != self._checked.journal:
            self._checked = _Checked(journal, findings=self._checked.findings)
            self._whole, self._whole_due_s = None, time.monotonic()
        more = self._check_new()
        return self._check_whole() or more

    def close(self) -> None:
        """Write the newest checked hash."""
        try:
            self._save()
        except StoreError as error:
            log.error("%s", error)

    def _check_new(self) -> bool:
        """Check what came after the newest checked event."""
        checked = self._checked
        known = ChainEnd(checked.sequence, bytes.fromhex(checked.hash)) if checked.hash else None
        if self._compared and known and self._reader.newest_sequence() == known.sequence:
            return False
        end, broken = self._reader.read(lambda database: verify_after(database, known, STEP))
        if end is None:
            return False
        self._compared = True
        found = replace(checked, sequence=end.sequence, hash=end.hash.hex())
        self._keep(self._with(found, broken))
        return known is None or end.sequence - known.sequence >= STEP

    def _check_whole(self) -> bool:
        """Check the next part of the whole journal, where a day is over."""
        if time.monotonic() < self._whole_due_s:
            return False
        before = self._whole
        self._whole, broken = self._reader.read(lambda base: verify_after(base, before, STEP))
        self._keep(self._with(self._checked, broken))
        if self._whole == before:
            self._whole, self._whole_due_s = None, time.monotonic() + WHOLE_EVERY_S
            return False
        return True

    def _with(self, checked: _Checked, broken: tuple[int, ...]) -> _Checked:
        """The state with those broken events that were not known."""
        new = tuple(each for each in broken if each not in checked.broken)
        if not new:
            return checked
        number = checked.findings[-1].number + 1 if checked.findings else 1
        finding = Finding(number, datetime.now(UTC), new)
        log.error("the journal does not fit its hash chain at %s", finding.text)
        return replace(
            checked,
            broken=(*checked.broken, *new)[-BROKEN_KEPT:],
            findings=(*checked.findings, finding)[-FINDINGS_KEPT:],
        )

    def _keep(self, checked: _Checked) -> None:
        found = checked.findings != self._checked.findings
        self._checked = checked
        if found or time.monotonic() >= self._save_due_s:
            self._save()

    def _save(self) -> None:
        self._save_due_s = time.monotonic() + SAVE_EVERY_S
        document = _FORMAT.dump_json(self._checked)
        if document == self._saved:
            return
        try:
            replace_file(self._file, document, mode=0o600)
        except OSError as error:
            raise StoreError(f"{self._file} cannot be written: {reason_of(error)}") from error
        self._saved = document
