# SPDX-License-Identifier: Apache-2.0
"""The messages of the list socket: a line of JSON, then the content of a file where one belongs.

The format is described in docs/integrator/list-service.md. Keys are never renamed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from plategate.access.files.dates import DateOrder
from plategate.access.files.entries import COLUMNS
from plategate.access.store.lists import ListName
from plategate.errors import CommandError
from plategate.remote.protocol import choice_of, id_of, parse_object, text_of

LONGEST_LINE_BYTES = 65_536
LONGEST_CONTENT_BYTES = 32 * 1024 * 1024
LONGEST_TEXT, LONGEST_WHY, LONGEST_WHO = 200, 200, 80
MOST_SHOWN = 1000
FORMS = ("csv", "json", "xlsx")


class ListOperation(StrEnum):
    """What a request asks for."""

    ADD = "add"
    EDIT = "edit"
    REMOVE = "remove"
    FOLLOW = "follow"  # withdraw what was changed by hand: the source counts again
    FORGET = "forget"  # delete what the history keeps of a plate that had only entries with a note
    UNDO = "undo"
    IMPORT = "import"
    CHECK = "check"
    HISTORY = "history"
    DIFF = "diff"
    EXPORT = "export"
    TEMPLATE = "template"
    PREVIEW = "preview"  # what the next sync would change


class ListResult(StrEnum):
    """The result of a request; DONE and REPEATED mean that the lists are as it asks."""

    DONE = "done"
    REPEATED = "repeated"  # an earlier request with this id made the change
    REFUSED = "refused"
    NOT_ALLOWED = "not_allowed"
    MALFORMED = "malformed"
    FAILED = "failed"  # the database cannot be read or written


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A request to the list service; `content` is the file of an import.

    `who` is the person on whose behalf it is made, `arguments` are checked by `parse_request`.
    """

    id: str
    operation: ListOperation
    who: str
    why: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """The answer to a request: a sentence, JSON types, and the content of an exported file."""

    id: str
    result: ListResult
    reason: str = ""
    value: Mapping[str, Any] = field(default_factory=dict)
    content: bytes = b""


def encode_request(request: ListRequest) -> bytes:
    """A request as bytes."""
    document = {
        "id": request.id,
        "operation": request.operation.value,
        "who": request.who,
        "why": request.why,
        **request.arguments,
    }
    return json.dumps(document, ensure_ascii=False).encode() + b"\n" + request.content


def encode_answer(answer: ListAnswer) -> bytes:
    """An answer as bytes."""
    document = {
        "id": answer.id,
        "result": answer.result.value,
        "reason": answer.reason,
        "value": answer.value,
    }
    return json.dumps(document, ensure_ascii=False).encode() + b"\n" + answer.content


def parse_request(data: bytes) -> ListRequest:
    """The request in bytes; raises CommandError naming key and value."""
    line, _, content = data.partition(b"\n")
    document = parse_object(line, LONGEST_LINE_BYTES)
    for key in ("id", "operation", "who"):
        if key not in document:
            raise CommandError(f"key {key!r} is missing")
    identity = id_of(document.pop("id"))
    name = choice_of("operation", document.pop("operation"), tuple(ListOperation))
    operation = ListOperation(name)
    who = text_of("who", document.pop("who"), LONGEST_WHO)
    why = document.pop("why", "")
    why = text_of("why", why, LONGEST_WHY) if why else ""
    if content and operation is not ListOperation.IMPORT:
        raise CommandError("only an import has the content of a file")
    if len(content) > LONGEST_CONTENT_BYTES:
        raise CommandError(f"the file has more than {LONGEST_CONTENT_BYTES} bytes")
    required, optional = _ARGUMENTS[operation]
    known = required + optional
    for key in document:
        if key not in known:
            allowed = ", ".join(known) or "none"
            raise CommandError(f"{key!r} is not a key of {operation}; its keys are: {allowed}")
    for key in required:
        if key not in document:
            raise CommandError(f"key {key!r} is missing")
    arguments = {key: _CHECKS[key](key, value) for key, value in document.items()}
    return ListRequest(identity, operation, who, why, arguments, content)


def parse_answer(data: bytes) -> ListAnswer:
    """The answer in bytes; raises CommandError where it is none."""
    line, _, content = data.partition(b"\n")
    document = parse_object(line, LONGEST_CONTENT_BYTES)
    try:
        return ListAnswer(
            str(document["id"]),
            ListResult(document["result"]),
            str(document["reason"]),
            dict(document["value"]),
            content,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError(f"not an answer of the list service: {error}") from error


def _list(key: str, value: Any) -> ListName:
    return ListName(choice_of(key, value, tuple(ListName)))


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise CommandError(f"{key}: must be true or false")
    return value


def _number(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**53:
        raise CommandError(f"{key}: must be a whole number from 1")
    return value


def _short(key: str, value: Any) -> str:
    return text_of(key, value, LONGEST_TEXT)


def _fields(key: str, value: Any) -> dict[str, str]:
    """Fields of an entry as in a list file; their values are checked like those of a file."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise CommandError(f"{key}: must be an object of texts")
    if unknown := sorted(value.keys() - COLUMNS):
        known = ", ".join(sorted(COLUMNS))
        raise CommandError(f"{key}: {unknown[0]!r} is not a known field; known are {known}")
    return value


def _columns(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise CommandError(f"{key}: must be an object of texts")
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "list": _list,
    "plate": _short,
    "fields": _fields,
    "also": _flag,
    "number": _number,
    "limit": lambda key, value: min(_number(key, value), MOST_SHOWN),
    "before": _number,
    "form": lambda key, value: choice_of(key, value, FORMS),
    "file": _short,
    "dry_run": _flag,
    "force": _flag,
    "allow_empty": _flag,
    "drop_by_hand": _flag,
    "start": _flag,
    "note": _short,
    "dates": lambda key, value: DateOrder(choice_of(key, value, tuple(DateOrder))),
    "sheet": _short,
    "columns": _columns,
}
# The keys of each operation: those that it needs, and those that it may have.
_ARGUMENTS: dict[ListOperation, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ListOperation.ADD: (("list", "fields"), ("also",)),
    ListOperation.EDIT: (("list", "plate", "fields"), ()),
    ListOperation.REMOVE: (("list", "plate"), ()),
    ListOperation.FOLLOW: (("list", "plate"), ()),
    ListOperation.FORGET: (("list", "plate", "note"), ()),
    ListOperation.UNDO: ((), ("number", "list")),
    ListOperation.IMPORT: (
        ("file",),
        (
            *("list", "dry_run", "force", "allow_empty", "drop_by_hand"),
            *("dates", "sheet", "columns", "limit"),
        ),
    ),
    ListOperation.CHECK: (("list", "plate"), ()),
    ListOperation.HISTORY: ((), ("list", "before", "limit")),
    ListOperation.DIFF: (("number",), ("limit",)),
    ListOperation.EXPORT: (("list", "form"), ()),
    ListOperation.TEMPLATE: ((), ()),
    ListOperation.PREVIEW: ((), ("start",)),
}
