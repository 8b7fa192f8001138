# SPDX-License-Identifier: Apache-2.0
"""Invariants of the lane under any order of events: repeated, late, lost and senseless ones.

The machine plays every input and every part behind the lane, and a model of its own watches the
relays. Only Python and hypothesis needed.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from plategate.lane import ArmStage, LaneState, Style, step
from plategate.messages import (
    AnswerCommand,
    CameraLost,
    CameraReturned,
    CloseBarrier,
    CommandName,
    CommandRequested,
    DriveFailed,
    Event,
    GrantNotWritten,
    GrantWritten,
    HoldBarrier,
    InputChanged,
    InputName,
    Judge,
    Level,
    Mode,
    ModeChanged,
    OpenBarrier,
    PlateRead,
    RaiseAgain,
    ReadingFailed,
    Record,
    Refusal,
    ReleaseBarrier,
    Report,
    TakeStills,
    TimePassed,
    VerdictReached,
    WriteGrant,
)
from plategate.values import (
    CharacterReading,
    PlateReading,
    PlateSighting,
    Reason,
    Result,
    Verdict,
)
from tests.commanded import commanded

from .conftest import MOVES, default_rules

ALL_WIRED = frozenset(InputName) - {InputName.MOTION, InputName.LOOP, InputName.DISTANCE}
NO_LIMITS = ALL_WIRED - {InputName.ARM_UP, InputName.ARM_DOWN, InputName.INNER_BEAM}
NAMED_OVERRIDES = {Reason.MANUAL, Reason.FREE_EXIT, Reason.FIRE, Reason.HELD_OPEN}
QUIET_S = 3600.0
READING = PlateReading((CharacterReading("A", 0.9),), "test")

passages = st.integers(min_value=-2, max_value=0)
late_answers = st.booleans()


class LaneMachine(RuleBasedStateMachine):
    """One lane and every event that can reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.state = LaneState(prefix="p", started_s=1000.0)
        self.deadline: float | None = None
        self.commands: tuple[object, ...] = ()
        self.asked: list[str] = []
        self.granted: set[tuple[str, int]] = set()
        self.written: set[tuple[str, int]] = set()
        self.left: set[str] = set()
        self.opened: list[str] = []
        self.recorded: list[str] = []
        self.first_fault: object | None = None
        self.last_move_s: float | None = None

    @initialize(
        style=st.sampled_from(Style),
        wired=st.sampled_from([ALL_WIRED, NO_LIMITS, frozenset({InputName.BEAM})]),
    )
    def site(self, style: Style, wired: frozenset[InputName]) -> None:
        self.rules = default_rules(wired, style=style, stuck_after_s=120.0)

    def send(self, event: Event) -> None:
        before = self.state
        self.state, self.commands, self.deadline = step(before, event, self.now, self.rules)
        for command in self.commands:
            self.watch(command)
        self.watch_fault(before, event)

    def watch(self, command: object) -> None:
        """Check one command against a model of the relays."""
        match command:
            case TakeStills(passage_id=passage_id):
                self.asked.append(passage_id)
            case OpenBarrier(passage_id, _, because) | HoldBarrier(because, str(passage_id)):
                self.watch_opening(passage_id, because)
            case HoldBarrier(because, None):
                assert because in (Reason.FIRE, Reason.HELD_OPEN)
            case CloseBarrier() | ReleaseBarrier():
                self.watch_closing()
                if isinstance(command, CloseBarrier):
                    assert self.state.fault is None, "a latched fault pulses nothing"
            case Record(passage_id=passage_id):
                assert passage_id not in self.recorded, "one record per passage"
                self.recorded.append(passage_id)
            case Report("refused_passed", passage_id):
                assert passage_id not in self.opened, "a granted vehicle is not reported as refused"
            case Judge(passage_id=passage_id) | WriteGrant(passage_id=passage_id):
                assert passage_id not in self.recorded
        if isinstance(command, OpenBarrier | HoldBarrier | CloseBarrier | RaiseAgain):
            assert not self.state.drive_failed, "nothing is asked of a drive that failed"
        if isinstance(command, OpenBarrier | CloseBarrier | ReleaseBarrier):
            last = self.last_move_s
            assert last is None or self.now - last >= self.rules.move_gap_s
        if isinstance(command, MOVES):
            self.last_move_s = self.now

    def watch_opening(self, passage_id: str, because: Reason) -> None:
        assert self.state.fault is None or self.state.fire
        if because not in NAMED_OVERRIDES:
            stored = {asked for asked in self.granted & self.written if asked[0] == passage_id}
            assert stored, "every opening has a verdict that was stored before, in one attempt"
            assert passage_id not in self.left, "nothing opens for a vehicle that has left"
        assert passage_id not in self.opened, "one opening per passage"
        self.opened.append(passage_id)

    def watch_closing(self) -> None:
        for name in self.rules.safety:
            assert self.state.level(name) is Level.INACTIVE, f"closing while {name} is not quiet"
        assert not self.state.fire

    def watch_fault(self, before: LaneState, event: Event) -> None:
        resets = event == InputChanged(InputName.RESET, Level.ACTIVE) or (
            isinstance(event, CommandRequested) and event.command is CommandName.RESET
        )
        if before.fault is not None and not resets:
            assert self.state.fault == before.fault, "a fault keeps its first reason"

    def attempt(self, late: bool) -> int:
        """The attempt of the present visit, or the one before."""
        present = self.state.visit.attempts if self.state.visit is not None else 1
        return present - 1 if late else present

    def passage(self, back: int) -> str:
        return self.asked[back] if len(self.asked) >= -back and self.asked else "none"

    @rule(name=st.sampled_from(sorted(ALL_WIRED)), level=st.sampled_from(Level))
    def input_changes(self, name: InputName, level: Level) -> None:
        self.send(InputChanged(name, level))

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.5, 1.0, 3.0, 8.0, 20.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while self.deadline is not None and self.deadline <= until:
            self.now = self.deadline
            self.send(TimePassed())
            assert self.deadline is None or self.deadline > self.now
        self.now = until
        self.send(TimePassed())

    @rule(back=passages, late=late_answers, seen=st.booleans())
    def read(self, back: int, late: bool, seen: bool) -> None:
        self.send(
            PlateRead(
                self.passage(back),
                self.attempt(late),
                PlateSighting(READING if seen else None, None, None),
            )
        )

    @rule(
        back=passages,
        late=late_answers,
        reason=st.sampled_from([Reason.CAMERA_FAILED, Reason.STORE_FAILED]),
    )
    def reading_fails(self, back: int, late: bool, reason: Reason) -> None:
        self.send(ReadingFailed(self.passage(back), self.attempt(late), reason))

    @rule(back=passages, late=late_answers, granted=st.booleans(), alarm=st.booleans())
    def judged(self, back: int, late: bool, granted: bool, alarm: bool) -> None:
        passage_id, attempt = self.passage(back), self.attempt(late)
        visit = self.state.visit
        asked = visit is not None and (visit.passage_id, visit.attempts) == (passage_id, attempt)
        if granted and asked and not visit.left:
            self.granted.add((passage_id, attempt))
        result, reason = (
            (Result.GRANTED, Reason.ALLOWED) if granted else (Result.REFUSED, Reason.NOT_LISTED)
        )
        verdict = Verdict(result, reason, plate="A", alarm="wanted" if alarm else None)
        self.send(VerdictReached(passage_id, attempt, verdict))

    @rule(back=passages, late=late_answers, stored=st.booleans())
    def journal_answers(self, back: int, late: bool, stored: bool) -> None:
        passage_id, attempt = self.passage(back), self.attempt(late)
        visit = self.state.visit
        if visit is not None and visit.passage_id == passage_id and visit.left:
            self.left.add(passage_id)
        if stored:
            self.written.add((passage_id, attempt))
        answer = GrantWritten if stored else GrantNotWritten
        self.send(answer(passage_id, attempt))

    @rule(mode=st.sampled_from(Mode))
    def mode_changes(self, mode: Mode) -> None:
        self.send(ModeChanged(mode))

    @rule(
        event=st.sampled_from(
            [
                commanded("trigger"),
                commanded("open", "console"),
                commanded("reset"),
                CameraLost("gone"),
                CameraReturned(),
                DriveFailed("busy"),
            ]
        )
    )
    def anything_else(self, event: Event) -> None:
        self.send(event)

    @rule(
        command=st.sampled_from(CommandName),
        mode=st.sampled_from([*Mode, None]),
        left_s=st.sampled_from([-1.0, 0.0, 5.0]),
        only=st.booleans(),
    )
    def commanded(self, command: CommandName, mode: Mode | None, left_s: float, only: bool) -> None:
        """Any command at any moment gets one answer; an expired one moves nothing."""
        blocked = [n for n in self.rules.safety if self.state.level(n) is not Level.INACTIVE]
        before = self.state
        mode = mode if command is CommandName.MODE else None
        only = only and command is CommandName.OPEN
        self.send(CommandRequested("id", command, "test:x", self.now + left_s, mode, only))
        answers = [c for c in self.commands if isinstance(c, AnswerCommand)]
        assert len(answers) == 1 and answers[0].request_id == "id"
        refusal = answers[0].refusal
        if left_s <= 0:
            assert refusal is Refusal.EXPIRED
            kept = ("hold_commanded", "commanded_mode", "fault")
            assert all(getattr(self.state, name) == getattr(before, name) for name in kept)
        if command is CommandName.CLOSE and (blocked or before.fire or before.fault):
            assert refusal is not None, "nothing closes against a safety input, fire or a fault"
        if command in (CommandName.OPEN, CommandName.HOLD) and before.fault and not before.fire:
            assert refusal is not None, "a latched fault opens nothing"
        if only and not any(map(before.active, self.rules.triggers)):
            assert refusal is not None, "nothing opens for a vehicle that no trigger shows"

    @rule()
    def a_vehicle_that_is_let_in(self) -> None:
        """The usual sequence, so that deep states are reached."""
        self.send(commanded("trigger"))
        self.read(-1, False, True)
        self.judged(-1, False, True, False)
        self.journal_answers(-1, False, True)

    @invariant()
    def every_opening_is_accounted_for(self) -> None:
        waiting = {opening.passage_id for opening in self.state.openings if opening.raised}
        assert set(self.opened) <= waiting | set(self.recorded)

    def teardown(self) -> None:
        """Quiet inputs lead to rest, to an arm held open on purpose, or to a latched fault."""
        if not hasattr(self, "rules"):
            return
        for name in self.rules.wired:
            if name not in (InputName.ARM_UP, InputName.ARM_DOWN):
                self.send(InputChanged(name, Level.INACTIVE))
        for name in (InputName.ARM_UP, InputName.ARM_DOWN):
            self.send(InputChanged(name, Level.UNKNOWN))
        self.wait(QUIET_S)
        state = self.state
        held = state.fire or state.kept_open
        no_safety = self.rules.style is Style.OPEN_AND_CLOSE and not self.rules.safety
        rests = state.arm.stage is ArmStage.RESTING or no_safety
        assert rests or held or state.fault is not None
        assert state.visit is None
        assert state.openings == ()
        assert state.armed
        triggered = {f"p-{number:05d}" for number in range(1, state.number + 1)}
        assert set(self.recorded) == triggered, "every trigger ends in exactly one record"


TestLane = LaneMachine.TestCase
TestLane.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
