# SPDX-License-Identifier: Apache-2.0
"""Recently seen plates: a plate that returns within `repeat_window_s` is the same visit.

A repeated visit is still one passage per trigger. It raises no second alarm and refers to the first
passage. Each plate has its own window, so one wanted vehicle does not suppress another's alarm.
"""

from __future__ import annotations

from plategate.lane.context import StepContext
from plategate.lane.state import RecentPlate
from plategate.values import Verdict

MOST_PLATES = 32


def earlier_visit(ctx: StepContext, plate: str | None) -> str | None:
    """The id of the first passage of the same plate within the window, or None."""
    since = ctx.now - ctx.rules.repeat_window_s
    for recent in ctx.state.recent_plates:
        if recent.plate == plate and recent.at_s > since:
            return recent.passage_id
    return None


def remember_plate(ctx: StepContext, verdict: Verdict, passage_id: str) -> None:
    """Store the plate's first passage, its latest time, and whether it raised an alarm."""
    plate = verdict.plate
    if plate is None:
        return
    first = earlier_visit(ctx, plate) or passage_id
    alarmed = verdict.alarm is not None
    others = tuple(recent for recent in ctx.state.recent_plates if recent.plate != plate)
    kept = (*others, RecentPlate(plate, first, ctx.now, alarmed))
    ctx.change(recent_plates=kept[-MOST_PLATES:])


def alarm_is_new(ctx: StepContext, verdict: Verdict) -> bool:
    """Whether this plate has raised no alarm within the window."""
    return earlier_visit(ctx, verdict.plate) is None or not any(
        recent.plate == verdict.plate and recent.alarmed for recent in ctx.state.recent_plates
    )
