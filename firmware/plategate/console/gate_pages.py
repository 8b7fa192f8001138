# SPDX-License-Identifier: Apache-2.0
"""The pages of the gate: live, commands, health."""

from __future__ import annotations

import hashlib
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from plategate.console.accounts import Right
from plategate.console.guard import RefusedRequest, or_sentence, text_field
from plategate.console.lanes import Lane
from plategate.console.site import PageRequest
from plategate.errors import CommandError, GateError
from plategate.journal.reader import StoredEvent
from plategate.messages import CommandName
from plategate.remote.protocol import MODES, TEXTS, AnswerResult, CommandAnswer, ServiceName

ON_LIVE, EVENTS_ON_PAGE = 5, 20
STATE, VEHICLES = "state", "vehicles"  # parts of the live page


def live(asked: PageRequest) -> Response:
    """State of the gate, last vehicles, and the commands."""
    parts = {name: _live_part(asked, name) for name in _allowed_parts(asked)}
    invites = Right.LISTS in asked.person().role.rights
    waiting = asked.site.visits.waiting() if invites else 0
    return asked.site.render(asked, "live.html", modes=MODES, parts=parts, waiting=waiting)


def live_part(asked: PageRequest) -> Response:
    """A part of the live page, which asks for itself every two seconds; 204 if it is the same."""
    name = asked.request.path_params["name"]
    if name not in _allowed_parts(asked):
        raise RefusedRequest(404, "not_found")
    part = _live_part(asked, name)
    if asked.query.get("seen") == part[1]:
        return Response(status_code=204)
    return asked.site.render(asked, "live_frame.html", name=name, parts={name: part})


def command(asked: PageRequest) -> Response:
    """Give a command to the gate and show its answer."""
    form = asked.form
    try:
        name = CommandName(form.get("command", ""))
    except ValueError:
        raise RefusedRequest(400, "command") from None
    why = text_field(form, "why", TEXTS["why"])
    if not why:
        raise RefusedRequest(400, "why")
    lane = asked.site.lanes.named(form.get("lane", ""))
    if lane is None:
        raise RefusedRequest(400, "lane")
    mode = form.get("mode", "") if name is CommandName.MODE else None
    try:
        answer = give(asked, name, why=why, mode=mode)
    except CommandError as error:
        return asked.site.render(
            asked, "answer.html", 503, command=name, result="failed", reason=str(error),
            passage_id=None,
        )  # fmt: skip
    return asked.site.render(
        asked,
        "answer.html",
        200 if answer.result in (AnswerResult.ACCEPTED, AnswerResult.REPEATED) else 409,
        command=name,
        result=answer.result.value,
        reason=answer.reason,
        passage_id=answer.passage_id,
    )


def give(
    asked: PageRequest,
    command: CommandName | ServiceName,
    *,
    why: str,
    mode: str | None = None,
    data: dict[str, Any] | None = None,
    detail: str = "",
) -> CommandAnswer:
    """The answer of the form's lane to its command; the id of the form makes it move once.

    `detail` is what the audit log says besides. Raises CommandError where no gate answers.
    """
    person, sessions = asked.person(), asked.site.sessions
    lane = asked.lane()
    named = lane.name if len(asked.site.lanes.all) > 1 else ""
    what = " ".join(part for part in (named, str(command), (mode or "")[:20], detail) if part)
    try:
        answer = lane.gate.command(
            command,
            identity=asked.form.get("id", ""),
            why=why,
            who=f"{person.role}:{person.account}",
            source=asked.address,
            mode=mode,
            data=data,
        )
    except CommandError:
        sessions.note(person.account, asked.address, "command_failed", f"{what}: {why}")
        raise
    sessions.note(person.account, asked.address, "command", f"{what}: {why}: {answer.result.value}")
    return answer


def health(asked: PageRequest) -> Response:
    """Failures, ages and counters of the gate, and its last events."""
    lane = asked.lane()
    status, gone = _status(lane)
    events: list[StoredEvent] = []
    journal_fails = ""
    if Right.PEOPLE in asked.person().role.rights:
        events, journal_fails = or_sentence(lambda: lane.gate.events(EVENTS_ON_PAGE))
    return asked.site.render(
        asked,
        "health.html",
        chosen=lane.name,
        gate=status,
        gone=gone,
        events=[item.document for item in events],
        journal_fails=journal_fails,
    )


def _allowed_parts(asked: PageRequest) -> tuple[str, ...]:
    states = tuple(f"{STATE}-{number}" for number in range(len(asked.site.lanes.all)))
    people = Right.PEOPLE in asked.person().role.rights
    return (*states, VEHICLES) if people else states


def _live_part(asked: PageRequest, name: str) -> tuple[Markup, str]:
    """State or last vehicles as HTML, and a short hash of it."""
    if name.startswith(STATE):
        shown = asked.site.lanes.all[int(name.removeprefix(f"{STATE}-"))]
        status, gone = _status(shown)
        part = asked.site.markup(
            asked,
            "live_state.html",
            name=name,
            gate=status,
            gone=gone,
            lane=status.get("lane") if status else None,
            lane_name=shown.name,
        )
    else:
        found = asked.site.lanes.passages(ON_LIVE)
        part = asked.site.markup(
            asked, "live_vehicles.html", found=found.items, journal_fails=found.fails
        )
    return part, hashlib.sha256(part.encode()).hexdigest()[:16]


def _status(lane: Lane) -> tuple[dict[str, Any] | None, str]:
    """The status, or the sentence why there is none."""
    try:
        return lane.gate.status(), ""
    except GateError as error:
        return None, str(error)
