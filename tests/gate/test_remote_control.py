# SPDX-License-Identifier: Apache-2.0
"""Guards commands from outside: stored before anything moves, followed once, and only in time."""

from __future__ import annotations

import json
import os
import pwd
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plategate.clock import SystemClock
from plategate.gate.remote_control import COMMAND, RemoteControl, used_ids
from plategate.messages import (
    AnswerCommand,
    CommandName,
    CommandRequested,
    Event,
    InputName,
    Level,
    Refusal,
)
from plategate.remote.client import new_request, send_command
from plategate.remote.protocol import AnswerResult, CommandRequest
from plategate.remote.server import CommandServer
from plategate.values import GateEvent

from .conftest import FakeJournal, RunningGate

ME = pwd.getpwuid(os.getuid()).pw_name
ALL = tuple(CommandName)


def request(command: str = "open", **changes: object) -> CommandRequest:
    mode = changes.pop("mode", None)
    made = new_request(CommandName(command), why="guest", who="anna", via="test", mode=mode)
    return replace(made, **changes)


class Commanded:
    """A running gate with its command socket."""

    def __init__(self, running: RunningGate, file: Path) -> None:
        self.running = running
        gate = running.site.gate
        self.control = RemoteControl(
            lane="gate",
            prefix="p",
            clock=SystemClock(),
            clock_trusted=lambda: True,
            users={ME: ALL},
            store=running.journal.add_event,
            post=gate.post,
            answers=gate.answers,
        )
        self.file = file
        self.server = CommandServer(file, self.control.handle)

    def send(self, command: str, **changes: object) -> AnswerResult:
        return send_command(self.file, request(command, **changes)).result

    def events(self, what: str = COMMAND) -> list[dict[str, object]]:
        return [json.loads(e.detail) for e in self.running.journal.events if e.what == what]


@pytest.fixture
def commanded(running: RunningGate, tmp_path: Path) -> Iterator[Commanded]:
    made = Commanded(running, tmp_path / "c.sock")
    yield made
    made.server.close()


def test_ok__open_is_stored_with_who_and_why_before_the_relay_moves(commanded: Commanded) -> None:
    order = commanded.running.journal.order
    commanded.running.journal.add_event = _noting(commanded.running.journal)  # type: ignore[method-assign]
    commanded.control._store = commanded.running.journal.add_event
    assert commanded.send("open", source="192.0.2.7") is AnswerResult.ACCEPTED
    commanded.running.until(lambda: "open_relay on" in order)
    assert order.index(f"event {COMMAND}") < order.index("open_relay on")
    (event,) = commanded.events()
    assert (event["command"], event["who"], event["why"], event["from"]) == (
        "open",
        "anna",
        "guest",
        "192.0.2.7",
    )
    assert event["user"] == ME


def _noting(journal: FakeJournal) -> Callable[[GateEvent], None]:
    add = journal.add_event

    def noted(event: GateEvent) -> None:
        journal.order.append(f"event {event.what}")
        add(event)

    return noted


def test_ok__the_same_request_twice_moves_once(commanded: Commanded) -> None:
    asked = request()
    first = send_command(commanded.file, asked)
    second = send_command(commanded.file, asked)
    assert (first.result, second.result) == (AnswerResult.ACCEPTED, AnswerResult.REPEATED)
    assert second.reason == first.reason
    commanded.running.until(lambda: "open_relay on" in commanded.running.relay)
    assert len(commanded.events()) == 1


def test_fail__an_expired_command_moves_nothing(commanded: Commanded) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert commanded.send("open", expires_at=past) is AnswerResult.EXPIRED
    assert commanded.running.relay == []
    assert commanded.events() == []


def test_fail__a_command_that_cannot_be_stored_moves_nothing(commanded: Commanded) -> None:
    commanded.running.journal.fails = True
    assert commanded.send("open") is AnswerResult.FAILED
    commanded.running.journal.fails = False
    assert commanded.running.relay == []


