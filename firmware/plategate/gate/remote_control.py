# SPDX-License-Identifier: Apache-2.0
"""Handle commands from the command socket: check, store the event, hand to the lane, answer.

Nothing moves before the event "command" is stored in the journal. Each id is followed once; ids are
remembered across a restart through these events.
"""

from __future__ import annotations

import json
import logging
import queue
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from plategate.clock import Clock
from plategate.documents import EVENT
from plategate.errors import CommandError, GateError, StoreError
from plategate.gate.interfaces import GateComponents, Service
from plategate.gate.loop import Gate
from plategate.journal.reader import EventFilter, JournalReader
from plategate.messages import (
    AnswerCommand,
    CommandName,
    CommandRequested,
    Event,
    Mode,
    Refusal,
)
from plategate.remote.protocol import (
    SCHEDULED,
    AnswerResult,
    CommandAnswer,
    CommandRequest,
    ServiceName,
)
from plategate.remote.server import CommandServer
from plategate.settings.commands import CommandsSettings
from plategate.values import GateEvent

logger = logging.getLogger(__name__)

COMMAND, ANSWERED = "command", "command_answered"  # names of the events
# A command is followed within this time of its receipt or not at all, whatever the clocks say.
FOLLOW_WITHIN_S = 5.0
ANSWER_MARGIN_S = 1.0
IDS_MAX = 1000
SENTENCES = {
    Refusal.EXPIRED: "the gate was busy until the command expired",
    Refusal.FAULT: "a fault is latched; reset it first",
    Refusal.LOCKED: "the gate is locked",
    Refusal.BLOCKED: "a safety input is not clear, or a vehicle is passing",
    Refusal.HELD: "the arm is held up; release it first",
    Refusal.NOT_HELD: "the arm is not held by a command",
    Refusal.DOWN: "the arm is down",
    Refusal.CLOSES_ITSELF: "this barrier closes by itself",
    Refusal.BUSY: "a vehicle is being read already",
    Refusal.NO_FAULT: "no fault is latched",
    Refusal.NO_VEHICLE: "no vehicle stands at the gate",
}


