# SPDX-License-Identifier: Apache-2.0
"""The JSON documents of readings, verdicts, list entries, passages and events.

The journal stores these documents; the command line, the API and messages show the same ones. Keys
are never renamed; `schema` counts the changes that a program that reads the documents must handle.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from plategate.values import (
    CharacterReading,
    GateEvent,
    ListEntry,
    Passage,
    PlateReading,
    PlateRegion,
    PlateSighting,
    Reason,
    Result,
    TextAlternative,
    VehicleRecord,
    Verdict,
)

SCHEMA = 1
PASSAGE, EVENT = "passage", "event"  # values of `kind`

Document = dict[str, Any]


def passage_document(passage: Passage, sighting: PlateSighting | None) -> Document:
    """Everything that is kept about a passage, except pictures and the vehicle's record.

    The record (owner, address) is looked up when it is shown.
    """
    reading = passage.reading or (sighting.reading if sighting else None)
    document: Document = {
        "schema": SCHEMA,
        "kind": PASSAGE,
        "id": passage.id,
        "lane": passage.lane,
        "triggered_at": passage.triggered_at.astimezone(UTC).isoformat(),
        "trigger": passage.trigger,
        "barrier": passage.barrier,
        "verdict": verdict_document(passage.verdict),
        "reading": None if reading is None else reading_document(reading),
        "milliseconds": _rounded(passage.milliseconds),
    }
    if sighting is not None:
        document["sighting"] = _sighting_document(sighting)
    return document


def passage_from_document(
    document: Document, evidence: tuple[tuple[str, str], ...] = ()
) -> Passage:
    """The passage that a document describes; `evidence` are kinds and paths of its pictures."""
    reading = document["reading"]
    return Passage(
        id=document["id"],
        lane=document["lane"],
        triggered_at=datetime.fromisoformat(document["triggered_at"]),
        trigger=document["trigger"],
        verdict=_verdict(document["verdict"]),
        reading=None if reading is None else _reading(reading),
        barrier=document["barrier"],
        milliseconds=tuple(document["milliseconds"].items()),
        evidence=evidence,
    )


def event_document(event: GateEvent) -> Document:
    """An event that is not a passage."""
    return {
        "schema": SCHEMA,
        "kind": EVENT,
        "id": event.id,
        "lane": event.lane,
        "at": event.at.astimezone(UTC).isoformat(),
        "what": event.what,
        "passage_id": event.passage_id,
        "detail": event.detail,
    }


def event_from_document(document: Document) -> GateEvent:
    """The event that a document describes."""
    return GateEvent(
        id=document["id"],
        lane=document["lane"],
        at=datetime.fromisoformat(document["at"]),
        what=document["what"],
        passage_id=document["passage_id"],
        detail=document["detail"],
    )


def verdict_document(verdict: Verdict) -> Document:
    """A verdict without the vehicle's record."""
    return {
        "result": verdict.result.value,
        "reason": verdict.reason.value,
        "plate": verdict.plate,
        "entry": None if verdict.entry is None else entry_document(verdict.entry),
        "registered_in": verdict.registered_in,
        "alarm": verdict.alarm,
    }


def entry_document(entry: ListEntry) -> Document:
    """An entry of a list."""
    return _plain(asdict(entry))


def record_document(record: VehicleRecord) -> Document:
    """A vehicle's record: personal data, for people who may see it."""
    return _plain({**asdict(record), "fields": dict(record.fields)})


def reading_document(reading: PlateReading) -> Document:
    """A reading with its characters and alternatives."""
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


def plate_document(reading: PlateReading, region: PlateRegion) -> Document:
    """A plate in a picture: its reading, and where it is (corners clockwise, in pixels)."""
    document = reading_document(reading)
    reader = document.pop("reader")
    return document | {
        "corners": _corners(region),
        "localizer": region.localizer,
        "reader": reader,
    }


def encode(document: Document) -> str:
    """Serialize a document; equal documents give equal text, so that their hashes are equal."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _rounded(milliseconds: tuple[tuple[str, float], ...]) -> dict[str, float]:
    return {stage: round(value, 1) for stage, value in milliseconds}


def _corners(region: PlateRegion) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in region.corners]


def _sighting_document(sighting: PlateSighting) -> Document:
    document: Document = {
        "stills": sighting.stills,
        "milliseconds": _rounded(sighting.milliseconds),
        "failed": sighting.failed,
    }
    if sighting.still is not None:
        height, width = sighting.still.image.shape[:2]
        document["still_px"] = [width, height]
    if sighting.plate is not None:
        region = sighting.plate.region
        document["corners"] = _corners(region)
        document["localizer"] = region.localizer
        document["region_confidence"] = round(region.confidence, 3)
    return document


def _character_document(character: CharacterReading) -> Document:
    document: Document = {
        "char": character.char,
        "confidence": round(character.confidence, 4),
    }
    if character.alternatives:
        document["alternatives"] = [
            [char, round(confidence, 4)] for char, confidence in character.alternatives
        ]
    return document


def _reading(document: Document) -> PlateReading:
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


def _verdict(document: Document) -> Verdict:
    return Verdict(
        result=Result(document["result"]),
        reason=Reason(document["reason"]),
        plate=document["plate"],
        entry=None if document["entry"] is None else _entry(document["entry"]),
        registered_in=document["registered_in"],
        alarm=document["alarm"],
    )


def _entry(document: Document) -> ListEntry:
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


def _plain(values: Document) -> Document:
    """Times as ISO 8601 text; every other value is a JSON type already."""
    return {
        key: value.isoformat() if isinstance(value, date | datetime) else value
        for key, value in values.items()
    }
