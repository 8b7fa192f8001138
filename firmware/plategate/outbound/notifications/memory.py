# SPDX-License-Identifier: Apache-2.0
"""Keep the ledger of one person in a file, and take the messages of the journal into it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from plategate.durable_files import replace_file
from plategate.errors import StoreError, reason_of
from plategate.outbound.chain_watch import Finding
from plategate.outbound.message import Message
from plategate.outbound.notifications.causes import (
    SEEN,
    TAMPER,
    WANTED,
    Change,
    alarm_of,
    changes_of,
)
from plategate.outbound.notifications.ledger import CauseState, Ledger, Vehicle
from plategate.replay import GAP
from plategate.settings.outbound import CauseName

log = logging.getLogger(__name__)

_FORMAT = TypeAdapter(Ledger)


class Memory:
    """The ledger of one person in `file`; for one thread. `save` raises StoreError."""

    def __init__(self, file: Path, causes: tuple[CauseName, ...]) -> None:
        """Read the file; one that is damaged is reported, and everything begins again."""
        self._file = file
        self._causes = causes
        self.ledger = Ledger()
        try:
            self.ledger = _FORMAT.validate_json(file.read_bytes())
        except FileNotFoundError:
            log.debug("%s: no notification was sent yet", file)
        except (OSError, ValueError) as error:
            log.error("%s: not usable, notifications begin again: %s", file, reason_of(error))
        self._saved = self._content()

    def take(self, message: Message) -> None:
        """Count a message, unless it was counted before."""
        ledger = self.ledger
        known = message.journal == ledger.journal and message.sequence <= ledger.sequence
        if known and message.type != GAP:
            return
        ledger.journal, ledger.sequence = message.journal, message.sequence
        at = _time(message.at)
        detail = str(message.data.get("detail", ""))
        for cause, change in changes_of(message):
            self.change(cause, change, at, detail, message.sequence)
        if message.type == SEEN:
            self._take_acknowledgement(detail)
        if WANTED in self._causes:
            self._take_vehicle(message, at)

    def change(
        self, cause: CauseName, change: Change, at: datetime, detail: str = "", number: int = 0
    ) -> None:
        """Count that a cause begins, happens or ends, by the event with this number."""
        if cause in self._causes:
            state = self.ledger.causes.get(cause) or CauseState(cause)
            self.ledger.causes[cause] = state.changed(change, at, detail, number)

    def take_findings(self, findings: Sequence[Finding]) -> None:
        """Count what was found in the hash chain since the last call; nothing at the first one."""
        newest = findings[-1].number if findings else 0
        if self.ledger.finding is not None:
            for each in findings:
                if each.number > self.ledger.finding:
                    self.change(TAMPER, Change.HAPPENS, each.at, each.text)
        self.ledger.finding = newest

    def save(self) -> None:
        """Write the file, if something of a cause changed."""
        content = self._content()
        if content == self._saved:
            return
        document = _FORMAT.dump_json(self.ledger)
        try:
            replace_file(self._file, document, mode=0o600)
        except OSError as error:
            raise StoreError(f"{self._file} cannot be written: {reason_of(error)}") from error
        self._saved = content

    def _content(self) -> bytes:
        return _FORMAT.dump_json(self.ledger, exclude={"journal", "sequence"})

    def _take_acknowledgement(self, detail: str) -> None:
        try:
            number = int(json.loads(detail)["sequence"])
        except (ValueError, KeyError, TypeError):
            log.warning("event %d: the acknowledgement names no event", self.ledger.sequence)
            return
        causes = self.ledger.causes
        causes |= {cause: state.acknowledged(number) for cause, state in causes.items()}

    def _take_vehicle(self, message: Message, at: datetime) -> None:
        wanted = self.ledger.wanted
        if message.type == "gate.alarm":
            alarm = alarm_of(message)
            passage_id = message.data["passage_id"]
            if alarm is not None:
                self.ledger.wanted = wanted.with_alarm(Vehicle(passage_id, alarm, at))
        elif message.type.startswith("passage."):
            passage_id = message.data["id"]
            self.ledger.wanted = wanted.with_passage(passage_id, message.journal, message.sequence)


def ledger_file(folder: Path, name: str) -> Path:
    """The file of one person in the state folder."""
    return folder / f"notified-{name}.json"


def held_back(folder: Path, name: str) -> list[CauseName]:
    """The causes of which a person was not notified yet, while the process runs or not."""
    file = ledger_file(folder, name)
    try:
        ledger = _FORMAT.validate_json(file.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: not usable: {reason_of(error)}") from error
    found = [each.cause for each in ledger.causes.values() if each.is_news]
    return ([WANTED] if ledger.wanted.vehicles else []) + sorted(found)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
