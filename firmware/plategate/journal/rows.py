# SPDX-License-Identifier: Apache-2.0
"""Passages to JSON and back, as the journal stores and exports them.

The record of a vehicle (owner, address) is left out on purpose: it is looked up when it is shown.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from plategate.values import (
    CharacterReading,
    ListEntry,
    Passage,
    PlateReading,
    PlateSighting,
    Reason,
    Result,
    TextAlternative,
    Verdict,
)


def passage_document(passage: Passage, sighting: PlateSighting | None) -> dict[str, Any]:
    """Everything that is kept about a passage, evidence aside, as JSON types."""
    reading = passage.reading or (sighting.reading if sighting else None)
    document: dict[str, Any] = {
        "id": passage.id,
        "lane": passage.lane,
        "triggered_at": passage.triggered_at.astimezone(UTC).isoformat(),
        "trigger": passage.trigger,
        "barrier": passage.barrier,
        "verdict": _verdict_document(passage.verdict),
        "reading": _reading_document(reading),
        "milliseconds": _rounded(passage.milliseconds),
    }
    if sighting is not None:
        document["sighting"] = _sighting_document(sighting)
    return document


def passage_from_document(
    document: dict[str, Any], evidence: tuple[tuple[str, str], ...]
) -> Passage:
    """The passage that a stored document describes."""
    return Passage(
        id=document["id"],
        lane=document["lane"],
        triggered_at=datetime.fromisoformat(document["triggered_at"]),
        trigger=document["trigger"],
        verdict=_verdict(document["verdict"]),
        reading=_reading(document["reading"]),
        barrier=document["barrier"],
        milliseconds=tuple(document["milliseconds"].items()),
        evidence=evidence,
    )


def encode(document: dict[str, Any]) -> str:
    """One spelling for one document, so that its hash is stable."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _rounded(milliseconds: tuple[tuple[str, float], ...]) -> dict[str, float]:
    return {stage: round(value, 1) for stage, value in milliseconds}


def _sighting_document(sighting: PlateSighting) -> dict[str, Any]:
    document: dict[str, Any] = {
        "stills": sighting.stills,
        "milliseconds": _rounded(sighting.milliseconds),
        "failed": sighting.failed,
    }
    if sighting.plate is not None:
        region = sighting.plate.region
        document["corners"] = [[round(x, 1), round(y, 1)] for x, y in region.corners]
        document["localizer"] = region.localizer
        document["region_confidence"] = round(region.confidence, 3)
    return document


def _reading_document(reading: PlateReading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {
        "text": reading.text,
        "confidence": round(reading.confidence, 4),
        "reader": reading.reader,
        "characters": [_character_document(character) for character in reading.characters],
        "alternatives": [
            {"text": other.text, "confidence": round(other.confidence, 4)}
            for other in reading.alternatives
        ],
    }


def _character_document(character: CharacterReading) -> dict[str, Any]:
    document: dict[str, Any] = {
        "char": character.char,
        "confidence": round(character.confidence, 4),
    }
    if character.alternatives:
        document["alternatives"] = [
            [char, round(confidence, 4)] for char, confidence in character.alternatives
        ]
    return document


def _reading(document: dict[str, Any] | None) -> PlateReading | None:
    if document is None:
        return None
    return PlateReading(
        characters=tuple(
            CharacterReading(
                char=item["char"],
                confidence=item["confidence"],
                alternatives=tuple((c, p) for c, p in item.get("alternatives", ())),
            )
            for item in document["characters"]
        ),
        reader=document["reader"],
        alternatives=tuple(
            TextAlternative(item["text"], item["confidence"]) for item in document["alternatives"]
        ),
    )


def _verdict_document(verdict: Verdict) -> dict[str, Any]:
    return {
        "result": verdict.result.value,
        "reason": verdict.reason.value,
        "plate": verdict.plate,
        "entry": _entry_document(verdict.entry),
        "registered_in": verdict.registered_in,
        "alarm": verdict.alarm,
    }


def _entry_document(entry: ListEntry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {
        "plate": entry.plate,
        "holder": entry.holder,
        "group": entry.group,
        "note": entry.note,
        "valid_from": entry.valid_from.isoformat() if entry.valid_from else None,
        "valid_until": entry.valid_until.isoformat() if entry.valid_until else None,
        "hours": entry.hours,
        "entries": entry.entries,
    }


def _verdict(document: dict[str, Any]) -> Verdict:
    return Verdict(
        result=Result(document["result"]),
        reason=Reason(document["reason"]),
        plate=document["plate"],
        entry=_entry(document["entry"]),
        registered_in=document["registered_in"],
        alarm=document["alarm"],
    )


def _entry(document: dict[str, Any] | None) -> ListEntry | None:
    if document is None:
        return None
    times = {
        key: datetime.fromisoformat(document[key]) if document[key] else None
        for key in ("valid_from", "valid_until")
    }
    return ListEntry(
        plate=document["plate"],
        holder=document["holder"],
        group=document["group"],
        note=document["note"],
        hours=document["hours"],
        entries=document["entries"],
        **times,
    )
