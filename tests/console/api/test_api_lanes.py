# SPDX-License-Identifier: Apache-2.0
"""A console of two lanes: calls name their lane, and a command without one moves nothing."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.testclient import TestClient

from plategate.console.app import build_app
from plategate.console.tokens import Scope
from plategate.health.socket import StatusSocket
from plategate.journal import Journal, open_journal
from plategate.remote.protocol import AnswerResult, CommandAnswer, CommandRequest
from plategate.remote.server import CommandServer
from plategate.settings import parse_settings
from tests.console.bed import STATUS, ConsoleBed, a_passage

COMMAND = {"command": "open", "why": "parcel", "expires_at": "2031-01-01T00:00:00Z"}


class TwoLanes:
    """The lane of the bed, and a second one, `exit`."""

    def __init__(self, bed: ConsoleBed) -> None:
        self.bed = bed
        folder = bed.folder / "exit"
        folder.mkdir()
        file = folder / "settings.toml"
        file.write_text(
            f'[lane]\nname = "exit"\n[journal]\ndir = "{folder}"\n[health]\n'
            f'socket = "{folder}/status.sock"\n[commands]\nsocket = "{folder}/c.sock"\n',
            encoding="utf-8",
        )
        settings = parse_settings({"journal": {"dir": str(folder)}}, "test")
        self.journal: Journal = open_journal(settings.journal)
        self.commands: list[CommandRequest] = []
        self._closing = (
            StatusSocket(folder / "status.sock", lambda: STATUS | {"ready": False}),
            CommandServer(folder / "c.sock", self._handle),
            self.journal,
        )
        console = bed.settings.console.model_copy(update={"lanes": (file,)})
        app = build_app(bed.settings.model_copy(update={"console": console}))
        self.names = [lane.name for lane in app.state.site.lanes.all]
        token = bed.program(*Scope).headers["authorization"]
        self.program = TestClient(
            app,
            base_url="http://127.0.0.1/api/v1",
            headers={"authorization": token},
        )

    def _handle(self, request: CommandRequest, user: str) -> CommandAnswer:
        assert user == getpass.getuser()
        self.commands.append(request)
        return CommandAnswer(request.id, AnswerResult.ACCEPTED, "followed")

    def close(self) -> None:
        for each in self._closing:
            each.close()

    def order(self, key: str, **more: str) -> httpx.Response:
        return self.program.post("/commands", json=COMMAND | more, headers={"Idempotency-Key": key})


@pytest.fixture
def two(bed: ConsoleBed) -> Iterator[TwoLanes]:
    bed.clock_s = time.time()
    made = TwoLanes(bed)
    yield made
    made.close()


def test_ok__each_call_answers_for_the_lane_that_it_names(two: TwoLanes) -> None:
    first, second = two.names
    assert second == "exit"
    listed = two.program.get("/lanes").json()["items"]
    assert [each["name"] for each in listed] == two.names
    two.bed.add(a_passage("in", "QQ1ZZ"))
    two.journal.record(a_passage("out", "QQ2ZZ"), None)
    for lane, passage, ready in ((first, "in", True), ("exit", "out", False)):
        query = {"lane": lane}
        assert two.program.get("/gate", params=query).json()["ready"] is ready
        found = two.program.get("/passages", params=query).json()["items"]
        assert [item["id"] for item in found] == [passage]
        assert two.program.get(f"/passages/{passage}", params=query).status_code == 200
    assert two.program.get("/passages/out", params={"lane": first}).status_code == 404


def test_fail__a_call_that_names_no_lane_or_an_unknown_one_is_refused(two: TwoLanes) -> None:
    for path in ("/gate", "/health", "/passages", "/events", "/events/stream", "/passages/x"):
        answer = two.program.get(path)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "lane"), path
        assert "exit" in answer.json()["detail"]
        assert two.program.get(path, params={"lane": "nowhere"}).status_code == 404
    assert two.order("a").status_code == 400
    assert two.order("b", lane="nowhere").status_code == 404
    assert two.commands == two.bed.commands == []


def test_ok__a_command_moves_the_lane_that_it_names(two: TwoLanes) -> None:
    assert two.order("one", lane="exit").status_code == 200
    assert (len(two.commands), len(two.bed.commands)) == (1, 0)
    assert two.order("two", lane=two.names[0]).status_code == 200
    assert (len(two.commands), len(two.bed.commands)) == (1, 1)


def test_ok__metrics_have_the_lane_as_a_label(two: TwoLanes) -> None:
    two.journal.record(a_passage("out", "QQ2ZZ"), None)
    text = two.program.get("http://127.0.0.1/metrics").text
    counted = 'plategate_passages_total{lane="exit",reason="not_listed",result="refused"} 1.0'
    assert counted in text
    assert f'plategate_up{{lane="{two.names[0]}"}} 1.0' in text
    assert 'plategate_ready{lane="exit"} 0.0' in text
