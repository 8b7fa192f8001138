# SPDX-License-Identifier: Apache-2.0
"""Remember for a while which plates were here, so that a return is the same visit.

A repeated visit is still one passage per trigger; it raises no second alarm and names the first
passage. Each plate has a window of its own, so one wanted vehicle does not hide another.
"""

from __future__ import annotations

from plategate.lane.context import Turn
from plategate.lane.state import Remembered
from plategate.values import Verdict

MOST_REMEMBERED = 32


def remembered_visit(turn: Turn, plate: str | None) -> str | None:
    """The passage of the same plate within the window, or None."""
    since = turn.now - turn.rules.repeat_window_s
    for known in turn.state.remembered:
        if known.plate == plate and known.at_s > since:
            return known.passage_id
    return None


def remember(turn: Turn, verdict: Verdict, passage_id: str) -> None:
    """Keep the first passage of a plate, the time of its latest, and whether it raised an alarm."""
    plate = verdict.plate
    if plate is None:
        return
    first = remembered_visit(turn, plate) or passage_id
    alarmed = verdict.alarm is not None
    others = tuple(known for known in turn.state.remembered if known.plate != plate)
    kept = (*others, Remembered(plate, first, turn.now, alarmed))
    turn.change(remembered=kept[-MOST_REMEMBERED:])


def alarm_is_new(turn: Turn, verdict: Verdict) -> bool:
    """Whether this plate raised no alarm a moment ago."""
    return remembered_visit(turn, verdict.plate) is None or not any(
        known.plate == verdict.plate and known.alarmed for known in turn.state.remembered
    )
