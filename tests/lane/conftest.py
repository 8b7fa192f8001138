# SPDX-License-Identifier: Apache-2.0
"""A test bench for the lane: a manual clock, events in, and every command in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from plategate.gate.startup import lane_rules
from plategate.lane import LaneRules, LaneState, step
from plategate.messages import (
    CloseBarrier,
    Command,
    Event,
    GrantWritten,
    HoldBarrier,
    InputChanged,
    InputName,
    Judge,
    Level,
    OpenBarrier,
    PlateRead,
    RaiseAgain,
    Record,
    ReleaseBarrier,
    Report,
    RestBarrier,
    Show,
    TakeStills,
    TimePassed,
    VerdictReached,
    WriteGrant,
)
from plategate.settings.barrier import BarrierSettings
from plategate.settings.lane import LaneSettings
from plategate.values import (
    CharacterReading,
    PlateReading,
    PlateSighting,
    Reason,
    Result,
    Verdict,
)

WIRED = frozenset(
    {
        InputName.BEAM,
        InputName.PHOTOCELL,
        InputName.FREE_EXIT,
        InputName.MANUAL,
        InputName.FIRE,
        InputName.RESET,
    }
)
DEFAULT_RULES = lane_rules(LaneSettings(), BarrierSettings(), WIRED)
MOVES = (OpenBarrier, HoldBarrier, RaiseAgain, ReleaseBarrier, CloseBarrier, RestBarrier)
Kind = TypeVar("Kind")


def sighting(text: str | None) -> PlateSighting:
    """A sighting with or without a reading."""
    if text is None:
        return PlateSighting(reading=None, plate=None, still=None, stills=3)
    characters = tuple(CharacterReading(char, 0.99) for char in text)
    return PlateSighting(PlateReading(characters, "test"), None, None, stills=2)


def default_rules(wired: frozenset[InputName], **rules: object) -> LaneRules:
    """The rules of the default settings, with the given ones replaced."""
    return replace(DEFAULT_RULES, wired=wired, **rules)


@dataclass
class Bench:
    """Calls `step` as the gate does; the test plays the components that execute the commands."""

    rules: LaneRules
    now: float = 100.0
    log: list[Command] = field(default_factory=list)
    deadline: float | None = None
    state: LaneState = field(default_factory=lambda: LaneState(prefix="t", started_s=100.0))

    def __post_init__(self) -> None:
        for name in sorted(self.rules.wired):
            if name not in (InputName.ARM_UP, InputName.ARM_DOWN):
                self.send(InputChanged(name, Level.INACTIVE))

    def send(self, event: Event) -> tuple[Command, ...]:
        """Send one event now; returns the commands."""
        self.state, commands, self.deadline = step(self.state, event, self.now, self.rules)
        assert self.deadline is None or self.deadline > self.now
        self.log.extend(commands)
        return commands

    def put(self, name: str, level: Level = Level.ACTIVE) -> tuple[Command, ...]:
        """Set an input."""
        return self.send(InputChanged(InputName(name), level))

    def clear(self, name: str) -> tuple[Command, ...]:
        """Set an input inactive."""
        return self.put(name, Level.INACTIVE)

    def wait(self, seconds: float) -> None:
        """Advance the clock, calling the lane at its deadlines."""
        until = self.now + seconds
        while self.deadline is not None and self.deadline <= until:
            self.now = self.deadline
            self.send(TimePassed())
        self.now = until
        self.send(TimePassed())

    def all(self, kind: type[Kind]) -> list[Kind]:
        """All commands of one type so far."""
        return [command for command in self.log if isinstance(command, kind)]

    def last(self, kind: type[Kind]) -> Kind:
        """The latest command of one type."""
        return self.all(kind)[-1]

    def reports(self) -> list[str]:
        """All reports so far."""
        return [report.what for report in self.all(Report)]

    def signals(self) -> list[str]:
        """All signals so far."""
        return [show.signal.value for show in self.all(Show)]

    def read(self, text: str | None) -> tuple[Command, ...]:
        """Answer the last TakeStills."""
        asked = self.last(TakeStills)
        return self.send(PlateRead(asked.passage_id, asked.attempt, sighting(text)))

    def judge(self, result: Result, reason: Reason, alarm: str | None = None) -> None:
        """Answer the last Judge."""
        asked = self.last(Judge)
        plate = asked.reading.text if asked.reading else None
        verdict = Verdict(result, reason, plate=plate, alarm=alarm)
        self.send(VerdictReached(asked.passage_id, asked.attempt, verdict))

    def written(self) -> tuple[Command, ...]:
        """Answer the last WriteGrant: stored."""
        asked = self.last(WriteGrant)
        return self.send(GrantWritten(asked.passage_id, asked.attempt))

    def grant(self, text: str = "AB12CDE") -> None:
        """A vehicle arrives and is granted."""
        self.put("beam")
        self.let_in(text)

    def let_in(self, text: str = "AB12CDE") -> None:
        """The waiting vehicle is read and granted, and the grant is stored."""
        self.read(text)
        self.judge(Result.GRANTED, Reason.ALLOWED)
        self.written()

    def drive_through(self) -> None:
        """The vehicle passes under the arm and leaves."""
        self.wait(2)
        self.clear("beam")
        self.put("photocell")
        self.wait(3)
        self.clear("photocell")
        self.wait(1)

    def moves(self) -> list[str]:
        """All relay commands so far."""
        return [type(command).__name__ for command in self.log if isinstance(command, MOVES)]

    def rests(self) -> None:
        """The limit switches show the arm at the bottom."""
        self.clear("arm_up")
        self.put("arm_down")

    def goes_up(self) -> None:
        """The arm leaves the bottom and reaches the top."""
        self.clear("arm_down")
        self.wait(2)
        self.put("arm_up")

    def goes_down(self) -> None:
        """The arm leaves the top and reaches the bottom."""
        self.clear("arm_up")
        self.wait(2)
        self.put("arm_down")

    def records(self) -> list[tuple[str, str]]:
        """Reason and barrier text of every recorded passage."""
        return [(r.verdict.reason.value, r.barrier) for r in self.all(Record)]


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    """Builds a bench; keyword arguments are rules that differ from the default settings."""

    def make(wired: frozenset[InputName] = WIRED, **rules: object) -> Bench:
        return Bench(default_rules(wired, **rules))

    return make
