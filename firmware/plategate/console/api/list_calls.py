# SPDX-License-Identifier: Apache-2.0
"""Calls that change the lists, and read their history, through the list service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from plategate.console.api.bodies import EntryBody, EntryChangeBody
from plategate.console.api.call import ApiCall, json_answer, page_answer
from plategate.console.api.gate_calls import list_name
from plategate.console.api.inputs import ChangeQuery, PlateQuery, page_position
from plategate.console.api.keys import REPLAYED, key_memory, request_id
from plategate.console.api.problems import Problem
from plategate.console.guard import whole_number
from plategate.errors import ListError, printable
from plategate.list_service.client import Requester
from plategate.list_service.messages import LONGEST_WHY
from plategate.plates.written import PlateTextError, parse_plate


def add_entry(call: ApiCall) -> Response:
    """Add an entry to a list."""
    body: EntryBody = call.body
    name, lists = list_name(call), call.site.lists
    return made_once(call, body.why, lambda by: lists.add(by, name, body.fields(), also=body.also))


def change_entry(call: ApiCall) -> Response:
    """Change fields of the only entry of a plate."""
    body: EntryChangeBody = call.body
    name, plate, lists = list_name(call), _plate(call), call.site.lists
    return made_once(call, body.why, lambda by: lists.edit(by, name, plate, body.fields()))


def remove_entries(call: ApiCall) -> Response:
    """End all entries of a plate."""
    name, plate, lists = list_name(call), _plate(call), call.site.lists
    return made_once(call, call.query.why, lambda by: lists.remove(by, name, plate))


def follow_source(call: ApiCall) -> Response:
    """Withdraw what was changed by hand, so that a plate follows its source again."""
    name, plate, lists = list_name(call), _plate(call), call.site.lists
    return made_once(call, call.body.why, lambda by: lists.follow(by, name, plate))


def undo_change(call: ApiCall) -> Response:
    """Undo a change."""
    number, lists = _number(call), call.site.lists
    return made_once(call, call.body.why, lambda by: lists.undo(by, number))


def check_plate(call: ApiCall) -> Response:
    """A plate in canonical form, and the problems that it would have on a list."""
    query: PlateQuery = call.query
    try:
        return json_answer(dict(call.site.lists.check(list_name(call), query.plate)))
    except ListError as error:
        raise Problem("refused", str(error)) from None


def list_changes(call: ApiCall) -> Response:
    """Changes of the lists, newest first."""
    query: ChangeQuery = call.query
    before = page_position(query.cursor, 0)
    if before == 0:
        return page_answer([], None)
    found = call.site.lists.history(query.list, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    following = f"0-{shown[-1]['number']}" if len(found) > query.limit else None
    return page_answer(shown, following)


def list_change(call: ApiCall) -> Response:
    """A change, and the entries of each plate before and after it."""
    try:
        return json_answer(dict(call.site.lists.differences(_number(call))))
    except ListError as error:
        raise Problem("not_found", str(error)) from None


def made_once(
    call: ApiCall, why: str, change: Callable[[Requester], dict[str, Any]], part: str = ""
) -> Response:
    """Make a change once, and answer it; `part`: the key of the change in what `change` returns."""
    memory = key_memory(call)
    if (known := memory.find(call)) is not None:
        return json_answer(known, 200, **REPLAYED)
    by = Requester(call.who, printable(why.strip())[:LONGEST_WHY], request_id(call))
    try:
        found = change(by)
    except ListError as error:
        raise Problem("refused", str(error)) from None
    made = found[part] if part else found
    call.note("list_changed", f"{made['list']} {made['kind']}: {made['number']}")
    memory.keep(call, found)
    return json_answer(found)


def _plate(call: ApiCall) -> str:
    """The plate of the path in canonical form. Raises Problem."""
    try:
        return parse_plate(call.path("plate"))
    except PlateTextError as error:
        raise Problem("not_found", str(error)) from None


def _number(call: ApiCall) -> int:
    if number := whole_number(call.path("number")):
        return number
    shown = printable(call.path("number"), 40)
    raise Problem("not_found", f"{shown!r} is not the number of a change")
