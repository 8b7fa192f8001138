# SPDX-License-Identifier: Apache-2.0
"""Deliver events to one target, in order and at least once, from a thread of its own."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from typing import Protocol

from plategate.errors import DeliveryError, GateError, StoreError
from plategate.health.monitor import Health
from plategate.outbound.backlog import Backlog
from plategate.outbound.message import Message
from plategate.outbound.positions import Position, Positions

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
# A target may be silent for a connection and one page of messages.
HANGS_AFTER_S = 300.0
HEARTBEAT_S = 20.0
# In a pause after a failure: whether `plategate outbound retry` ends it.
RETRY_ASKED_EVERY_S = 2.0


class Target(Protocol):
    """A system that takes messages. Methods are called by one thread and raise DeliveryError."""

    @property
    def name(self) -> str:
        """The name in the settings."""
        ...

    def open(self) -> None:
        """Connect."""
        ...

    def send(self, messages: Sequence[Message]) -> None:
        """Send messages in this order; returns when the target has them all."""
        ...

    def idle(self, caught_up: bool) -> float:
        """Do what is due between messages; seconds until the next call, where none come.

        `caught_up` is False while more messages wait.
        """
        ...

    def close(self) -> None:
        """Disconnect; may be called at any time, also twice."""
        ...


class Delivery:
    """The thread of one target. `awake` is set when there may be something to do for it."""

    def __init__(
        self,
        target: Target,
        backlog: Backlog,
        positions: Positions,
        health: Health,
        awake: threading.Event,
    ) -> None:
        self._target = target
        self._backlog = backlog
        self._positions = positions
        self._health = health
        self._awake = awake
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=target.name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._health.watch(self._target.name, HANGS_AFTER_S)
        self._thread.start()

    def wake(self) -> None:
        """End a pause, except one after a failure."""
        self._awake.set()

    def stop(self) -> None:
        """Ask the thread to end."""
        self._ended.set()
        self._awake.set()

    def join(self, within_s: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(within_s)

    def _run(self) -> None:
        usual_s = FIRST_PAUSE_S
        while not self._ended.is_set():
            pause_s = None
            try:
                self._position()
                self._target.open()
                while not self._ended.is_set():
                    self._deliver()
                    usual_s = FIRST_PAUSE_S
            except GateError as error:
                self._failed(str(error))
                pause_s = error.pause_s if isinstance(error, DeliveryError) else None
            # The thread must go on: the target may accept the next message.
            except Exception as error:
                log.exception("target %s", self._target.name)
                self._failed(f"{type(error).__name__}: {error}")
            self._target.close()
            if pause_s is None:
                # Many gates must not return to a restarted broker in the same second.
                pause_s = usual_s * random.uniform(0.5, 1.0)
                usual_s = min(2 * usual_s, LONGEST_PAUSE_S)
            self._pause(pause_s)

    def _deliver(self) -> None:
        """Deliver a page of messages, or wait for the next event where there are none."""
        name = self._target.name
        self._awake.clear()
        self._health.beat(name)
        position = self._position()
        page = self._backlog.next_page(position)
        reached = position
        try:
            self._target.send([message for message, _ in page.messages])
            reached = page.position
        except DeliveryError as error:
            if error.delivered:
                reached = page.messages[error.delivered - 1][1]
            raise
        finally:
            if reached != position:
                self._positions.move(name, reached)
        self._recovered(position, reached)
        due_s = self._target.idle(page.complete)
        if page.complete:
            self._wait(self._awake, due_s)

    def _position(self) -> Position:
        """Where the target is; a new one begins here, also if it cannot be reached yet."""
        position = self._positions.get(self._target.name)
        if position is None:
            position = self._backlog.start()
            self._positions.move(self._target.name, position)
        return position

    def _pause(self, at_most_s: float) -> None:
        """Wait after a failure, until `plategate outbound retry`."""
        self._retry_asked()  # before this failure
        left_s = at_most_s
        while left_s > 0 and not self._ended.wait(min(left_s, RETRY_ASKED_EVERY_S)):
            self._health.beat(self._target.name)
            if self._retry_asked():
                return
            left_s -= RETRY_ASKED_EVERY_S

    def _retry_asked(self) -> bool:
        try:
            return self._positions.take_retry(self._target.name)
        except StoreError as error:
            log.error("%s", error)
            return False

    def _wait(self, event: threading.Event, at_most_s: float) -> None:
        """Wait for `event`, with the heartbeats that are due meanwhile."""
        left_s = at_most_s
        while left_s > 0 and not event.wait(min(left_s, HEARTBEAT_S)):
            self._health.beat(self._target.name)
            left_s -= HEARTBEAT_S

    def _failed(self, sentence: str) -> None:
        self._health.failing(f"target_{self._target.name}", sentence)
        self._note(sentence)

    def _recovered(self, position: Position, reached: Position) -> None:
        name = self._target.name
        if reached.lost > position.lost:
            log.error("%s: %d events were deleted before", name, reached.lost - position.lost)
        self._health.recovered(f"target_{name}")
        if position.problem is not None:
            self._note(None)

    def _note(self, problem: str | None) -> None:
        try:
            self._positions.set_problem(self._target.name, problem)
        except StoreError as error:
            log.error("%s", error)
