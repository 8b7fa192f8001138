# SPDX-License-Identifier: Apache-2.0
"""Check a message that arrived at a collector, and turn it into what is written for it.

Nothing in a message is trusted: a broker's access list ties a gate to its topics, so the name in
the topic decides, and a message that states another gate is rejected.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plategate.replay import GAP, JOURNAL, LARGEST_NUMBER, TEST

SCHEMA = 1
# Bytes; a passage has 400, or 4,000 with all its readings.
LONGEST_PAYLOAD = 128 * 1024
GATE = re.compile(r"[A-Za-z0-9_-]{1,40}")
TYPE = re.compile(r"[a-z0-9_]{1,40}(\.[a-z0-9_]{1,80}){1,3}")
# The escape of a character 0, unless its backslash is itself escaped.
ZERO = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# Keys of a message that have a column, or follow from one.
OWN_KEYS = frozenset(
    {"schema", "id", "type", "timestamp", "gate", "lane", "journal", "sequence", "data"}
)


@dataclass(frozen=True, slots=True)
class ArrivedEvent:
    """One event of a gate; `data` is JSON text."""

    gate: str
    journal: str
    sequence: int
    at: datetime
    lane: str
    type: str
    data: str


@dataclass(frozen=True, slots=True)
class GapReport:
    """A gate reports that the numbers after `after` up to `until` do not come, and why."""

    gate: str
    journal: str
    after: int
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """Availability or state of a gate; `sequence` is the newest event that the broker has."""

    gate: str
    online: bool | None = None
    state: str | None = None
    journal: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class ProbeMessage:
    """What `plategate outbound test` sends; nothing is written for it."""

    gate: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that cannot be stored as an event."""

    topic: str
    reason: str
    payload: bytes


Parsed = ArrivedEvent | GapReport | GateReport | ProbeMessage | Rejected


def parsed(topic: str, payload: bytes) -> Parsed:
    """What a message means; every fault of a message ends in Rejected."""
    try:
        gate, kind = topic.rsplit("/", 2)[-2:]
        if not GATE.fullmatch(gate):
            raise ValueError(f"the topic names no gate: {gate[:60]!r}")
        if kind == "availability":
            return _availability(gate, payload)
        document = _document(payload)
        return _state(gate, document) if kind == "state" else _message(gate, document)
    except (ValueError, RecursionError) as error:
        return Rejected(topic, str(error)[:300], payload)


def _availability(gate: str, payload: bytes) -> GateReport:
    if payload not in (b"online", b"offline"):
        raise ValueError(f"availability: {payload[:20]!r} is neither online nor offline")
    return GateReport(gate, online=payload == b"online")


def _state(gate: str, document: dict[str, Any]) -> GateReport:
    if document.get("journal") is None:
        return GateReport(gate, state=_text(document))
    journal = _matching(document, "journal", JOURNAL)
    return GateReport(gate, None, _text(document), journal, _number(document, "sequence"))


def _message(gate: str, document: dict[str, Any]) -> ArrivedEvent | GapReport | ProbeMessage:
    if document.get("schema") != SCHEMA:
        raise ValueError(f"schema: {document.get('schema')!r} is unknown; update the collector")
    if document.get("gate") != gate:
        raise ValueError(f"gate: {document.get('gate')!r} is not the {gate!r} of the topic")
    kind = _matching(document, "type", TYPE)
    if kind == TEST:
        return ProbeMessage(gate)
    journal = _matching(document, "journal", JOURNAL)
    data = document.get("data")
    if not isinstance(data, dict):
        raise ValueError("data: is not an object")
    if kind == GAP:
        return _gap(gate, journal, data)
    sequence = _number(document, "sequence")
    if sequence < 1:
        raise ValueError("sequence: must be at least 1")
    if document.get("id") != f"{gate}-{journal}-{sequence}":
        raise ValueError(f"id: {document.get('id')!r} is not made of gate, journal and sequence")
    lane = document.get("lane")
    if not isinstance(lane, str) or len(lane) > 80:
        raise ValueError("lane: must be text of at most 80 characters")
    if more := document.keys() - OWN_KEYS:
        data = data | {"unknown_keys": {name: document[name] for name in sorted(more)}}
    return ArrivedEvent(gate, journal, sequence, _time(document), lane, kind, _text(data))


def _gap(gate: str, journal: str, data: dict[str, Any]) -> GapReport:
    after, until = _number(data, "after"), _number(data, "until")
    if until < after:
        raise ValueError("until: is before after")
    reason = data.get("reason")
    if not isinstance(reason, str) or not re.fullmatch(r"[a-z0-9_]{1,40}", reason):
        raise ValueError(f"reason: {str(reason)[:60]!r} must be a word of a-z, 0-9 and _")
    return GapReport(gate, journal, after, until, reason)


def _document(payload: bytes) -> dict[str, Any]:
    if len(payload) > LONGEST_PAYLOAD:
        raise ValueError(f"has {len(payload)} bytes, more than {LONGEST_PAYLOAD}")
    try:
        document = json.loads(payload.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ValueError("is not a JSON object")
    return document


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _text(document: dict[str, Any]) -> str:
    """The JSON text of an object, as PostgreSQL can store it."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("has half of a surrogate pair") from None
    if ZERO.search(text):
        raise ValueError("has the character U+0000, which PostgreSQL cannot store")
    return text


def _matching(document: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{key}: {str(value)[:60]!r} must match {pattern.pattern}")
    return value


def _number(document: dict[str, Any], key: str) -> int:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise ValueError(f"{key}: {str(value)[:60]!r} must be a whole number from 0 on")
    return value


def _time(document: dict[str, Any]) -> datetime:
    value = document.get("timestamp")
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(f"timestamp: {str(value)[:60]!r} must be a time with its zone")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"timestamp: {str(value)[:60]!r} is out of range") from None
