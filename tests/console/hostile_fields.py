# SPDX-License-Identifier: Apache-2.0
"""Every text field of the console that can come from outside, and how a text gets into it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

from plategate.access.store.lists import ListName
from plategate.settings.overlay import OwnerValue, write_overlay
from plategate.values import (
    CharacterReading,
    GateEvent,
    ListEntry,
    PlateReading,
    Reason,
    Result,
    TextAlternative,
    VehicleRecord,
    Verdict,
)

from .bed import AT, STATUS, a_passage
from .hostile import Field, HostileBed, Make, Put

TEXT = object()


def number_of(text: str) -> str:
    """The number in a hostile text."""
    found = re.search(r"hit\((\d+)\)", text)
    assert found is not None
    return found[1]


def _passage(**changed: Make) -> Put:
    """Puts a passage with these fields, which are made from the text."""

    def put(bed: HostileBed, text: str) -> None:
        made = a_passage(f"passage-{number_of(text)}", "ABC123")
        passage = replace(made, **{key: make(text) for key, make in changed.items()})
        bed.add(passage)

    return put


def _verdict(**changed: Make) -> Put:
    base = Verdict(Result.REFUSED, Reason.NOT_LISTED, plate="ABC123")
    return _passage(
        verdict=lambda text: replace(base, **{key: made(text) for key, made in changed.items()})
    )


def _entry(**changed: Make) -> Put:
    return _verdict(
        entry=lambda text: ListEntry("ABC123", **{key: made(text) for key, made in changed.items()})
    )


def _record(**changed: Make) -> Put:
    return _verdict(
        record=lambda text: VehicleRecord(
            "ABC123", **{key: made(text) for key, made in changed.items()}
        )
    )


def _reading(make: Make) -> Put:
    return _passage(reading=make)


def _listed(column: str, name: ListName = ListName.ALLOW) -> Put:
    """Puts an entry of a list whose column has the text."""

    def put(bed: HostileBed, text: str) -> None:
        rows = bed.sheets.setdefault(name, [])
        rows.append({"plate": f"BAB{1000 + sum(map(len, bed.sheets.values()))}", column: text})
        stream = io.StringIO()
        writer = csv.DictWriter(stream, ["plate", "holder", "group", "note"])
        writer.writeheader()
        writer.writerows(rows)
        bed.import_list(name, stream.getvalue())

    return put


def _event(what: str) -> Put:
    def put(bed: HostileBed, text: str) -> None:
        bed.journal.add_event(GateEvent(f"id-{what}", "entrance", AT, what, None, text))

    return put


def _status(**changed: Make) -> Put:
    """Puts the text into what the gate says of itself."""

    def put(bed: HostileBed, text: str) -> None:
        del bed
        for key, make in changed.items():
            before, value = STATUS.get(key), make(text)
            if isinstance(before, dict) and isinstance(value, dict):
                value = {**before, **value}
            elif isinstance(before, list) and isinstance(value, list):
                value = [*before, *value]
            STATUS[key] = value

    return put


def _lane_status(**changed: Make) -> Put:
    return _status(
        lane=lambda text: {
            **STATUS["lane"], **{key: made(text) for key, made in changed.items()},  # type: ignore[dict-item]
        }
    )  # fmt: skip


def _failure(**changed: str) -> Make:
    base = {"name": "disk", "sentence": "full", "lasted_s": 1.0, "began_at": "2026-03-01"}
    return lambda text: [{**base, **dict.fromkeys(changed, text)}]


def _row(table: str, *values: object) -> Put:
    """Puts a row into the console's own database, past all checks; TEXT is the text."""

    def put(bed: HostileBed, text: str) -> None:
        given = [text if value is TEXT else value for value in values]
        marks = ", ".join("?" * len(given))
        with bed.site.accounts._database.connection() as connection:
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", given)

    return put


def _audit(**changed: str) -> Put:
    base = {"who": "anna", "address": "local", "what": "login", "detail": ""}
    return lambda bed, text: bed.site.sessions.note(**{**base, **dict.fromkeys(changed, text)})


def _session(address: bool) -> Put:
    def put(bed: HostileBed, text: str) -> None:
        bed.site.sessions.start("anna", *((text, "agent") if address else ("local", text)))

    return put


def _owner_value(key: str, **changed: str) -> Put:
    """Puts a change of the owner, past all checks; `changed` names the parts that are the text."""
    base = {
        "value": "exact", "who": "owner:anna", "why": "x", "at": "2026-05-01T10:00:00+00:00",
        "before": "exact",
    }  # fmt: skip

    def put(bed: HostileBed, text: str) -> None:
        bed.owner[key] = OwnerValue(**{**base, **dict.fromkeys(changed, text)})
        write_overlay(bed.folder / "owner.json", bed.owner)

    return put


def _setting(key: str, make: Make = str, lane: str = "main") -> Put:
    """Puts a key of the settings file of a lane."""

    def put(bed: HostileBed, text: str) -> None:
        table, _, name = key.partition(".")
        bed.tables[lane].setdefault(table, {})[name] = make(text)

    return put


def _visit(bed: HostileBed, text: str) -> None:
    bed.invite(holder=text, request="by-holder", accepts=False)


