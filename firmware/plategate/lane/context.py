# SPDX-License-Identifier: Apache-2.0
"""Mutable working state during one call of `step`: the changing state, commands, deadlines.

Exists only inside `step`, whose arguments and results are frozen values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from plategate.lane.rules import LaneRules
from plategate.lane.state import Arm, LaneState
from plategate.messages import Command, Report


@dataclass(slots=True)
class StepContext:
    """Working state of one step; `now` is in monotonic seconds."""

    state: LaneState
    rules: LaneRules
    now: float
    commands: list[Command] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)

    def change(self, **values: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **values)

    def change_arm(self, **values: Any) -> None:
        """Replace fields of the arm's state."""
        arm: Arm = replace(self.state.arm, **values)
        self.state = replace(self.state, arm=arm)

    def ask(self, command: Command) -> None:
        """Append a command; the gate executes commands in this order."""
        self.commands.append(command)

    def report(self, what: str, passage_id: str | None = None, detail: str = "") -> None:
        """Append a Report: something the owner should know that is not a passage."""
        self.ask(Report(what, passage_id, detail))

    def reached(self, deadline_s: float) -> bool:
        """Whether a deadline has passed; if not, `step` asks to be called then."""
        if self.now >= deadline_s:
            return True
        self.deadlines.append(deadline_s)
        return False

    def next_passage_id(self) -> str:
        """A new unique passage id."""
        number = self.state.number + 1
        self.change(number=number)
        return f"{self.state.prefix}-{number:05d}"
