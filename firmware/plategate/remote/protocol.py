# SPDX-License-Identifier: Apache-2.0
"""The messages of the command socket: one JSON line as request, one as answer.

The format is described in docs/integrator/commands.md. Keys are never renamed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from plategate.errors import CommandError
from plategate.messages import CommandName, Mode

LONGEST_LINE_BYTES = 4096
LONGEST_ANSWER_BYTES = 1_000_000
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
TEXTS = {"why": 200, "who": 80, "via": 16, "from": 64}  # longest text of each key, in characters
SCHEDULED = "scheduled"  # value of `mode`: the mode of the settings and their schedule
MODES = (*Mode, SCHEDULED)


class ServiceName(StrEnum):
    """Commands that the gate answers without its lane: they move nothing."""

    SETTING = "setting"  # change a setting of the owner, or take the change back
    STILL = "still"  # show what the camera sees, for a few minutes
    ACKNOWLEDGE = "acknowledge"  # say that a person has seen an alarm
    OCCUPANCY = "occupancy"  # correct the number of vehicles inside
    SAMPLE = "sample"  # keep a passage's still, with what a person says is on the plate
    ERASE = "erase"  # erase a plate from the journal
    HOLD_PASSAGE = "hold_passage"  # keep a passage beyond its time
    END_HOLD = "end_hold"  # let a passage be deleted in time again


# Values of `data` that are personal data: no event carries them.
PRIVATE_DATA = {
    ServiceName.SAMPLE: frozenset({"text"}),
    ServiceName.ERASE: frozenset({"plate"}),
}


class AnswerResult(StrEnum):
    """The result of a request; only ACCEPTED changes anything at the gate."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # the lane, or a safety input, does not allow it now
    EXPIRED = "expired"
    REPEATED = "repeated"  # the id was used before; `reason` is that of the first answer
    NOT_ALLOWED = "not_allowed"  # the user of the connection may not give this command
    MALFORMED = "malformed"
    FAILED = "failed"  # the gate could not store or execute it


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command for the gate.

    `who` is the person or program on whose behalf it is given, `via` the way (cli, console, api,
    mqtt), `source` the address that it came from (key `from`), `mode` the new mode of `mode`.
    `data` are the values of a service. `only_for_vehicle` belongs to `open`: followed only while a
    vehicle stands at the gate.
    """

    id: str
    command: CommandName | ServiceName
    why: str
    who: str
    via: str
    source: str
    expires_at: datetime
    mode: str | None = None
    data: dict[str, Any] | None = None
    only_for_vehicle: bool = False

    def document(self) -> dict[str, Any]:
        """The request as JSON types."""
        document: dict[str, Any] = {
            "id": self.id,
            "command": self.command.value,
            "why": self.why,
            "who": self.who,
            "via": self.via,
            "from": self.source,
            "expires_at": self.expires_at.astimezone(UTC).isoformat(),
        }
        if self.mode is not None:
            document["mode"] = self.mode
        if self.only_for_vehicle:
            document["only_for_vehicle"] = True
        return document if self.data is None else document | {"data": self.data}

    def public_document(self) -> dict[str, Any]:
        """The request as events of the journal carry it."""
        private = PRIVATE_DATA.get(self.command) if isinstance(self.command, ServiceName) else None
        document = self.document()
        if private and self.data is not None:
            document["data"] = {key: v for key, v in self.data.items() if key not in private}
        return document


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """The answer to a request; `passage_id` names the passage that it began.

    `data` are the values that a service answers.
    """

    id: str
    result: AnswerResult
    reason: str
    passage_id: str | None = None
    data: dict[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """The answer as JSON types."""
        document: dict[str, Any] = {
            "id": self.id,
            "result": self.result.value,
            "reason": self.reason,
            "passage": self.passage_id,
        }
        return document if self.data is None else document | {"data": self.data}


def parse_request(line: bytes) -> CommandRequest:
    """The request in a line; raises CommandError naming key and value."""
    document = parse_object(line, LONGEST_LINE_BYTES)
    optional = {"mode", "data", "only_for_vehicle"}
    known = {"id", "command", "expires_at", *optional, *TEXTS}
    if unknown := sorted(document.keys() - known):
        keys = ", ".join(sorted(known))
        raise CommandError(f"{unknown[0]!r} is not a known key; known are {keys}")
    if missing := sorted(known - optional - document.keys()):
        raise CommandError(f"key {missing[0]!r} is missing")
    texts = {key: text_of(key, document[key], longest) for key, longest in TEXTS.items()}
    command = choice_of("command", document["command"], (*CommandName, *ServiceName))
    is_service = command in tuple(ServiceName)
    data = document.get("data")
    if data is not None and not (is_service and isinstance(data, dict)):
        raise CommandError("data: must be an object, and belongs to a service such as 'setting'")
    mode = document.get("mode")
    if (command == CommandName.MODE) is (mode is None):
        raise CommandError("mode: belongs to the command 'mode', and to no other")
    only_for_vehicle = document.get("only_for_vehicle", False)
    if not isinstance(only_for_vehicle, bool) or (only_for_vehicle and command != CommandName.OPEN):
        raise CommandError("only_for_vehicle: must be true or false, and belongs to 'open'")
    return CommandRequest(
        id=id_of(document["id"]),
        command=ServiceName(command) if is_service else CommandName(command),
        why=texts["why"],
        who=texts["who"],
        via=texts["via"],
        source=texts["from"],
        expires_at=_moment(document["expires_at"]),
        mode=None if mode is None else choice_of("mode", mode, MODES),
        data=data,
        only_for_vehicle=only_for_vehicle,
    )


def parse_answer(line: bytes) -> CommandAnswer:
    """The answer in a line; raises CommandError where it is none."""
    document = parse_object(line, LONGEST_ANSWER_BYTES)
    try:
        passage = document["passage"]
        return CommandAnswer(
            id=str(document["id"]),
            result=AnswerResult(document["result"]),
            reason=str(document["reason"]),
            passage_id=None if passage is None else str(passage),
            data=document.get("data"),
        )
    except (KeyError, ValueError) as error:
        raise CommandError(f"not an answer of the gate: {error}") from error


def encode(message: CommandRequest | CommandAnswer) -> bytes:
    """A message as one line of UTF-8."""
    return json.dumps(message.document(), ensure_ascii=False).encode() + b"\n"


def parse_object(line: bytes, longest: int) -> dict[str, Any]:
    """The JSON object in a line; raises CommandError."""
    if len(line) > longest:
        raise CommandError(f"the message has more than {longest} bytes")
    try:
        document = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CommandError("the message is not a line of JSON in UTF-8") from error
    if not isinstance(document, dict):
        raise CommandError("the message is not a JSON object")
    return document


def id_of(value: Any) -> str:
    """The id of a request; raises CommandError."""
    if not isinstance(value, str) or not REQUEST_ID.fullmatch(value):
        raise CommandError("id: must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -")
    return value


def text_of(key: str, value: Any, longest: int) -> str:
    """A printable text that is not blank; raises CommandError naming key and value."""
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise CommandError(f"{key}: must be a text of 1 to {longest} characters")
    if not value.isprintable():
        raise CommandError(f"{key}: contains a control character: {value!r}")
    return value.strip()


def choice_of(key: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of `choices`; raises CommandError naming key and value."""
    if not isinstance(value, str) or value not in choices:
        raise CommandError(f"{key}: {value!r} is none of {', '.join(choices)}")
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        example = "2026-05-01T12:00:00Z"
        raise CommandError(f"expires_at: {value!r} is not a time such as {example}") from None
    if moment.tzinfo is None:
        raise CommandError(f"expires_at: {value!r} has no time zone")
    return moment
