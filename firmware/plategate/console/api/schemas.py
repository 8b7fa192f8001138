# SPDX-License-Identifier: Apache-2.0
"""JSON schemas of the answers of the API. Keys are never renamed; new ones may come."""

from __future__ import annotations

from typing import Any

from plategate.access.store.history import ChangeKind
from plategate.access.store.lists import ListName
from plategate.console.accounts import Role
from plategate.console.visits import VisitState
from plategate.documents import EVENT, PASSAGE
from plategate.remote.protocol import AnswerResult
from plategate.values import Reason, Result

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
NUMBERS_BY_NAME: Schema = {"type": "object", "additionalProperties": NUMBER}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: Schema) -> Schema:
    """An object that has at least these properties."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _some(**properties: Schema) -> Schema:
    """An object that may have these properties."""
    return {"type": "object", "properties": properties}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _choice(words: Any) -> Schema:
    return {"type": "string", "enum": [str(word) for word in words]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _page(items: Schema) -> Schema:
    following = _or_null(TEXT) | {"description": "cursor of the next page; null: this is the last"}
    return _object(items=_array(items), next=following)


FAILURE = _object(name=TEXT, sentence=TEXT, began_at=MOMENT, lasted_s=NUMBER)
CHARACTER = _object(char=TEXT, confidence=NUMBER)
EVIDENCE: Schema = {"type": "object", "additionalProperties": TEXT}
LIST_STATE = _object(
    generation=WHOLE, entries=WHOLE, serial=_or_null(WHOLE), source=TEXT,
    replaced_at=MOMENT, confirmed_at=MOMENT,
)  # fmt: skip
PROBLEM_OF_PLATE = _object(kind=TEXT, sentence=TEXT)
VISIT: dict[str, Schema] = {
    "id": WHOLE,
    "host": TEXT,
    "holder": TEXT,
    "starts_at": MOMENT,
    "ends_at": MOMENT,
    "entries": WHOLE,
    "accepts": FLAG,
    "state": _choice(VisitState),
    "plate": _or_null(TEXT),
}

SCHEMAS: dict[str, Schema] = {
    "Lanes": _object(items=_array(_object(name=TEXT))),
    "Gate": _object(
        at=_or_null(MOMENT),
        ready=_or_null(FLAG),
        version=_or_null(TEXT),
        lane=_or_null(
            _some(
                lane=TEXT,
                mode=TEXT,
                signal=TEXT,
                arm=TEXT,
                held=FLAG,
                fault=_or_null(TEXT),
                fire=FLAG,
                camera=FLAG,
                inputs={"type": "object", "additionalProperties": TEXT},
            )
        ),
        allow_list=_or_null(_some(entries=_or_null(WHOLE), age_s=_or_null(NUMBER))),
    ),
    "Health": _object(
        ready=FLAG,
        running_s=NUMBER,
        failures=_array(FAILURE),
        past_failures=_array(FAILURE),
        threads={"type": "object"},
        counts=NUMBERS_BY_NAME,
        ages_s=NUMBERS_BY_NAME,
        temperature_c=_or_null(WHOLE),
    ),
    "Figures": _object(
        days=_array(_object(day={"type": "string", "format": "date"}, passages=NUMBERS_BY_NAME)),
        reasons=_array(_object(result=TEXT, reason=TEXT, passages=WHOLE)),
        trigger_to_relay_ms=_or_null(_object(p50=NUMBER, p95=NUMBER)),
        complete=FLAG,
    ),
    "Entry": _object(
        plate=TEXT,
        holder=TEXT,
        group=TEXT,
        note=TEXT,
        valid_from=_or_null(MOMENT),
        valid_until=_or_null(MOMENT),
        hours=_or_null(TEXT),
        entries=_or_null(WHOLE),
    ),
    "Reading": _object(
        text=TEXT,
        confidence=NUMBER,
        reader=TEXT,
        characters=_array(CHARACTER),
        alternatives=_array(_object(text=TEXT, confidence=NUMBER)),
    ),
    "Verdict": _object(
        result=_choice(Result),
        reason=_choice(Reason),
        plate=_or_null(TEXT),
        entry=_or_null(_ref("Entry")),
        registered_in=_or_null(TEXT),
        alarm=_or_null(TEXT),
    ),
    "Passage": _object(
        sequence=WHOLE,
        schema=WHOLE,
        kind={"const": PASSAGE},
        id=TEXT,
        lane=TEXT,
        triggered_at=MOMENT,
        trigger=TEXT,
        barrier=TEXT,
        verdict=_ref("Verdict"),
        reading=_or_null(_ref("Reading")),
        milliseconds=NUMBERS_BY_NAME,
        evidence=EVIDENCE,
    ),
    "Event": _object(
        sequence=WHOLE,
        schema=WHOLE,
        kind={"const": EVENT},
        id=TEXT,
        lane=TEXT,
        at=MOMENT,
        what=TEXT,
        passage_id=_or_null(TEXT),
        detail=TEXT,
    ),
    "PassagePage": _page(_ref("Passage")),
    "EventPage": _page({"anyOf": [_ref("Passage"), _ref("Event")]}),
    "AlarmPage": _page(
        _object(
            event=_ref("Event"),
            lasts=FLAG,
            ended_at=_or_null(MOMENT),
            acknowledged=_or_null(_object(who=TEXT, why=TEXT, at=MOMENT)),
        )
    ),
    "JournalCheck": _object(
        passages=WHOLE,
        events=WHOLE,
        forgotten=WHOLE,
        broken_at=_array(WHOLE) | {"description": "sequences; empty: the journal is whole"},
    ),
    "PassageInFull": _object(
        passage=_ref("Passage"),
        events=_array(_ref("Event")),
        nearest=_array(_object(list=_choice(ListName), entry=_ref("Entry"))),
    ),
    "Lists": _object(
        items=_array(_object(name=_choice(ListName), state=_or_null(LIST_STATE))),
    ),
    "EntryPage": _page(_ref("Entry")),
    "Change": _object(
        number=WHOLE,
        list=_choice(ListName),
        at=MOMENT,
        who=TEXT,
        why=TEXT,
        kind=_choice(ChangeKind),
        added=WHOLE,
        removed=WHOLE,
        changed=WHOLE,
        plates=_array(TEXT),
        undone=FLAG,
        can_undo=FLAG,
    ),
    "ChangePage": _page(_ref("Change")),
    "ChangeInFull": _object(change=_ref("Change"), differences=_array({"type": "object"})),
    "Replaced": _object(change=_ref("Change"), notes=_array(TEXT)),
    "DryRun": _object(
        change=_ref("Change"), notes=_array(TEXT), differences=_array({"type": "object"})
    ),
    "SyncPreview": _object(
        sources=_array(TEXT),
        wanted=FLAG,
        preview=_or_null(
            _object(
                at=MOMENT,
                sources=_array({"type": "object"}),
                changes=_array(
                    _object(change=_ref("Change"), differences=_array({"type": "object"}))
                ),
                failures=_array(TEXT),
            )
        ),
    ),
    "Visits": _object(items=_array(_object(**VISIT))),
    "VisitInFull": _object(
        **VISIT,
        entries_left=WHOLE,
        link=_or_null(TEXT | {"description": "to send to the visitor; null: it is not valid"}),
        problems=_array(PROBLEM_OF_PLATE),
    ),
    "Settings": _object(
        items=_array(
            _object(
                key=TEXT,
                text=TEXT | {"description": "the value in words, without secrets"},
                value={"description": "the value as JSON; null where only the file changes it"},
                description=TEXT,
                unit=TEXT,
                least=TEXT,
                most=TEXT,
                choices=_array(TEXT),
                can_change=FLAG,
                origin=_choice(("default", "file", "console")),
                line=_or_null(WHOLE),
                changed=_or_null(_object(who=TEXT, why=TEXT, at=MOMENT, before={})),
            )
        ),
        file=TEXT,
        ignored=_array(TEXT),
    ),
    "Check": _object(plate=TEXT, problems=_array(PROBLEM_OF_PLATE)),
    "CommandAnswer": _object(
        id=TEXT, result=_choice(AnswerResult), reason=TEXT, passage=_or_null(TEXT)
    ),
    "AuditPage": _page(
        _object(number=WHOLE, at=MOMENT, who=TEXT, address=TEXT, what=TEXT, detail=TEXT)
    ),
    "Logins": _object(
        items=_array(
            _object(
                id=TEXT,
                account=TEXT,
                role=_choice(Role),
                created_at=MOMENT,
                seen_at=MOMENT,
                address=TEXT,
                agent=TEXT,
            )
        )
    ),
}
