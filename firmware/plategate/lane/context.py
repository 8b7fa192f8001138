# SPDX-License-Identifier: Apache-2.0
"""One call of `step` while it runs: the state as it changes, the commands, the next moments.

Lives only inside `step`, which hands frozen values in and out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from plategate.lane.rules import LaneRules
from plategate.lane.state import Arm, LaneState
from plategate.messages import Command, Report


@dataclass(slots=True)
class Turn:
    """The working table of one step."""

    state: LaneState
    rules: LaneRules
    now: float
    commands: list[Command] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    def change(self, **values: Any) -> None:
        """Put new values into the state."""
        self.state = replace(self.state, **values)

    def change_arm(self, **values: Any) -> None:
        """Put new values into the arm's part of the state."""
        arm: Arm = replace(self.state.arm, **values)
        self.state = replace(self.state, arm=arm)

    def ask(self, command: Command) -> None:
        """Ask the gate for something; commands are carried out in this order."""
        self.commands.append(command)

    def report(self, what: str, passage_id: str | None = None, detail: str = "") -> None:
        """Tell the owner of something."""
        self.ask(Report(what, passage_id, detail))

    def reached(self, moment_s: float) -> bool:
        """Whether a moment has come; if not, `step` is to be called then."""
        if self.now >= moment_s:
            return True
        self.moments.append(moment_s)
        return False

    def next_passage_id(self) -> str:
        """A passage id that was never used."""
        number = self.state.number + 1
        self.change(number=number)
        return f"{self.state.prefix}-{number:05d}"