def test_fail__a_user_without_the_right_moves_nothing(commanded: Commanded) -> None:
    commanded.control._users = {ME: frozenset({"trigger"})}
    assert commanded.send("open") is AnswerResult.NOT_ALLOWED
    assert commanded.send("hold") is AnswerResult.NOT_ALLOWED
    assert commanded.running.relay == []


def test_ok__hold_keeps_the_arm_up_until_release_and_close_waits_for_the_photocell(
    commanded: Commanded,
) -> None:
    gate = commanded.running.site.gate
    assert commanded.send("release") is AnswerResult.REFUSED
    assert commanded.send("hold") is AnswerResult.ACCEPTED
    commanded.running.until(lambda: gate.status().held)
    assert commanded.send("close") is AnswerResult.REFUSED
    commanded.running.put(InputName.PHOTOCELL, Level.ACTIVE)
    commanded.running.until(lambda: dict(gate.status().inputs)["photocell"] == "active")
    assert commanded.send("release") is AnswerResult.ACCEPTED
    assert gate.status().held, "released only once the photocell is clear"
    commanded.running.put(InputName.PHOTOCELL, Level.INACTIVE)
    commanded.running.until(lambda: not gate.status().held)


def test_ok__a_commanded_mode_outlasts_the_schedule_until_it_is_taken_back(
    commanded: Commanded,
) -> None:
    gate = commanded.running.site.gate
    assert commanded.send("mode", mode="locked") is AnswerResult.ACCEPTED
    assert gate.status().mode == "locked"
    assert gate.status().commanded_mode == "locked"
    assert commanded.send("mode", mode="scheduled") is AnswerResult.ACCEPTED
    assert gate.status().mode == "automatic"


class NoGate:
    """A control whose lane answers as a test says, or not at all."""

    def __init__(self, trusted: bool = True, used: tuple[str, ...] = ()) -> None:
        self.posted: list[Event] = []
        self.events: list[GateEvent] = []
        self.answers: queue.SimpleQueue[AnswerCommand] = queue.SimpleQueue()
        self.answer: Callable[[CommandRequested], AnswerCommand | None] = lambda r: AnswerCommand(
            r.request_id
        )
        self.control = RemoteControl(
            lane="gate",
            prefix="p",
            clock=SystemClock(),
            clock_trusted=lambda: trusted,
            users={"root": ALL},
            store=self.events.append,
            post=self._post,
            answers=self.answers,
            used_ids=used,
        )

    def _post(self, event: Event) -> None:
        assert isinstance(event, CommandRequested)
        self.posted.append(event)
        answer = self.answer(event)
        if answer is not None:
            threading.Timer(0.01, self.answers.put, [answer]).start()


def test_ok__late_answers_to_an_earlier_command_are_passed_over() -> None:
    gate = NoGate()
    gate.answers.put(AnswerCommand("an earlier one", Refusal.FAULT))
    assert gate.control.handle(request(), "root").result is AnswerResult.ACCEPTED


def test_fail__a_refusal_of_the_lane_is_a_sentence() -> None:
    gate = NoGate()
    for refusal in Refusal:
        gate.answer = lambda r, refusal=refusal: AnswerCommand(r.request_id, refusal)
        answer = gate.control.handle(request(), "root")
        wanted = AnswerResult.EXPIRED if refusal is Refusal.EXPIRED else AnswerResult.REFUSED
        assert answer.result is wanted
        assert len(answer.reason.split()) > 2


def test_ok__without_a_trusted_clock_the_expiry_counts_from_the_receipt() -> None:
    gate = NoGate(trusted=False)
    past = datetime.now(UTC) - timedelta(days=400)
    assert gate.control.handle(request(expires_at=past), "root").result is AnswerResult.ACCEPTED
    (event,) = gate.posted
    assert isinstance(event, CommandRequested)
    assert event.until_s - SystemClock().monotonic() < 6.0


def test_ok__ids_are_remembered_across_a_restart() -> None:
    first = NoGate()
    asked = request()
    first.control.handle(asked, "root")
    second = NoGate(used=tuple(used_ids(first.events)))
    assert second.control.handle(asked, "root").result is AnswerResult.REPEATED
    assert second.posted == []
