# SPDX-License-Identifier: Apache-2.0
"""The settings pages: every value and where it comes from; the owner changes or resets his own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from plategate.console.gate_pages import give
from plategate.console.guard import RefusedRequest, or_sentence, text_field
from plategate.console.setting_forms import FormField, form_of, value_of
from plategate.console.shown_settings import as_text, shown_setting, shown_settings
from plategate.console.site import PageRequest
from plategate.errors import GateError
from plategate.remote.protocol import TEXTS, AnswerResult, ServiceName
from plategate.settings import Settings
from plategate.settings.describe import lines_of, plain_value
from plategate.settings.overlay import owner_fields, tables_of


def settings(asked: PageRequest) -> Response:
    """Every setting, those of the owner first."""
    lane = asked.lane()
    found = lane.source.read()
    changed = asked.query.get("changed", "")
    shown = shown_settings(lane, found)
    waiting: list[dict[str, Any]] = []
    try:
        pending = lane.gate.status().get("new_settings")
        waiting = [pending] if pending else []
    except GateError:
        pass  # the page of the gate says why it does not answer
    return asked.site.render(
        asked,
        "settings.html",
        chosen=lane.name,
        own=[item for item in shown if item.is_owned],
        tables=[
            (table, [s for s in shown if not s.is_owned and s.key.split(".")[0] == table])
            for table, _ in tables_of(Settings)
        ],
        file=str(lane.source.file or ""),
        ignored=found.ignored,
        forbidden=not found.base.commands.owner_settings,
        waiting=waiting,
        changed=changed if changed in owner_fields(Settings) else "",
    )


def setting(asked: PageRequest) -> Response:
    """The form of one of the owner's settings."""
    return _form_page(asked, asked.request.path_params["key"])


def change_setting(asked: PageRequest) -> Response:
    """Change a setting, or reset it to the value of the file."""
    key, form = asked.request.path_params["key"], asked.form
    field = owner_fields(Settings).get(key)
    if field is None:
        raise RefusedRequest(404, "not_found")
    why = text_field(form, "why", TEXTS["why"])
    if not why:
        raise RefusedRequest(400, "why")
    what = form.get("action", "")
    if what == "reset":
        data: dict[str, Any] = {"key": key, "reset": True}
    elif what == "undo":
        found = asked.lane().source.read()
        before = found.owner.get(key)
        if before is None:
            raise RefusedRequest(404, "not_found")
        data = {"key": key, "value": before.before}
        if before.before == plain_value(found.base, key):
            data = {"key": key, "reset": True}
    else:
        data = {"key": key, "value": value_of(field, form)}
    detail = f"{key} = {as_text(data['value'])}" if "value" in data else f"{key}: {what}"
    answer, failed = or_sentence(
        lambda: [give(asked, ServiceName.SETTING, why=why, detail=detail, data=data)]
    )
    if answer and answer[0].result in (AnswerResult.ACCEPTED, AnswerResult.REPEATED):
        return RedirectResponse(
            f"/settings?lane={quote(asked.lane().name)}&changed={key}#{key}", status_code=303
        )
    reason = failed or answer[0].reason
    return _form_page(asked, key, reason, status=503 if failed else 409)


def _form_page(asked: PageRequest, key: str, refused: str = "", status: int = 200) -> Response:
    field = owner_fields(Settings).get(key)
    if field is None:
        raise RefusedRequest(404, "not_found")
    source = asked.lane().source
    found, lines = source.read(), lines_of(source.text())
    present: FormField = form_of(field, plain_value(found.settings, key))
    return asked.site.render(
        asked,
        "setting.html",
        status,
        chosen=asked.lane().name,
        setting=shown_setting(found, key, field, lines),
        field=present,
        from_file=as_text(plain_value(found.base, key)),
        before=as_text(found.owner[key].before) if key in found.owner else "",
        file=str(source.file or ""),
        refused=refused,
    )
