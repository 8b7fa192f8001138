# SPDX-License-Identifier: Apache-2.0
"""Format a verdict for `decide`: as a JSON object, or as one line of text.

The output contains personal data if there is a vehicle record; whoever runs the command can read
the database anyway.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plategate.values import VehicleRecord, Verdict


def verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    """Result, reason, and the list entry and vehicle record of the plate."""
    found: dict[str, Any] = {
        "result": verdict.result.value,
        "reason": verdict.reason.value,
        "entry": _plain(asdict(verdict.entry)) if verdict.entry else None,
        "record": _record(verdict.record) if verdict.record else None,
    }
    if verdict.registered_in:
        found["registered_in"] = verdict.registered_in
    if verdict.alarm:
        found["alarm"] = verdict.alarm
    return found


def verdict_sentence(verdict: Verdict) -> str:
    """The verdict in one line."""
    facts = [f"{verdict.result.value} ({verdict.reason.value.replace('_', ' ')})"]
    if verdict.alarm:
        facts.append(f"ALARM: {verdict.alarm}")
    if verdict.entry is not None:
        entry = verdict.entry
        facts += [fact for fact in (entry.holder, entry.group, entry.note) if fact]
    if verdict.record is not None:
        record = verdict.record
        car = " ".join(word for word in (record.colour, record.make, record.model) if word)
        facts += [fact for fact in (record.owner, record.registered_in, car) if fact]
    elif verdict.registered_in:
        facts.append(verdict.registered_in)
    return ", ".join(dict.fromkeys(facts))


def _record(record: VehicleRecord) -> dict[str, Any]:
    return _plain({**asdict(record), "fields": dict(record.fields)})


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The values with dates and times as ISO text."""
    return {
        key: value.isoformat() if isinstance(value, date | datetime) else value
        for key, value in values.items()
    }