def _visit_host(bed: HostileBed, text: str) -> None:
    bed.invite(host=text, request="by-host")


def _visit_plate(bed: HostileBed, text: str) -> None:
    visit = bed.invite(request="by-plate", accepts=False)
    with bed.site.accounts._database.connection() as connection:
        connection.execute(
            "UPDATE visits SET plate = ?, state = 'asked' WHERE id = ?", (text, visit.id)
        )


def _group(bed: HostileBed, text: str) -> None:
    access = bed.tables["main"].setdefault("access", {})
    access |= {"groups": [{"name": text, "places": 3}], "full_sign": text}


def _list_file(bed: HostileBed, text: str) -> None:
    """Puts a list source whose file has this name, with the text in a cell."""
    file = bed.folder / f"{text}.csv"
    file.write_text(f"plate,holder\nBAB7777,{text.replace(chr(34), '')}\n", encoding="utf-8")
    sources = [
        {"name": "good", "kind": "allow", "url": str(file)},
        {"name": "missing", "kind": "block", "url": f"{file}.missing"},
    ]
    bed.tables["main"].setdefault("sync", {})["sources"] = sources


def characters(text: str) -> tuple[CharacterReading, ...]:
    return tuple(CharacterReading(char, 0.9) for char in text)


FIELDS = (
    *(Field(f"list {key}", _listed(key)) for key in ("holder", "group", "note")),
    *(Field(f"block list {key}", _listed(key, ListName.BLOCK)) for key in ("holder", "note")),
    *(Field(f"wanted list {key}", _listed(key, ListName.WANTED)) for key in ("holder", "note")),
    *(Field(f"entry of a passage, {key}", _entry(**{key: str})) for key in (
        "holder", "group", "note", "hours")),
    Field("verdict plate", _verdict(plate=str)),
    Field("verdict alarm", _verdict(alarm=str)),
    Field("place of registration", _verdict(registered_in=str)),
    *(Field(f"record {key}", _record(**{key: str}), shown=False) for key in (
        "owner", "registered_in", "address", "make", "model", "colour", "note")),
    Field("record of any field", _record(fields=lambda text: ((text, text),)), shown=False),
    Field("passage id", _passage(id=str)),
    Field("passage lane", _passage(lane=str)),
    Field("passage trigger", _passage(trigger=str)),
    Field("barrier", _passage(barrier=str)),
    Field("stage", _passage(milliseconds=lambda text: ((text, 1.0),))),
    Field("reading", _passage(
        reading=lambda text: PlateReading(characters(text), "agreed"),
        verdict=lambda _: Verdict(Result.UNSURE, Reason.WEAK_READING))),
    Field("character", _reading(lambda text: PlateReading((CharacterReading(text, 0.9),), "a"))),
    Field("alternative character", _reading(
        lambda text: PlateReading((CharacterReading("A", 0.9, ((text, 0.1),)),), "a"))),
    Field("alternative reading", _reading(
        lambda text: PlateReading(characters("AB1"), "a", (TextAlternative(text, 0.1),)))),
    Field("reader", _reading(lambda text: PlateReading(characters("AB1"), text))),
    *(Field(f"event {what}", _event(what)) for what in (
        "camera_lost", "list_set_aside", "list_unreachable", "disk_low", "command", "fault",
        "forced", "mode", "unheard-of")),
    Field("failure", _status(failures=_failure(name="", sentence=""))),
    Field("past failure", _status(past_failures=_failure(name="", sentence=""))),
    Field("version", _status(version=str)),
    Field("unavailable", _status(unavailable=lambda text: {text: text})),
    Field("thread", _status(threads=lambda text: {text: {"silent_s": 1.0, "allowed_s": 5.0}})),
    Field("counter", _status(counts=lambda text: {text: 1})),
    Field("clock", _status(clock=lambda text: {"trusted": False, "why": text})),
    Field("group inside", _status(occupancy=lambda text: [
        {"name": text, "inside": 1, "places": 2, "full": False}])),
    *(Field(f"lane {key}", _lane_status(**{key: str})) for key in (
        "lane", "mode", "signal", "arm", "fault")),
    Field("input", _lane_status(inputs=lambda text: {text: text})),
    Field("account", _row("accounts", TEXT, "viewer", "x", "2026-03-01")),
    Field("login user agent", _session(address=False)),
    Field("login address", _session(address=True)),
    *(Field(f"audit {key}", _audit(**{key: ""})) for key in ("who", "address", "what", "detail")),
    Field("token", _row("tokens", TEXT, "hash", "look", None, 1.0, 2e9, None)),
    Field("visitor", _visit),
    Field("host", _visit_host),
    Field("plate of a visitor", _visit_plate),
    Field("owner's value", _owner_value("access.anti_passback", value="")),
    Field("who changed a setting", _owner_value("access.min_confidence", who="", value="")),
    Field("why a setting was changed", _owner_value("access.strictness", why="")),
    Field("name of a lane", _setting("lane.name")),
    Field("name of another lane", _setting("lane.name", lane="other")),
    Field("file of a camera", _setting("camera.path")),
    Field("group with places and sign", _group),
    Field("consent to samples", _setting("samples.consent")),
    Field("file and cell of a list source", _list_file),
)  # fmt: skip
