# SPDX-License-Identifier: Apache-2.0
"""The settings pages: every value and where it comes from; the owner changes or resets his own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic.fields import FieldInfo
from starlette.responses import RedirectResponse, Response

from plategate.console.gate_pages import give
from plategate.console.guard import RefusedRequest, or_sentence, text_field
from plategate.console.setting_forms import FormField, form_of, value_of
from plategate.console.site import PageRequest
from plategate.errors import GateError
from plategate.remote.protocol import TEXTS, AnswerResult, ServiceName
from plategate.settings import Settings
from plategate.settings.describe import bound, choices_of, line_of, unit_of
from plategate.settings.overlay import LayeredSettings, OwnerValue, owner_fields, tables_of
from plategate.settings.reading import SECRET_OF_URL

LONGEST_SHOWN = 400


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A key with its value as text, its limits, and where the value comes from.

    `owner` is the change that applies; `line` is that of the key in the file, None where it has
    none; `is_set` says whether the file sets the key.
    """

    key: str
    value: str
    description: str
    unit: str
    limits: tuple[str, str]
    choices: tuple[str, ...]
    is_owned: bool
    owner: OwnerValue | None
    line: int | None
    is_set: bool


def settings(asked: PageRequest) -> Response:
    """Every setting, those of the owner first."""
    found, text = asked.lane().source.read(), asked.lane().source.text()
    changed = asked.query.get("changed", "")
    shown = [
        _shown(found, f"{table}.{key}", field, text)
        for table, model in tables_of(Settings)
        for key, field in model.model_fields.items()
    ]
    waiting: list[dict[str, Any]] = []
    try:
        pending = asked.lane().gate.status().get("new_settings")
        waiting = [pending] if pending else []
    except GateError:
        pass  # the page of the gate says why it does not answer
    return asked.site.render(
        asked,
        "settings.html",
        chosen=asked.lane().name,
        own=[item for item in shown if item.is_owned],
        tables=[
            (table, [s for s in shown if not s.is_owned and s.key.split(".")[0] == table])
            for table, _ in tables_of(Settings)
        ],
        file=str(asked.lane().source.file or ""),
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
        before = asked.lane().source.read().owner.get(key)
        if before is None:
            raise RefusedRequest(404, "not_found")
        data = {"key": key, "value": before.before}
        if before.before == _plain(asked.lane().source.read().base, key):
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
    found, text = asked.lane().source.read(), asked.lane().source.text()
    present: FormField = form_of(field, _plain(found.settings, key))
    return asked.site.render(
        asked,
        "setting.html",
        status,
        chosen=asked.lane().name,
        setting=_shown(found, key, field, text),
        field=present,
        from_file=as_text(_plain(found.base, key)),
        before=as_text(found.owner[key].before) if key in found.owner else "",
        file=str(asked.lane().source.file or ""),
        refused=refused,
    )


def _shown(found: LayeredSettings[Settings], key: str, field: FieldInfo, text: str) -> ShownSetting:
    table, _, name = key.partition(".")
    return ShownSetting(
        key=key,
        value=as_text(_plain(found.settings, key)),
        description=field.description or "",
        unit=unit_of(name),
        limits=(bound(field, "ge", "gt"), bound(field, "le", "lt")),
        choices=tuple(str(choice) for choice in choices_of(field.annotation)),
        is_owned=key in owner_fields(Settings),
        owner=found.owner.get(key),
        line=line_of(text, key),
        is_set=name in getattr(found.base, table).model_fields_set,
    )


def _plain(settings: Settings, key: str) -> Any:
    table, _, name = key.partition(".")
    return getattr(settings, table).model_dump(mode="json", include={name})[name]


def as_text(value: Any) -> str:
    """A value as it is shown; without the secrets of an address, and cut where it is long."""
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        text = ", ".join(str(item) for item in value)
    elif isinstance(value, list) and all(set(item) == {"hours", "mode"} for item in value):
        text = "; ".join(f"{item['mode']} {item['hours']}" for item in value)
    elif isinstance(value, str):
        text = value
    elif value is None:
        text = ""
    else:
        text = json.dumps(value, ensure_ascii=False)
    text = SECRET_OF_URL.sub(r"\1…", text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
