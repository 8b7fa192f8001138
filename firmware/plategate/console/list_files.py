# SPDX-License-Identifier: Apache-2.0
"""The pages of list files: download, template, and upload with a preview of what would change.

An uploaded file changes nothing until it is confirmed. Until then it is kept in memory, for the
login that sent it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from starlette.responses import RedirectResponse, Response

from plategate.access.files.dates import DateOrder
from plategate.access.store.lists import ListName
from plategate.console.guard import RefusedRequest, text_field
from plategate.console.list_changes import list_of, note_change, requester
from plategate.console.site import PageRequest
from plategate.console.uploads import Upload
from plategate.errors import ListError, printable
from plategate.list_service.client import Requester
from plategate.list_service.messages import FORMS

LARGEST_FILE = 8 * 1024 * 1024
LONGEST_FILE_NAME = 80
SHOWN = 100  # plates that would change
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "xlsx": WORKBOOK}


def file_page(asked: PageRequest) -> Response:
    """Download, template, and the form for a file."""
    return _file_page(asked, list_of(asked.query))


def upload(asked: PageRequest) -> Response:
    """Show what a file would change; nothing is changed yet."""
    name, site = list_of(asked.form), asked.site
    if asked.upload is None:
        return _file_page(asked, name, wrong="no_file")
    file, content = file_name(asked.upload[0]), asked.upload[1]
    if len(content) > LARGEST_FILE:
        raise RefusedRequest(413, "too_large")
    options: dict[str, Any] = {"list": name}
    dates = asked.form.get("dates", "")
    if dates in tuple(DateOrder):
        options["dates"] = dates
    if sheet := text_field(asked.form, "sheet", LONGEST_FILE_NAME):
        options["sheet"] = sheet
    doubt = ""
    who = Requester(requester(asked).who)
    try:
        try:
            found = site.lists.import_file(who, file, content, dry_run=True, limit=SHOWN, **options)
        except ListError as error:
            doubt = str(error)
            found = site.lists.import_file(
                who, file, content, dry_run=True, limit=SHOWN, force=True, **options
            )
    except ListError as error:
        return _file_page(asked, name, wrong="file_refused", detail=str(error))
    kept = Upload(asked.person().identity, site.now(), name, file, content, options)
    change = found["change"]
    count = change["added"] + change["removed"] + change["changed"]
    return site.render(
        asked,
        "list_upload.html",
        list=name,
        file=file,
        token=site.uploads.keep(kept),
        change=change,
        notes=found["notes"],
        differences=found["differences"],
        left=count - len(found["differences"]),
        doubt=doubt,
    )


def import_upload(asked: PageRequest) -> Response:
    """Put the list of a file in force that was shown before."""
    site, token = asked.site, asked.form.get("upload", "")
    kept = site.uploads.find(token, asked.person().identity)
    if kept is None:
        raise RefusedRequest(410, "upload_gone")
    force = asked.form.get("force") == "yes"
    by = requester(asked)
    try:
        found = site.lists.import_file(
            by, kept.file, kept.content, dry_run=False, force=force, **kept.options
        )
    except ListError as error:
        return _file_page(asked, kept.list, wrong="file_refused", detail=str(error))
    note_change(asked, found["change"])
    return RedirectResponse(f"/lists/changes/{found['change']['number']}", status_code=303)


def download(asked: PageRequest) -> Response:
    """A list as a file."""
    path = asked.request.path_params
    name, form = list_of(path), path["form"]
    if form not in FORMS:
        raise RefusedRequest(404, "not_found")
    content = asked.site.lists.export(name, form)
    asked.site.sessions.note(
        asked.person().account, asked.address, "list_downloaded", f"{name}.{form}"
    )
    today = datetime.fromtimestamp(asked.site.now(), asked.site.zone)
    return _attachment(content, form, f"{name}-{today:%Y-%m-%d}.{form}")


def template(asked: PageRequest) -> Response:
    """An empty workbook to fill in."""
    return _attachment(asked.site.lists.template(), "xlsx", "plates.xlsx")


def file_name(given: str) -> str:
    """The name of an uploaded file without folders and control characters."""
    name = PureWindowsPath(PurePosixPath(given).name).name.strip()
    return printable(name)[:LONGEST_FILE_NAME] or "list"


def _attachment(content: bytes, form: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=MEDIA_TYPES[form], headers=headers)


def _file_page(
    asked: PageRequest, chosen: ListName, *, wrong: str = "", detail: str = ""
) -> Response:
    return asked.site.render(
        asked,
        "list_file.html",
        400 if wrong else 200,
        chosen=chosen,
        names=list(ListName),
        orders=list(DateOrder),
        forms=FORMS,
        largest_mb=LARGEST_FILE // 1024 // 1024,
        wrong=wrong,
        detail=detail,
    )
