# SPDX-License-Identifier: Apache-2.0
"""The pages of the lists: search, add a plate or a guest, change it, end it.

The console reads the lists itself; changes go to the list service with account, reason and id.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from plategate.access.files.entries import fields_of
from plategate.access.store.lists import ListName
from plategate.console import list_changes, list_files
from plategate.console.accounts import Right
from plategate.console.guard import (
    LONGEST_SEARCH,
    RefusedRequest,
    number_field,
    page,
    text_field,
)
from plategate.console.list_changes import CHANGE_DETAIL, list_of, note_change, requester
from plategate.console.site import PageRequest
from plategate.errors import ListError
from plategate.list_service.messages import LONGEST_TEXT
from plategate.plates.written import PlateTextError, parse_plate

ENTRIES_ON_PAGE = 50
FIELDS = ("holder", "group", "note", "from", "until", "hours", "entries")
# Choices of the guest form for the last day, in days from today; "always" has none.
SPANS = {"today": 0, "tomorrow": 1, "week": 7}


def routes() -> list[Route]:
    """The routes of the lists."""
    changes, files = list_changes, list_files
    pages = (
        ("/lists", lists, Right.PEOPLE),
        ("/lists/history", changes.history, Right.PEOPLE),
        ("/lists/changes/{number}", changes.change, Right.PEOPLE),
        ("/lists/sync", changes.sync_preview, Right.PEOPLE),
        ("/lists/file", files.file_page, Right.LISTS),
        ("/lists/template.xlsx", files.template, Right.LISTS),
        ("/lists/{list}/file.{form}", files.download, Right.LISTS),
        ("/lists/{list}/{plate}", entry, Right.PEOPLE),
    )
    forms = (
        ("/lists/add", add, Right.LISTS),
        ("/lists/edit", edit, Right.LISTS),
        ("/lists/remove", remove, Right.LISTS),
        ("/lists/follow", follow, Right.LISTS),
        ("/lists/undo", changes.undo, Right.LISTS),
        ("/lists/sync", changes.start_preview, Right.LISTS),
        ("/lists/import", files.import_upload, Right.LISTS),
    )
    upload = page(Right.LISTS, files.upload, largest_file=files.LARGEST_FILE)
    return [
        *(Route(path, page(right, show), methods=["GET"]) for path, show, right in pages),
        *(Route(path, page(right, follow), methods=["POST"]) for path, follow, right in forms),
        Route("/lists/upload", upload, methods=["POST"]),
    ]


def lists(asked: PageRequest) -> Response:
    """The three lists: their state, the entries of one of them, and the form for a guest."""
    return _lists_page(asked, list_of(asked.query))


def entry(asked: PageRequest) -> Response:
    """The entries of one plate, to change or to end."""
    path = asked.request.path_params
    return _entry_page(asked, list_of(path), plate_of(path["plate"]))


def add(asked: PageRequest) -> Response:
    """Add a plate; one that looks like another one is added after a second question."""
    name, lists = list_of(asked.form), asked.site.lists
    fields = {key: text for key, text in _fields(asked).items() if text}
    fields["plate"] = written = text_field(asked.form, "plate", LONGEST_TEXT)
    if "until" not in fields and (until := _span_end(asked)):
        fields["until"] = until
    try:
        found = lists.check(name, written)
        if found["problems"] and asked.form.get("confirmed") != found["plate"]:
            return asked.site.render(
                asked, "list_confirm.html", list=name, plate=found["plate"], fields=fields,
                problems=found["problems"], identity=asked.form.get("id", ""),
                why=text_field(asked.form, "why", LONGEST_TEXT),
            )  # fmt: skip
        change = lists.add(requester(asked), name, fields)
    except ListError as error:
        plate = _canonical(written)
        if plate and asked.site.gate.plate_state(name, plate).in_force:
            return _entry_page(asked, name, plate, wrong="listed")
        return _lists_page(asked, name, wrong="list_refused", detail=str(error))
    note_change(asked, change)
    return _to_entry(name, found["plate"], "added", change)


def edit(asked: PageRequest) -> Response:
    """Change the only entry of a plate; an empty field is cleared."""
    name, plate = list_of(asked.form), plate_of(asked.form.get("plate", ""))
    try:
        change = asked.site.lists.edit(requester(asked), name, plate, _fields(asked))
    except ListError as error:
        return _entry_page(asked, name, plate, wrong="list_refused", detail=str(error))
    note_change(asked, change)
    return _to_entry(name, plate, "edited", change)


def remove(asked: PageRequest) -> Response:
    """End all entries of a plate now."""
    return _change_plate(asked, asked.site.lists.remove, "removed")


def follow(asked: PageRequest) -> Response:
    """Withdraw what was changed by hand."""
    return _change_plate(asked, asked.site.lists.follow, "followed")


def plate_of(written: str) -> str:
    """A plate of an address or a hidden field in canonical form."""
    plate = _canonical(written)
    if plate is None:
        raise RefusedRequest(404, "not_found")
    return plate


def _canonical(written: str) -> str | None:
    try:
        return parse_plate(written)
    except PlateTextError:
        return None


def _change_plate(asked: PageRequest, change_plate: Any, done: str) -> Response:
    name, plate = list_of(asked.form), plate_of(asked.form.get("plate", ""))
    try:
        change = change_plate(requester(asked), name, plate)
    except ListError as error:
        return _entry_page(asked, name, plate, wrong="list_refused", detail=str(error))
    note_change(asked, change)
    return _to_entry(name, plate, done, change)


def _fields(asked: PageRequest) -> dict[str, str]:
    return {key: text_field(asked.form, key, LONGEST_TEXT) for key in FIELDS}


def _span_end(asked: PageRequest) -> str:
    """The last day that a choice of the guest form means; "" for no end."""
    days = SPANS.get(asked.form.get("span", ""))
    if days is None:
        return ""
    today = datetime.fromtimestamp(asked.site.now(), asked.site.zone).date()
    return (today + timedelta(days=days)).isoformat()


def _to_entry(name: ListName, plate: str, done: str, change: dict[str, Any]) -> Response:
    address = f"/lists/{name}/{quote(plate)}?done={done}&change={change['number']}"
    return RedirectResponse(address, status_code=303)


def _lists_page(
    asked: PageRequest, chosen: ListName, *, wrong: str = "", detail: str = ""
) -> Response:
    query, gate = asked.query, asked.site.gate
    searched = text_field(query, "search", LONGEST_SEARCH)
    offset = number_field(query.get("from", "")) or 0
    entries = gate.entries(chosen, searched, offset, ENTRIES_ON_PAGE + 1)
    return asked.site.render(
        asked,
        "lists.html",
        400 if wrong else 200,
        states=gate.list_states(),
        chosen=chosen,
        searched=searched,
        entries=[fields_of(each, asked.site.zone) for each in entries[:ENTRIES_ON_PAGE]],
        more=offset + ENTRIES_ON_PAGE if len(entries) > ENTRIES_ON_PAGE else None,
        spans=[*SPANS, "always"],
        form=asked.form or {"plate": text_field(query, "plate", LONGEST_TEXT)},
        wrong=wrong,
        detail=detail,
    )


def _entry_page(
    asked: PageRequest, name: ListName, plate: str, *, wrong: str = "", detail: str = ""
) -> Response:
    state = asked.site.gate.plate_state(name, plate)
    entries = [fields_of(each, asked.site.zone) for each in state.in_force]
    done, number = asked.query.get("done"), number_field(asked.query.get("change", ""))
    return asked.site.render(
        asked,
        "list_entry.html",
        400 if wrong else 200,
        list=name,
        plate=plate,
        entries=entries,
        form={**entries[0], **asked.form} if len(entries) == 1 else None,
        fields=FIELDS,
        follows=state.hand is not None and bool(state.source),
        kept_out=state.hand == () and bool(state.source),
        done=done if done in CHANGE_DETAIL else None,
        number=number,
        wrong=wrong,
        detail=detail,
    )
