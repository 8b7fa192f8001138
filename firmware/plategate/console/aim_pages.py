# SPDX-License-Identifier: Apache-2.0
"""The Aim page: what the camera sees, how legible its plate is, and the region of interest."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response, StreamingResponse

from plategate.console.aiming import STREAM_TYPE
from plategate.console.gate_pages import give
from plategate.console.guard import RefusedRequest, text_field
from plategate.console.site import PageRequest
from plategate.errors import CameraError, CommandError, ConsoleError
from plategate.remote.protocol import TEXTS, AnswerResult, ServiceName

WHOLE = (0.0, 0.0, 1.0, 1.0)
GAUGES = ("plate width", "character height", "contrast", "sharpness", "saturation")


def aim(asked: PageRequest) -> Response:
    """The page: a button that begins the view, or the view."""
    is_shown = asked.lane().aim.token(asked.person().identity) is not None
    return _page(asked, is_shown)


def begin(asked: PageRequest) -> Response:
    """Ask the gate for the view; it is an event of the journal with who and why."""
    why = text_field(asked.form, "why", TEXTS["why"]) or "aim the camera"
    answer = give(asked, ServiceName.STILL, why=why)
    if answer.result is not AnswerResult.ACCEPTED or not answer.data:
        return _page(asked, False, answer.reason, 409)
    asked.lane().aim.start(asked.person().identity, str(answer.data["token"]))
    return _to_page(asked)


def end(asked: PageRequest) -> Response:
    """End the view, so that somebody else can use it."""
    lane = asked.lane()
    token = lane.aim.token(asked.person().identity)
    if token is not None:
        lane.aim.end()
        give(asked, ServiceName.STILL, why="end of the view", data={"end": token})
    return _to_page(asked)


def stream(asked: PageRequest) -> Response:
    """The small pictures as MJPEG, until the view ends."""
    session, site = asked.person().identity, asked.site
    cookie = asked.request.cookies.get(site.cookie, "")
    if asked.lane().aim.token(session) is None:
        raise RefusedRequest(404, "not_found")

    def lasts() -> bool:
        return not site.is_stopping and site.sessions.find(cookie, used=False) is not None

    return StreamingResponse(asked.lane().aim.frames(session, lasts), media_type=STREAM_TYPE)


def report(asked: PageRequest) -> Response:
    """The part of the page with box, gauges and advice, which asks for itself every two seconds."""
    wrong, found = "", dict[str, Any]()
    try:
        found = asked.lane().aim.report(asked.person().identity)
    except CommandError:
        return Response(status_code=200, headers={"HX-Redirect": _address(asked)})
    except (CameraError, ConsoleError) as error:
        wrong = str(error)
    return asked.site.render(asked, "aim_report.html", report=found, wrong=wrong, gauges=GAUGES)


def region(asked: PageRequest) -> Response:
    """Save the marked part of the picture as region of interest; or the whole picture again."""
    form, present = asked.form, asked.lane().source.read().settings.camera.roi
    try:
        marked = [float(form.get(name, "")) for name in ("left", "top", "width", "height")]
    except ValueError:
        raise RefusedRequest(400, "setting_value") from None
    roi = list(WHOLE) if form.get("action") == "whole" else within(present, marked)
    why = text_field(form, "why", TEXTS["why"]) or "aimed"
    detail = "camera.roi = " + " ".join(f"{value:g}" for value in roi)
    data = {"key": "camera.roi", "value": roi}
    answer = give(asked, ServiceName.SETTING, why=why, detail=detail, data=data)
    if answer.result not in (AnswerResult.ACCEPTED, AnswerResult.REPEATED):
        shown = asked.lane().aim.token(asked.person().identity) is not None
        return _page(asked, shown, answer.reason, 409)
    return _to_page(asked)


def within(present: tuple[float, ...], marked: list[float]) -> list[float]:
    """A part of the present region as a region of the whole picture, with four digits."""
    left, top, width, height = present
    inner = [min(max(value, 0.0), 1.0) for value in marked]
    x, y = round(left + inner[0] * width, 4), round(top + inner[1] * height, 4)
    return [
        x,
        y,
        round(min(inner[2] * width, 1.0 - x), 4),
        round(min(inner[3] * height, 1.0 - y), 4),
    ]


def _address(asked: PageRequest) -> str:
    return f"/aim?lane={quote(asked.lane().name)}"


def _to_page(asked: PageRequest) -> Response:
    return RedirectResponse(_address(asked), status_code=303)


def _page(asked: PageRequest, shown: bool, refused: str = "", status: int = 200) -> Response:
    settings = asked.lane().source.read().settings
    return asked.site.render(
        asked,
        "aim.html",
        status,
        chosen=asked.lane().name,
        shown=shown,
        refused=refused,
        roi=settings.camera.roi,
        allowed=settings.commands.owner_settings,
        gauges=GAUGES,
    )
