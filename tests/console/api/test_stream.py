# SPDX-License-Identifier: Apache-2.0
"""Server-sent events from a real server: in order, each once, resumed where they ended."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from logging import WARNING

import httpx
import pytest

from plategate.console.accounts import Role
from plategate.console.api.stream import MOST_FOLLOWERS
from plategate.console.site import ConsoleSite
from tests.console.bed import PASSWORD, ConsoleBed, a_passage
from tests.console.serving import served

PATIENCE_S = 30.0


class Follower:
    """A program that follows the events."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> tuple[str, str, str]:
        """Id, kind and passage or event id of the next event."""
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                fields[name] = value
            if not line and fields:
                return fields["id"], fields["event"], json.loads(fields["data"])["id"]
        raise EOFError


@pytest.fixture
def address(bed: ConsoleBed) -> Iterator[str]:
    bed.clock_s = time.time()
    bed.make_owner()
    with served(bed) as found:
        yield found


def headers(bed: ConsoleBed, name: str = "program") -> dict[str, str]:
    return {"authorization": bed.program("people", name=name).headers["authorization"]}


@contextlib.contextmanager
def follow(address: str, given: dict[str, str], **query: str) -> Iterator[Follower]:
    url = f"{address}/api/v1/events/stream"
    with httpx.stream("GET", url, headers=given, params=query, timeout=PATIENCE_S) as response:
        yield Follower(response)


def test_ok__events_come_as_they_are_stored_and_continue_after_the_last_id(
    bed: ConsoleBed, address: str
) -> None:
    given = headers(bed)
    bed.add(a_passage("before", "QQ0ZZ"))
    with follow(address, given) as follower:
        assert follower.response.headers["content-type"].startswith("text/event-stream")
        bed.add(a_passage("one", "QQ1ZZ"))
        last, kind, found = follower.next()
        assert (kind, found) == ("passage", "one")
        bed.add_event("fault", "the arm\ndid not move")
        assert follower.next()[1:] == ("event", "id-fault")
    for n in range(250):
        bed.add_event(f"e{n}", "while nobody followed")
    for resumed in (given | {"last-event-id": last}, given):
        query = {} if "last-event-id" in resumed else {"after": last}
        with follow(address, resumed, **query) as follower:
            found = [follower.next()[2] for _ in range(251)]
            assert found == ["id-fault", *(f"id-e{n}" for n in range(250))]
            bed.add(a_passage(f"after-{len(query)}", "QQ2ZZ"))
            if not query:
                assert follower.next()[2] == "after-0"


def test_ok__a_position_in_another_journal_begins_with_the_first_event_of_this_one(
    bed: ConsoleBed, address: str
) -> None:
    bed.add(a_passage("one", "QQ1ZZ"))
    bed.add(a_passage("two", "QQ2ZZ"))
    with follow(address, headers(bed) | {"last-event-id": "7-1"}) as follower:
        assert [follower.next()[2] for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize(
    "end",
    [
        lambda site: site.tokens.revoke("program"),
        lambda site: [
            site.accounts.save("bert", PASSWORD, Role.OWNER),
            site.accounts.save("anna", PASSWORD, Role.VIEWER),
        ],
    ],
    ids=["revoked", "maker is no owner any more"],
)
def test_fail__a_stream_ends_with_its_token(
    bed: ConsoleBed, address: str, end: Callable[[ConsoleSite], object]
) -> None:
    with follow(address, headers(bed)) as follower:
        bed.add(a_passage("one", "QQ1ZZ"))
        follower.next()
        end(bed.site)
        bed.add(a_passage("two", "QQ2ZZ"))
        with pytest.raises(EOFError):
            follower.next()


def test_ok__a_console_that_stops_ends_its_followers_and_cancels_nothing(
    bed: ConsoleBed, caplog: pytest.LogCaptureFixture
) -> None:
    bed.clock_s = time.time()
    given = headers(bed)
    with contextlib.ExitStack() as stack:
        with served(bed) as address:
            followers = [stack.enter_context(follow(address, given)) for _ in range(3)]
            bed.add(a_passage("one", "QQ1ZZ"))
            assert [follower.next()[2] for follower in followers] == ["one"] * 3
        for follower in followers:
            with pytest.raises(EOFError):
                follower.next()
    assert [record.getMessage() for record in caplog.records if record.levelno >= WARNING] == []


def test_fail__followers_are_limited_and_make_room_when_they_leave(
    bed: ConsoleBed, address: str
) -> None:
    given = headers(bed)
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_FOLLOWERS):
            follower = stack.enter_context(follow(address, given))
            assert follower.response.status_code == 200
        with follow(address, given) as one_more:
            assert one_more.response.status_code == 429
            assert one_more.response.headers["content-type"] == "application/problem+json"
        assert httpx.get(f"{address}/login").status_code == 200
    bed.add_event("fault", "shows the server that they are gone")
    for _ in range(100):
        with follow(address, given) as again:
            if again.response.status_code == 200:
                return
        bed.add_event("fault", "once more")
        time.sleep(0.1)
    raise AssertionError("the places of followers that left are still taken")


@pytest.mark.parametrize("position", ["x", "1", "-1", "1-2-3", "1-" + "9" * 30])
def test_fail__a_wrong_position_is_refused(bed: ConsoleBed, position: str) -> None:
    program = bed.program("people")
    answer = program.get("/events/stream", headers={"last-event-id": position})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (
        400, "header.Last-Event-ID",
    )  # fmt: skip
    assert program.get("/events/stream", params={"after": position}).status_code == 400
