# SPDX-License-Identifier: Apache-2.0
"""Format a verdict for `decide`: as a JSON object, or as one line of text.

The output contains personal data if there is a vehicle record; whoever runs the command can read
the database anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plategate.documents import record_document, verdict_document
from plategate.errors import printable

if TYPE_CHECKING:
    from plategate.values import Verdict


def verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict's document, and what the records hold about the vehicle."""
    record = verdict.record
    return verdict_document(verdict) | {
        "record": None if record is None else record_document(record)
    }


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
    return printable(", ".join(dict.fromkeys(facts)))
