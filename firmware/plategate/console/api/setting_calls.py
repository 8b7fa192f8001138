# SPDX-License-Identifier: Apache-2.0
"""Calls about the settings, and a picture of the camera that the settings are made for."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from plategate.console.api.bodies import SettingBody, StillBody
from plategate.console.api.call import ApiCall, json_answer
from plategate.console.api.command_calls import checked, follow_once, gate_answer
from plategate.console.api.inputs import ResetQuery, visible_text
from plategate.console.api.problems import Problem, wrong_field
from plategate.console.setting_forms import LONGEST_LINES
from plategate.console.shown_settings import ShownSetting, as_text, shown_settings
from plategate.errors import printable
from plategate.list_service.client import new_id
from plategate.remote.protocol import TEXTS, ServiceName
from plategate.settings import Settings
from plategate.settings.describe import plain_value
from plategate.settings.overlay import owner_fields


def settings(call: ApiCall) -> Response:
    """Every setting with its limits and its origin."""
    found = call.lane.source.read()
    allowed = found.base.commands.owner_settings
    return json_answer(
        {
            "items": [
                _document(item, plain_value(found.settings, item.key), allowed=allowed)
                for item in shown_settings(call.lane, found)
            ],
            "file": str(call.lane.source.file or ""),
            "ignored": list(found.ignored),
        }
    )


def change_setting(call: ApiCall) -> Response:
    """Change a setting of the owner; the gate checks the value."""
    body: SettingBody = call.body
    key = _owned_key(call)
    try:
        text = json.dumps(body.value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise wrong_field("body.value", body.value, "must have no NaN and no infinity") from None
    if len(text.encode()) > LONGEST_LINES:
        detail = f"must have at most {LONGEST_LINES} bytes as JSON"
        raise wrong_field("body.value", body.value, detail)
    what = f"{ServiceName.SETTING} {key} = {as_text(body.value)}"
    data = {"key": key, "value": body.value}
    return follow_once(call, ServiceName.SETTING, body.reason(), what, data=data)


def reset_setting(call: ApiCall) -> Response:
    """Reset a setting to the value of the settings file."""
    query: ResetQuery = call.query
    key, why = _owned_key(call), visible_text("query.why", query.why, TEXTS["why"])
    what = f"{ServiceName.SETTING} {key}: reset"
    return follow_once(call, ServiceName.SETTING, why, what, data={"key": key, "reset": True})


def camera_still(call: ApiCall) -> Response:
    """What the camera sees now, as one picture; the gate keeps who looked and why as events."""
    body: StillBody = call.body
    why, service = body.reason(), ServiceName.STILL
    answer = checked(gate_answer(call, service, why, f"{service}", identity=new_id()))
    token = str((answer.data or {}).get("token", ""))
    try:
        picture = call.lane.aim.picture(token, whole=body.whole)
    finally:
        ended = {"end": token}
        gate_answer(call, service, "end of the view", f"{service}", identity=new_id(), data=ended)
    return Response(picture.jpeg, media_type="image/jpeg")


def _document(item: ShownSetting, value: Any, *, allowed: bool) -> dict[str, Any]:
    """A setting as JSON types. `value` is for the owner's alone: others may have secrets."""
    owner = item.owner
    origin = "console" if owner is not None else "file" if item.is_set else "default"
    return {
        "key": item.key,
        "text": item.value,
        "value": value if item.is_owned else None,
        "description": item.description,
        "unit": item.unit,
        "least": item.limits[0],
        "most": item.limits[1],
        "choices": list(item.choices),
        "can_change": item.is_owned and allowed,
        "origin": origin,
        "line": item.line,
        "changed": None
        if owner is None
        else {"who": owner.who, "why": owner.why, "at": owner.at, "before": owner.before},
    }


def _owned_key(call: ApiCall) -> str:
    """The key of the path, if it is one of the owner's. Raises Problem."""
    key = call.path("key")
    if key in owner_fields(Settings):
        return key
    table, _, name = key.partition(".")
    model = Settings.model_fields.get(table)
    if model is None or name not in getattr(model.annotation, "model_fields", {}):
        raise Problem("not_found", f"{printable(key, 60)!r}: there is no such setting")
    file = call.lane.source.file or "the settings file"
    raise Problem("not_allowed", f"{key}: can be changed in {file} only")
