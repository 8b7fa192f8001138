# SPDX-License-Identifier: Apache-2.0
"""Calls about whole lists: replace one by a file, try that, take one out, and preview a sync."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from plategate.console.api.bodies import SentFile
from plategate.console.api.call import ApiCall, json_answer
from plategate.console.api.gate_calls import list_name
from plategate.console.api.inputs import FileQuery
from plategate.console.api.list_calls import made_once
from plategate.console.api.problems import Problem
from plategate.console.list_files import MEDIA_TYPES, SHOWN
from plategate.errors import ListError
from plategate.list_service.client import Requester

# The form of a file by its content type.
FORM_OF = {media_type.partition(";")[0]: form for form, media_type in MEDIA_TYPES.items()}


def replace_list(call: ApiCall) -> Response:
    """Put the list of a file in force."""

    def replace(by: Requester) -> dict[str, Any]:
        found = _read_file(call, by, dry_run=False)
        return {"change": found["change"], "notes": found["notes"]}

    return made_once(call, call.query.why, replace, "change")


def try_file(call: ApiCall) -> Response:
    """What a file would change; nothing is changed."""
    try:
        found = _read_file(call, Requester(call.who), dry_run=True)
    except ListError as error:
        raise Problem("refused", str(error)) from None
    return json_answer({key: found[key] for key in ("change", "notes", "differences")})


def list_file(call: ApiCall) -> Response:
    """A list as a file."""
    name, form = list_name(call), call.query.form
    content = call.site.lists.export(name, form)
    call.note("list_downloaded", f"{name}.{form}")
    return Response(content, media_type=MEDIA_TYPES[form])


def sync_preview(call: ApiCall) -> Response:
    """What the next sync would change, where a preview was asked for and is made."""
    return json_answer(call.site.lists.sync_preview())


def start_sync_preview(call: ApiCall) -> Response:
    """Ask for a comparison of the sources with the lists."""
    return json_answer(call.site.lists.sync_preview(start=True))


def _read_file(call: ApiCall, by: Requester, *, dry_run: bool) -> dict[str, Any]:
    query: FileQuery = call.query
    sent: SentFile = call.body
    options: dict[str, Any] = {"list": list_name(call), "force": query.force, "limit": SHOWN}
    if query.dates is not None:
        options["dates"] = query.dates
    if query.sheet:
        options["sheet"] = query.sheet
    name = f"list.{FORM_OF[sent.media_type]}"
    return call.site.lists.import_file(by, name, sent.content, dry_run=dry_run, **options)