class RemoteControl:
    """Turns requests into lane events, and the lane's answers into answers to the requests.

    `handle` is called by the command server's thread alone.
    """

    def __init__(
        self,
        *,
        lane: str,
        prefix: str,
        clock: Clock,
        clock_trusted: Callable[[], bool],
        users: Mapping[str, Iterable[str]],
        store: Callable[[GateEvent], None],
        post: Callable[[Event], None],
        answers: queue.SimpleQueue[AnswerCommand],
        used_ids: Iterable[str] = (),
        services: Mapping[ServiceName, Service] | None = None,
    ) -> None:
        """`answers` are the lane's; `used_ids` are the ids that an earlier run has handled."""
        self._services = services or {}
        self._lane = lane
        self._prefix = prefix
        self._clock = clock
        self._clock_trusted = clock_trusted
        self._users = {user: frozenset(words) for user, words in users.items()}
        self._store = store
        self._post = post
        self._events = 0
        self._answers = answers
        self._handled: OrderedDict[str, str] = OrderedDict(
            (identity, "it was handled before the gate was started") for identity in used_ids
        )

    def handle(self, request: CommandRequest, user: str) -> CommandAnswer:
        """Execute a request of a system user, or answer why it is refused."""
        received_s = self._clock.monotonic()
        if (refused := self._refused(request, user)) is not None:
            return refused
        if not self._written(COMMAND, {**request.public_document(), "user": user}):
            reason = "the journal cannot store the command, so it is not followed"
            return CommandAnswer(request.id, AnswerResult.FAILED, reason)
        if isinstance(request.command, ServiceName):
            return self._served(request, user)
        return self._followed(request, user, received_s)

    def _refused(self, request: CommandRequest, user: str) -> CommandAnswer | None:
        """The answer to a request that is not allowed, was handled before, or came too late."""
        if request.command not in self._users.get(user, frozenset()):
            reason = f"user {user} may not give the command {request.command}"
            return self._finish(request, user, AnswerResult.NOT_ALLOWED, reason)
        if request.id in self._handled:
            return CommandAnswer(request.id, AnswerResult.REPEATED, self._handled[request.id])
        if self._clock_trusted() and request.expires_at <= self._clock.wall():
            reason = f"it expired at {request.expires_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
            return self._finish(request, user, AnswerResult.EXPIRED, reason)
        return None

    def _followed(self, request: CommandRequest, user: str, received_s: float) -> CommandAnswer:
        """Hand a command to the lane and wait for its answer."""
        until_s = received_s + FOLLOW_WITHIN_S
        if self._clock_trusted():
            left_s = (request.expires_at - self._clock.wall()).total_seconds()
            until_s = min(until_s, self._clock.monotonic() + left_s)
        answer = self._asked(request, until_s)
        if answer is None:
            return self._finish(request, user, AnswerResult.FAILED, "the gate does not answer")
        if answer.refusal is not None:
            reason, result = SENTENCES[answer.refusal], AnswerResult.REFUSED
            if answer.refusal is Refusal.EXPIRED:
                result = AnswerResult.EXPIRED
            finished = self._finish(request, user, result, reason)
        else:
            finished = self._finish(request, user, AnswerResult.ACCEPTED, "followed")
        return replace(finished, passage_id=answer.passage_id)

    def _served(self, request: CommandRequest, user: str) -> CommandAnswer:
        service = self._services.get(ServiceName(request.command))
        if service is None:
            reason = f"this gate does not offer the command {request.command}"
            return self._finish(request, user, AnswerResult.REFUSED, reason)
        try:
            reason, data = service(request)
        except CommandError as error:
            return self._finish(request, user, AnswerResult.REFUSED, str(error))
        except GateError as error:
            return self._finish(request, user, AnswerResult.FAILED, str(error))
        return replace(self._finish(request, user, AnswerResult.ACCEPTED, reason), data=data)

    def _asked(self, request: CommandRequest, until_s: float) -> AnswerCommand | None:
        mode = None if request.mode in (None, SCHEDULED) else Mode(request.mode)
        source = f"{request.via}:{request.who}"
        self._post(
            CommandRequested(
                *(request.id, CommandName(request.command), source, until_s, mode),
                only_for_vehicle=request.only_for_vehicle,
            )
        )
        # The lane refuses what comes to it after `until_s`, so that no answer after that is missed.
        deadline_s = until_s + ANSWER_MARGIN_S
        while (left_s := deadline_s - self._clock.monotonic()) > 0:
            try:
                answer = self._answers.get(timeout=left_s)
            except queue.Empty:
                break
            if answer.request_id == request.id:
                return answer
        return None

    def _finish(
        self, request: CommandRequest, user: str, result: AnswerResult, reason: str
    ) -> CommandAnswer:
        """Remember the id, store how the command ended, and make the answer."""
        if result is not AnswerResult.NOT_ALLOWED:
            self._handled[request.id] = reason
            while len(self._handled) > IDS_MAX:
                self._handled.popitem(last=False)
        document = {
            **request.public_document(),
            "user": user,
            "result": result.value,
            "reason": reason,
        }
        self._written(ANSWERED, document)
        return CommandAnswer(request.id, result, reason)

    def _written(self, what: str, detail: dict[str, object]) -> bool:
        """Store an event; whether it is on the disk."""
        self._events += 1
        event = GateEvent(
            id=f"{self._prefix}-C{self._events:05d}",
            lane=self._lane,
            at=self._clock.wall(),
            what=what,
            detail=json.dumps(detail, ensure_ascii=False, sort_keys=True),
        )
        try:
            self._store(event)
        except StoreError as error:
            logger.error("%s %s: %s", what, detail.get("id"), error)
            return False
        return True


def used_ids(events: Iterable[GateEvent]) -> list[str]:
    """The ids of the commands among events of an earlier run, oldest first."""
    found = []
    for event in events:
        if event.what == COMMAND:
            try:
                found.append(str(json.loads(event.detail)["id"]))
            except (ValueError, KeyError, TypeError):
                logger.warning("event %s: not a command", event.id)
    return found


def serve_commands(
    settings: CommandsSettings,
    journal_dir: Path,
    gate: Gate,
    components: GateComponents,
    services: Mapping[ServiceName, Service] | None = None,
) -> CommandServer | None:
    """Take commands for a gate; None, with a log line, where the socket cannot be opened."""
    try:
        recent = JournalReader(journal_dir).newest(IDS_MAX, EventFilter(kind=EVENT))
        known = used_ids(stored.event for stored in reversed(recent))
    except StoreError as error:
        logger.error("the commands of the last run are not known: %s", error)
        known = []
    control = RemoteControl(
        lane=gate.lane,
        prefix=gate.prefix,
        clock=components.clock,
        clock_trusted=components.clock_trusted,
        users=settings.users,
        store=components.journal.add_event,
        post=gate.post,
        answers=gate.answers,
        used_ids=known,
        services=services,
    )
    try:
        return CommandServer(settings.socket, control.handle)
    except OSError as error:
        logger.error("no commands at %s: %s", settings.socket, error.strerror)
        return None
