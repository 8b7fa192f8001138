# SPDX-License-Identifier: Apache-2.0
"""Events of the journal as server-sent events (WHATWG HTML, section 9.2), with resumption.

The id of an event is the identity of the journal and the event's sequence number in it. A follower
that reconnects with Last-Event-ID gets every event after that one which the journal still has.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from plategate.console.api.call import ApiCall
from plategate.console.api.inputs import CURSOR, StreamQuery
from plategate.console.api.problems import Problem, wrong_field
from plategate.console.gate_access import GateAccess
from plategate.errors import GateError
from plategate.journal.reader import StoredEvent

if TYPE_CHECKING:
    from plategate.journal.watch import JournalWatch

logger = logging.getLogger(__name__)

MOST_FOLLOWERS = 16  # of a lane; each holds a connection
EVENTS_AT_ONCE = 100
ALIVE_EVERY_S = 15.0  # a comment keeps the connection open, and shows that the caller is gone
RECONNECT_MS = 3000

Position = tuple[int, int]  # identity of the journal, sequence number


class EventFeed:
    """Wakes followers when the journal has new events; one thread, while there are followers."""

    def __init__(self, gate: GateAccess) -> None:
        self._gate = gate
        self._lock = threading.Lock()
        self._followers: set[Callable[[], None]] = set()
        self._watch: JournalWatch | None = None

    def wake_all(self) -> None:
        """Have every follower see whether its stream has ended."""
        with self._lock:
            followers = tuple(self._followers)
        for wake in followers:
            wake()

    @contextlib.contextmanager
    def follower(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake`, from another thread, when there is something new. Raises Problem."""
        with self._lock:
            if len(self._followers) >= MOST_FOLLOWERS:
                raise Problem(
                    "too_many_requests",
                    f"{MOST_FOLLOWERS} callers follow the events already",
                    headers={"Retry-After": "60"},
                )
            self._followers.add(wake)
            if self._watch is None:
                from plategate.journal.watch import JournalWatch

                self._watch = JournalWatch(self._gate.journal_dir)
                threading.Thread(
                    target=self._run, args=(self._watch,), name="events", daemon=True
                ).start()
        try:
            yield
        finally:
            with self._lock:
                self._followers.discard(wake)
                if not self._followers and self._watch is not None:
                    self._watch.wake()
                    self._watch = None

    def _run(self, watch: JournalWatch) -> None:
        """Watch the journal until the last follower is gone."""
        newest: Position | None = None
        try:
            while True:
                watch.wait()
                with self._lock:
                    if self._watch is not watch:
                        return
                    followers = tuple(self._followers)
                try:
                    found = self._gate.position()
                except GateError:
                    continue  # each follower reads by itself, and finds the journal when it is back
                if found != newest:
                    newest = found
                    for wake in followers:
                        wake()
        finally:
            watch.close()


class EventStream(StreamingResponse):
    """The response to one follower."""

    def __init__(self, call: ApiCall, position: Position) -> None:
        super().__init__(self._events(), media_type="text/event-stream")
        self._call = call
        self._position = position
        self._gate = call.lane.gate
        self._feed: EventFeed = call.request.app.state.feeds[call.lane.name]
        self._new = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the caller is gone or the token ends."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the server has stopped
                loop.call_soon_threadsafe(self._new.set)

        try:
            with self._feed.follower(wake):
                await super().__call__(scope, receive, send)
        except Problem as problem:
            await problem.response()(scope, receive, send)

    async def _events(self) -> AsyncIterator[str]:
        yield f"retry: {RECONNECT_MS}\n\n"
        while True:
            self._new.clear()
            try:
                found = await run_in_threadpool(self._next)
            except GateError as error:
                logger.warning("events: %s", error)
                found = []
            if found is None:
                return
            for item in found:
                yield event_text(self._position[0], item)
            if len(found) < EVENTS_AT_ONCE:
                try:
                    await asyncio.wait_for(self._new.wait(), ALIVE_EVERY_S)
                except TimeoutError:
                    yield ": no news\n\n"

    def _next(self) -> list[StoredEvent] | None:
        """The next events; None where the token has ended, or the console ends."""
        site = self._call.site
        if site.is_stopping or not site.tokens.is_valid(self._call.token):
            return None
        journal, _ = self._gate.position()
        if journal != self._position[0]:
            self._position = (journal, 0)  # another journal: from its beginning
        found = self._gate.events_after(self._position[1], EVENTS_AT_ONCE)
        if found:
            self._position = (journal, found[-1].sequence)
        return found


def events_stream(call: ApiCall) -> Response:
    """Follow the events from a position on."""
    query: StreamQuery = call.query
    header = call.request.headers.get("last-event-id")
    if header is not None and not CURSOR.fullmatch(header):
        raise wrong_field("header.Last-Event-ID", header, "must be the id of an event")
    after = header or query.after
    if after is None:
        return EventStream(call, call.lane.gate.position())
    journal, sequence = map(int, after.split("-"))
    return EventStream(call, (journal, sequence))


def event_text(journal: int, item: StoredEvent) -> str:
    """An event in the format of the stream."""
    data = json.dumps(item.public_document(), ensure_ascii=False, separators=(",", ":"))
    return f"id: {journal}-{item.sequence}\nevent: {item.kind}\ndata: {data}\n\n"
